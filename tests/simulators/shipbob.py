"""ShipBob's orders, shipments and stock, after the reference of its API 2026-07."""

import base64
import datetime as dt
import hashlib
import hmac
import itertools
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from connectors.base import FulfillmentRequest, Instance, RequestedLine, Secret, WebhookRequest
from domain.records import OrderRef
from tests.simulators.base import Handler, Simulator
from tests.simulators.limits import Window

TOKEN = "pat-simulated"  # of the simulator
SECRET = "whsec_" + base64.b64encode(b"shipbob-simulated-secret").decode()
START = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)
PAGES = ("connectors.shipbob.client.LIMIT",)


@dataclass(slots=True)
class Server(Simulator):
    """`orders` by id. Its clock, `now`, moves by a second with each change. `page` bounds what a page may hold.

    `window` is what it grants; what was more is `refused`.
    """

    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    stock: dict[str, dict[int, int]] = field(default_factory=dict)
    now: dt.datetime = START
    page: int = 250
    window: Window | None = None
    refused: int = 0
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1001))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/order", self.granted(self.list_orders)),
            web.post("/order", self.granted(self.create)),
            web.get(r"/order/{id:\d+}", self.granted(self.order)),
            web.post(r"/order/{id:\d+}:cancel", self.granted(self.cancel)),
            web.get("/inventory-level/locations", self.granted(self.levels)),
        ]

    def granted(self, handler: Handler) -> Handler:
        async def counted(request: web.Request) -> web.StreamResponse:
            if self.window is None:
                return await handler(request)
            granted = self.window.take()
            self.refused += not granted
            answer = await handler(request) if granted else web.json_response({"statusCode": 429}, status=429)
            answer.headers["x-remaining-calls"] = str(self.window.left())
            if not granted:
                answer.headers["x-retry-after"] = str(math.ceil(self.window.renewed()))
            return answer

        return counted

    def _tick(self) -> str:
        self.now += dt.timedelta(seconds=1)
        return self.now.isoformat()

    def add(self, reference: str, skus: Mapping[str, int], **fields: Any) -> dict[str, Any]:
        at, ident = self._tick(), next(self.numbers)
        products = [
            {"id": place, "sku": sku, "reference_id": sku, "quantity": n} for place, (sku, n) in enumerate(skus.items())
        ]
        order = {
            "id": ident,
            "created_date": at,
            "reference_id": reference,
            "order_number": None,
            "status": "Processing",
            "channel": {"id": 100102, "name": "API"},
            "tags": [],
            "products": products,
            "shipments": [
                {
                    "id": next(self.numbers),
                    "order_id": ident,
                    "created_date": at,
                    "last_update_at": at,
                    "status": "Processing",
                    "status_details": [],
                    "location": {"id": 156, "name": "Cicero (IL)"},
                    "tracking": None,
                    "delivery_date": None,
                    "actual_fulfillment_date": None,
                    "products": [
                        {**one, "name": one["sku"], "inventory_items": [{"id": 1, "quantity": one["quantity"]}]}
                        for one in products
                    ],
                }
            ],
            **fields,
        }
        self.orders[ident] = order
        return order

    def ship(self, ident: int, number: str, carrier: str = "USPS") -> dict[str, Any]:
        """Ships the first shipment; what the webhook order.shipped tells."""
        order, at = self.orders[ident], self._tick()
        shipment: dict[str, Any] = order["shipments"][0]
        tracking = {"carrier": carrier, "tracking_number": number, "carrier_service": "Ground", "shipping_date": at}
        shipment |= {"status": "Completed", "last_update_at": at, "actual_fulfillment_date": at, "tracking": tracking}
        order["status"] = "Fulfilled"
        return shipment

    def deliver(self, ident: int) -> dict[str, Any]:
        shipment: dict[str, Any] = self.orders[ident]["shipments"][0]
        at = self._tick()
        shipment |= {"delivery_date": at, "last_update_at": at}
        return shipment

    def _refused(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response("No access right at this time", status=401)
        return None

    async def list_orders(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        query = request.query
        since = query.get("LastUpdateStartDate")
        references = query["ReferenceIds"].split(",") if "ReferenceIds" in query else None
        found = [
            order
            for order in sorted(self.orders.values(), key=lambda one: one["id"])
            if (references is None or order["reference_id"] in references)
            and (since is None or order["shipments"][0]["last_update_at"] >= since)
        ]
        size, number = min(int(query["Limit"]), self.page), int(query.get("Page", "1"))
        return web.json_response(found[(number - 1) * size : number * size])

    async def create(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        wanted = await request.json()
        if not wanted["recipient"]["address"]["country"]:
            return web.json_response({"Recipient.Address.Country": ["The Country field is required."]}, status=400)
        if any(order["reference_id"] == wanted["reference_id"] for order in self.orders.values()):
            return web.json_response({"": ["Cannot insert order with existing ReferenceId"]}, status=422)
        skus = {one["reference_id"]: one["quantity"] for one in wanted["products"]}
        told = {name: wanted[name] for name in ("order_number", "tags", "shipping_method", "recipient")}
        return web.json_response(self.add(wanted["reference_id"], skus, **told), status=201)

    async def order(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        order = self.orders.get(int(request.match_info["id"]))
        return web.json_response(order) if order else web.json_response({}, status=404)

    async def cancel(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        order = self.orders.get(int(request.match_info["id"]))
        if order is None:
            return web.json_response({}, status=404)
        shipment = order["shipments"][0]
        done = shipment["status"] != "Completed"
        if done and shipment["status"] != "Cancelled":
            order["status"] = shipment["status"] = "Cancelled"
            shipment["last_update_at"] = self._tick()
        result = {"action": "Cancel", "is_success": done, "shipment_id": shipment["id"]}
        reason = {} if done else {"reason": "Shipment is already shipped"}
        return web.json_response({"order": order, "canceled_shipment_results": [{**result, **reason}]})

    async def levels(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        size, start = min(int(request.query["PageSize"]), self.page), int(request.query.get("Start", "0"))
        items = [
            {
                "inventory_id": place,
                "name": sku,
                "sku": sku,
                "locations": [
                    {"location_id": building, "on_hand_quantity": count, "fulfillable_quantity": count}
                    for building, count in counts.items()
                ],
            }
            for place, (sku, counts) in enumerate(sorted(self.stock.items()))
        ]
        more = start + size < len(items)
        following = f"/inventory-level/locations?PageSize={size}&Start={start + size}" if more else None
        return web.json_response({"items": items[start : start + size], "first": None, "next": following})

    async def send(self, topic: str, body: Mapping[str, Any], address: str, secret: str = SECRET) -> int:
        """Delivers a webhook as ShipBob does; the status it was answered with."""
        headers, raw = signed(topic, body, secret, dt.datetime.now(dt.UTC), f"msg_{next(self.numbers)}")
        async with aiohttp.ClientSession() as session, session.post(address, data=raw, headers=headers) as answer:
            return answer.status


def signed(
    topic: str, body: Mapping[str, Any], secret: str, at: dt.datetime, ident: str
) -> tuple[dict[str, str], bytes]:
    raw, stamp = orjson.dumps(body), str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"{ident}.{stamp}.".encode() + raw, hashlib.sha256)).decode()
    headers = {
        "content-type": "application/json",
        "webhook-id": ident,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
        "x-webhook-topic": topic,
    }
    return headers, raw


def instance(url: str) -> Instance:
    return Instance(
        name="shipbob",
        options={"url": url, "channel_id": "100102", "shipping_method": "Standard"},
        secrets={"token": (Secret(TOKEN),), "webhook_secret": (Secret(SECRET),)},
        locations={"156": "cicero", "8": "ottawa"},
    )


def delivery(secret: str, at: dt.datetime) -> WebhookRequest:
    """A genuine delivery: order 1001 has been shipped."""
    headers, raw = signed("order.shipped", {"id": 1002, "order_id": 1001}, secret, at, "msg_1")
    return WebhookRequest(headers=headers, body=raw, received_at=at)


def furnish(server: Server) -> None:
    for place in range(5):
        server.add(f"request-{place}", {"MUG-BLUE": 2, "PLATE": 1}, order_number=f"10{place}")
        server.stock[f"MUG-{place}"] = {156: place, 8: 1}


def news(server: Server, secret: str, at: dt.datetime) -> list[WebhookRequest]:
    """One order is shipped and arrives, and another comes."""
    first = min(server.orders)
    told = [("order.shipped", server.ship(first, "9400-1")), ("order.shipment.delivered", server.deliver(first))]
    told.append(("order.created", server.add("request-9", {"PLATE": 3}, order_number="109")))
    bodies: list[tuple[str, dict[str, Any]]] = [
        (topic, {name: one[name] for name in ("id", "order_id") if name in one}) for topic, one in told
    ]
    signed_ones = [signed(topic, body, secret, at, f"msg_{place}") for place, (topic, body) in enumerate(bodies, 10)]
    return [WebhookRequest(headers=headers, body=raw, received_at=at) for headers, raw in signed_ones]


def effects(server: Server) -> object:
    return server.orders


REQUEST = FulfillmentRequest(
    key="fulfillment-1",
    order=OrderRef("web", "1001"),
    location="cicero",
    lines=(RequestedLine("1", "MUG-BLUE", 2),),
    recipient={
        "name": "Ada Example",
        "line1": "1 Long Lane",
        "city": "Chicago",
        "region": "IL",
        "postal_code": "60607",
        "country": "US",
    },
)
CALLS: Mapping[str, Callable[[Any], Awaitable[object]]] = {
    "request_fulfillment": lambda connector: connector.request_fulfillment(REQUEST),
    "cancel_fulfillment": lambda connector: connector.cancel_fulfillment("1001", "key-2"),
    "look_up_fulfillments": lambda connector: connector.look_up_fulfillments(["1001"]),
    "pull_orders": lambda connector: connector.pull_orders(START, None),
    "pull_stock": lambda connector: connector.pull_stock(None, None),
}
