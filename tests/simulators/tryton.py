"""Tryton's JSON-RPC with an empty database, for faults on demand; tests/peers/test_tryton.py asks a real one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from connectors.base import Capability, Instance, Secret, StockTarget
from domain.records import OrderRef
from tests.simulators.base import Simulator

PASSWORD = "tryton-simulated"  # of the simulator
WAREHOUSE = {"id": 5, "code": "WH", "storage_location": 3}


@dataclass(slots=True)
class Server(Simulator):
    """`sales` as search_read shows them; every other model is empty."""

    sales: list[dict[str, Any]] = field(default_factory=list)

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
        if method == "model.stock.location.search_read":
            return web.json_response({"id": 1, "result": [WAREHOUSE]})
        if method.endswith("search_count"):
            count = len(self.sales) if method == "model.sale.sale.search_count" else 0
            return web.json_response({"id": 1, "result": count})
        if method == "model.sale.sale.search_read":
            behind = next((one[2] for one in params[0] if one[0] == "id"), 0)
            found = [sale for sale in self.sales if sale["id"] > behind]
            return web.json_response({"id": 1, "result": found[: params[2]]})
        return web.json_response({"id": 1, "result": []})

    def add_sale(self, number: str) -> None:
        at = {"__class__": "datetime", "year": 2026, "month": 11, "day": 25, "hour": 9, "minute": 0, "second": 0}
        zero = {"__class__": "Decimal", "decimal": "0"}
        self.sales.append(
            {
                "id": len(self.sales) + 1,
                "number": number,
                "reference": None,
                "state": "confirmed",
                "shipment_state": "none",
                "sale_date": None,
                "write_date": {**at, "microsecond": 0},
                "create_date": None,
                "currency.": {"code": "EUR"},
                "untaxed_amount": zero,
                "tax_amount": zero,
                "total_amount": zero,
                "lines": [],
                "shipments": [],
                "party.": None,
                "shipment_address.": None,
            }
        )


def instance(url: str) -> Instance:
    return Instance(
        name="tryton",
        options={"url": f"{url}/shop", "user": "ordergraph", "channel": "web", "time_zone": "Europe/Berlin"},
        secrets={"password": (Secret(PASSWORD),)},
        locations={"WH": "central"},
    )


CALLS: Mapping[Capability, Callable[[Any], Awaitable[object]]] = {
    Capability.ORDERS_PULL: lambda connector: connector.pull_orders(None, None),
    Capability.ORDER_LOOKUP: lambda connector: connector.look_up_orders([OrderRef("web", "1")]),
    Capability.STOCK_PULL: lambda connector: connector.pull_stock(None, None),
    Capability.SUPPLY_PULL: lambda connector: connector.pull_supply(None, None),
    Capability.STOCK_PUSH: lambda connector: connector.push_stock([StockTarget("MUG", "central", 1, "k")]),
}
