"""Odoo's JSON-2 API over a few tables in memory, with the part of its domains that our requests use."""

import datetime as dt
import operator
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from connectors.base import Instance, Secret, StockTarget, WebhookRequest
from domain.records import OrderRef
from tests.simulators.base import Simulator

KEY = "odoo-simulated"
PAGES = ("connectors.odoo.client.LIMIT", "connectors.odoo.api.LIMIT")
Row = dict[str, Any]
# Where a field of one table leads.
RELATIONS: Final = {
    "picking_ids": "stock.picking",
    "order_id": "purchase.order",
    "location_id": "stock.location",
    "picking_type_id": "stock.picking.type",
}
OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda value, among: value in among,
}


@dataclass(slots=True)
class Server(Simulator):
    """`tables` by model and id. The clock, `now`, moves by a second with each change."""

    tables: dict[str, dict[int, Row]] = field(default_factory=dict)
    now: int = 0

    def __post_init__(self) -> None:
        self.put("stock.location", id=8, usage="internal")
        self.put("stock.location", id=9, usage="customer")
        self.put("stock.warehouse", id=1, lot_stock_id=[8, "WH/Stock"])
        self.put("stock.picking.type", id=2, code="outgoing", warehouse_id=[1, "WH"])
        self.put("stock.picking.type", id=3, code="incoming", warehouse_id=[1, "WH"])

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/json/2/{model}/{method}", self.call)]

    def put(self, model: str, **values: Any) -> Row:
        """A new row, or changes of one that is there."""
        self.now += 1
        stamp = f"2026-11-25 {self.now // 3600 + 8:02}:{self.now // 60 % 60:02}:{self.now % 60:02}"
        rows = self.tables.setdefault(model, {})
        ident = values.get("id") or max(rows, default=0) + 1
        rows[ident] = {**rows.get(ident, {}), **values, "id": ident, "write_date": stamp}
        return rows[ident]

    async def call(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"bearer {KEY}":
            return self._error(401, "werkzeug.exceptions.Unauthorized", "Invalid apikey")
        model, method = request.match_info["model"], request.match_info["method"]
        given = await request.json()
        if model not in self.tables and method not in ("search_read", "search_count"):
            return self._error(404, "werkzeug.exceptions.NotFound", "the model does not exist")
        if method == "search_read":
            return web.json_response(self._search(model, given))
        if method == "search_count":
            return web.json_response(len(self._search(model, {**given, "fields": []})))
        if method == "create":
            return web.json_response([self._created(model, values)["id"] for values in given["vals_list"]])
        if method == "write":
            for ident in given["ids"]:
                self.put(model, id=ident, **given["vals"])
            return web.json_response(True)
        if method == "action_apply_inventory":
            for ident in given["ids"]:
                self.put(model, id=ident, quantity=float(self.tables[model][ident]["inventory_quantity"]))
            return web.json_response(True)
        return self._error(422, "odoo.exceptions.ValidationError", "Ada Example may not do that")

    def _created(self, model: str, values: Row) -> Row:
        """A many2one is written as an id, and read as a pair."""
        pairs = {"product_id", "location_id"} & set(values)
        shown = {name: [value, "named"] if name in pairs else value for name, value in values.items()}
        return self.put(model, **shown, warehouse_id=[1, "WH"], quantity=0.0, reserved_quantity=0.0)

    def _search(self, model: str, given: Row) -> list[Row]:
        rows = [row for _, row in sorted(self.tables.get(model, {}).items()) if self._is(row, given["domain"])]
        names = [*given["fields"], "id"]
        return [{name: row.get(name, False) for name in names} for row in rows[: given.get("limit")]]

    def _is(self, row: Row, domain: Sequence[Any]) -> bool:
        """`|` stands before the two it joins; the rest are joined by and."""
        terms, answers = list(domain), []
        while terms:
            term = terms.pop(0)
            if term == "|":
                first, second = terms.pop(0), terms.pop(0)
                answers.append(self._one(row, first) or self._one(row, second))
            else:
                answers.append(self._one(row, term))
        return all(answers)

    def _one(self, row: Row, term: Sequence[Any]) -> bool:
        path, name, wanted = term
        values = self._values(row, "picking_type_id.code" if path == "picking_type_code" else path)
        return any(value is not None and OPERATORS[name](value, wanted) for value in values)

    def _values(self, row: Row, path: str) -> list[Any]:
        name, _, rest = path.partition(".")
        value = row.get(name)
        if not rest:
            pair = isinstance(value, list) and len(value) == 2 and isinstance(value[1], str)
            return [value[0]] if pair and isinstance(value, list) else [value]
        leads = value if isinstance(value, list) else []
        leads = leads[:1] if len(leads) == 2 and isinstance(leads[1], str) else leads
        table = self.tables.get(RELATIONS[name], {})
        return [found for ident in leads for found in self._values(table[ident], rest)]

    def _error(self, status: int, name: str, message: str) -> web.Response:
        body = {"name": name, "message": message, "arguments": [message], "context": {}, "debug": ""}
        return web.json_response(body, status=status)

    def add_sale(self, reference: str, quantities: Mapping[str, float]) -> Row:
        """A confirmed order of Ada Example with a picking that waits."""
        partner = self.put("res.partner", id=5, name="Ada Example", email="ada@shop.example", street="Lange Gasse 1",
                           city="Berlin", zip="10117", country_code="DE")  # fmt: skip
        products = {sku: self.product(sku) for sku in quantities}
        lines, moves = [], []
        for sku, count in quantities.items():
            named = {"product_id": [products[sku]["id"], sku], "product_uom_qty": float(count)}
            prices = {"price_unit": 11.9, "price_tax": 1.9 * count, "price_total": 11.9 * count}
            lines.append(self.put("sale.order.line", **named, name=sku.title(), **prices)["id"])
            moves.append(self.put("stock.move", **named, quantity=0.0)["id"])
        picking = self.put("stock.picking", state="confirmed", picking_type_id=[2, "Delivery"], move_ids=moves)
        total = sum(quantities.values())
        money = {"amount_untaxed": 10.0 * total, "amount_tax": 1.9 * total, "amount_total": 11.9 * total}
        return self.put(
            "sale.order",
            name=f"S{len(self.tables.get('sale.order', {})) + 1:05}",
            client_order_ref=reference,
            state="sale",
            date_order="2026-11-25 08:00:00",
            delivery_status="pending",
            currency_id=[1, "EUR"],
            partner_id=[partner["id"], partner["name"]],
            partner_shipping_id=[partner["id"], partner["name"]],
            order_line=lines,
            picking_ids=[picking["id"]],
            **money,
        )

    def ship(self, sale: Row, tracking: str) -> None:
        """Only the picking changes, as in Odoo."""
        picking = self.tables["stock.picking"][sale["picking_ids"][0]]
        for ident in picking["move_ids"]:
            self.put("stock.move", id=ident, quantity=self.tables["stock.move"][ident]["product_uom_qty"])
        told = {"carrier_id": [4, "DHL"], "carrier_tracking_ref": tracking, "date_done": "2026-11-25 10:00:00"}
        self.put("stock.picking", id=picking["id"], state="done", **told)
        stamp = self.tables["sale.order"][sale["id"]]["write_date"]
        self.put("sale.order", id=sale["id"], delivery_status="full")["write_date"] = stamp

    def product(self, sku: str) -> Row:
        known = (row for row in self.tables.get("product.product", {}).values() if row["default_code"] == sku)
        return next(known, None) or self.put("product.product", default_code=sku, type="consu")

    def lay(self, sku: str, quantity: int, reserved: int = 0) -> Row:
        product = self.product(sku)
        where = {"product_id": [product["id"], sku], "location_id": [8, "WH/Stock"], "warehouse_id": [1, "WH"]}
        return self.put("stock.quant", **where, quantity=float(quantity), reserved_quantity=float(reserved))

    def take(self, sku: str, shelf: Row) -> None:
        """All of it leaves; a shelf without anything is deleted."""
        self.tables["stock.quant"].pop(shelf["id"])
        named = {"product_id": [self.product(sku)["id"], sku], "location_id": [8, "WH/Stock"]}
        self.put("stock.move", **named, state="done", quantity=shelf["quantity"])

    def buy(self, sku: str, quantity: int, planned: str) -> Row:
        order = self.put("purchase.order", name="P00001", state="purchase", picking_type_id=[3, "Receipts"])
        product = self.product(sku)
        return self.put(
            "purchase.order.line",
            product_id=[product["id"], sku],
            order_id=[order["id"], order["name"]],
            product_qty=float(quantity),
            qty_received=0.0,
            date_planned=planned,
        )


def instance(url: str) -> Instance:
    return Instance(
        name="odoo",
        options={"url": url, "database": "shop", "channel": "web"},
        secrets={"api_key": (Secret(KEY),)},
        locations={"1": "central"},
        carriers={"DHL": "dhl"},
    )


def furnish(server: Server) -> None:
    for place in range(1, 6):
        server.add_sale(f"100{place}", {"MUG": place, "LAMP": 1})
        server.lay(f"MUG-{place}" if place > 1 else "MUG", 10 * place, 1)
        server.buy(f"MUG-{place}", place, "2026-12-01 08:00:00")


def news(server: Server, secret: str, at: dt.datetime) -> list[WebhookRequest]:
    """An order is shipped, another comes, a shelf changes; Odoo tells nobody."""
    server.ship(server.tables["sale.order"][1], "JD01")
    server.add_sale("1009", {"MUG": 1})
    server.put("stock.quant", id=1, quantity=3.0)
    return []


def effects(server: Server) -> object:
    return server.tables["stock.quant"]


CALLS: Mapping[str, Callable[[Any], Awaitable[object]]] = {
    "pull_orders": lambda connector: connector.pull_orders(None, None),
    "look_up_orders": lambda connector: connector.look_up_orders([OrderRef("web", "1001")]),
    "pull_stock": lambda connector: connector.pull_stock(None, None),
    "pull_supply": lambda connector: connector.pull_supply(None, None),
    "push_stock": lambda connector: connector.push_stock([StockTarget("MUG", "central", 1, "k")]),
}
