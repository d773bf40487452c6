"""The Tryton connector against a real Tryton: sold, delivered, bought, received and counted there."""

import datetime as dt
from pathlib import Path

import aiohttp
import pytest

from connectors.base import Page, StockTarget
from connectors.errors import BadPayload, Unauthorized
from connectors.http import Http
from connectors.tryton import create
from connectors.tryton.client import Tryton
from domain.records import FulfillmentRecord, OrderRecord, OrderRef, StockRecord, SupplyRecord
from domain.status import FulfillmentStatus, OrderStatus
from tests.peers import tryton

pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(tryton.WHY_NOT), reason=tryton.WHY_NOT)]


async def test_a_real_erp_is_read_and_written(tmp_path: Path) -> None:
    """One test, because the ERP takes long to start: its steps follow each other as they would in a shop."""
    async with tryton.running(tmp_path) as erp, aiohttp.ClientSession() as session:
        connector = create(erp.instance(), lambda base: Http(session, base))
        await erp.add_product("MUG-BLUE", "11.90", 10)
        await erp.add_product("PLATE", "23.80", 5)
        assert (await connector.pull_orders(None, None)).records == []
        sale = await erp.sell("WEB-1001", {"MUG-BLUE": 3, "PLATE": 1})
        await a_sale_is_read(connector)
        await its_delivery_is_followed(erp, connector, sale)
        await stock_is_read_and_set(erp, connector)
        await what_is_on_its_way_is_read(erp, connector)
        await refusals_are_told(erp, connector, session)


async def a_sale_is_read(connector: Tryton) -> None:
    order, work = (await connector.pull_orders(None, None)).records
    assert isinstance(order, OrderRecord)
    assert isinstance(work, FulfillmentRecord)
    assert (order.order, order.status, order.source_status) == (
        OrderRef("web", "WEB-1001"),
        OrderStatus.IN_PROGRESS,
        "processing, waiting",
    )
    assert [(line.sku, line.quantity, line.unit_price, line.total) for line in order.lines or ()] == [
        ("MUG-BLUE", 3, 1190, 3570),
        ("PLATE", 1, 1190, 1190),
    ]
    assert (order.currency, order.subtotal, order.tax_total, order.total) == ("EUR", 4760, 0, 4760)
    assert order.customer is not None
    assert (order.customer.id, order.customer.email) == ("ADA", "ada@shop.example")
    assert order.shipping_address is not None
    assert (order.shipping_address.city, order.shipping_address.country) == ("Berlin", "DE")
    assert (work.order, work.status, work.location) == (order.order, FulfillmentStatus.OPEN, "central")
    assert [(line.line, line.quantity, line.shipped) for line in work.lines] == [
        ("MUG-BLUE", 3, None),
        ("PLATE", 1, None),
    ]
    looked_up = await connector.look_up_orders([OrderRef("web", "no"), order.order, OrderRef("pos", "WEB-1001")])
    assert looked_up == [[], [order, work], []]


async def its_delivery_is_followed(erp: tryton.Erp, connector: Tryton, sale: int) -> None:
    since = dt.datetime.now(dt.UTC)
    assert (await connector.pull_orders(since, None)).records == []
    await erp.deliver(sale)
    order, work = (await connector.pull_orders(since, None)).records
    assert isinstance(order, OrderRecord)
    assert isinstance(work, FulfillmentRecord)
    assert order.status is OrderStatus.SHIPPED
    assert work.status is FulfillmentStatus.COMPLETED
    assert [(line.line, line.shipped) for line in work.lines] == [("MUG-BLUE", 3), ("PLATE", 1)]


def counts(page: Page) -> dict[tuple[str, str], int]:
    assert page.cursor is None
    return {(one.sku, one.location): one.on_hand for one in page.records if isinstance(one, StockRecord)}


async def stock_is_read_and_set(erp: tryton.Erp, connector: Tryton) -> None:
    all_of_it = {("MUG-BLUE", "central"): 7, ("PLATE", "central"): 4}
    assert counts(await connector.pull_stock(None, None)) == all_of_it
    since = dt.datetime.now(dt.UTC)
    await erp.count("PLATE", 9)
    assert counts(await connector.pull_stock(since, None)) == {("PLATE", "central"): 9}
    targets = [
        StockTarget("MUG-BLUE", "central", 20, "k1"),
        StockTarget("GHOST", "central", 1, "k2"),
        StockTarget("PLATE", "nowhere", 1, "k3"),
    ]
    for _ in range(2):
        refused = [one.refused for one in await connector.push_stock(targets)]
        assert refused == [None, "UNKNOWN_SKU", "UNKNOWN_LOCATION"]
        now = counts(await connector.pull_stock(None, None))
        assert now == {("MUG-BLUE", "central"): 20, ("PLATE", "central"): 9}
    inventories = await erp.model("stock.inventory.search", [], 0, None, None)
    # Three counts by the test, and one by the first push: the second found nothing to do.
    assert len(inventories.items()) == 4


async def what_is_on_its_way_is_read(erp: tryton.Erp, connector: Tryton) -> None:
    assert (await connector.pull_supply(None, None)).records == []
    purchase = await erp.buy({"MUG-BLUE": 50}, 2026, 12, 1)
    (due,) = (await connector.pull_supply(None, None)).records
    assert isinstance(due, SupplyRecord)
    assert (due.sku, due.location, due.quantity, due.received) == ("MUG-BLUE", "central", 50, 0)
    assert due.expected_at == dt.datetime(2026, 12, 1, 22, 59, 59, tzinfo=dt.UTC)
    since = dt.datetime.now(dt.UTC)
    await erp.receive(purchase)
    (come,) = (await connector.pull_supply(since, None)).records
    assert isinstance(come, SupplyRecord)
    assert (come.reference, come.received) == (due.reference, 50)
    assert counts(await connector.pull_stock(since, None)) == {("MUG-BLUE", "central"): 70}


async def refusals_are_told(erp: tryton.Erp, connector: Tryton, session: aiohttp.ClientSession) -> None:
    wrong = create(erp.instance("wrong"), lambda base: Http(session, base))
    with pytest.raises(Unauthorized) as refused:
        await wrong.pull_orders(None, None)
    assert "wrong" not in str(refused.value)
    with pytest.raises(BadPayload, match=r"sale\.nonsense"):
        await connector._rpc.call("model.sale.nonsense.read", [1])  # what no document of ours asks
