"""Live fields through the runtime, against a simulated carrier: one round, and the stored value when it fails."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from connectors.answering import Answering
from connectors.base import Capability
from connectors.easypost import create
from connectors.runtime import Limits, Runtime
from domain.actor import Role, of_role
from resolvers.live_sources import fetchers
from tests.resolvers.shop import Shop
from tests.simulators.base import Fault, opener
from tests.simulators.easypost import Server, instance

QUERY = """{orders(first: 100) {edges {node {shipments {
    trackingNumber live%s {status rawCode source stale reason lastEventAt}}}}}}"""
PARCELS = 50


@dataclass
class Connected:
    shop: Shop
    server: Server
    runtime: Runtime

    async def live(self, arguments: str = "") -> list[dict[str, object]]:
        reply = await self.shop.ask(QUERY % arguments)
        parcels = [parcel for edge in reply.data["orders"]["edges"] for parcel in edge["node"]["shipments"]]
        return [parcel["live"] for parcel in parcels if (parcel["trackingNumber"] or "").startswith("LIVE")]


@asynccontextmanager
async def connected(shop: Shop, limits: Limits | None = None) -> AsyncIterator[Connected]:
    await shop.pool.execute(
        "INSERT INTO shipments (id, order_id, carrier, tracking_number, status) SELECT gen_random_uuid(), id, 'ups',"
        f" 'LIVE' || n, 'LABEL_CREATED' FROM generate_series(1, {PARCELS}) n,"
        " (SELECT id FROM orders ORDER BY id LIMIT 1) o"
    )
    async with Server().running() as server, opener() as http:
        for number in range(1, PARCELS + 1):
            server.add(f"LIVE{number}", "UPS")
            server.scan(f"LIVE{number}", "out_for_delivery", "out_for_delivery", "2026-11-24T08:00:00Z")
        one = replace(instance(server.url), carriers={"UPS": "ups"}, options={"url": server.url, "register": "false"})
        runtime, answering = Runtime(chance=lambda: 0.0), Answering()
        runtime.add(create(one, http), limits)
        answering.add(one, "easypost", frozenset({Capability.TRACKING}))
        shop.engine.fetchers = fetchers(runtime, answering)
        yield Connected(shop, server, runtime)
        await server.until_open(0)


FRESH = {
    "status": "OUT_FOR_DELIVERY",
    "rawCode": "out_for_delivery/out_for_delivery",
    "source": "easypost",
    "stale": False,
    "reason": None,
    "lastEventAt": "2026-11-24T08:00:00.000Z",
}


def stored(reason: str) -> dict[str, object]:
    told = {"status": "LABEL_CREATED", "rawCode": None, "source": "ordergraph", "lastEventAt": None}
    return {**told, "stale": True, "reason": reason}


async def test_fifty_parcels_are_one_request_and_then_kept(own_shop: Shop) -> None:
    async with connected(own_shop) as it:
        assert await it.live("(timeout: 5000)") == [FRESH] * PARCELS
        assert len(it.server.seen) == 1
        assert await it.live("(maxAge: 60, timeout: 5000)") == [FRESH] * PARCELS
        assert len(it.server.seen) == 1
        await it.live("(maxAge: 0, timeout: 5000)")
        assert len(it.server.seen) == 2


@pytest.mark.parametrize(
    ("fault", "reason", "requests"),
    [
        (Fault.UNAUTHORIZED, "UNAUTHORIZED", 1),
        (Fault.RATE_LIMITED, "RATE_LIMITED", 1),
        (Fault.BROKEN, "UNREACHABLE", 3),
        (Fault.CUT, "UNREACHABLE", 3),
        (Fault.WRONG_TYPE, "BAD_PAYLOAD", 1),
        (Fault.TIMEOUT, "DEADLINE", 1),
        (Fault.DRIP, "DEADLINE", 1),
    ],
)
async def test_a_system_that_fails_gives_the_stored_value(
    own_shop: Shop, fault: Fault, reason: str, requests: int
) -> None:
    async with connected(own_shop) as it:
        it.server.every = fault
        it.server.retry_after = 60.0
        assert await it.live("(maxAge: 0, timeout: 1000)") == [stored(reason)] * PARCELS
        assert len(it.server.seen) == requests


async def test_a_system_that_keeps_failing_is_left_alone(own_shop: Shop) -> None:
    async with connected(own_shop, Limits(failures=1)) as it:
        it.server.every = Fault.BROKEN
        for _ in range(3):
            await it.live("(maxAge: 0)")
        assert await it.live("(maxAge: 0)") == [stored("BREAKER_OPEN")] * PARCELS
        assert len(it.server.seen) == 1


async def test_what_the_system_does_not_know_is_said(own_shop: Shop) -> None:
    async with connected(own_shop) as it:
        it.server.trackers.clear()
        assert await it.live() == [stored("NOT_KNOWN_THERE")] * PARCELS


async def test_a_carrier_without_a_connector_is_not_asked_for(own_shop: Shop) -> None:
    async with connected(own_shop) as it:
        await own_shop.pool.execute("UPDATE shipments SET carrier = 'dhl' WHERE tracking_number LIKE 'LIVE%'")
        assert await it.live() == [stored("NOT_CONNECTED")] * PARCELS
        assert not [seen for seen in it.server.seen if b"LIVE" in seen.body]


async def test_who_may_not_ask_systems_is_refused(own_shop: Shop) -> None:
    async with connected(own_shop) as it:
        reply = await own_shop.ask(QUERY % "", actor=of_role(Role.CUSTOMER, "c", customer_id="C-1"))
        assert reply.codes == ["FORBIDDEN"]
        assert it.server.seen == []


def test_who_answers() -> None:
    answering = Answering()
    able = frozenset({Capability.TRACKING, Capability.STOCK_LOOKUP, Capability.ORDER_LOOKUP})
    first = replace(instance(""), name="first", carriers={"UPS": "ups"}, locations={"7": "HAM"})
    answering.add(first, "easypost", able)
    answering.add(replace(instance(""), name="second", carriers={"x": "ups"}), "dhl", able)
    assert [answering.carrier(code) for code in ("ups", "dhl", "hermes", None)] == ["first", "second", None, None]
    assert [answering.location("HAM"), answering.location("PAR")] == ["first", None]
    assert [answering.source("second"), answering.source("third")] == ["second", None]
