"""Pulls: nothing skipped, whatever dies when; nothing changed by what is told again; one owner at a time."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import pytest
from graphql import GraphQLSchema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import db.pool
import db.pulls
from connectors.base import Capability, Page
from connectors.errors import BadPayload, Unreachable
from events.inbox import Outcome
from events.intake import Intake
from events.pulling import Mode, Progress, Pulling, Target, Windows
from schema import build
from tests.resolvers.commands.house import PLACES, House
from tests.simulators.acme import AT, Acme, Server, instance
from tests.simulators.base import Fault, opener

T = TypeVar("T")
ORDERS = Target("acme", Capability.ORDERS_PULL)
BACKFILL = dataclasses.replace(ORDERS, mode=Mode.BACKFILL)
MINUTE = dt.timedelta(minutes=1)


@dataclasses.dataclass
class Direct:
    """Calls without a runtime around them. `dies` ends the process, as it were, after so many more answers."""

    connector: Acme
    dies: int | None = None

    async def call(self, instance: str, capability: Capability, work: Callable[[Any], Awaitable[T]]) -> T:
        if self.dies is not None:
            self.dies -= 1
            if self.dies < 0:
                raise asyncio.CancelledError
        return await work(self.connector)


@dataclasses.dataclass
class Clock:
    now: dt.datetime = AT + dt.timedelta(hours=1)

    def __call__(self) -> dt.datetime:
        return self.now


@dataclasses.dataclass
class World:
    house: House
    server: Server
    calls: Direct
    clock: Clock
    pulling: Pulling

    async def orders(self) -> dict[str, int]:
        rows = await self.house.pool.fetch(
            "SELECT o.number, l.quantity FROM orders o JOIN order_lines l ON l.order_id = o.id"
        )
        return {row["number"]: row["quantity"] for row in rows}

    async def row(self, mode: str = "SYNC") -> dict[str, Any]:
        rows = [dict(row) for row in await db.pulls.everything(self.house.pool) if row["mode"] == mode]
        assert len(rows) == 1
        return rows[0]

    async def asked(self) -> list[str]:
        """`since` of the requests so far, as minutes after AT."""
        told = [seen.query.get("since") for seen in self.server.seen]
        return [f"{(dt.datetime.fromisoformat(one) - AT) / MINUTE:g}" if one else "all" for one in told]


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture
async def world(core: GraphQLSchema, pool: db.pool.Pool) -> AsyncIterator[World]:
    await pool.execute(PLACES)
    house = House(core, pool)
    async with Server().running() as server, opener(0.5) as http:
        calls, clock = Direct(Acme(instance(server.url), http(server.url))), Clock()
        yield World(house, server, calls, clock, Pulling(pool, Intake(house.inbox, clock), calls, Windows(), clock))


def applied(progress: Progress | None) -> int:
    assert progress is not None
    return progress.taken.outcomes[Outcome.APPLIED]


async def test_a_first_sync_takes_what_is_new_and_the_next_ones_go_on_from_there(world: World) -> None:
    for minute in range(5):
        world.server.place(str(minute), AT + minute * MINUTE)
    world.server.place("now", world.clock.now - MINUTE)
    assert applied(await world.pulling.run(ORDERS)) == 1
    assert (await world.row())["watermark"] == world.clock.now
    world.clock.now += 30 * MINUTE
    world.server.place("next", world.clock.now - 10 * MINUTE)
    progress = await world.pulling.run(ORDERS)
    assert applied(progress) == 1
    assert await world.asked() == ["55", "55"]
    assert (await world.row())["watermark"] == world.clock.now - 10 * MINUTE
    assert await world.orders() == {"now": 1, "next": 1}


async def test_what_the_system_lists_late_is_caught_by_the_overlap(world: World) -> None:
    world.server.place("a", world.clock.now - MINUTE)
    await world.pulling.run(ORDERS)
    world.server.place("late", world.clock.now - 4 * MINUTE)
    await world.pulling.run(ORDERS)
    assert await world.orders() == {"a": 1, "late": 1}


async def test_a_quiet_system_does_not_move_the_watermark_past_its_own_clock(world: World) -> None:
    """Its clock may be behind ours: what it does now may seem older to us than our last look."""
    await world.pulling.run(ORDERS)
    world.clock.now += 60 * MINUTE
    world.server.place("a", world.clock.now - 20 * MINUTE)
    for _ in range(2):
        await world.pulling.run(ORDERS)
        assert (await world.row())["watermark"] == AT + 100 * MINUTE
        world.clock.now += 60 * MINUTE


async def test_a_backfill_takes_everything_and_the_sync_goes_on_from_its_beginning(world: World) -> None:
    for minute in range(5):
        world.server.place(str(minute), AT + minute * MINUTE)
    told: list[Progress] = []
    assert applied(await world.pulling.run(BACKFILL, progress=told.append)) == 5
    assert [(one.pages, one.records) for one in told] == [(0, 0), (1, 2), (2, 4), (3, 5)]
    assert [(one.listed, one.total) for one in told] == [(0, None), (2, 5), (4, 5), (5, 5)]
    assert (await world.row())["watermark"] == world.clock.now
    assert set(await world.asked()) == {"all"}
    before = await world.house.dump(journal=True)
    assert applied(await world.pulling.run(BACKFILL)) == 0
    assert await world.house.dump(journal=True) == before


async def test_killed_between_pages_it_goes_on_from_the_stored_cursor(world: World) -> None:
    for minute in range(9):
        world.server.place(str(minute), AT + minute * MINUTE)
    world.calls.dies = 2
    with pytest.raises(asyncio.CancelledError):
        await world.pulling.run(BACKFILL)
    cursors = [f"{(AT + minute * MINUTE).isoformat()} {minute}" for minute in (3, 5, 7)]
    assert ((await world.row("BACKFILL"))["cursor"], len(await world.orders())) == (cursors[0], 4)
    assert (await world.row("BACKFILL"))["watermark"] is None
    world.calls.dies = None
    world.server.seen.clear()
    progress = await world.pulling.run(BACKFILL)
    assert progress is not None
    assert (progress.pages, progress.records, len(await world.orders())) == (5, 9, 9)
    assert [seen.query["cursor"] for seen in world.server.seen] == cursors


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
async def test_whatever_dies_when_nothing_is_skipped(world: World, data: st.DataObject) -> None:
    """Orders change, runs die after any page or between inbox and watermark; in the end all is as they say."""
    # An instance and orders of its own for each example.
    name = uuid.uuid4().hex
    target = dataclasses.replace(ORDERS, instance=name)
    world.server.orders.clear()
    world.clock.now = AT
    step = db.pulls.Lease.step
    for _ in range(data.draw(st.integers(2, 5), "rounds")):
        world.clock.now += 7 * MINUTE
        for number in data.draw(st.lists(st.sampled_from("abcdefg"), max_size=6, unique=True), "changed"):
            back = data.draw(st.integers(0, 240), "seconds ago")
            quantity = data.draw(st.integers(1, 9), "quantity")
            world.server.place(f"{name}-{number}", world.clock.now - dt.timedelta(seconds=back), quantity)
        world.calls.dies = data.draw(st.none() | st.integers(0, 2), "dies")
        lost = data.draw(st.booleans(), "dies before it is noted")

        async def dying(self: db.pulls.Lease, *args: Any, lost: bool = lost) -> Any:
            if lost:
                raise asyncio.CancelledError
            return await step(self, *args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(db.pulls.Lease, "step", dying)
            with contextlib.suppress(asyncio.CancelledError):
                await world.pulling.run(target)
    world.calls.dies = None
    for _ in range(2):
        await world.pulling.run(target)
    found = {number: quantity for number, quantity in (await world.orders()).items() if number.startswith(name)}
    assert found == {order["number"]: order["quantity"] for order in world.server.orders}


async def test_a_system_that_fails_is_asked_again_from_the_same_place(world: World) -> None:
    for minute in range(4):
        world.server.place(str(minute), world.clock.now - minute * MINUTE)
    world.server.faults.extend([Fault.BROKEN])
    with pytest.raises(Unreachable):
        await world.pulling.run(ORDERS)
    row = await world.row()
    assert (row["watermark"], row["lease_until"]) == (world.clock.now, None)
    assert row["error"].startswith("CONNECTOR_UNREACHABLE: ")
    assert await world.pulling.run(ORDERS, after_seconds=60) is None
    assert applied(await world.pulling.run(ORDERS)) == 4
    assert (await world.row())["error"] is None


async def test_a_cursor_that_does_not_move_or_is_not_understood_ends_the_pull(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(self: Acme, since: dt.datetime | None, cursor: str | None) -> Page:
        return Page([], "same")

    monkeypatch.setattr(Acme, "pull_orders", stuck)
    with pytest.raises(BadPayload, match="does not move"):
        await world.pulling.run(ORDERS)
    row = await world.row()
    assert (row["cursor"], row["began_at"], row["finished_at"]) == (None, None, None)


async def test_one_owner_at_a_time(world: World) -> None:
    world.server.place("a", world.clock.now)
    world.server.latency = 0.3
    other = Pulling(world.house.pool, world.pulling.intake, world.calls, Windows(), world.clock)
    mine, theirs = await asyncio.gather(world.pulling.run(ORDERS), other.run(ORDERS))
    assert sorted([mine is None, theirs is None]) == [False, True]
    assert len(world.server.seen) == 1


async def test_an_owner_that_lost_its_lease_writes_nothing_more(world: World) -> None:
    for minute in range(4):
        world.server.place(str(minute), world.clock.now - minute * MINUTE)
    world.server.latency = 0.2
    running = asyncio.create_task(world.pulling.run(ORDERS))
    await world.server.until_open(1)
    await world.house.pool.execute("UPDATE connector_watermarks SET lease_until = now() - interval '1 second'")
    world.server.latency = 0
    assert applied(await world.pulling.run(ORDERS)) == 4
    stamped = await world.row()
    assert await running is None
    assert await world.row() == stamped


async def test_what_webhooks_lost_is_counted_once(world: World) -> None:
    told = dataclasses.replace(ORDERS, webhooks=True)
    await world.pulling.run(told)
    world.server.place("lost", world.clock.now - 20 * MINUTE)
    world.server.place("young", world.clock.now - 5 * MINUTE)
    window = dataclasses.replace(told, mode=Mode.RECONCILE)
    progress = await world.pulling.run(window)
    assert progress is not None
    assert (progress.taken.news, applied(progress)) == (1, 2)
    assert (await world.row("RECONCILE"))["missed"] == 1
    again = await world.pulling.run(window)
    assert again is not None
    assert (again.taken.news, (await world.row("RECONCILE"))["missed"]) == (0, 1)
