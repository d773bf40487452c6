"""A process dies between the answer of a system and its record: the key makes it one work order, at each of them."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from graphql import GraphQLSchema

import db.pool
from connectors import dropship as supplier
from connectors import shipbob as threepl
from connectors import shopify as shop
from connectors.base import Capability
from events.commanding import Commanding
from events.intake import Intake
from resolvers.commands.fulfillment_requests import Desk
from schema import build
from tests.resolvers.commands.house import PLACES, House, upsert
from tests.simulators import dropship, shipbob, shopify
from tests.simulators.base import opener

T = TypeVar("T")
ASK = """mutation { requestFulfillment(order: {channel: "web", number: "1001"}, location: "HAM", key: "k1",
    lines: [{line: "MUG", quantity: 1}, {line: "LAMP", quantity: 1}]) { state fulfillmentId } }"""


@dataclasses.dataclass
class Calls:
    """`dies`: an answer has come, and nothing is made of it any more."""

    connector: Any
    dies: bool = False
    answered: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    async def call(self, instance: str, capability: Capability, work: Callable[[Any], Awaitable[T]]) -> T:
        found = await work(self.connector)
        if self.dies:
            self.answered.set()
            await asyncio.Event().wait()
        return found


@dataclasses.dataclass
class System:
    """`orders`: what was asked of it, in its own words, one entry per work order."""

    name: str
    connector: Any
    orders: Callable[[], Sequence[Any]]


@contextlib.asynccontextmanager
async def at_shipbob(tmp_path: Path) -> AsyncIterator[System]:
    async with shipbob.Server().running() as server, opener() as http:
        told = dataclasses.replace(shipbob.instance(server.url), locations={"156": "HAM"})
        yield System("shipbob", threepl.create(told, http), lambda: list(server.orders.values()))


@contextlib.asynccontextmanager
async def at_shopify(tmp_path: Path) -> AsyncIterator[System]:
    async with shopify.Server().running() as server, opener() as http:
        server.add({"MUG": 1, "LAMP": 1})
        told = dataclasses.replace(shopify.instance(server.url), locations={"1": "HAM"})

        def asked() -> list[Any]:
            works = [work for order in server.orders.values() for work in order["fulfillmentOrders"]]
            return [one for work in works for one in work["merchantRequests"]]

        yield System("shopify", shop.create(told, http), asked)


@contextlib.asynccontextmanager
async def by_rest(tmp_path: Path) -> AsyncIterator[System]:
    async with dropship.Server().running() as server, opener() as http:
        told = dropship.instance(server.url)
        told = dataclasses.replace(told, options={**told.options, "location": "HAM"})
        yield System("acme", supplier.create(told, http), lambda: list(server.orders.values()))


@contextlib.asynccontextmanager
async def by_files(tmp_path: Path) -> AsyncIterator[System]:
    told = dropship.instance(tmp_path.as_uri())
    told = dataclasses.replace(told, options={**told.options, "location": "HAM"})
    async with opener() as http:
        yield System("acme", supplier.create(told, http), lambda: list((tmp_path / "out").glob("*.x12")))


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.mark.parametrize("system", [at_shipbob, at_shopify, by_rest, by_files])
async def test_a_key_is_one_work_order_though_its_answer_was_lost_twice(
    core: GraphQLSchema,
    pool: db.pool.Pool,
    tmp_path: Path,
    system: Callable[[Path], contextlib.AbstractAsyncContextManager[System]],
) -> None:
    await pool.execute(PLACES)
    house = House(core, pool)
    async with system(tmp_path) as there:
        assert house.engine.mutations is not None
        house.engine.mutations.desk = Desk({there.name: frozenset({"HAM"})})
        intake, calls = Intake(house.inbox), Calls(there.connector)
        if there.name == "shopify":  # It knows its own orders only.
            await intake.take("shopify", (await there.connector.pull_orders(shopify.START, None)).records)
        else:
            address = {"name": "Ada Example", "line1": "1 Long Lane", "city": "Troy", "country": "US"}
            order = upsert("e1", 1, lines=(("MUG", 1), ("LAMP", 1)), shippingAddress=address)
            assert await house.outcomes("upsertOrders", order) == ["APPLIED"]
        assert (await house.ask(ASK))["requestFulfillment"] == {"state": "PENDING", "fulfillmentId": None}
        commanding = Commanding(pool, intake, calls, [there.name])

        async def round_() -> None:
            await pool.execute("UPDATE connector_commands SET next_attempt_at = now()")
            assert await commanding.round(there.name) == 1

        for _ in range(2):
            calls.dies, calls.answered = True, asyncio.Event()
            dying = asyncio.create_task(round_())
            await asyncio.wait_for(calls.answered.wait(), 10)
            dying.cancel()
            await asyncio.gather(dying, return_exceptions=True)
            assert len(there.orders()) == 1
            assert (await house.ask(ASK))["requestFulfillment"] == {"state": "SENT", "fulfillmentId": None}
        calls.dies = False
        await round_()
        assert len(there.orders()) == 1
        done = (await house.ask(ASK))["requestFulfillment"]
        assert done["state"] == "DONE"
        work = await pool.fetch("SELECT source, source_fulfillment_id FROM fulfillments")
        # A supplier by files has not answered yet, so its work order is still to come.
        assert [tuple(row) for row in work] == ([] if system is by_files else [(there.name, done["fulfillmentId"])])
