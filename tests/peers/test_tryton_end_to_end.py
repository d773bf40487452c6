"""A real Tryton and a real gateway: an order of the shop goes on in the ERP, and supply and counts come from there."""

import asyncio
import datetime as dt
import time
from pathlib import Path
from typing import TypeGuard

import aiohttp
import pytest

from connectors.http import Http
from connectors.tryton import create
from domain.actor import Role
from domain.records import Record, StockRecord
from tests.peers import tryton
from tests.peers.gateway import SECONDS, Asking, House, free_port

pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(tryton.WHY_NOT), reason=tryton.WHY_NOT)]

FILE = """
[erp]
connector = "tryton"
private = true
options = {{url = "{url}", user = "admin", channel = "web", time_zone = "Europe/Berlin"}}
locations = {{WH = "central"}}
push = [{push}]
secrets = {{password = "env:ERP_PASSWORD"}}
"""
UPDATES = "subscription { orderUpdates { ... on OrderChanged { order { number status } } } }"
STOCK = '{ availability(skus: ["MUG-BLUE", "PLATE"], channel: "web") { sku availableForSale } }'
PLACE = """mutation { upsertOrders(items: [{
  source: "webshop", eventId: "1", occurredAt: "2026-11-20T10:00:00Z", order: {channel: "web", number: "WEB-1001"},
  placedAt: "2026-11-20T10:00:00Z", acceptedAt: "2026-11-20T10:00:00Z", currency: "EUR", total: 4760,
  lines: [{sku: "MUG-BLUE", quantity: 3, unitPrice: 1190, total: 3570}, {sku: "PLATE", quantity: 1, unitPrice: 1190,
    total: 1190}]}]) { refused items { error { message } } } }"""


async def test_an_order_goes_on_in_the_erp(database: str, tmp_path: Path) -> None:
    """One test, because the ERP takes long to start: its steps follow each other as they would in a shop."""
    async with tryton.running(tmp_path) as erp:
        file = tmp_path / "connectors.toml"
        file.write_text(FILE.format(url=erp.address, push=""), "utf-8")
        house = House(database, file, {"ERP_PASSWORD": tryton.PASSWORD, "ORDERGRAPH_SOURCE_PRECEDENCE": "webshop,erp"})
        await erp.add_product("MUG-BLUE", "11.90", 10)
        await erp.add_product("PLATE", "23.80", 5)
        await house.command("add", "channel", "web", "--currency", "EUR")
        await house.command("add", "location", "central", "--country", "DE", "--channel", "web")
        told = await house.command("connector", "backfill", "erp")
        assert "erp stock_pull: 2 records (2 applied)." in told.splitlines()
        async with house.serving(free_port(), ORDERGRAPH_CONNECTOR_SYNC_SECONDS="1") as asking:
            await asking.until(STOCK, stock(10, 5))
            await the_order_is_one(erp, asking)
            await a_count_and_a_purchase_come(erp, asking)
        file.write_text(FILE.format(url=erp.address, push='"central"'), "utf-8")
        async with house.serving(free_port(), ORDERGRAPH_CONNECTOR_SYNC_SECONDS="3600") as asking:
            await a_count_elsewhere_is_told_to_the_erp(erp, asking)


def stock(mugs: int, plates: int) -> object:
    of = (("MUG-BLUE", mugs), ("PLATE", plates))
    return {"availability": [{"sku": sku, "availableForSale": number} for sku, number in of]}


async def the_order_is_one(erp: tryton.Erp, asking: Asking) -> None:
    operator = asking.as_(Role.OPERATOR)
    assert (await operator.ask(PLACE))["upsertOrders"] == {"refused": 0, "items": [{"error": None}]}
    async with asking.subscribed(UPDATES) as listening:
        sale = await erp.sell("WEB-1001", {"MUG-BLUE": 3, "PLATE": 1})
        query = "{ orders { nodes { number sources { system value wins } } } }"
        await listening.until({"number": "WEB-1001", "status": "CONFIRMED"})
        await erp.deliver(sale)
        await listening.until({"number": "WEB-1001", "status": "SHIPPED"})
    (order,) = (await asking.ask(query))["orders"]["nodes"]
    assert "erp" in [claim["system"] for claim in order["sources"]]


async def a_count_and_a_purchase_come(erp: tryton.Erp, asking: Asking) -> None:
    await erp.count("PLATE", 9)
    await asking.until(STOCK, stock(7, 9))
    purchase = await erp.buy({"MUG-BLUE": 50}, 2026, 12, 1)
    incoming = '{ item(sku: "MUG-BLUE") { incoming { quantity received location { code } } } }'
    await asking.until(
        incoming, {"item": {"incoming": [{"quantity": 50, "received": 0, "location": {"code": "central"}}]}}
    )
    await erp.receive(purchase)
    await asking.until(STOCK, stock(57, 9))


COUNT = """mutation { setStockLevels(items: [{source: "wms", eventId: "%s", occurredAt: "%s", sku: "PLATE",
    location: "central", onHand: %d, allocated: %d}]) { items { outcome } } }"""


async def a_count_elsewhere_is_told_to_the_erp(erp: tryton.Erp, asking: Asking) -> None:
    """A warehouse counts for the ERP, which is told what is free, and keeps what it has given to deliveries."""
    operator = asking.as_(Role.OPERATOR)

    async def counted(on_hand: int, allocated: int) -> None:
        at = dt.datetime.now(dt.UTC).isoformat()
        told = await operator.ask(COUNT % (f"c{on_hand}-{allocated}", at, on_hand, allocated))
        assert told == {"setStockLevels": {"items": [{"outcome": "APPLIED"}]}}

    await counted(30, 0)
    await erp_has(erp, 30)
    await counted(30, 4)
    await erp_has(erp, 26)
    await counted(12, 2)
    await erp_has(erp, 10)


async def erp_has(erp: tryton.Erp, available: int) -> None:
    """As Tryton itself says."""
    async with aiohttp.ClientSession() as session:
        connector = create(erp.instance(), lambda base: Http(session, base))
        end = time.monotonic() + SECONDS
        while True:
            (plate,) = [one for one in (await connector.pull_stock(None, None)).records if is_plate(one)]
            found = plate.on_hand - (plate.allocated or 0)
            if found == available:
                return
            assert time.monotonic() < end, found
            await asyncio.sleep(0.2)


def is_plate(record: Record) -> TypeGuard[StockRecord]:
    return isinstance(record, StockRecord) and record.sku == "PLATE"
