"""Reads Odoo a page at a time by rising id; sets stock by an inventory adjustment."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from connectors.base import Instance, Page, Pushed, StockTarget
from connectors.errors import ConnectorError
from connectors.http import Http
from connectors.odoo import mapping
from connectors.odoo.api import LIMIT, Api, ids, moment, target
from connectors.payload import Node
from domain.records import OrderRef, Record

ORDER: Final = (
    *("name", "client_order_ref", "state", "write_date", "date_order", "delivery_status", "currency_id"),
    *("amount_untaxed", "amount_tax", "amount_total", "partner_id", "partner_shipping_id", "order_line", "picking_ids"),
)
LINE: Final = ("product_id", "name", "product_uom_qty", "price_unit", "price_tax", "price_total")
PICKING: Final = (
    *("state", "write_date", "date_done", "carrier_id", "carrier_tracking_ref", "move_ids", "picking_type_id"),
)
PARTNER: Final = ("name", "email", "phone", "street", "street2", "city", "zip", "country_code")
QUANT: Final = ("product_id", "warehouse_id", "quantity", "reserved_quantity", "write_date")
PURCHASE: Final = ("product_id", "order_id", "product_qty", "qty_received", "date_planned", "write_date")
SOLD: Final = ["state", "in", ["sale", "done", "cancel"]]
HERE: Final = ["location_id.usage", "=", "internal"]


class Odoo:
    def __init__(self, instance: Instance, http: Http) -> None:
        self.instance = instance
        self._api = Api(instance, http)

    async def pull_orders(self, since: dt.datetime | None, cursor: str | None) -> Page:
        wanted = [SOLD, *_changed(since, "write_date", "picking_ids.write_date"), *_behind(cursor)]
        total = await self._api.count("sale.order", wanted) if _all(since, cursor) else None
        told = await self._sales(wanted)
        orders = told["orders"]
        return Page.of(mapping.sales(told, self.instance), _cursor(orders), len(orders.items()), total)

    async def look_up_orders(self, orders: Sequence[OrderRef]) -> Sequence[Sequence[Record] | ConnectorError]:
        ours = self.instance.option("channel", "web")
        numbers = sorted({order.number for order in orders if order.channel == ours})
        found: dict[str, list[Record]] = {}
        unread: dict[str, ConnectorError] = {}
        for start in range(0, len(numbers), LIMIT // 2):
            some = numbers[start : start + LIMIT // 2]
            told = await self._sales([SOLD, "|", ["client_order_ref", "in", some], ["name", "in", some]])
            read = mapping.sales(told, self.instance)
            unread |= {one.reference: one.error for one in read.unread}
            for record in read.records:
                found.setdefault(record.order.number, []).append(record)
        return [
            unread.get(order.number) or found.get(order.number, []) if order.channel == ours else [] for order in orders
        ]

    async def _sales(self, domain: Sequence[Any]) -> Node:
        """The orders with all they lead to, in a fixed number of requests."""
        orders = await self._api.search("sale.order", domain, ORDER)
        lines = await self._api.rows("sale.order.line", ids(orders, "order_line"), LINE)
        outgoing = [["id", "in", ids(orders, "picking_ids")], ["picking_type_code", "=", "outgoing"]]
        pickings = await self._api.search("stock.picking", outgoing, PICKING, bounded=False)
        moves = await self._api.rows(
            "stock.move", ids(pickings, "move_ids"), ("product_id", "product_uom_qty", "quantity")
        )
        partners = await self._api.rows("res.partner", ids(orders, "partner_id", "partner_shipping_id"), PARTNER)
        products = {*ids(lines, "product_id"), *ids(moves, "product_id")}
        return Node(
            {
                "orders": orders.value,
                "lines": lines.value,
                "pickings": await self._with_warehouses(pickings),
                "moves": moves.value,
                "partners": partners.value,
                "products": (await self._products(products)).value,
            }
        )

    async def _with_warehouses(self, pickings: Node) -> list[Any]:
        """A picking knows its type, and the type its warehouse."""
        types = await self._api.rows("stock.picking.type", ids(pickings, "picking_type_id"), ("warehouse_id",))
        place = {kind["id"].id(): kind["warehouse_id"].value for kind in types.items()}
        return [
            {**picking.value, "warehouse_id": place.get(target(picking["picking_type_id"]) or "")}
            for picking in pickings.items()
        ]

    async def _products(self, wanted: set[int]) -> Node:
        return await self._api.rows("product.product", sorted(wanted), ("default_code", "type"))

    async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
        """By product, so that the shelves of one are never torn apart; with `since` those of which a shelf changed.

        A shelf that is empty Odoo deletes: that something was taken from it is known by what moved.
        """
        moves = Node([]) if since is None else await self._taken(since)
        listed = sorted({*(await self._on_shelves(since)), *ids(moves, "product_id")})
        products = [one for one in listed if cursor is None or one > int(cursor)]
        page = products[:LIMIT]
        quants = await self._api.search("stock.quant", [HERE, ["product_id", "in", page]], QUANT, bounded=False)
        told = {
            "quants": quants.value,
            "moves": [move.value for move in moves.items() if ids(Node([move.value]), "product_id")[0] in page],
            "products": (await self._products(set(page))).value,
        }
        following = str(page[-1]) if len(products) > LIMIT else None
        return Page.of(mapping.stock(Node(told), self.instance), following, len(page), len(listed))

    async def _on_shelves(self, since: dt.datetime | None) -> list[int]:
        changed = [HERE] if since is None else [HERE, ["write_date", ">=", moment(since)]]
        found = await self._api.call(
            "stock.quant", "search_read", domain=changed, fields=["product_id"], order="product_id"
        )
        return ids(found, "product_id")

    async def _taken(self, since: dt.datetime) -> Node:
        wanted = [["state", "=", "done"], HERE, ["write_date", ">=", moment(since)]]
        return await self._api.search("stock.move", wanted, ("product_id", "write_date"), bounded=False)

    async def pull_supply(self, since: dt.datetime | None, cursor: str | None) -> Page:
        bought = ["order_id.state", "in", ["purchase", "done", "cancel"]]
        domain = [bought, *_changed(since, "write_date", "order_id.write_date"), *_behind(cursor)]
        total = await self._api.count("purchase.order.line", domain) if _all(since, cursor) else None
        lines = await self._api.search("purchase.order.line", domain, PURCHASE)
        orders = await self._api.rows("purchase.order", ids(lines, "order_id"), ("name", "state", "picking_type_id"))
        told = {
            "lines": lines.value,
            "orders": await self._with_warehouses(orders),
            "products": (await self._products(set(ids(lines, "product_id")))).value,
        }
        return Page.of(mapping.supply(Node(told), self.instance), _cursor(lines), len(lines.items()), total)

    async def push_stock(self, targets: Sequence[StockTarget]) -> Sequence[Pushed]:
        """Counts the warehouse's own shelf: available plus reserved. What is right already is left alone."""
        skus = sorted({target.sku for target in targets})
        products = await self._api.search(
            "product.product", [["default_code", "in", skus]], ("default_code",), bounded=False
        )
        known = {one["default_code"].text(): one["id"].integer() for one in products.items()}
        places = await self._api.search("stock.warehouse", [], ("lot_stock_id",), bounded=False)
        shelves = {self.instance.location(one["id"].id()): target(one["lot_stock_id"]) for one in places.items()}
        done = []
        for one in targets:
            shelf = shelves.get(one.location)
            if one.sku not in known or shelf is None:
                done.append(Pushed("UNKNOWN_SKU" if one.sku not in known else "UNKNOWN_LOCATION"))
                continue
            await self._count(known[one.sku], int(shelf), one.available)
            done.append(Pushed())
        return done

    async def _count(self, product: int, shelf: int, available: int) -> None:
        domain = [["product_id", "=", product], ["location_id", "=", shelf]]
        found = (await self._api.search("stock.quant", domain, QUANT)).items()
        there = found[0] if found else None
        quantity = 0 if there is None else there["quantity"].integer()
        wanted = available + (0 if there is None else there["reserved_quantity"].integer())
        if quantity == wanted:
            return
        if there is None:
            values = {"product_id": product, "location_id": shelf, "inventory_quantity": wanted}
            quant = ids_of(await self._api.call("stock.quant", "create", vals_list=[values]))
        else:
            quant = [there["id"].integer()]
            await self._api.call("stock.quant", "write", ids=quant, vals={"inventory_quantity": wanted})
        await self._api.call("stock.quant", "action_apply_inventory", ids=quant)


def ids_of(made: Node) -> list[int]:
    return [one.integer() for one in made.items()]


def _all(since: dt.datetime | None, cursor: str | None) -> bool:
    """At the first page of everything there is, how many that are is worth a request."""
    return since is None and cursor is None


def _changed(since: dt.datetime | None, first: str, second: str) -> list[Any]:
    return [] if since is None else ["|", [first, ">=", moment(since)], [second, ">=", moment(since)]]


def _behind(cursor: str | None) -> list[Any]:
    return [["id", ">", int(cursor)]] if cursor else []


def _cursor(rows: Node) -> str | None:
    found = rows.items()
    return found[-1]["id"].id() if len(found) == LIMIT else None
