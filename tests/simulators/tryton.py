"""Tryton's JSON-RPC over a few rows in memory, for faults on demand; tests/peers/test_tryton.py asks a real one."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from connectors.base import Instance, Secret, StockTarget, WebhookRequest
from domain.records import OrderRef
from tests.simulators.base import Simulator

PASSWORD = "tryton-simulated"  # of the simulator
WAREHOUSE = {"id": 5, "code": "WH", "storage_location": 3}
PAGES = ("connectors.tryton.client.LIMIT",)
START = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)


@dataclass(slots=True)
class Server(Simulator):
    """`rows` by model, by rising id, as search_read and read show them; those not named are empty."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/shop/rpc/", self.rpc)]

    async def rpc(self, request: web.Request) -> web.Response:
        asked = await request.json()
        method, params = asked["method"], asked["params"]
        if method == "common.db.login":
            if params[1].get("password") != PASSWORD:
                return web.json_response({"error": "Unauthorized"}, status=401)
            return web.json_response({"id": 1, "result": [1, "session-of-a-test", None]})
        if not request.headers.get("Authorization", "").startswith("Session "):
            return web.json_response({"error": "Unauthorized"}, status=401)
        if method == "model.res.user.get_preferences":
            return web.json_response({"id": 1, "result": {"company": 1, "language": "en"}})
        _, *model, verb = method.split(".")
        return web.json_response({"id": 1, "result": self._answer(".".join(model), verb, params)})

    def _answer(self, model: str, verb: str, params: list[Any]) -> Any:
        rows = [WAREHOUSE] if model == "stock.location" else self.rows.get(model, [])
        if verb == "read":
            return [row for row in rows if row["id"] in params[0]]
        if verb == "search_read":
            return [row for row in rows if _is(row, params[0])][: params[2]]
        if verb == "search_count":
            return sum(_is(row, params[0]) for row in rows)
        if model == "stock.inventory":
            return self._inventory(verb, params[0])
        return []

    def _inventory(self, verb: str, given: list[Any]) -> list[int]:
        """What is counted holds from its confirmation on."""
        if verb == "create":
            return [self.put("stock.inventory", one)["id"] for one in given]
        for one in (row for row in self.rows["stock.inventory"] if row["id"] in given):
            for line in one["lines"][0][1]:
                product = next(row for row in self.rows["product.product"] if row["id"] == line["product"])
                product["quantity"] = line["quantity"]
        return given

    def put(self, model: str, row: dict[str, Any]) -> dict[str, Any]:
        rows = self.rows.setdefault(model, [])
        rows.append({"id": len(rows) + 1, **row})
        return rows[-1]

    def add_sale(self, number: str) -> None:
        at = _moment(START)
        zero = {"__class__": "Decimal", "decimal": "0"}
        self.put(
            "sale.sale",
            {
                "number": number,
                "reference": None,
                "state": "confirmed",
                "shipment_state": "none",
                "sale_date": None,
                "write_date": at,
                "create_date": None,
                "currency.": {"code": "EUR"},
                "untaxed_amount": zero,
                "tax_amount": zero,
                "total_amount": zero,
                "lines": [],
                "shipments": [],
                "party.": None,
                "shipment_address.": None,
            },
        )

    def add_product(self, code: str, quantity: int) -> None:
        self.put("product.product", {"code": code, "name": code.title(), "quantity": float(quantity)})

    def buy(self, code: str, quantity: int) -> None:
        purchase = {"number": "2", "state": "processing", "warehouse.": WAREHOUSE}
        due = {"__class__": "date", "year": 2026, "month": 12, "day": 1}
        moments = {"write_date": _moment(START), "create_date": None}
        named = {"product.": {"code": code}, "quantity": float(quantity), "purchase.": purchase}
        self.put("purchase.line", {**named, **moments, "delivery_date": due, "moves": []})


def _is(row: dict[str, Any], wanted: list[Any]) -> bool:
    """By id and code; when something changed is not looked at."""
    for name, relation, value in (one for one in wanted if one[0] in ("id", "code")):
        if not (row[name] > value if relation == ">" else row[name] in value):
            return False
    return True


def _moment(at: dt.datetime) -> dict[str, Any]:
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{part: getattr(at, part) for part in parts}}


def instance(url: str) -> Instance:
    return Instance(
        name="tryton",
        options={"url": f"{url}/shop", "user": "ordergraph", "channel": "web", "time_zone": "Europe/Berlin"},
        secrets={"password": (Secret(PASSWORD),)},
        locations={"WH": "central"},
    )


def furnish(server: Server) -> None:
    for place in range(1, 6):
        _sell(server, str(place))
        server.add_product("MUG" if place == 1 else f"MUG-{place}", 10 * place)
        server.buy("MUG", place)
    for row in server.rows["product.product"]:
        server.put("stock.move", {"product": row["id"]})


def _sell(server: Server, number: str) -> None:
    server.add_sale(number)
    price = {"__class__": "Decimal", "decimal": "10.00"}
    named = {"product.": {"code": "MUG"}, "description": "Mug", "quantity": 1.0, "unit_price": price, "amount": price}
    server.rows["sale.sale"][-1]["lines"] = [server.put("sale.line", named)["id"]]


def news(server: Server, secret: str, at: dt.datetime) -> list[WebhookRequest]:
    """An order is processed, another comes, a product is counted; Tryton tells nobody."""
    changed_at = _moment(START + dt.timedelta(hours=1))
    server.rows["sale.sale"][0] |= {"state": "processing", "shipment_state": "waiting", "write_date": changed_at}
    _sell(server, "6")
    server.rows["product.product"][0]["quantity"] = 7.0
    return []


def effects(server: Server) -> object:
    return server.rows["product.product"]


CALLS: Mapping[str, Callable[[Any], Awaitable[object]]] = {
    "pull_orders": lambda connector: connector.pull_orders(None, None),
    "look_up_orders": lambda connector: connector.look_up_orders([OrderRef("web", "1")]),
    "pull_stock": lambda connector: connector.pull_stock(None, None),
    "pull_supply": lambda connector: connector.pull_supply(None, None),
    "push_stock": lambda connector: connector.push_stock([StockTarget("MUG", "central", 1, "k")]),
}
