"""What outside systems are asked for: once, whatever dies when; seen by the order; given up where people see it."""

import asyncio
import dataclasses
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import orjson
import pytest
from graphql import GraphQLSchema

import db.connector_commands
import db.pool
from connectors.base import Capability, FulfillmentRequests
from connectors.errors import Unauthorized
from connectors.shipbob import create
from domain.actor import Actor, Role, of_role
from events.commanding import LOOKS, TRIES, Commanding
from events.inbox import Outcome
from events.intake import Intake
from resolvers.commands.fulfillment_requests import Desk
from schema import build
from tests.resolvers.commands.house import ADMIN, PLACES, House, upsert, work
from tests.simulators.base import Fault, opener
from tests.simulators.shipbob import Server, instance

T = TypeVar("T")
ADDRESS = {"name": "Ada Example", "line1": "1 Long Lane", "city": "Chicago", "postalCode": "60607", "country": "US"}
SHOWN = "state connector fulfillmentId refused error attempts order { number }"
REQUEST = f"""mutation($lines: [RequestedLineInput!]!, $key: String!, $number: String!, $connector: String) {{
    requestFulfillment(order: {{channel: "web", number: $number}}, location: "HAM", lines: $lines, key: $key,
        connector: $connector) {{ {SHOWN} }} }}"""
CANCEL = f"mutation($id: ID!, $key: String!) {{ cancelFulfillment(id: $id, key: $key) {{ {SHOWN} }} }}"
MUGS = [{"line": "MUG", "quantity": 2}]


@dataclasses.dataclass
class Direct:
    """Calls without a runtime. `dies`: an answer has come, and nothing is made of it any more."""

    connector: FulfillmentRequests
    dies: bool = False
    error: Exception | None = None
    answered: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    async def call(self, instance: str, capability: Capability, work: Callable[[Any], Awaitable[T]]) -> T:
        assert (instance, capability) == ("shipbob", Capability.FULFILLMENT_REQUESTS)
        if self.error is not None:
            raise self.error
        found = await work(self.connector)
        if self.dies:
            self.answered.set()
            await asyncio.Event().wait()
        return found


@dataclasses.dataclass
class World:
    house: House
    server: Server
    calls: Direct
    commanding: Commanding

    async def request(
        self, lines: Any = MUGS, key: str = "k1", number: str = "1001", actor: Actor = ADMIN, **more: Any
    ) -> Any:
        variables = {"lines": lines, "key": key, "number": number, **more}
        return (await self.house.ask(REQUEST, variables, actor))["requestFulfillment"]

    async def refused(self, lines: Any = MUGS, key: str = "k1", number: str = "1001", actor: Actor = ADMIN) -> str:
        """The code; nothing was written down."""
        before = await self.house.pool.fetch("SELECT * FROM connector_commands ORDER BY id")
        code = await self.house.refused(REQUEST, {"lines": lines, "key": key, "number": number}, actor)
        assert await self.house.pool.fetch("SELECT * FROM connector_commands ORDER BY id") == before
        return code

    async def round(self) -> int:
        await self.house.pool.execute("UPDATE connector_commands SET next_attempt_at = now()")
        return await self.commanding.round("shipbob")

    async def crash(self) -> None:
        """A round that ends after the system's answer and before it is noted."""
        self.calls.dies = True
        running = asyncio.create_task(self.round())
        await asyncio.wait_for(self.calls.answered.wait(), 10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        self.calls.dies = False

    async def work(self) -> list[tuple[str, str, str]]:
        rows = await self.house.pool.fetch("SELECT source, source_fulfillment_id, status FROM fulfillments ORDER BY 2")
        return [(row[0], row[1], row[2]) for row in rows]

    async def work_id(self) -> str:
        return str(await self.house.pool.fetchval("SELECT id FROM fulfillments"))


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture
async def world(core: GraphQLSchema, pool: db.pool.Pool) -> AsyncIterator[World]:
    await pool.execute(PLACES)
    house = House(core, pool)
    assert house.engine.mutations is not None
    house.engine.mutations.desk = Desk({"shipbob": frozenset({"HAM"})})
    async with Server().running() as server, opener() as http:
        told = dataclasses.replace(instance(server.url), locations={"156": "HAM"})
        calls = Direct(create(told, http))
        commanding = Commanding(pool, Intake(house.inbox), calls, ["shipbob"])
        assert await house.outcomes("upsertOrders", upsert("e1", 1, shippingAddress=ADDRESS)) == ["APPLIED"]
        yield World(house, server, calls, commanding)


async def test_a_request_becomes_one_order_there_and_a_work_order_here(world: World) -> None:
    assert await world.request() == {
        "state": "PENDING",
        "connector": "shipbob",
        "fulfillmentId": None,
        "refused": None,
        "error": None,
        "attempts": 0,
        "order": {"number": "1001"},
    }
    assert world.server.orders == {}
    assert await world.round() == 1
    (order,) = world.server.orders.values()
    assert (order["order_number"], order["products"][0]["reference_id"], order["products"][0]["quantity"]) == (
        "1001",
        "MUG",
        2,
    )
    assert order["recipient"]["address"]["address1"] == "1 Long Lane"
    command = await world.house.pool.fetchrow("SELECT id, payload::text FROM connector_commands")
    assert command is not None
    assert order["reference_id"] == str(command["id"])
    assert "Long Lane" not in command["payload"]
    told = await world.request()
    assert (told["state"], told["fulfillmentId"], told["attempts"]) == ("DONE", str(order["id"]), 1)
    assert await world.work() == [("shipbob", str(order["id"]), "IN_PROGRESS")]
    assert await world.round() == 0


async def test_asked_twice_is_one_order_there(world: World) -> None:
    first, second = await asyncio.gather(world.request(), world.request())
    assert first == second
    assert sorted(await asyncio.gather(*(world.commanding.round("shipbob") for _ in range(2)))) == [0, 1]
    await world.request()
    assert await world.round() == 0
    assert len(world.server.orders) == 1


async def story(world: World) -> list[tuple[str, str, dict[str, Any]]]:
    rows = await world.house.pool.fetch(
        "SELECT type, actor, data::text FROM journal WHERE type LIKE 'FULFILLMENT_REQ%' OR type LIKE 'FULFILLMENT_CAN%'"
        " ORDER BY id"
    )
    versions = await world.house.pool.fetch("SELECT version FROM journal WHERE order_id IS NOT NULL ORDER BY id")
    assert [row["version"] for row in versions] == list(range(1, len(versions) + 1))
    return [(row["type"], row["actor"], orjson.loads(row["data"])) for row in rows]


async def test_two_lines_of_one_sku_are_asked_for_as_one_and_come_back_as_two(world: World) -> None:
    twins = [{"sku": "MUG", "quantity": 2, "lineId": "A"}, {"sku": "MUG", "quantity": 1, "lineId": "B"}]
    order = {**upsert("e9", 1, "1002", shippingAddress=ADDRESS), "lines": twins}
    assert await world.house.outcomes("upsertOrders", order) == ["APPLIED"]
    lines = [{"line": "A", "quantity": 2}, {"line": "B", "quantity": 1}]
    await world.request(lines, number="1002")
    assert await world.round() == 1
    assert (await world.request(lines, number="1002"))["state"] == "DONE"
    (there,) = world.server.orders.values()
    assert [(one["reference_id"], one["quantity"]) for one in there["products"]] == [("MUG", 3)]
    world.server.ship(there["id"], "P1")
    told = await world.calls.call("shipbob", Capability.FULFILLMENT_REQUESTS, lambda c: c.pull_orders(None, None))
    assert (await world.commanding.intake.take("shipbob", told.records)).outcomes == {Outcome.APPLIED: 1}
    for table, key in (("fulfillment", "fulfillment_id"), ("shipment", "shipment_id")):
        rows = await world.house.pool.fetch(
            f"SELECT l.source_line_id, x.quantity FROM {table}_lines x JOIN order_lines l ON l.id = x.line_id"
            f" WHERE x.{key} IS NOT NULL ORDER BY 1"
        )
        assert [tuple(row) for row in rows] == [("A", 2), ("B", 1)]


async def test_who_asked_for_what_and_that_it_was_refused_is_in_the_orders_story(world: World) -> None:
    await world.house.send("upsertOrders", upsert("e2", 2, shippingAddress={"name": "Ada Example"}))
    await world.request()
    asked = {"connector": "shipbob", "location": "HAM", "lines": [{"line": "MUG", "sku": "MUG", "quantity": 2}]}
    asked["command"] = str(await world.house.pool.fetchval("SELECT id FROM connector_commands"))
    made = ("FULFILLMENT_REQUEST_MADE", "admin:admin", asked)
    assert await story(world) == [made]
    await world.request()
    await world.round()
    refused = {**asked, "refused": "REFUSED: Recipient.Address.Country"}
    assert await story(world) == [made, ("FULFILLMENT_REQUEST_REFUSED", "connector:shipbob", refused)]


async def test_a_request_that_is_given_up_is_in_the_orders_story(world: World) -> None:
    await world.request()
    world.calls.error = Unauthorized("ShipBob does not accept our token.")
    await world.round()
    kind, actor, data = (await story(world))[-1]
    assert (kind, actor, data["error"]) == ("FULFILLMENT_REQUEST_FAILED", "connector:shipbob", "CONNECTOR_UNAUTHORIZED")


async def test_a_key_names_one_request(world: World) -> None:
    await world.request()
    assert await world.refused([{"line": "MUG", "quantity": 1}]) == "IDEMPOTENCY_KEY_REUSED"
    await world.house.send("upsertOrders", upsert("e2", 1, "1002", shippingAddress=ADDRESS))
    assert await world.refused(number="1002") == "IDEMPOTENCY_KEY_REUSED"


async def test_a_crash_between_the_call_and_its_record_is_one_order_there(world: World) -> None:
    await world.request()
    await world.crash()
    assert len(world.server.orders) == 1
    assert (await world.request())["state"] == "SENT"
    # Nobody asks again while whoever died might still get its answer.
    assert await world.commanding.round("shipbob") == 0
    assert await world.round() == 1
    assert len(world.server.orders) == 1
    assert (await world.request())["state"] == "DONE"
    assert [source for source, _, _ in await world.work()] == ["shipbob"]


async def test_an_answer_that_is_cut_is_asked_for_again_under_the_same_key(world: World) -> None:
    await world.request()
    world.server.faults.extend([Fault.BROKEN, Fault.CUT])
    assert [await world.round() for _ in range(2)] == [1, 1]
    told = await world.request()
    assert (told["state"], told["attempts"], told["error"][:21]) == ("SENT", 2, "CONNECTOR_UNREACHABLE")
    assert await world.round() == 1
    assert ((await world.request())["state"], len(world.server.orders)) == ("DONE", 1)


async def test_an_owner_that_lost_its_lease_does_not_ask(world: World) -> None:
    await world.request()
    (row,) = await db.connector_commands.claim(world.house.pool, "shipbob", 4, uuid.uuid4())
    assert not await db.connector_commands.send(world.house.pool, row["id"], uuid.uuid4())
    assert (await world.request())["state"] == "PENDING"


async def test_it_is_tried_within_a_budget_then_given_up_and_can_be_replayed(world: World) -> None:
    await world.request()
    world.server.every = Fault.BROKEN
    for attempt in range(1, TRIES + 1):
        assert await world.round() == 1
        told = await world.request()
        assert (told["state"], told["attempts"]) == ("DEAD" if attempt == TRIES else "SENT", attempt)
    assert await world.round() == 0
    (row,) = await db.connector_commands.waiting(world.house.pool)
    assert (row["instance"], row["waiting"], row["dead"]) == ("shipbob", 0, 1)
    # It may have been taken: its units are not free for another request.
    assert await world.refused(key="k2") == "CONFLICT"
    world.server.every = None
    assert await db.connector_commands.raise_dead(world.house.pool, "another") == 0
    assert await db.connector_commands.raise_dead(world.house.pool, "shipbob") == 1
    assert await world.round() == 1
    assert ((await world.request())["state"], len(world.server.orders)) == ("DONE", 1)


async def test_credentials_that_are_refused_are_not_tried_again(world: World) -> None:
    await world.request()
    world.calls.error = Unauthorized("ShipBob does not accept our token.")
    assert await world.round() == 1
    told = await world.request()
    assert (told["state"], told["error"]) == ("DEAD", "CONNECTOR_UNAUTHORIZED: ShipBob does not accept our token.")


async def test_a_refusal_is_final_and_frees_the_units(world: World) -> None:
    await world.house.send("upsertOrders", upsert("e2", 2, shippingAddress={"name": "Ada Example"}))
    await world.request()
    assert await world.round() == 1
    told = await world.request()
    assert (told["state"], told["refused"]) == ("REFUSED", "REFUSED: Recipient.Address.Country")
    assert await world.round() == 0
    assert world.server.orders == {}
    assert (await world.request(key="k2"))["state"] == "PENDING"


async def test_news_that_cannot_be_had_leave_the_command_done(world: World) -> None:
    await world.request()
    await world.crash()
    await world.house.pool.execute(
        "UPDATE connector_commands SET answered_at = now(), fulfillment_id = $1", str(next(iter(world.server.orders)))
    )
    world.server.every = Fault.BROKEN
    for look in range(1, LOOKS + 1):
        assert await world.round() == 1
        assert (await world.request())["state"] == ("DONE" if look == LOOKS else "SENT")
    assert [seen.method for seen in world.server.seen].count("POST") == 1
    # Its work order is still to come, so its units are taken.
    assert await world.refused(key="k2") == "CONFLICT"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE orders SET cancelled_at = now()", "ORDER_CANCELLED"),
        (
            """INSERT INTO holds (order_id, reason, owner, placed_at, placed_by)
            SELECT id, 'CUSTOMER_REQUEST', 'CUSTOMER', now(), 'desk' FROM orders""",
            "ORDER_ON_HOLD",
        ),
    ],
)
async def test_what_is_stopped_before_it_was_asked_for_is_not_asked_for(world: World, change: str, why: str) -> None:
    await world.request()
    await world.house.pool.execute(change)
    assert await world.round() == 1
    assert await world.house.pool.fetchval("SELECT state || ' ' || refused FROM connector_commands") == f"REFUSED {why}"
    assert world.server.seen == []
    assert await world.refused(key="k2") == "CONFLICT"


async def test_units_are_given_to_one(world: World) -> None:
    await world.request([{"line": "MUG", "quantity": 1}])
    assert await world.refused([{"line": "MUG", "quantity": 2}], "k2") == "CONFLICT"
    await world.request([{"line": "MUG", "quantity": 1}], "k3")
    assert await world.round() == 2
    assert len(world.server.orders) == 2
    assert await world.refused([{"line": "MUG", "quantity": 1}], "k4") == "CONFLICT"
    await world.house.send("recordFulfillmentEvents", work("w1", 3, "ACCEPTED", [("LAMP", 1, {})]))
    assert await world.refused([{"line": "LAMP", "quantity": 1}], "k5") == "CONFLICT"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], "BAD_USER_INPUT"),
        ([{"line": "MUG", "quantity": 0}], "BAD_USER_INPUT"),
        ([{"line": "BOOK", "quantity": 1}], "BAD_USER_INPUT"),
        ([*MUGS, *MUGS], "BAD_USER_INPUT"),
        ([{"line": "MUG", "quantity": 3}], "CONFLICT"),
    ],
)
async def test_wrong_lines_are_refused(world: World, lines: Any, code: str) -> None:
    assert await world.refused(lines) == code


async def test_who_may_not_see_the_order_cannot_ask_for_it(world: World) -> None:
    elsewhere = of_role(Role.OPERATOR, "b2b-desk", channels=frozenset({"b2b"}))
    stranger = of_role(Role.INTEGRATOR, "k", source="other", extra_scopes=frozenset({"orders:write"}))
    assert await world.refused(number="1009") == "NOT_FOUND"
    assert await world.refused(actor=elsewhere) == "NOT_FOUND"
    assert await world.refused(actor=stranger) == "NOT_FOUND"
    assert await world.refused(actor=of_role(Role.SUPPORT, "desk")) == "FORBIDDEN"
    own = of_role(Role.INTEGRATOR, "k", source="shopify", extra_scopes=frozenset({"orders:write"}))
    assert (await world.request(actor=own))["state"] == "PENDING"


async def test_a_system_that_takes_no_requests_is_refused_with_those_that_do(world: World) -> None:
    variables = {"lines": MUGS, "key": "k1", "number": "1001", "connector": "dhl"}
    assert await world.house.refused(REQUEST, variables) == "BAD_USER_INPUT"
    assert (await world.request(connector="shipbob"))["connector"] == "shipbob"


async def test_work_is_cancelled_once_and_its_units_are_free_again(world: World) -> None:
    await world.request()
    await world.round()
    variables = {"id": await world.work_id(), "key": "c1"}
    assert (await world.house.ask(CANCEL, variables))["cancelFulfillment"]["state"] == "PENDING"
    assert await world.round() == 1
    assert (await world.house.ask(CANCEL, variables))["cancelFulfillment"]["state"] == "DONE"
    assert [status for _, _, status in await world.work()] == ["CANCELLED"]
    assert await world.round() == 0
    assert sum(seen.path.endswith(":cancel") for seen in world.server.seen) == 1
    assert await world.house.refused(CANCEL, {**variables, "key": "c2"}) == "CONFLICT"
    assert (await world.request(key="k2"))["state"] == "PENDING"


async def test_work_that_stands_there_unasked_is_free_only_after_it_was_taken_back(world: World) -> None:
    """As at a shop that has the work itself: what was taken back is open again."""

    async def open_again(event: str) -> None:
        at = (world.server.now + dt.timedelta(milliseconds=500)).isoformat()
        (ident,) = world.server.orders
        told = work(event, 1, "OPEN", [("MUG", 2, {})], ref=str(ident), source="shipbob", occurredAt=at)
        assert await world.house.outcomes("recordFulfillmentEvents", told) == ["APPLIED"]
        assert [status for _, _, status in await world.work()] == ["OPEN"]

    await world.request()
    await world.round()
    await open_again("o1")
    assert await world.refused(key="k2") == "CONFLICT"
    await world.house.ask(CANCEL, {"id": await world.work_id(), "key": "c1"})
    assert await world.round() == 1
    await open_again("o2")
    assert (await world.request(key="k2"))["state"] == "PENDING"
    assert await world.refused(key="k3") == "CONFLICT"


async def test_a_cancellation_that_comes_too_late_is_refused_and_the_parcel_is_seen(world: World) -> None:
    await world.request()
    await world.round()
    (ident,) = world.server.orders
    world.server.ship(ident, "P1", "dhl")
    await world.house.ask(CANCEL, {"id": await world.work_id(), "key": "c1"})
    assert await world.round() == 1
    told = (await world.house.ask(CANCEL, {"id": await world.work_id(), "key": "c1"}))["cancelFulfillment"]
    assert (told["state"], told["refused"]) == ("REFUSED", "Shipment is already shipped")
    assert [status for _, _, status in await world.work()] == ["COMPLETED"]
    assert (await world.house.line("MUG")) == {"shipped": 2}


async def test_work_of_nobody_who_listens_cannot_be_cancelled(world: World) -> None:
    await world.house.send("recordFulfillmentEvents", work("w1", 3, "ACCEPTED", [("LAMP", 1, {})]))
    assert await world.house.refused(CANCEL, {"id": await world.work_id(), "key": "c1"}) == "CONFLICT"
    assert await world.house.refused(CANCEL, {"id": "nobody", "key": "c1"}) == "NOT_FOUND"
    elsewhere = of_role(Role.OPERATOR, "b2b-desk", channels=frozenset({"b2b"}))
    variables = {"id": await world.work_id(), "key": "c1"}
    assert await world.house.refused(CANCEL, variables, elsewhere) == "NOT_FOUND"
    assert await world.house.pool.fetchval("SELECT count(*) FROM connector_commands") == 0
