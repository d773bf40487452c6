"""What outside systems are told of our stock: the newest number, once, whatever fails, and never their own."""

import asyncio
import dataclasses
import datetime as dt
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
from graphql import GraphQLSchema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import db.pool
import db.stock_offers
import db.stock_pushes
from connectors.base import Capability, StockPush
from connectors.shopify import create
from domain.push import SETTLED_AFTER
from domain.records import StockRecord
from events.intake import Intake, utc_now
from events.pushing import Pushing
from schema import build
from tests.resolvers.commands.house import PLACES, House
from tests.simulators.base import Fault, opener
from tests.simulators.shopify import Server, instance

T = TypeVar("T")


@dataclasses.dataclass
class Direct:
    """Calls without a runtime. `dies`: an answer has come, and nothing is made of it any more."""

    connector: StockPush
    dies: bool = False
    answered: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    async def call(self, instance: str, capability: Capability, work: Callable[[Any], Awaitable[T]]) -> T:
        assert (instance, capability) == ("shopify", Capability.STOCK_PUSH)
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
    pushing: Pushing
    ahead: dt.timedelta = dt.timedelta(0)
    events: Iterator[int] = dataclasses.field(default_factory=lambda: itertools.count(1))

    def now(self) -> dt.datetime:
        return utc_now() + self.ahead

    async def count(self, on_hand: int, sku: str = "MUG", **more: Any) -> None:
        number = next(self.events)
        at = (dt.datetime(2026, 3, 2, tzinfo=dt.UTC) + dt.timedelta(seconds=number)).isoformat()
        item = {"eventId": f"c{number}", "occurredAt": at, "sku": sku, "location": "HAM", "onHand": on_hand, **more}
        assert await self.house.outcomes("setStockLevels", item) == ["APPLIED"]

    async def reserve(self, quantity: int, seconds: float = 900) -> None:
        await self.house.pool.execute(
            """INSERT INTO reservations (key, item_id, location_id, quantity, expires_at)
            SELECT $1, i.id, l.id, $2, now() + make_interval(secs => $3) FROM items i, locations l
            WHERE i.sku = 'MUG' AND l.code = 'HAM'""",
            f"basket-{next(self.events)}",
            quantity,
            seconds,
        )

    async def round(self) -> int | None:
        """All that waits is due, and a mark is looked for at once."""
        await self.house.pool.execute("UPDATE stock_targets SET next_attempt_at = now() WHERE state = 'WAITING'")
        self.pushing.looked.clear()
        return await self.pushing.round("shopify")

    async def quiet(self) -> None:
        """Everything was told, and what had been on its way before has arrived."""
        for _ in range(4):
            for _ in range(6):
                await self.round()
            self.ahead += SETTLED_AFTER
            await self.house.pool.execute("UPDATE stock_targets SET retell_at = retell_at - interval '3 min'")

    def sold(self, sku: str = "MUG") -> int:
        """What the shop offers."""
        return int(self.server.stock[sku][1]["available"])

    def asked(self) -> int:
        return sum(b"inventorySetQuantities" in one.body for one in self.server.seen)

    async def state(self) -> tuple[str, int | None]:
        row = await self.house.pool.fetchrow("SELECT state, told FROM stock_targets")
        assert row is not None
        return row["state"], row["told"]


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture
async def world(core: GraphQLSchema, pool: db.pool.Pool) -> AsyncIterator[World]:
    await pool.execute(PLACES)
    async with Server().running() as server, opener() as http:
        for sku in ("MUG", "LAMP"):
            server.count(sku, 1, 0)
        calls = Direct(create(dataclasses.replace(instance(server.url), locations={"1": "HAM", "2": "PAR"}), http))
        pushing = Pushing(pool, calls, {"shopify": ["HAM"]})
        made = World(House(core, pool), server, calls, pushing)
        pushing.now = made.now
        await pushing.configure()
        assert await made.round() == 0
        yield made


async def test_the_shop_offers_what_is_available_at_once(world: World) -> None:
    await world.count(10, safetyStock=2)
    assert await world.round() == 1
    assert (world.sold(), await world.state()) == (8, ("TOLD", 8))
    await world.reserve(3)
    assert await world.round() == 1
    assert world.sold() == 5
    await world.house.pool.execute("UPDATE reservations SET state = 'RELEASED'")
    assert await world.round() == 1
    assert world.sold() == 8


async def test_never_below_zero_and_nothing_where_nothing_is_sold(world: World) -> None:
    await world.count(2)
    await world.reserve(5)
    await world.quiet()
    assert (world.sold(), await world.state()) == (0, ("TOLD", 0))
    await world.count(9)
    await world.quiet()
    assert world.sold() == 4
    await world.house.pool.execute("UPDATE locations SET active = false WHERE code = 'HAM'")
    await world.quiet()
    assert world.sold() == 0


async def test_a_reservation_that_ends_by_itself_is_told(world: World) -> None:
    await world.count(10)
    await world.reserve(4, seconds=0.5)
    await world.round()
    assert world.sold() == 6
    await asyncio.sleep(0.6)
    await world.quiet()
    assert world.sold() == 10


async def test_a_hundred_changes_are_one_request(world: World) -> None:
    world.server.every = Fault.BROKEN
    await world.count(1)
    assert await world.round() is None
    seen = len(world.server.seen)
    for on_hand in range(2, 102):
        await world.count(on_hand)
    world.server.every = None
    assert await world.round() == 1
    assert (world.sold(), world.asked(), len(world.server.pushed)) == (101, 1, 1)
    assert len(world.server.seen) > seen
    await world.quiet()
    assert world.sold() == 101


async def test_an_unchanged_number_is_not_told(world: World) -> None:
    await world.count(10)
    await world.quiet()
    asked = world.asked()
    await world.count(12, safetyStock=2)
    await world.quiet()
    assert (world.asked(), world.sold()) == (asked, 10)
    assert (await world.state()) == ("TOLD", 10)


async def test_a_lost_answer_is_asked_again_under_the_same_key(world: World) -> None:
    await world.count(10)
    world.server.faults.extend([None, Fault.UNHEARD])
    assert await world.round() is None
    assert (world.sold(), await world.state()) == (10, ("WAITING", None))
    # The shop sells one before we ask again: the same key must not put it back.
    world.server.count("MUG", 1, 9)
    assert await world.round() == 1
    assert (world.asked(), len(world.server.pushed), world.sold()) == (2, 1, 9)
    assert await world.state() == ("TOLD", 10)


async def test_a_process_that_dies_after_the_answer_loses_nothing(world: World) -> None:
    await world.count(10)
    world.calls.dies = True
    running = asyncio.create_task(world.round())
    await asyncio.wait_for(world.calls.answered.wait(), 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    world.calls.dies = False
    await world.count(11)
    heir = Pushing(world.house.pool, world.calls, {"shopify": ["HAM"]}, now=world.now)
    assert await heir.round("shopify") == 0, "the dead one's lease still runs"
    await world.house.pool.execute("UPDATE connector_pushes SET lease_until = now() - interval '1 s'")
    world.pushing = heir
    await world.quiet()
    assert (world.sold(), await world.state()) == (11, ("TOLD", 11))


async def test_a_refusal_is_kept_until_the_next_change(world: World) -> None:
    await world.count(10, "BOOK")
    assert await world.round() == 1
    assert await world.state() == ("REFUSED", None)
    (problem,) = await db.stock_offers.problems(world.house.pool, "shopify", 5)
    assert (problem["sku"], problem["location"], problem["why"]) == ("BOOK", "HAM", "UNKNOWN_SKU")
    assert await world.round() == 0
    world.server.count("BOOK", 1, 0)
    await world.count(4, "BOOK")
    await world.quiet()
    assert world.sold("BOOK") == 4


async def test_it_gives_up_visibly_and_the_next_change_begins_anew(world: World) -> None:
    world.server.every = Fault.UNAUTHORIZED
    await world.count(10)
    for _ in range(12):
        assert await world.round() is None
    assert await world.state() == ("DEAD", None)
    (row,) = await db.stock_offers.waiting(world.house.pool)
    assert (row["dead"], row["waiting"]) == (1, 0)
    assert row["error"].startswith("CONNECTOR_UNAUTHORIZED")
    assert await world.round() == 0
    world.server.every = None
    assert await db.stock_offers.raise_dead(world.house.pool, "shopify") == 1
    await world.quiet()
    assert world.sold() == 10


async def test_all_is_told_again_when_asked(world: World) -> None:
    await world.count(10)
    await world.quiet()
    world.server.count("MUG", 1, 3)
    assert await world.pushing.again("shopify") == 1
    await world.quiet()
    assert world.sold() == 10


async def test_what_it_counted_itself_is_not_told_to_it(world: World) -> None:
    record = StockRecord(sku="MUG", location="HAM", on_hand=7, occurred_at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    await Intake(world.house.inbox).take("shopify", [record])
    await world.quiet()
    assert (await world.state(), world.asked()) == (("REFUSED", None), 0)


async def test_what_a_told_system_counts_is_not_taken(world: World) -> None:
    await world.count(10)
    intake = Intake(world.house.inbox, told={"shopify": ["HAM"]})
    now = dt.datetime(2026, 3, 5, tzinfo=dt.UTC)
    records = [StockRecord(sku="MUG", location=code, on_hand=7, occurred_at=now) for code in ("HAM", "PAR")]
    assert (await intake.take("shopify", records)).records == 1
    rows = await world.house.pool.fetch(
        "SELECT l.code, s.on_hand FROM stock_levels s JOIN locations l ON l.id = s.location_id ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [("HAM", 10), ("PAR", 7)]


STEPS = st.lists(
    st.one_of(
        st.integers(0, 5).map(lambda on_hand: ("count", on_hand)),
        st.sampled_from([None, Fault.UNHEARD, Fault.BROKEN, Fault.CUT, Fault.RATE_LIMITED]).map(
            lambda fault: ("fault", fault)
        ),
        st.just(("round", None)),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_after_all_is_quiet_the_shop_holds_the_newest_number(world: World, steps: list[tuple[str, Any]]) -> None:
    """Invariant: whatever the order of changes and faults, the last number is the one that stays."""
    newest = next(world.events) % 6
    for step, given_ in [*steps, ("count", newest)]:
        if step == "count":
            await world.count(given_)
        elif step == "fault":
            world.server.faults.append(given_)
        else:
            await world.round()
    world.server.faults.clear()
    await world.quiet()
    assert (world.sold(), await world.state()) == (newest, ("TOLD", newest))


async def test_a_change_during_the_call_is_told_after_it(world: World) -> None:
    await world.count(10)
    world.server.latency = 0.5
    running = asyncio.create_task(world.round())
    async with asyncio.timeout(10):
        while not world.asked():  # noqa: ASYNC110  # of another task, through a server
            await asyncio.sleep(0.02)
    await world.count(4)
    # As another instance's round does it in the meantime.
    await db.stock_pushes.fold(world.house.pool)
    await running
    world.server.latency = 0
    assert await world.state() == ("WAITING", 10)
    world.pushing.looked.clear()
    assert await world.pushing.round("shopify") == 1
    assert (world.sold(), await world.state()) == (4, ("TOLD", 4))
