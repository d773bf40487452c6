"""Deliveries: each once, worked on after it was kept, tried again within a budget, given up where people see it."""

import asyncio
import dataclasses
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import orjson
import pytest
from graphql import GraphQLSchema

import db.deliveries
import db.pool
from connectors.base import Capability, Delivery
from connectors.errors import Unreachable
from events.deliveries import TRIES, Deliveries
from events.intake import Intake
from schema import build
from tests.resolvers.commands.house import PLACES, House
from tests.simulators.acme import AT, Acme, instance
from tests.simulators.base import opener

T = TypeVar("T")
AVAILABLE = '{ availability(skus: ["MUG"], channel: "web") { availableForSale } }'


@dataclasses.dataclass
class Direct:
    connector: Acme
    down: bool = False

    async def call(self, instance: str, capability: Capability, work: Callable[[Any], Awaitable[T]]) -> T:
        if self.down:
            raise Unreachable("acme cannot be reached.")
        return await work(self.connector)


@dataclasses.dataclass
class World:
    house: House
    calls: Direct
    deliveries: Deliveries

    async def states(self) -> dict[str, tuple[str, int]]:
        rows = await self.house.pool.fetch("SELECT delivery_id, state, attempts FROM connector_deliveries")
        return {row["delivery_id"]: (row["state"], row["attempts"]) for row in rows}

    async def due(self) -> None:
        await self.house.pool.execute("UPDATE connector_deliveries SET next_attempt_at = now()")


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture
async def world(core: GraphQLSchema, pool: db.pool.Pool) -> AsyncIterator[World]:
    await pool.execute(PLACES)
    house = House(core, pool)
    async with opener() as http:
        calls = Direct(Acme(instance("http://127.0.0.1:9"), http("http://127.0.0.1:9")))
        intake = Intake(house.inbox, lambda: AT + dt.timedelta(hours=1))
        yield World(house, calls, Deliveries(pool, intake, calls, ["acme"], raw_days=2))


def count(on_hand: int) -> bytes:
    return orjson.dumps({"sku": "MUG", "at": AT.isoformat(), "count": on_hand})


def sale(receipt: str, quantity: int = 1) -> bytes:
    return orjson.dumps({"sku": "MUG", "at": AT.isoformat(), "quantity": quantity, "receipt": receipt})


async def on_hand(world: World) -> int | None:
    found: int | None = await world.house.pool.fetchval("SELECT on_hand FROM stock_levels")
    return found


async def test_a_sale_at_the_till_lowers_what_the_site_may_sell_at_once(world: World) -> None:
    await world.house.pool.execute(
        "INSERT INTO location_channels (location_id, channel_id) SELECT l.id, c.id FROM locations l, channels c"
    )
    await world.deliveries.keep("acme", Delivery("d1", "stock"), count(10))
    await world.deliveries.round("acme")
    assert (await world.house.ask(AVAILABLE))["availability"] == [{"availableForSale": 10}]
    running = asyncio.create_task(world.deliveries.run())
    try:
        # Two deliveries of one receipt, as after a retry under another id: sold once.
        for id_ in ("d2", "d3"):
            assert await world.deliveries.keep("acme", Delivery(id_, "sale"), sale("till-7/1", 3))
        async with asyncio.timeout(10):
            while set((await world.states()).values()) != {("DONE", 1)}:  # noqa: ASYNC110  # a test may poll
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert (await world.house.ask(AVAILABLE))["availability"] == [{"availableForSale": 7}]


async def test_a_delivery_that_came_before_is_not_worked_on_again(world: World) -> None:
    assert await world.deliveries.keep("acme", Delivery("d1", "stock"), count(10))
    assert await world.deliveries.round("acme") == 1
    assert not await world.deliveries.keep("acme", Delivery("d1", "stock"), count(10))
    assert await world.deliveries.round("acme") == 0
    assert await on_hand(world) == 10


async def test_another_body_under_a_known_id_is_other_news(world: World) -> None:
    assert await world.deliveries.keep("acme", Delivery("d1", "sale"), sale("r1", 2))
    assert await world.deliveries.keep("acme", Delivery("d1", "sale"), sale("r2", 3))
    assert not await world.deliveries.keep("acme", Delivery("d1", "sale"), sale("r2", 3))
    assert await world.deliveries.keep("acme", Delivery("d0", "stock"), count(10))
    await world.deliveries.round("acme")
    assert await on_hand(world) == 5
    # Days later its body is gone, and what comes is a repetition.
    await world.house.pool.execute("UPDATE connector_deliveries SET body = NULL")
    assert not await world.deliveries.keep("acme", Delivery("d1", "sale"), sale("r3", 1))


async def test_it_is_tried_again_within_a_budget_then_given_up_and_can_be_replayed(world: World) -> None:
    await world.deliveries.keep("acme", Delivery("d1", "stock"), count(10))
    world.calls.down = True
    for attempt in range(1, TRIES + 1):
        assert await world.deliveries.round("acme") == 1
        assert await world.deliveries.round("acme") == 0
        assert await world.states() == {"d1": ("DEAD" if attempt == TRIES else "NEW", attempt)}
        await world.due()
    assert await world.deliveries.round("acme") == 0
    assert await world.house.pool.fetchval("SELECT error FROM connector_deliveries") == (
        "CONNECTOR_UNREACHABLE: acme cannot be reached."
    )
    why = "CONNECTOR_UNREACHABLE: acme cannot be reached."
    assert [tuple(row) for row in await db.deliveries.waiting(world.house.pool)] == [("acme", 0, 1, why)]
    world.calls.down = False
    assert await db.deliveries.raise_dead(world.house.pool, "other") == 0
    assert await db.deliveries.raise_dead(world.house.pool, None) == 1
    assert await world.deliveries.round("acme") == 1
    assert (await on_hand(world), await world.states()) == (10, {"d1": ("DONE", 1)})


async def test_what_cannot_be_understood_is_given_up_at_once_and_harms_no_other(world: World) -> None:
    await world.deliveries.keep("acme", Delivery("bad", "stock"), b'{"sku": "MUG"')
    await world.deliveries.keep("acme", Delivery("good", "stock"), count(10))
    await world.deliveries.keep("acme", Delivery("other", "weather"), b"{}")
    await world.deliveries.round("acme")
    assert await world.states() == {"bad": ("DEAD", 1), "good": ("DONE", 1), "other": ("DONE", 1)}
    assert await on_hand(world) == 10


async def test_who_dies_over_it_leaves_it_to_others(world: World) -> None:
    await world.deliveries.keep("acme", Delivery("d1", "stock"), count(10))
    assert len(await db.deliveries.claim(world.house.pool, "acme", 5)) == 1
    assert await world.deliveries.round("acme") == 0
    await world.due()
    assert await world.deliveries.round("acme") == 1
    assert await world.states() == {"d1": ("DONE", 2)}


async def test_bodies_and_ids_are_forgotten_in_time(world: World) -> None:
    await world.deliveries.keep("acme", Delivery("d1", "stock"), count(10))
    await world.deliveries.keep("acme", Delivery("bad", "stock"), b"{")
    await world.deliveries.round("acme")
    await world.deliveries.keep("acme", Delivery("new", "stock"), count(11))
    bodies = "SELECT array_agg(delivery_id ORDER BY 1) FROM connector_deliveries WHERE body IS NOT NULL"
    for days, kept in ((1, ["bad", "d1", "new"]), (3, ["new"])):
        await world.house.pool.execute(f"UPDATE connector_deliveries SET received_at = now() - interval '{days} days'")
        await db.deliveries.forget(world.house.pool, 2)
        assert await world.house.pool.fetchval(bodies) == kept
    await world.house.pool.execute("UPDATE connector_deliveries SET received_at = now() - interval '31 days'")
    await db.deliveries.forget(world.house.pool, 2)
    assert set(await world.states()) == {"bad", "new"}
