"""Odoo: pages by rising id, deliveries that change without their order, stock that is pushed once."""

import dataclasses
import datetime as dt

import pytest

from connectors.base import Page, Secret, StockTarget
from connectors.errors import BadPayload, Unauthorized
from connectors.odoo import create
from connectors.odoo.client import Odoo
from domain.records import FulfillmentRecord, OrderRecord, OrderRef, Record, StockRecord, SupplyRecord
from domain.status import FulfillmentStatus, OrderStatus
from tests.simulators.base import opener
from tests.simulators.odoo import Server, instance


async def test_a_sale_is_read_and_its_delivery_followed_though_the_order_does_not_change() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        sale = server.add_sale("WEB-1001", {"MUG-BLUE": 3, "PLATE": 1})
        order, work = (await connector.pull_orders(None, None)).records
        assert isinstance(order, OrderRecord)
        assert isinstance(work, FulfillmentRecord)
        assert (order.order, order.status, order.total, order.tax_total) == (
            OrderRef("web", "WEB-1001"),
            OrderStatus.CONFIRMED,
            4760,
            760,
        )
        assert [(one.sku, one.quantity, one.unit_price, one.total) for one in order.lines or ()] == [
            ("MUG-BLUE", 3, 1190, 3570),
            ("PLATE", 1, 1190, 1190),
        ]
        assert (work.status, work.location) == (FulfillmentStatus.OPEN, "central")
        since = order.occurred_at + dt.timedelta(seconds=1)
        assert (await connector.pull_orders(since, None)).records == []
        server.ship(sale, "JD01")
        order, work = (await connector.pull_orders(since, None)).records
        assert isinstance(order, OrderRecord)
        assert isinstance(work, FulfillmentRecord)
        assert (order.status, order.source_status) == (OrderStatus.SHIPPED, "sale, full")
        assert [(one.line, one.shipped) for one in work.lines] == [("MUG-BLUE", 3), ("PLATE", 1)]
        assert [(one.carrier, one.tracking_number) for one in work.shipments] == [("dhl", "JD01")]
        looked_up = await connector.look_up_orders([OrderRef("web", "no"), order.order, OrderRef("pos", "WEB-1001")])
        assert looked_up == [[], [order, work], []]


async def every(server: Server, kind: str) -> list[Record]:
    """All pages, each by a new connector: the cursor is all that goes on."""
    records: list[Record] = []
    async with opener() as http:
        cursor = None
        while True:
            page: Page = await getattr(create(instance(server.url), http), kind)(None, cursor)
            records.extend(page.records)
            if (cursor := page.cursor) is None:
                return records


async def test_every_page_is_read_once() -> None:
    async with Server().running() as server:
        for place in range(205):
            server.add_sale(f"W{place}", {"MUG": 1})
            server.lay(f"SKU-{place}", place)
        orders = [one.order.number for one in await every(server, "pull_orders") if isinstance(one, OrderRecord)]
        assert orders == [f"W{place}" for place in range(205)]
        counts = {one.sku: one.on_hand for one in await every(server, "pull_stock") if isinstance(one, StockRecord)}
        assert counts == {f"SKU-{place}": place for place in range(205)}


async def test_hours_of_work_are_no_goods_and_parts_of_units_harm_no_other_order() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        server.product("HOUR")["type"] = "service"
        server.add_sale("W1", {"MUG": 2, "HOUR": 1.5})
        server.add_sale("W2", {"CLOTH": 1.5})
        server.add_sale("W3", {"MUG": 1})
        page = await connector.pull_orders(None, None)
        orders = {one.order.number: one.lines for one in page.records if isinstance(one, OrderRecord)}
        assert {number: [(one.sku, one.quantity) for one in lines or ()] for number, lines in orders.items()} == {
            "W1": [("MUG", 2)],
            "W3": [("MUG", 1)],
        }
        assert [(one.reference, one.error.path) for one in page.unread] == [("W2", "lines.2.product_uom_qty")]
        found = await connector.look_up_orders([OrderRef("web", number) for number in ("W1", "W2")])
        assert [type(one) for one in found] == [list, BadPayload]


async def test_shelves_of_a_warehouse_are_one_count_and_only_changed_products_are_pulled() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        server.lay("MUG", 3)
        server.lay("MUG", 4)
        (first,) = (await connector.pull_stock(None, None)).records
        assert isinstance(first, StockRecord)
        assert (first.sku, first.location, first.on_hand) == ("MUG", "central", 7)
        server.lay("PLATE", 1)
        (second,) = (await connector.pull_stock(first.occurred_at + dt.timedelta(seconds=1), None)).records
        assert isinstance(second, StockRecord)
        assert second.sku == "PLATE"


async def test_a_shelf_that_is_empty_is_told_though_odoo_has_deleted_it() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        shelf = server.lay("MUG", 3)
        (first,) = (await connector.pull_stock(None, None)).records
        since = first.occurred_at + dt.timedelta(seconds=1)
        assert (await connector.pull_stock(since, None)).records == []
        server.take("MUG", shelf)
        (none,) = (await connector.pull_stock(since, None)).records
        assert isinstance(none, StockRecord)
        assert (none.sku, none.location, none.on_hand, none.allocated) == ("MUG", "central", 0, 0)
        assert none.occurred_at > first.occurred_at


async def test_stock_pushed_twice_is_counted_once() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        server.lay("MUG", 10, reserved=3)
        server.product("PLATE")
        targets = [
            StockTarget("MUG", "central", 20, "k1"),
            StockTarget("PLATE", "central", 5, "k2"),
            StockTarget("GHOST", "central", 1, "k3"),
            StockTarget("MUG", "nowhere", 1, "k4"),
        ]
        for _ in range(2):
            pushed = [one.refused for one in await connector.push_stock(targets)]
            assert pushed == [None, None, "UNKNOWN_SKU", "UNKNOWN_LOCATION"]
        records = (await connector.pull_stock(None, None)).records
        assert {one.sku: one.on_hand for one in records if isinstance(one, StockRecord)} == {"MUG": 23, "PLATE": 5}
        assert [seen.path for seen in server.seen].count("/json/2/stock.quant/action_apply_inventory") == 2


async def test_what_is_on_its_way_comes_with_the_purchase_and_its_changes() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        line = server.buy("MUG", 50, "2026-12-01 11:00:00")
        (due,) = (await connector.pull_supply(None, None)).records
        assert isinstance(due, SupplyRecord)
        assert (due.location, due.quantity, due.received, due.closed_at) == ("central", 50, 0, None)
        assert due.expected_at == dt.datetime(2026, 12, 1, 11, tzinfo=dt.UTC)
        since = due.occurred_at + dt.timedelta(seconds=1)
        server.put("purchase.order.line", id=line["id"], qty_received=20.0)
        server.put("purchase.order", id=1, state="cancel")
        (come,) = (await connector.pull_supply(since, None)).records
        assert isinstance(come, SupplyRecord)
        assert (come.reference, come.received, come.closed_at) == (due.reference, 20, come.occurred_at)


async def test_a_wrong_key_is_unauthorized_and_a_refusal_names_the_exception_and_nobody() -> None:
    async with Server().running() as server, opener() as http:
        of = dataclasses.replace(instance(server.url), secrets={"api_key": (Secret("wrong"),)})
        with pytest.raises(Unauthorized):
            await create(of, http).pull_orders(None, None)
        connector: Odoo = create(instance(server.url), http)
        with pytest.raises(BadPayload, match="ValidationError") as refused:
            await connector._api.call("stock.location", "unlink", ids=[1])  # what no request of ours does
        assert "Ada" not in str(refused.value)
        assert [seen.headers["x-odoo-database"] for seen in server.seen] == ["shop", "shop"]
