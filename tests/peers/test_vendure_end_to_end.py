"""A real Vendure and a real gateway: what happens in the shop is asked of the gateway, and heard in a subscription."""

import asyncio
import datetime as dt
import re
import time
from pathlib import Path

import pytest

from domain.actor import Role
from tests.peers import vendure
from tests.peers.gateway import SECONDS, Asking, House, free_port

pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(vendure.WHY_NOT), reason=vendure.WHY_NOT)]

FILE = """
[shop]
connector = "vendure"
private = true
options = {{url = "{url}/admin-api", channel = "web"}}
locations = {{"1" = "shop"}}
push = [{push}]
carriers = {{DHL = "dhl"}}
secrets = {{api_key = "env:SHOP_KEY", webhook_secret = "file:{secret}"}}
"""
UPDATES = "subscription { orderUpdates { ... on OrderChanged { order { number status } } } }"
ALL = "{ orders { nodes { number status } } }"


async def test_what_happens_in_a_shop_is_seen_at_once(empty_database: str, database: str, tmp_path: Path) -> None:
    """One test, because the shop takes long to start: its steps follow each other as they would in a shop."""
    port = free_port()
    told = f"http://127.0.0.1:{port}/webhooks/shop"
    async with vendure.running(empty_database, webhook=told) as shop:
        house = house_of(shop, database, tmp_path)
        await shop.add_variant("MUG-BLUE", 1190, 10)
        await shop.add_variant("PLATE", 2380, 5)
        await an_operator_is_told_what_is_missing(house)
        async with house.serving(port, ORDERGRAPH_CONNECTOR_SYNC_SECONDS="3600") as asking:
            await stock_is_there(asking)
            number = await by_webhooks(shop, asking)
        async with house.serving(free_port(), ORDERGRAPH_CONNECTOR_SYNC_SECONDS="1") as asking:
            await by_pulls(shop, asking, number)
        told_house = house_of(shop, database, tmp_path, '"shop"')
        async with told_house.serving(port, ORDERGRAPH_CONNECTOR_SYNC_SECONDS="3600") as asking:
            await what_may_be_sold_is_told_to_the_shop(shop, asking)
        # The first process may have ended with one in hand; that one waits until its lease is over.
        assert set(re.findall(r"(\d+) given up", await house.command("connector", "list"))) <= {"0"}


def house_of(shop: vendure.Shop, database: str, folder: Path, push: str = "") -> House:
    secret, file = folder / "secret", folder / "connectors.toml"
    secret.write_text(vendure.SECRET, "utf-8")
    file.write_text(FILE.format(url=shop.address, secret=secret, push=push), "utf-8")
    return House(database, file, {"SHOP_KEY": shop.api_key})


async def an_operator_is_told_what_is_missing(house: House) -> None:
    listed = await house.command("connector", "list")
    assert [line for line in listed.splitlines() if "ordergraph add" in line] == [
        "  missing: channel web; ordergraph add channel web --currency …",
        "  missing: location shop; ordergraph add location shop --country … --channel …",
    ]
    await house.command("add", "channel", "web", "--currency", "USD")
    await house.command("add", "location", "shop", "--country", "DE", "--channel", "web")
    assert "missing" not in await house.command("connector", "list")
    told = await house.command("connector", "backfill", "shop")
    assert told.splitlines() == [
        "shop orders_pull: 0 records (nothing new).",
        "shop stock_pull: 2 records (2 applied).",
    ]


async def stock_is_there(asking: Asking) -> None:
    """Also of what nobody has ordered yet."""
    await for_sale(asking, 10, 5)


async def for_sale(asking: Asking, mugs: int, plates: int) -> None:
    query = '{ availability(skus: ["MUG-BLUE", "PLATE"], channel: "web") { sku availableForSale } }'
    expected = [{"sku": "MUG-BLUE", "availableForSale": mugs}, {"sku": "PLATE", "availableForSale": plates}]
    await asking.until(query, {"availability": expected})


COUNT = """mutation { setStockLevels(items: [{source: "wms", eventId: "%s", occurredAt: "%s", sku: "MUG-BLUE",
    location: "shop", onHand: %d, allocated: %d}]) { items { outcome } } }"""


async def what_may_be_sold_is_told_to_the_shop(shop: vendure.Shop, asking: Asking) -> None:
    """A warehouse counts for the shop: each count is what the shop sells, beside what it has promised itself."""
    operator = asking.as_(Role.OPERATOR)
    applied = {"setStockLevels": {"items": [{"outcome": "APPLIED"}]}}

    async def counted(on_hand: int, allocated: int) -> None:
        at = dt.datetime.now(dt.UTC).isoformat()
        assert await operator.ask(COUNT % (f"c{on_hand}-{allocated}", at, on_hand, allocated)) == applied

    await counted(30, 0)
    await shop_sells(shop, 30)
    await counted(30, 4)
    await shop_sells(shop, 26)
    await shop.place_order({"MUG-BLUE": 2})
    await shop_sells(shop, 24)
    # The warehouse has heard of the order by now: nothing is taken off twice.
    await counted(30, 6)
    await counted(40, 6)
    await shop_sells(shop, 34)


async def shop_sells(shop: vendure.Shop, available: int) -> None:
    """As Vendure itself says."""
    query = """{ productVariants(options: {filter: {sku: {eq: "MUG-BLUE"}}}) {
        items { stockLevels { stockOnHand stockAllocated } } } }"""
    end = time.monotonic() + SECONDS
    while True:
        (variant,) = (await shop.admin(query))["productVariants"]["items"].items()
        (level,) = variant["stockLevels"].items()
        found = level["stockOnHand"].integer() - level["stockAllocated"].integer()
        if found == available:
            return
        assert time.monotonic() < end, found
        await asyncio.sleep(0.1)


async def by_webhooks(shop: vendure.Shop, asking: Asking) -> str:
    """Pulls are an hour apart, so all of this is told by the shop."""
    async with asking.subscribed(UPDATES) as listening:
        number = await shop.place_order({"MUG-BLUE": 2, "PLATE": 1})
        await listening.until({"number": number, "status": "CONFIRMED"})
        # What was bought is for sale no more, though it still lies there.
        await for_sale(asking, 8, 4)
        parcel = await shop.fulfill(number, "JD01")
        await listening.until({"number": number, "status": "SHIPPED"})
        await shop.move(parcel, "Delivered")
        await listening.until({"number": number, "status": "DELIVERED"})
        regretted = await shop.place_order({"PLATE": 1})
        await listening.until({"number": regretted, "status": "CONFIRMED"})
        await shop.cancel(regretted)
        await listening.until({"number": regretted, "status": "CANCELLED"})
    query = "{ orders { nodes { number shipments { trackingNumber carrier { code } status } } } }"
    parcels = {order["number"]: order["shipments"] for order in (await asking.ask(query))["orders"]["nodes"]}
    arrived = {"trackingNumber": "JD01", "carrier": {"code": "dhl"}, "status": "DELIVERED"}
    assert parcels == {number: [arrived], regretted: []}
    return number


async def by_pulls(shop: vendure.Shop, asking: Asking, before: str) -> None:
    """This gateway listens elsewhere, so what the shop sends is lost."""
    async with asking.subscribed(UPDATES) as listening:
        number = await shop.place_order({"PLATE": 2})
        assert number != before
        await listening.until({"number": number, "status": "CONFIRMED"})
        await shop.fulfill(number, "JD02")
        await listening.until({"number": number, "status": "SHIPPED"})
