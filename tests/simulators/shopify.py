"""A shop at Shopify, after the schema of the Admin API 2026-10: executes the documents over its own small data.

What is selected is what is answered. Whether the real schema knows a document, tests/connectors/test_shopify.py asks.
"""

import base64
import copy
import datetime as dt
import hashlib
import hmac
import itertools
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from graphql import GraphQLError

from connectors.base import (
    FulfillmentRequest,
    Instance,
    RequestedLine,
    Secret,
    StockPlace,
    StockTarget,
    WebhookRequest,
)
from domain.records import OrderRef
from tests.simulators import shopify_data as data
from tests.simulators.base import Simulator
from tests.simulators.limits import Bucket
from tests.simulators.selection import Selection

TOKEN = "shpat-simulated"  # of the simulator
SECRET = "shopify-simulated-secret"
AGELESS = "Headers are not signed, and Shopify repeats for hours."
START = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)
PAGES = ()  # the option `page` bounds them


@dataclass(slots=True)
class Server(Simulator):
    """`points` are left, unless a `bucket` counts them; each request costs `cost`; `throttled` of them were refused.

    `told` is what webhooks would say, in order.
    """

    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    stock: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    pushed: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    now: dt.datetime = START
    points: float = 1_000_000.0
    cost: float = 10.0
    rate: float = 100.0
    bucket: Bucket | None = None
    throttled: int = 0
    running_bulk: int = 0
    busy_bulk: int = 0
    file: bytes = b""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1001))

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/admin/api/2026-10/graphql.json", self.graphql), web.get("/files/bulk.jsonl", self.bulk_file)]

    def tick(self) -> str:
        self.now += dt.timedelta(seconds=1)
        return self.now.isoformat().replace("+00:00", "Z")

    def tell(self, order: dict[str, Any], topic: str, body: dict[str, Any]) -> None:
        order["updatedAt"] = self.now.isoformat().replace("+00:00", "Z")
        self.told.append((topic, body))

    def add(
        self, skus: Mapping[str, int], *, source: str = "web", location: int = 1, method: str = "SHIPPING"
    ) -> dict[str, Any]:
        at, number = self.tick(), next(self.numbers)
        lines = [data.line(number * 10 + place, sku, count, 1000) for place, (sku, count) in enumerate(skus.items())]
        order = data.order(number, at, lines, 1000 * sum(skus.values()), source)
        order["fulfillmentOrders"] = [data.work(number, at, lines, location, method)]
        self.orders[number] = order
        self.tell(order, "orders/create", {"id": number})
        return order

    def ship(self, number: int, tracking: str, company: str = "DHL Express", count: int | None = None) -> None:
        """Ships `count` units of each line of the first work order, or what remains."""
        order, at, counts = self.orders[number], self.tick(), {}
        work = order["fulfillmentOrders"][0]
        for mine, theirs in zip(work["lineItems"], order["lineItems"], strict=True):
            sent = min(mine["remainingQuantity"], count if count is not None else mine["remainingQuantity"])
            mine["remainingQuantity"] -= sent
            theirs["unfulfilledQuantity"] -= sent
            counts[theirs["id"]] = sent
        work["fulfillments"].append(data.fulfillment(next(self.numbers), at, tracking, company, counts))
        done = not any(line["remainingQuantity"] for line in work["lineItems"])
        work |= {"status": "CLOSED" if done else "IN_PROGRESS", "updatedAt": at}
        order["displayFulfillmentStatus"] = "FULFILLED" if done else "PARTIALLY_FULFILLED"
        self.tell(order, "fulfillments/create", {"id": 1, "order_id": number})

    def scan(self, number: int, status: str, city: str | None = None) -> None:
        order, at = self.orders[number], self.tick()
        parcel = order["fulfillmentOrders"][0]["fulfillments"][-1]
        parcel["events"].append(data.event(next(self.numbers), at, status, city))
        parcel["deliveredAt"] = at if status == "DELIVERED" else parcel["deliveredAt"]
        self.tell(order, "fulfillment_events/create", {"id": 1, "order_id": number})

    def cancel(self, number: int, reason: str = "CUSTOMER") -> None:
        order, at = self.orders[number], self.tick()
        order |= {"cancelledAt": at, "cancelReason": reason, "displayFinancialStatus": "REFUNDED"}
        for line in order["lineItems"]:
            line |= {"currentQuantity": 0, "unfulfilledQuantity": 0}
        for work in order["fulfillmentOrders"]:
            work |= {"status": "CANCELLED", "updatedAt": at}
            for mine in work["lineItems"]:
                mine["remainingQuantity"] = 0
        self.tell(order, "orders/cancelled", {"id": number})

    def count(self, sku: str, location: int, on_hand: int) -> None:
        self.stock.setdefault(sku, {})[location] = {"on_hand": on_hand, "available": on_hand, "updatedAt": self.tick()}
        item = list(self.stock).index(sku) + 1
        self.told.append(("inventory_levels/update", {"inventory_item_id": item, "location_id": location}))

    async def graphql(self, request: web.Request) -> web.Response:
        if request.headers.get("X-Shopify-Access-Token") != TOKEN:
            return web.json_response({"errors": "[API] Invalid API key or access token"}, status=401)
        wanted = await request.json()
        granted = self._granted()
        cost = {"requestedQueryCost": self.cost, "throttleStatus": self._bucket()}
        if not granted:
            self.throttled += 1
            errors = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
            return web.json_response({"errors": errors, "extensions": {"cost": cost}})
        try:
            found = Selection(wanted["query"], wanted["variables"]).answer(self._roots())
        except GraphQLError as error:
            refused = [{"message": error.message, "extensions": {"code": "undefinedField"}}]
            return web.json_response({"errors": refused})
        return web.json_response({"data": found, "extensions": {"cost": {**cost, "throttleStatus": self._bucket()}}})

    def _granted(self) -> bool:
        if self.bucket is not None:
            granted = self.bucket.take(self.cost)
            self.points, self.rate = self.bucket.left, self.bucket.rate
            return granted
        if self.points < self.cost:
            return False
        self.points -= self.cost
        return True

    def _bucket(self) -> dict[str, float]:
        return {"maximumAvailable": 20 * self.rate, "currentlyAvailable": self.points, "restoreRate": self.rate}

    def _roots(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        return {
            "orders": lambda given: self._orders(given.get("query")),
            "ordersCount": lambda given: {"count": len(self.orders)},
            "productVariantsCount": lambda given: {"count": len(self.stock)},
            "nodes": lambda given: [self._node(ident) for ident in given["ids"]],
            "node": lambda given: self._node(given["id"]),
            "fulfillmentOrder": lambda given: self._node(given["id"]),
            "inventoryItems": lambda given: self._items(given.get("query")),
            "inventoryItem": lambda given: self._node(given["id"]),
            "inventorySetQuantities": self._set,
            "fulfillmentOrderSubmitFulfillmentRequest": self._submit,
            "fulfillmentOrderSubmitCancellationRequest": self._submit_cancellation,
            "bulkOperationRunQuery": self._run_bulk,
            "bulkOperation": lambda given: self._bulk_state(),
        }

    def _orders(self, query: str | None) -> list[dict[str, Any]]:
        found = sorted(self.orders.values(), key=lambda order: order["updatedAt"])
        if query and (since := re.search(r"updated_at:>='([^']+)'", query)):
            found = [order for order in found if order["updatedAt"] >= since[1]]
        if query and (names := re.findall(r"name:'([^']+)'", query)):
            found = [order for order in found if order["name"].removeprefix("#") in names]
        return found

    def _node(self, ident: str) -> Any:
        things = [*self.orders.values(), *self._items(None)]
        for order in self.orders.values():
            for work in order["fulfillmentOrders"]:
                things.extend([{**work, "orderId": order["id"]}, *work["fulfillments"]])
            things.extend(order["returns"])
        return next((thing for thing in things if thing["id"] == ident), None)

    def _items(self, query: str | None) -> list[dict[str, Any]]:
        wanted = set(re.findall(r"sku:'([^']+)'", query)) if query else set(self.stock)
        return [
            self._item(place, sku, levels) for place, (sku, levels) in enumerate(self.stock.items(), 1) if sku in wanted
        ]

    def _item(self, place: int, sku: str, levels: dict[int, dict[str, Any]]) -> dict[str, Any]:
        shown = {where: self._level(place, where, level) for where, level in levels.items()}
        return {
            "id": data.gid("InventoryItem", place),
            "__typename": "InventoryItem",
            "sku": sku,
            "inventoryLevels": list(shown.values()),
            "inventoryLevel": lambda given: shown.get(int(given["locationId"].rpartition("/")[2])),
        }

    def _level(self, place: int, where: int, level: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": data.gid("InventoryLevel", f"{where}?inventory_item_id={place}"),
            "updatedAt": level["updatedAt"],
            "location": {"id": data.gid("Location", where)},
            "quantities": lambda given: [{"name": name, "quantity": level.get(name, 0)} for name in given["names"]],
        }

    def _set(self, given: Mapping[str, Any]) -> dict[str, Any]:
        key = given["@"]["idempotent"]["key"]
        (wanted,) = given["input"]["quantities"]
        if key in self.pushed:
            same = self.pushed[key] == wanted
            return {"userErrors": [] if same else [{"code": "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"}]}
        sku = list(self.stock)[int(wanted["inventoryItemId"].rpartition("/")[2]) - 1]
        level = self.stock[sku].get(int(re.sub(r"\D", "", wanted["locationId"].rpartition("/")[2]) or "0"))
        if level is None:
            return {"userErrors": [{"code": "INVALID_LOCATION"}]}
        self.pushed[key] = wanted
        level["on_hand"] += wanted["quantity"] - level["available"]
        level |= {"available": wanted["quantity"], "updatedAt": self.tick()}
        return {"userErrors": []}

    def _found(self, ident: str) -> dict[str, Any]:
        works = (work for order in self.orders.values() for work in order["fulfillmentOrders"])
        return next(work for work in works if work["id"] == ident)

    def _submit(self, given: Mapping[str, Any]) -> dict[str, Any]:
        work = self._found(given["id"])
        if work["requestStatus"] not in ("UNSUBMITTED", "REJECTED"):
            return {"submittedFulfillmentOrder": None, "userErrors": [{"field": ["id"]}]}
        self._split(work, {one["id"]: one["quantity"] for one in given["fulfillmentOrderLineItems"]})
        work |= {"requestStatus": "SUBMITTED", "updatedAt": self.tick()}
        work["merchantRequests"].append({"message": given["message"]})
        return {"submittedFulfillmentOrder": work, "userErrors": []}

    def _split(self, work: dict[str, Any], wanted: Mapping[str, int]) -> None:
        """What is not wanted becomes work of its own, which nobody has asked for."""
        left = copy.deepcopy(work) | {"id": data.gid("FulfillmentOrder", next(self.numbers))}
        for mine, other in zip(work["lineItems"], left["lineItems"], strict=True):
            other["totalQuantity"] -= wanted.get(mine["id"], 0)
            mine["totalQuantity"] = wanted.get(mine["id"], 0)
            mine["remainingQuantity"], other["remainingQuantity"] = mine["totalQuantity"], other["totalQuantity"]
        if not any(other["totalQuantity"] for other in left["lineItems"]):
            return
        for one in (work, left):
            one["lineItems"] = [line for line in one["lineItems"] if line["totalQuantity"]]
        works = next(order["fulfillmentOrders"] for order in self.orders.values() if work in order["fulfillmentOrders"])
        works.insert(0, left)

    def _submit_cancellation(self, given: Mapping[str, Any]) -> dict[str, Any]:
        work = self._found(given["id"])
        # One that nobody has accepted yet is taken back at once.
        accepted = work["requestStatus"] == "ACCEPTED"
        work |= {"requestStatus": "CANCELLATION_REQUESTED" if accepted else "UNSUBMITTED", "updatedAt": self.tick()}
        return {"fulfillmentOrder": work, "userErrors": []}

    def _run_bulk(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if self.busy_bulk > 0:
            self.busy_bulk -= 1
            return {"bulkOperation": None, "userErrors": [{"code": "OPERATION_IN_PROGRESS"}]}
        roots = self._roots()
        orders = Selection(given["query"], {}).answer(roots)["orders"]["edges"]
        self.file = b"".join(flattened(edge["node"], None) for edge in orders)
        return {"bulkOperation": {"id": data.gid("BulkOperation", 1)}, "userErrors": []}

    def _bulk_state(self) -> dict[str, Any]:
        self.running_bulk -= 1
        if self.running_bulk >= 0:
            return {"status": "RUNNING", "errorCode": None, "url": None, "rootObjectCount": "0"}
        url, count = f"{self.url}/files/bulk.jsonl" if self.file else None, str(len(self.orders))
        return {"status": "COMPLETED", "errorCode": None, "url": url, "rootObjectCount": count}

    async def bulk_file(self, request: web.Request) -> web.Response:
        span = request.http_range
        start, stop = span.start or 0, span.stop
        if start >= len(self.file):
            return web.Response(status=416)
        return web.Response(status=206, body=self.file[start:stop])

    async def deliver(self, address: str, *, copies: int = 1, reverse: bool = False, secret: str = SECRET) -> list[int]:
        """Sends what there is to tell, each so often, in order or backwards; what was answered."""
        waiting, self.told = self.told, []
        statuses = []
        async with aiohttp.ClientSession() as session:
            for topic, body in reversed(waiting) if reverse else waiting:
                headers, raw = signed(topic, body, secret, dt.datetime.now(dt.UTC), f"delivery-{next(self.numbers)}")
                for _ in range(copies):
                    async with session.post(address, data=raw, headers=headers) as answer:
                        statuses.append(answer.status)
        return statuses


def flattened(thing: dict[str, Any], parent: str | None) -> bytes:
    """An object and what is in its connections, a line each."""
    plain = {name: value for name, value in thing.items() if not (isinstance(value, dict) and "edges" in value)}
    inner = [edge["node"] for value in thing.values() if isinstance(value, dict) for edge in value.get("edges", [])]
    line = orjson.dumps(plain if parent is None else {**plain, "__parentId": parent}) + b"\n"
    return line + b"".join(flattened(one, thing["id"]) for one in inner)


def signed(
    topic: str, body: Mapping[str, Any], secret: str, at: dt.datetime, ident: str
) -> tuple[dict[str, str], bytes]:
    raw = orjson.dumps(body)
    headers = {
        "content-type": "application/json",
        "x-shopify-topic": topic,
        "x-shopify-webhook-id": ident,
        "x-shopify-triggered-at": at.isoformat(),
        "x-shopify-hmac-sha256": base64.b64encode(hmac.digest(secret.encode(), raw, hashlib.sha256)).decode(),
    }
    return headers, raw


def instance(url: str) -> Instance:
    return Instance(
        name="shopify",
        options={"url": f"{url}/admin/api/2026-10", "files_url": url, "page": "2"},
        secrets={"access_token": (Secret(TOKEN),), "webhook_secret": (Secret(SECRET),)},
        channels={"pos": "store-berlin"},
        locations={"1": "east", "2": "store-berlin"},
        carriers={"DHL Express": "dhl"},
    )


def delivery(secret: str, at: dt.datetime) -> WebhookRequest:
    """A genuine delivery: order 1001 was created."""
    headers, raw = signed("orders/create", {"id": 1001}, secret, at, "delivery-1")
    return WebhookRequest(headers=headers, body=raw, received_at=at)


def furnish(server: Server) -> None:
    for _ in range(5):
        server.add({"MUG": 2})
    for place in range(1, 6):
        server.count("MUG" if place == 1 else f"MUG-{place}", 1, 10 * place)
    server.orders[1003]["fulfillmentOrders"][0]["requestStatus"] = "ACCEPTED"
    for number in (1004, 1005):
        server.ship(number, f"JD-{number}")
        (parcel,) = server.orders[number]["fulfillmentOrders"][0]["fulfillments"]
        server.orders[number]["returns"] = [data.returned(number, parcel["fulfillmentLineItems"][0])]
    server.told.clear()


def news(server: Server, secret: str, at: dt.datetime) -> list[WebhookRequest]:
    """An order is shipped and arrives, another is cancelled, a third comes; a count changes."""
    server.ship(1001, "JD01")
    server.scan(1001, "IN_TRANSIT", "Bonn")
    server.scan(1001, "DELIVERED")
    server.cancel(1002)
    server.add({"LAMP": 1})
    server.count("MUG", 1, 3)
    signed_ones = [signed(topic, body, secret, at, f"told-{place}") for place, (topic, body) in enumerate(server.told)]
    return [WebhookRequest(headers=headers, body=raw, received_at=at) for headers, raw in signed_ones]


def effects(server: Server) -> object:
    return server.stock, server.orders


REQUEST = FulfillmentRequest("key-1", OrderRef("web", "1001"), "east", (RequestedLine("10010", "MUG", 2),))
CALLS: Mapping[str, Callable[[Any], Awaitable[object]]] = {
    "pull_orders": lambda connector: connector.pull_orders(START, None),
    "look_up_orders": lambda connector: connector.look_up_orders([OrderRef("web", "1001")]),
    "pull_stock": lambda connector: connector.pull_stock(None, None),
    "look_up_stock": lambda connector: connector.look_up_stock([StockPlace("MUG", "east")]),
    "push_stock": lambda connector: connector.push_stock([StockTarget("MUG", "east", 5, "key-1")]),
    "request_fulfillment": lambda connector: connector.request_fulfillment(REQUEST),
    "cancel_fulfillment": lambda connector: connector.cancel_fulfillment("1003", "key-2"),
    "look_up_fulfillments": lambda connector: connector.look_up_fulfillments(["1001"]),
    "pull_returns": lambda connector: connector.pull_returns(START, None),
}
