"""What cannot be read stops nothing else, is shown to people, and is here as soon as it can be read."""

import dataclasses
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import GraphQLSchema

import db.pool
import db.unread
from connectors.base import Capability
from connectors.errors import BadPayload
from connectors.payload import Node
from domain.records import LineRecord, OrderRecord, OrderRef
from events.intake import Intake
from events.pulling import Mode, Pulling, Target, Windows
from schema import build
from tests.events.test_pulling import BACKFILL, MINUTE, ORDERS, Clock, Direct, World
from tests.resolvers.commands.house import PLACES, House
from tests.simulators.acme import AT, Acme, Server, instance
from tests.simulators.base import opener

SHOWN = """query($connector: String) { unreadEntries(connector: $connector, first: 10) {
    totalCount nodes { connector capability reference path error } } }"""
POISON = {
    "connector": "acme",
    "capability": "ORDERS_PULL",
    "reference": "2",
    "path": "rows.1.quantity",
    "error": "rows.1.quantity should be a whole number and is a float. Has the vendor changed its API?",
}


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture
async def world(core: GraphQLSchema, pool: db.pool.Pool) -> AsyncIterator[World]:
    await pool.execute(PLACES)
    house = House(core, pool)
    async with Server().running() as server, opener(0.5) as http:
        calls, clock = Direct(Acme(instance(server.url), http(server.url))), Clock()
        world = World(house, server, calls, clock, Pulling(pool, Intake(house.inbox, clock), calls, Windows(), clock))
        await world.pulling.run(ORDERS)
        yield world


def place(world: World, *numbers: int, poison: int = 2) -> None:
    for number in numbers:
        order = world.server.place(str(number), world.clock.now + number * MINUTE)
        if number == poison:
            order["quantity"] = 1.5
    world.clock.now += 30 * MINUTE


async def unread(world: World, **variables: Any) -> list[dict[str, Any]]:
    shown = (await world.house.ask(SHOWN, variables))["unreadEntries"]
    assert shown["totalCount"] == len(shown["nodes"])
    return list(shown["nodes"])


async def later(world: World, pause: dt.timedelta) -> None:
    """The pauses are the database's, the windows ours."""
    world.clock.now += pause
    await world.house.pool.execute("UPDATE connector_unread SET next_look_at = next_look_at - $1::interval", pause)


async def test_one_order_that_cannot_be_read_stops_no_other_and_is_shown(world: World) -> None:
    place(world, 1, 2, 3)
    progress = await world.pulling.run(ORDERS)
    assert progress is not None
    assert (progress.records, progress.listed) == (2, 3)
    assert await world.orders() == {"1": 1, "3": 1}
    assert (await world.row())["error"] is None
    assert await unread(world) == [POISON]
    assert await unread(world, connector="acme") == [POISON]
    assert await unread(world, connector="other") == []


async def test_put_right_there_it_is_taken_though_the_watermark_is_past_it(world: World) -> None:
    place(world, 1, 2, 3)
    await world.pulling.run(ORDERS)
    world.clock.now += 60 * MINUTE
    world.server.place("9", world.clock.now - MINUTE)
    await world.pulling.run(ORDERS)
    next(order for order in world.server.orders if order["number"] == "2")["quantity"] = 4
    await world.pulling.run(ORDERS)
    assert "2" not in await world.orders()
    await later(world, 6 * MINUTE)
    await world.pulling.run(ORDERS)
    assert await world.orders() == {"1": 1, "2": 4, "3": 1, "9": 1}
    assert await unread(world) == []


async def test_it_is_asked_for_again_after_longer_and_longer_pauses(world: World) -> None:
    world.server.size = 5
    place(world, 1, 2, 20)
    pauses = []
    for _ in range(8):
        await world.pulling.run(ORDERS)
        await world.pulling.run(ORDERS)
        left = await world.house.pool.fetchval("SELECT next_look_at - now() FROM connector_unread")
        pauses.append(round(left / MINUTE))
        await later(world, left)
    assert pauses == [5, 15, 45, 135, 405, 1215, 1440, 1440]
    # A pull that looks for it asks from where it was met first; the one right after it goes on from the watermark.
    assert (await world.asked())[1:] == ["55", "75"] * 8


async def test_after_two_weeks_it_is_left_to_a_backfill(world: World) -> None:
    place(world, 1, 2, 3)
    await world.pulling.run(ORDERS)
    await world.house.pool.execute("UPDATE connector_unread SET found_at = now() - interval '15 days'")
    await later(world, dt.timedelta(days=15))
    assert await db.unread.due(world.house.pool, "acme", "orders_pull") is None
    next(order for order in world.server.orders if order["number"] == "2")["quantity"] = 4
    await world.pulling.run(ORDERS)
    assert [one["reference"] for one in await unread(world)] == ["2"]
    await world.pulling.run(BACKFILL)
    assert await unread(world) == []
    assert (await world.orders())["2"] == 4


async def test_what_a_backfill_met_is_kept_until_a_backfill_reads_it(world: World) -> None:
    world.server.place("old", AT - dt.timedelta(days=400))["quantity"] = 1.5
    await world.pulling.run(BACKFILL)
    await later(world, dt.timedelta(hours=1))
    for mode in (Mode.SYNC, Mode.RECONCILE):
        await world.pulling.run(dataclasses.replace(ORDERS, mode=mode))
        assert [one["reference"] for one in await unread(world)] == ["old"]
    await world.pulling.run(BACKFILL)
    assert [one["reference"] for one in await unread(world)] == ["old"]
    assert await world.house.pool.fetchval("SELECT times FROM connector_unread") == 2


async def test_a_page_of_which_nothing_can_be_read_stops_the_pull(world: World) -> None:
    """The vendor has changed its API: what is put aside one by one would be everything."""
    world.server.size = 5
    for number in range(7):
        world.server.place(str(number), world.clock.now + number * MINUTE)["quantity"] = "many"
    world.clock.now += 30 * MINUTE
    with pytest.raises(BadPayload, match=r"rows\.0\.quantity"):
        await world.pulling.run(ORDERS)
    assert await unread(world) == []
    for order in world.server.orders:
        order["quantity"] = 3
    await world.pulling.run(ORDERS)
    assert await world.orders() == {str(number): 3 for number in range(7)}


async def test_a_mapping_that_tells_nonsense_loses_nothing_silently(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record without a time zone is a fault of ours; the entry is put aside as one that cannot be read."""

    def naive(row: Node) -> OrderRecord:
        at = row["at"].instant().replace(tzinfo=None)
        lines = (LineRecord("MUG", row["quantity"].integer()),)
        return OrderRecord(OrderRef("web", row["number"].text()), at, lines=lines, placed_at=AT)

    monkeypatch.setattr("tests.simulators.acme.order_of", naive)
    place(world, 1, poison=0)
    await world.pulling.run(ORDERS)
    assert [(one["reference"], one["error"].partition(":")[0]) for one in await unread(world)] == [
        ("web/1", "The mapping of acme makes a OrderRecord that cannot be told")
    ]


async def test_the_same_pull_of_another_system_forgets_nothing(world: World) -> None:
    place(world, 1, 2, 3)
    await world.pulling.run(ORDERS)
    world.clock.now += MINUTE
    await world.pulling.run(Target("other", Capability.ORDERS_PULL, Mode.BACKFILL))
    assert [one["connector"] for one in await unread(world)] == ["acme", "other"]
