"""A request is taken back only where nobody can have begun it, or somebody has looked; its units are free then."""

import asyncio
from typing import Any

import pytest
from graphql import GraphQLSchema

from connectors.errors import Unauthorized, Unreachable
from domain.actor import Role, of_role
from events.commanding import TRIES
from schema import build
from tests.events.test_commanding import MUGS, World, story
from tests.events.test_commanding import world as world  # a fixture
from tests.resolvers.commands.house import upsert

WITHDRAW = "mutation($id: ID!, $there: Boolean!) { withdrawRequest(id: $id, notThere: $there) { state refused } }"
REQUESTS = """{ order(number: "1001", channel: "web") { requests {
    id key kind connector state refused error sentAt } } }"""
STRANGER = of_role(Role.INTEGRATOR, "other-key", source="other")


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


async def ident(world: World) -> str:
    return str(await world.house.pool.fetchval("SELECT id FROM connector_commands ORDER BY created_at LIMIT 1"))


async def withdrawn(world: World, *, not_there: bool = False) -> Any:
    variables = {"id": await ident(world), "there": not_there}
    return (await world.house.ask(WITHDRAW, variables))["withdrawRequest"]


async def kept(world: World, *, not_there: bool = False, **more: Any) -> str:
    """The code of the refusal; nothing was changed."""
    before = await world.house.pool.fetch("SELECT * FROM connector_commands ORDER BY id")
    code = await world.house.refused(WITHDRAW, {"id": await ident(world), "there": not_there, **more})
    assert await world.house.pool.fetch("SELECT * FROM connector_commands ORDER BY id") == before
    return code


async def test_what_was_not_sent_is_not_asked_for_and_its_units_are_free(world: World) -> None:
    await world.request()
    assert await world.refused(MUGS, "k2") == "CONFLICT"
    assert await withdrawn(world) == {"state": "REFUSED", "refused": "WITHDRAWN"}
    assert await withdrawn(world) == {"state": "REFUSED", "refused": "WITHDRAWN"}
    assert [kind for kind, _, _ in await story(world)] == ["FULFILLMENT_REQUEST_MADE", "FULFILLMENT_REQUEST_WITHDRAWN"]
    assert await world.round() == 0
    assert world.server.orders == {}
    assert (await world.request(MUGS, "k2"))["state"] == "PENDING"
    assert await world.round() == 1
    assert len(world.server.orders) == 1


async def test_what_was_given_up_may_be_there_until_somebody_has_looked(world: World) -> None:
    await world.request()
    world.calls.error = Unreachable("ShipBob cannot be reached.")
    for _ in range(TRIES):
        await world.round()
    assert (await world.request())["state"] == "DEAD"
    assert await kept(world) == "CONFLICT"
    assert await world.refused(MUGS, "k2") == "CONFLICT"
    assert await withdrawn(world, not_there=True) == {"state": "REFUSED", "refused": "WITHDRAWN"}
    (shown,) = (await world.house.ask(REQUESTS))["order"]["requests"]
    assert shown.pop("sentAt") is not None
    assert shown == {
        "id": await ident(world),
        "key": "k1",
        "kind": "REQUEST_FULFILLMENT",
        "connector": "shipbob",
        "state": "REFUSED",
        "refused": "WITHDRAWN",
        "error": "CONNECTOR_UNREACHABLE: ShipBob cannot be reached.",
    }
    assert (await world.request(MUGS, "k2"))["state"] == "PENDING"


async def test_what_is_being_asked_was_answered_or_refused_stays(world: World) -> None:
    await world.request()
    world.calls.error = Unreachable("ShipBob cannot be reached.")
    await world.round()
    assert await kept(world, not_there=True) == "CONFLICT"
    world.calls.error = None
    await world.round()
    assert (await world.request())["state"] == "DONE"
    assert await kept(world, not_there=True) == "CONFLICT"


async def test_a_refused_one_stays_refused_for_its_own_reason(world: World) -> None:
    await world.house.send("upsertOrders", upsert("e2", 2, shippingAddress={"name": "Ada Example"}))
    await world.request()
    await world.round()
    assert (await world.request())["state"] == "REFUSED"
    assert await kept(world) == "CONFLICT"


async def test_nobody_withdraws_what_is_not_his_to_see(world: World) -> None:
    await world.request()
    assert await kept(world, id="00000000-0000-0000-0000-000000000000") == "NOT_FOUND"
    before = await world.house.pool.fetchval("SELECT state FROM connector_commands")
    variables = {"id": await ident(world), "there": False}
    assert await world.house.refused(WITHDRAW, variables, STRANGER) in ("FORBIDDEN", "NOT_FOUND")
    assert await world.house.pool.fetchval("SELECT state FROM connector_commands") == before


async def test_withdrawn_while_a_process_is_about_to_ask_it_is_asked_or_withdrawn_and_never_both(world: World) -> None:
    for place in range(6):
        number = f"20{place}"
        made = upsert(f"e{number}", 1, number, shippingAddress={"name": "A", "line1": "1 Lane", "country": "US"})
        assert await world.house.outcomes("upsertOrders", made) == ["APPLIED"]
        await world.request(MUGS, number, number)
        found = await world.house.pool.fetchval("SELECT id::text FROM connector_commands WHERE key = $1", number)
        there = len(world.server.orders)
        _, answer = await asyncio.gather(
            world.round(), world.house.raw(WITHDRAW, {"id": found, "there": False}), return_exceptions=True
        )
        assert not isinstance(answer, BaseException)
        took_back = b"WITHDRAWN" in answer.body
        assert len(world.server.orders) - there == (0 if took_back else 1)


async def test_a_given_up_one_that_was_never_sent_is_withdrawn_without_a_look(world: World) -> None:
    await world.request()
    world.calls.error = Unauthorized("ShipBob does not accept our token.")
    await world.round()
    await world.house.pool.execute("UPDATE connector_commands SET sent_at = NULL")
    assert await withdrawn(world) == {"state": "REFUSED", "refused": "WITHDRAWN"}
