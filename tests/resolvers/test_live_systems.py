"""Live orders and stock of a simulated shop beside a carrier; and every question while all systems are dead."""

import asyncio
import datetime as dt
import zoneinfo
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

import connectors.ups
from connectors import easypost, vendure
from connectors.answering import Answering
from connectors.base import Capability, Instance
from connectors.runtime import Runtime
from resolvers.live_sources import fetchers
from tests.resolvers.shop import Shop
from tests.resolvers.test_rights import ASKED
from tests.simulators import easypost as carrier
from tests.simulators import ups
from tests.simulators import vendure as storefront
from tests.simulators.base import Fault, opener

AT = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)
ORDER = """{order(number: "W-1", channel: "web") {status live(maxAge: 0, timeout: 300) {
    status sourceStatus changedAt source stale reason}}}"""
STOCK = """{item(sku: "MUG") {stockLevels {location {code} onHand live(maxAge: 0, timeout: 300) {
    onHand countedAt source stale reason}}}}"""
PARCEL = '{shipment(trackingNumber: "T-100") {status live(maxAge: 0, timeout: 300) {status stale reason}}}'
# No answer is as slow as this, whatever else the machine does; without deadlines it would be for ever.
SECONDS = 30


def shop_instance(url: str) -> Instance:
    return replace(storefront.instance(url), name="shopify", locations={"1": "HAM"})


@asynccontextmanager
async def connected(shop: Shop) -> AsyncIterator[tuple[storefront.Server, carrier.Server]]:
    """The storefront is the source of W-1 and counts in HAM; the carrier carries every parcel."""
    await shop.pool.execute("UPDATE shipments SET carrier = 'ups'")
    async with storefront.Server().running() as sells, carrier.Server().running() as carries, opener(60) as http:
        runtime, answering = Runtime(chance=lambda: 0.0), Answering()
        first = shop_instance(sells.url)
        runtime.add(vendure.create(first, http))
        answering.add(first, "vendure", frozenset({Capability.ORDER_LOOKUP, Capability.STOCK_LOOKUP}))
        options = {"url": carries.url, "register": "false"}
        second = replace(carrier.instance(carries.url), carriers={"UPS": "ups"}, options=options)
        runtime.add(easypost.create(second, http))
        answering.add(second, "easypost", frozenset({Capability.TRACKING}))
        shop.engine.fetchers = fetchers(runtime, answering)
        yield sells, carries


def levels(data: dict[str, Any]) -> dict[str, Any]:
    return {one["location"]["code"]: one for one in data["item"]["stockLevels"]}


async def test_an_order_as_its_shop_sees_it_now(own_shop: Shop) -> None:
    async with connected(own_shop) as (sells, _):
        sells.add_order("W-1", AT)
        sells.orders[0]["state"] = "Delivered"
        order = (await own_shop.ask(ORDER.replace("300", "5000"))).data["order"]
        assert order["status"] == "PARTIALLY_SHIPPED"
        assert order["live"] == {
            "status": "DELIVERED",
            "sourceStatus": "Delivered",
            "changedAt": "2026-11-24T09:00:00.000Z",
            "source": "shopify",
            "stale": False,
            "reason": None,
        }
        assert [seen.json()["variables"]["filter"]["code"] for seen in sells.seen] == [{"in": ["W-1"]}]


async def test_a_shop_that_knows_no_delivery_does_not_take_one_back(own_shop: Shop) -> None:
    async with connected(own_shop) as (sells, _):
        sells.add_order("W-1", AT)
        sells.orders[0]["state"] = "Shipped"
        await own_shop.pool.execute("UPDATE orders SET status = 'DELIVERED' WHERE number = 'W-1'")
        order = (await own_shop.ask(ORDER.replace("300", "5000"))).data["order"]
        told = {name: order["live"][name] for name in ("status", "sourceStatus", "stale", "reason")}
        assert told == {"status": "DELIVERED", "sourceStatus": "Shipped", "stale": False, "reason": None}


async def test_an_order_the_shop_does_not_know_keeps_what_is_stored(own_shop: Shop) -> None:
    async with connected(own_shop):
        order = (await own_shop.ask(ORDER.replace("300", "5000"))).data["order"]
        told = {name: order["live"][name] for name in ("status", "stale", "reason")}
        assert told == {"status": "PARTIALLY_SHIPPED", "stale": True, "reason": "NOT_KNOWN_THERE"}


async def test_a_count_as_its_place_knows_it_now(own_shop: Shop) -> None:
    async with connected(own_shop) as (sells, _):
        level = {"stockLocationId": "1", "stockOnHand": 77, "stockAllocated": 3, "updatedAt": AT.isoformat()}
        sells.variants.append({"id": "1", "sku": "MUG", "name": "Mug", "stockLevels": [level]})
        found = levels((await own_shop.ask(STOCK.replace("300", "5000"))).data)
        assert found["HAM"]["onHand"] != 77
        assert found.pop("HAM")["live"] == {
            "onHand": 77,
            "countedAt": "2026-11-24T09:00:00.000Z",
            "source": "shopify",
            "stale": False,
            "reason": None,
        }
        assert found
        assert {one["live"]["reason"] for one in found.values()} == {"NOT_CONNECTED"}
        assert len(sells.seen) == 1


@pytest.mark.parametrize(
    ("fault", "reasons"),
    [
        (Fault.TIMEOUT, {"DEADLINE"}),
        (Fault.DRIP, {"DEADLINE"}),
        (Fault.BROKEN, {"UNREACHABLE", "BREAKER_OPEN"}),
        (None, {"UNREACHABLE", "BREAKER_OPEN"}),
    ],
)
async def test_with_all_systems_dead_everything_is_answered_from_the_store(
    own_shop: Shop, fault: Fault | None, reasons: set[str]
) -> None:
    """None: nobody listens any more."""
    before = {name: (await own_shop.ask(f"{{{query}}}")).data for name, (query, _) in ASKED.items()}
    async with connected(own_shop) as (sells, carries):
        sells.every, carries.every = fault, fault
        if fault is None:
            await asyncio.gather(sells.stop(), carries.stop())
        async with asyncio.timeout(SECONDS):
            order = (await own_shop.ask(ORDER)).data["order"]
            level = levels((await own_shop.ask(STOCK)).data)["HAM"]
            parcel = (await own_shop.ask(PARCEL)).data["shipment"]
            after = {name: (await own_shop.ask(f"{{{query}}}")).data for name, (query, _) in ASKED.items()}
    assert after == before
    for thing in (order, level, parcel):
        assert thing["live"]["stale"] is True
        assert thing["live"]["reason"] in reasons
    assert [order["live"]["status"], parcel["live"]["status"]] == [order["status"], parcel["status"]]
    assert level["live"]["onHand"] == level["onHand"]


WORK = """{ order(number: "W-1", channel: "web") { fulfillments { location { code } live(maxAge: 0, timeout: 5000%s) {
    service earliest latest source stale reason } } } }"""


@asynccontextmanager
async def estimating(shop: Shop) -> AsyncIterator[ups.Server]:
    """Work in HAM for a customer in New Hampshire; UPS says how long it would take."""
    await shop.pool.execute("UPDATE locations SET country = 'DE', postal_code = '20095'")
    await shop.pool.execute("UPDATE orders SET ship_country = 'US', ship_postal_code = '03104' WHERE number = 'W-1'")
    async with ups.Server().running() as server, opener(60) as http:
        runtime, answering = Runtime(chance=lambda: 0.0), Answering()
        one = ups.instance(server.url)
        runtime.add(connectors.ups.create(one, http))
        answering.add(one, "ups", frozenset({Capability.TRACKING, Capability.DELIVERY_ESTIMATE}))
        shop.engine.fetchers = fetchers(runtime, answering)
        yield server


async def works(shop: Shop, more: str = "") -> list[dict[str, Any]]:
    order = (await shop.ask(WORK % more)).data["order"]
    return [one["live"] for one in order["fulfillments"] if one["location"] is not None]


async def test_work_says_how_soon_its_carrier_would_bring_it(own_shop: Shop) -> None:
    async with estimating(own_shop) as server:
        found = await works(own_shop)
        asked = [seen.json() for seen in server.seen if seen.path.endswith("transittimes")]
        # Each way is asked for once, however many works there are.
        assert len(asked) == 1
        assert (asked[0]["originPostalCode"], asked[0]["destinationPostalCode"]) == ("20095", "03104")
        assert {(one["service"], one["source"], one["stale"], one["reason"]) for one in found} == {
            ("1DA", "ups", False, None)
        }
        day = dt.date.fromisoformat(asked[0]["shipDate"]) + dt.timedelta(days=1)
        expected = dt.datetime.combine(day, dt.time(10, 30), zoneinfo.ZoneInfo("America/New_York"))
        assert {dt.datetime.fromisoformat(one["latest"]) for one in found} == {expected}
        ground = await works(own_shop, ', service: "GND"')
        assert {one["service"] for one in ground} == {"GND"}


async def test_where_no_carrier_goes_or_nobody_can_say_there_is_no_estimate(own_shop: Shop) -> None:
    unsaid = {"service": None, "earliest": None, "latest": None, "stale": True}

    async def reasons() -> set[str]:
        found = await works(own_shop)
        assert [{name: one[name] for name in unsaid} for one in found] == [unsaid] * len(found)
        return {one["reason"] for one in found}

    async with estimating(own_shop) as server:
        await own_shop.pool.execute("UPDATE orders SET ship_country = 'AQ' WHERE number = 'W-1'")
        assert await reasons() == {"NOT_KNOWN_THERE"}
        asked = len(server.seen)
        await own_shop.pool.execute("UPDATE orders SET ship_postal_code = NULL WHERE number = 'W-1'")
        assert await reasons() == {"NOT_CONNECTED"}
        assert len(server.seen) == asked
