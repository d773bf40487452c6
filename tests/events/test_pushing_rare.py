"""What seldom happens while stock is told: tellings that come late, marks that are missing, answers nobody can read."""

import dataclasses
import datetime as dt
from collections.abc import Sequence

import prometheus_client
import pytest
from graphql import GraphQLSchema

import db.stock_offers
from connectors.base import Pushed, StockPush, StockTarget
from connectors.errors import BadPayload
from domain.push import SETTLED_AFTER
from events.pushing import COMPARE_EVERY
from gateway.connector_numbers import ConnectorNumbers
from schema import build
from tests.events.test_pushing import World
from tests.events.test_pushing import world as world  # a fixture
from tests.simulators.base import Fault


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


async def unmarked(world: World, on_hand: int) -> None:
    """A change that no trigger saw, as of a restored table."""
    async with world.house.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("UPDATE stock_levels SET on_hand = $1", on_hand)


async def drifted(world: World) -> int:
    (row,) = await db.stock_offers.waiting(world.house.pool)
    return int(row["drifted"])


async def test_an_older_telling_that_arrives_after_a_newer_one_does_not_stay(world: World) -> None:
    await world.count(10)
    world.server.faults.extend([None, Fault.BROKEN])
    assert await world.round() is None
    await world.count(4)
    assert await world.round() == 1
    assert (world.sold(), await world.state()) == (4, ("WAITING", 4))
    # Held up by somebody between us, the older one comes only now.
    world.server.count("MUG", 1, 10)
    assert await world.round() == 1
    assert (world.sold(), world.asked()) == (10, 2)
    world.ahead += SETTLED_AFTER
    assert await world.round() == 1
    assert (world.sold(), await world.state()) == (4, ("TOLD", 4))
    keys = [one.json()["variables"]["key"] for one in world.server.seen if b"inventorySetQuantities" in one.body]
    assert len(set(keys)) == 3
    assert await world.round() == 0


async def test_what_no_mark_says_is_found_by_the_comparison_and_counted(world: World) -> None:
    await world.count(10)
    await world.quiet()
    await unmarked(world, 7)
    assert await world.round() == 0
    assert (world.sold(), await drifted(world)) == (10, 0)
    world.ahead += COMPARE_EVERY + dt.timedelta(seconds=1)
    await world.round()
    await world.round()
    assert (world.sold(), await drifted(world)) == (7, 1)
    world.ahead += COMPARE_EVERY
    await world.round()
    assert await drifted(world) == 1


@dataclasses.dataclass
class Unreadable:
    """A shop whose answer to a telling of `sku` nobody understands."""

    shop: StockPush
    sku: str
    sizes: list[int] = dataclasses.field(default_factory=list)

    async def push_stock(self, targets: Sequence[StockTarget]) -> Sequence[Pushed]:
        self.sizes.append(len(targets))
        if any(target.sku == self.sku for target in targets):
            raise BadPayload("The answer makes no sense.", "data")
        return await self.shop.push_stock(targets)


async def test_one_that_is_not_understood_is_parted_from_the_others(world: World) -> None:
    world.server.count("BOOK", 1, 0)
    world.calls.connector = between = Unreadable(world.calls.connector, "LAMP")
    for units, sku in enumerate(("BOOK", "LAMP", "MUG"), 5):
        await world.count(units, sku)
    assert await world.round() == 3
    assert (world.sold("BOOK"), world.sold("MUG"), world.sold("LAMP")) == (5, 7, 0)
    assert between.sizes[0] == 3
    assert sum(size == 1 for size in between.sizes) >= 1
    (problem,) = await db.stock_offers.problems(world.house.pool, "shopify", 5)
    assert (problem["sku"], problem["state"]) == ("LAMP", "DEAD")
    assert problem["why"] == "CONNECTOR_BAD_PAYLOAD: The answer makes no sense."


async def test_numbers_say_what_waits_was_refused_and_given_up(world: World) -> None:
    numbers = ConnectorNumbers(world.house.pool)
    registry = prometheus_client.CollectorRegistry()
    registry.register(numbers)

    async def shown(name: str, **labels: str) -> float | None:
        await numbers.look()
        return registry.get_sample_value(f"ordergraph_connector_stock_{name}", {"instance": "shopify", **labels})

    assert await shown("waiting_seconds") == 0
    world.server.every = Fault.BROKEN
    await world.count(10)
    await world.count(3, "BOOK")
    await world.round()
    await world.house.pool.execute("UPDATE stock_targets SET waiting_since = now() - interval '90 s'")
    waited = await shown("waiting_seconds")
    assert waited is not None
    assert 90 <= waited < 120
    assert [await shown("targets", state=state) for state in ("waiting", "refused", "dead")] == [2, 0, 0]
    world.server.every = None
    await world.quiet()
    assert [await shown("targets", state=state) for state in ("waiting", "refused", "dead")] == [0, 1, 0]
    assert await shown("waiting_seconds") == 0
