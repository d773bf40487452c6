"""Vendure's Admin API as far as our documents go, for faults on demand; tests/peers/test_vendure.py asks a real one."""

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from connectors.base import Instance, Secret, StockPlace, StockTarget, WebhookRequest
from domain.records import OrderRef
from tests.simulators.base import Simulator

KEY = "vendure-simulated"
START = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)
PAGES = ("connectors.vendure.client.TAKE",)
SECRET = "dmVuZHVyZS1zaW11bGF0ZWQ="  # of the simulator


@dataclass(slots=True)
class Server(Simulator):
    """`orders` as the Admin API shows them, `variants` with their stock levels."""

    orders: list[dict[str, Any]] = field(default_factory=list)
    variants: list[dict[str, Any]] = field(default_factory=list)

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/admin-api", self.ask)]

    def add_order(self, code: str, at: dt.datetime) -> None:
        amounts = {"subTotalWithTax": 0, "shippingWithTax": 0, "totalWithTax": 0}
        lists: dict[str, Any] = {"taxSummary": [], "discounts": [], "lines": [], "payments": [], "fulfillments": []}
        order = {"id": str(len(self.orders) + 1), "code": code, "state": "PaymentSettled", "updatedAt": _instant(at)}
        nothing: dict[str, Any] = {
            "customer": None,
            "shippingAddress": {},
            "orderPlacedAt": _instant(at),
            "currencyCode": "EUR",
        }
        self.orders.append({**order, **amounts, **lists, **nothing})

    def add_variant(self, sku: str, on_hand: int, at: dt.datetime) -> None:
        level = {"stockLocationId": "1", "stockOnHand": on_hand, "stockAllocated": 1, "updatedAt": _instant(at)}
        named = {"id": str(len(self.variants) + 1), "sku": sku, "name": sku.title()}
        self.variants.append({**named, "stockLevels": [level]})

    def _set(self, wanted: dict[str, Any]) -> dict[str, Any]:
        variant = next(one for one in self.variants if one["id"] == wanted["id"])
        for level in wanted["stockLevels"]:
            there = next(one for one in variant["stockLevels"] if one["stockLocationId"] == level["stockLocationId"])
            there["stockOnHand"] = level["stockOnHand"]
        return {"id": variant["id"]}

    async def ask(self, request: web.Request) -> web.Response:
        if request.headers.get("vendure-api-key") != KEY:
            forbidden = {"message": "You are not currently authorized", "extensions": {"code": "FORBIDDEN"}}
            return web.json_response({"errors": [forbidden], "data": None})
        asked = await request.json()
        given = asked["variables"]
        if "updateProductVariants" in asked["query"]:
            return web.json_response({"data": {"updateProductVariants": [self._set(one) for one in given["input"]]}})
        wanted, part = given["filter"], slice(given["skip"], given["skip"] + given["take"])
        if "productVariants" in asked["query"]:
            skus = wanted.get("sku", {}).get("in")
            found = [one for one in self.variants if skus is None or one["sku"] in skus]
            return web.json_response({"data": {"productVariants": _list(found, part)}})
        codes, after = wanted.get("code", {}).get("in"), wanted.get("updatedAt", {}).get("after", "")
        moment = _instant(dt.datetime.fromisoformat(after)) if after else ""
        orders = sorted(self.orders, key=lambda one: (one["updatedAt"], int(one["id"])))
        chosen = [one for one in orders if (codes is None or one["code"] in codes) and one["updatedAt"] > moment]
        return web.json_response({"data": {"orders": _list(chosen, part)}})


def _list(found: list[dict[str, Any]], part: slice) -> dict[str, Any]:
    return {"items": found[part], "totalItems": len(found)}


def _instant(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instance(url: str) -> Instance:
    return Instance(
        name="vendure",
        options={"url": f"{url}/admin-api", "channel": "web", "channel_token": ""},
        secrets={"api_key": (Secret(KEY),), "webhook_secret": (Secret(SECRET),)},
        locations={"1": "shop"},
    )


def delivery(secret: str, at: dt.datetime, code: str = "T_1", ident: str = "msg_1") -> WebhookRequest:
    """A genuine delivery of the plugin that the README shows."""
    body, stamp = orjson.dumps({"topic": "order", "code": code}), str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"{ident}.{stamp}.".encode() + body, hashlib.sha256)).decode()
    headers = {"webhook-id": ident, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}
    return WebhookRequest(headers=headers, body=body, received_at=at)


def furnish(server: Server) -> None:
    for place in range(1, 6):
        server.add_order(f"T_{place}", START + dt.timedelta(minutes=place))
        server.orders[-1]["lines"] = [_line(place)]
        server.add_variant(f"MUG-{place}" if place > 1 else "MUG-BLUE", place, START + dt.timedelta(minutes=place))


def _line(ident: int) -> dict[str, Any]:
    """Two mugs at ten euros."""
    counts = {"quantity": 2, "orderPlacedQuantity": 2}
    prices = {"unitPriceWithTax": 1000, "linePriceWithTax": 2000, "proratedLinePriceWithTax": 2000, "lineTax": 319}
    return {"id": str(ident), **counts, **prices, "productVariant": {"sku": "MUG-BLUE", "name": "Mug"}}


def news(server: Server, secret: str, at: dt.datetime) -> list[WebhookRequest]:
    """An order is changed twice, and another one comes."""
    told = []
    for place, state in enumerate(("Modifying", "PaymentSettled")):
        server.orders[0] |= {"state": state, "updatedAt": _instant(START + dt.timedelta(hours=1 + place))}
        told.append(delivery(secret, at, "T_1", f"msg_1{place}"))
    server.add_order("T_6", START + dt.timedelta(hours=4))
    server.orders[-1]["lines"] = [_line(6)]
    return [*told, delivery(secret, at, "T_6", "msg_20")]


def effects(server: Server) -> object:
    return server.variants


CALLS: Mapping[str, Callable[[Any], Awaitable[object]]] = {
    "pull_orders": lambda connector: connector.pull_orders(None, None),
    "look_up_orders": lambda connector: connector.look_up_orders([OrderRef("web", "T_1")]),
    "pull_stock": lambda connector: connector.pull_stock(None, None),
    "look_up_stock": lambda connector: connector.look_up_stock([StockPlace("MUG-BLUE", "shop")]),
    "push_stock": lambda connector: connector.push_stock([StockTarget("MUG-BLUE", "shop", 1, "k")]),
}
