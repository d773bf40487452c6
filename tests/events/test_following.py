"""Parcels move with nobody asking: carriers that tell are asked to, the others are asked; what was lost is found."""

import asyncio
import dataclasses
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar

import pytest
from graphql import GraphQLSchema

import db.followed
import db.pool
from connectors.base import Capability
from connectors.dhl import create as dhl
from connectors.easypost import create as easypost
from connectors.errors import BreakerOpen, RateLimited, Unreachable
from connectors.ups import create as ups
from domain.status import TERMINAL_SHIPMENT
from events.following import Follower, Following
from events.intake import Intake
from schema import build
from tests.resolvers.commands.house import PLACES, House, upsert, work
from tests.simulators import dhl as dhl_server
from tests.simulators import easypost as easypost_server
from tests.simulators import ups as ups_server
from tests.simulators.base import opener

T = TypeVar("T")
NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
FOLLOWERS = {
    "dhl": Follower(["dhl"], 2),
    "ups": Follower(["ups"], 4, watches=True),
    "easypost": Follower(["usps"], 4, tells=True),
}


@dataclasses.dataclass
class Direct:
    """Calls without a runtime. `error` is raised instead of asking for `failing`; `asked` are the calls."""

    connectors: Mapping[str, Any]
    error: Exception | None = None
    failing: Capability | None = None
    asked: list[tuple[str, Capability]] = dataclasses.field(default_factory=list)

    async def call(self, instance: str, capability: Capability, work: Callable[[Any], Awaitable[T]]) -> T:
        self.asked.append((instance, capability))
        if self.error is not None and self.failing in (None, capability):
            raise self.error
        return await work(self.connectors[instance])


@dataclasses.dataclass
class World:
    house: House
    dhl: dhl_server.Server
    ups: ups_server.Server
    easypost: easypost_server.Server
    calls: Direct
    following: Following
    now: dt.datetime = NOW
    spare: float = 1.0

    async def sent(self, carrier: str, *parcels: str) -> None:
        """An order of as many mugs, each sent in its own parcel."""
        count = len(parcels)
        made = upsert("e" + carrier, 1, carrier, lines=[("MUG", count)])
        assert await self.house.outcomes("upsertOrders", made) == ["APPLIED"]
        shipments = [
            {
                "carrier": carrier,
                "trackingNumber": number,
                "shippedAt": "2026-11-20T09:00:00Z",
                "lines": [{"line": "MUG", "quantity": 1}],
            }
            for number in parcels
        ]
        told = work("w" + carrier, 2, "COMPLETED", [("MUG", count, {})], carrier, "F" + carrier, shipments=shipments)
        assert await self.house.outcomes("recordFulfillmentEvents", told) == ["APPLIED"]

    async def round(self, instance: str) -> int | None:
        await self.following.find(instance)
        return await self.following.round(instance)

    async def statuses(self) -> dict[str, str]:
        rows = await self.house.pool.fetch("SELECT tracking_number, status FROM shipments")
        return {row["tracking_number"]: row["status"] for row in rows}

    async def pauses(self) -> dict[str, float]:
        """Hours until the next look, by number."""
        rows = await self.house.pool.fetch(
            "SELECT tracking_number, next_look_at - now() AS pause FROM connector_parcels"
        )
        return {row["tracking_number"]: round(row["pause"] / HOUR, 1) for row in rows}

    async def later(self, pause: dt.timedelta) -> None:
        """The looks are due by the database's clock, the rest by ours."""
        self.now += pause
        await self.house.pool.execute("UPDATE connector_parcels SET next_look_at = next_look_at - $1::interval", pause)

    async def row(self, number: str) -> dict[str, Any]:
        return dict(
            await self.house.pool.fetchrow("SELECT * FROM connector_parcels WHERE tracking_number = $1", number) or {}
        )


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture
async def world(core: GraphQLSchema, pool: db.pool.Pool) -> AsyncIterator[World]:
    await pool.execute(PLACES)
    house = House(core, pool)
    async with (
        dhl_server.Server().running() as one,
        ups_server.Server().running() as two,
        easypost_server.Server().running() as three,
        opener() as http,
    ):
        made = dataclasses.replace(easypost_server.instance(three.url), carriers={"USPS": "usps"})
        calls = Direct(
            {
                "dhl": dhl(dhl_server.instance(one.url), http),
                "ups": ups(ups_server.instance(two.url), http),
                "easypost": easypost(made, http),
            }
        )
        world: World
        following = Following(pool, Intake(house.inbox), calls, FOLLOWERS, lambda _: world.spare, lambda: world.now)
        world = World(house, one, two, three, calls, following)
        yield world


async def test_a_parcel_of_a_carrier_that_tells_nothing_arrives_with_nobody_asking(world: World) -> None:
    await world.sent("dhl", "JD1", "JD2")
    world.dhl.scan("JD1", "transit", "On its way.", "2026-11-21T10:00:00Z", "Bonn")
    assert await world.round("dhl") == 2
    assert await world.statuses() == {"JD1": "IN_TRANSIT", "JD2": "LABEL_CREATED"}
    assert await world.pauses() == {"JD1": 2.0, "JD2": 4.0}
    assert await world.round("dhl") == 0
    world.dhl.scan("JD1", "delivered", "Delivered.", "2026-11-21T13:30:00Z", "Bonn")
    await world.later(2 * HOUR)
    assert await world.round("dhl") == 1
    assert (await world.statuses())["JD1"] == "DELIVERED"
    assert list(await world.pauses()) == ["JD2"]
    # And so subscribers were told.
    told = await world.house.pool.fetch("SELECT type FROM journal WHERE actor = 'connector:dhl' ORDER BY id")
    assert [row["type"] for row in told] == ["SHIPMENT_SCANNED", "SHIPMENT_SCANNED"]


async def test_what_is_told_twice_writes_nothing(world: World) -> None:
    await world.sent("dhl", "JD1")
    world.dhl.scan("JD1", "transit", "On its way.", "2026-11-21T10:00:00Z", "Bonn")
    await world.round("dhl")
    before = await world.house.dump(journal=True)
    await world.later(2 * HOUR)
    assert await world.round("dhl") == 1
    assert await world.house.dump(journal=True) == before


@pytest.mark.parametrize(
    ("code", "at", "hours"),
    [("transit", "2026-11-21T10:00:00Z", 2.0), ("transit", "2026-11-17T10:00:00Z", 12.0)],
)
async def test_a_parcel_that_stands_still_is_asked_about_less_often(
    world: World, code: str, at: str, hours: float
) -> None:
    await world.sent("dhl", "JD1")
    world.dhl.scan("JD1", code, "On its way.", at, "Bonn")
    await world.round("dhl")
    assert await world.pauses() == {"JD1": hours}


async def test_alerts_are_asked_for_once_and_renewed_before_they_end(world: World) -> None:
    number = "1Z023E2X0214323462"
    await world.sent("ups", number)
    world.ups.scan(number, "I", "AR", "005", NOW - HOUR)
    assert await world.round("ups") == 1
    assert world.ups.alerts == {number}
    assert await world.statuses() == {number: "IN_TRANSIT"}
    assert await world.pauses() == {number: 12.0}
    await world.later(12 * HOUR)
    assert await world.round("ups") == 1
    assert world.calls.asked.count(("ups", Capability.TRACKING_ALERTS)) == 1
    world.ups.alerts.clear()
    await world.later(dt.timedelta(days=11))
    world.now = dt.datetime.now(dt.UTC) + dt.timedelta(days=13)
    assert await world.round("ups") == 1
    assert world.ups.alerts == {number}


async def test_a_refused_alert_is_no_reason_not_to_look_and_is_not_asked_for_at_every_look(world: World) -> None:
    await world.sent("ups", "K2479825491")
    assert await world.round("ups") == 1
    assert await world.pauses() == {"K2479825491": 4.0}
    assert (await world.row("K2479825491"))["watch_refused_at"] is not None
    await world.later(4 * HOUR)
    await world.round("ups")
    assert world.calls.asked.count(("ups", Capability.TRACKING_ALERTS)) == 1


async def test_where_alerts_cannot_be_asked_for_parcels_are_looked_at_as_if_nobody_told(world: World) -> None:
    number = "1Z023E2X0214323462"
    await world.sent("ups", number)
    world.ups.scan(number, "I", "AR", "005", NOW - HOUR)
    world.calls.error, world.calls.failing = Unreachable("ups cannot be reached."), Capability.TRACKING_ALERTS
    assert await world.round("ups") == 1
    assert await world.pauses() == {number: 2.0}
    world.calls.error = None
    await world.later(2 * HOUR)
    await world.round("ups")
    assert world.ups.alerts == {number}
    assert await world.pauses() == {number: 12.0}


async def test_a_carrier_that_tells_of_what_it_was_asked_about_registers_it_and_what_it_lost_is_counted(
    world: World,
) -> None:
    await world.sent("usps", "EZ1")
    assert await world.round("easypost") == 1
    assert list(world.easypost.trackers) == ["EZ1"]
    world.easypost.scan("EZ1", "in_transit", "arrived_at_facility", "2026-11-21T12:30:00Z", "Bonn")
    await world.later(12 * HOUR)
    assert await world.round("easypost") == 1
    assert await world.statuses() == {"EZ1": "IN_TRANSIT"}
    assert await world.pauses() == {"EZ1": 12.0}
    row = await world.house.pool.fetchrow("SELECT capability, mode, missed FROM connector_watermarks")
    assert tuple(row or ()) == ("tracking", "RECONCILE", 1)


async def test_a_carrier_that_is_down_is_asked_at_longer_and_longer_pauses(world: World) -> None:
    await world.sent("dhl", "JD1", "JD2")
    world.calls.error = Unreachable("dhl cannot be reached.")
    for hours in (1 / 60, 1 / 30, 1 / 15):
        assert await world.round("dhl") is None
        assert set((await world.pauses()).values()) == {round(hours, 1)}
        await world.later(HOUR)
    assert len(world.calls.asked) == 3
    assert [row["failing"] for row in await db.followed.waiting(world.house.pool)] == [2]
    world.calls.error = None
    world.dhl.scan("JD1", "delivered", "Delivered.", "2026-11-21T10:00:00Z", "Bonn")
    assert await world.round("dhl") == 2
    assert (await world.statuses())["JD1"] == "DELIVERED"
    (row,) = await db.followed.waiting(world.house.pool)
    assert (row["followed"], row["failing"], row["given_up"]) == (1, 0, 0)


@pytest.mark.parametrize("error", [RateLimited("Enough.", 7200.0), BreakerOpen("Left alone.", 7200.0)])
async def test_what_was_not_asked_waits_as_long_as_it_must_and_did_not_fail(world: World, error: Exception) -> None:
    await world.sent("dhl", "JD1")
    world.calls.error = error
    assert await world.round("dhl") is None
    assert await world.pauses() == {"JD1": 2.0}
    assert (await world.row("JD1"))["failures"] == 0
    assert (await world.row("JD1"))["error"] is None


async def test_the_last_of_a_limit_is_left_to_those_who_look(world: World) -> None:
    await world.sent("dhl", "JD1")
    world.spare = 0.2
    assert await world.round("dhl") == 0
    assert world.calls.asked == []
    world.spare = 0.3
    assert await world.round("dhl") == 1


async def test_two_processes_ask_about_each_parcel_once(world: World) -> None:
    await world.sent("dhl", "JD1", "JD2", "JD3", "JD4")
    await world.following.find("dhl")
    assert await asyncio.gather(*(world.following.round("dhl") for _ in range(3))) in ([2, 2, 0], [2, 0, 2], [0, 2, 2])
    asked = [seen.query["trackingNumber"] for seen in world.dhl.seen]
    assert sorted(asked) == ["JD1", "JD2", "JD3", "JD4"]


async def test_a_process_that_dies_leaves_its_parcels_to_others(world: World) -> None:
    await world.sent("dhl", "JD1")
    await world.following.find("dhl")
    assert len(await db.followed.claim(world.house.pool, "dhl", 8)) == 1
    assert await world.round("dhl") == 0
    await world.later(dt.timedelta(seconds=db.followed.LEASE_SECONDS))
    assert await world.round("dhl") == 1


async def test_old_parcels_are_given_up_and_shown_until_they_arrive(world: World) -> None:
    await world.sent("dhl", "JD1")
    await world.round("dhl")
    await world.house.pool.execute("UPDATE connector_parcels SET found_at = now() - interval '46 days'")
    await world.later(dt.timedelta(days=46))
    assert await world.round("dhl") == 0
    shown = "{ connectors { health { parcelsFollowed parcelsFailing parcelsGivenUp } } }"
    await world.house.pool.execute(
        "INSERT INTO connectors (instance, connector, kind, capabilities) VALUES ('dhl', 'dhl', 'CARRIER', '{}')"
    )
    assert (await world.house.ask(shown))["connectors"] == [
        {"health": {"parcelsFollowed": 0, "parcelsFailing": 0, "parcelsGivenUp": 1}}
    ]
    await world.house.pool.execute("UPDATE shipments SET status = 'DELIVERED'")
    await db.followed.let_go(world.house.pool, "dhl")
    assert await world.row("JD1") == {}


async def test_parcels_that_were_over_before_are_never_asked_about(world: World) -> None:
    await world.sent("dhl", *(f"JD{number}" for number in range(len(TERMINAL_SHIPMENT))))
    for number, status in enumerate(sorted(TERMINAL_SHIPMENT)):
        await world.house.pool.execute(
            "UPDATE shipments SET status = $1 WHERE tracking_number = $2", status, f"JD{number}"
        )
    assert await world.round("dhl") == 0
    assert await db.followed.waiting(world.house.pool) == []
