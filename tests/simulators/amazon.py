"""The Selling Partner API: answers with Amazon's own sandbox pairs where it is given some, else from a little data."""

import base64
import datetime as dt
import hashlib
import hmac
import itertools
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from connectors.base import Instance, Parcel, Secret, StockTarget, WebhookRequest
from domain.records import OrderRef
from tests.simulators.base import Simulator
from tests.simulators.limits import Bucket

VENDOR = Path(__file__).parents[3] / "shared/vendor/amazon"
REFRESH = "Atzr|simulated"  # of the simulator
SECRET = "whsec_" + base64.b64encode(b"amazon-simulated-secret").decode()
MARKETPLACE = "A1PA6795UKMFR9"
START = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)
PAGES = ()  # the server bounds them


@dataclass(frozen=True, slots=True)
class Pair:
    """One request of Amazon's sandbox and its answer. `params` are of the path and of the query."""

    path: str
    params: Mapping[str, str]
    status: int
    response: Mapping[str, Any]

    def fits(self, path: str, query: Mapping[str, str]) -> bool:
        """Where the sandbox asks by day of creation we ask by day of change; all else must be the same."""
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path), path)
        if found is None:
            return False
        given = {**query, **found.groupdict()}
        return all(given.get(name) == value for name, value in self.params.items() if name not in _OURS)


_OURS = frozenset({"createdAfter", "includedData"})


def pairs(file: str) -> list[Pair]:
    """The pairs of one of Amazon's models, for GET only."""
    model = json.loads((VENDOR / file).read_text())
    return [
        Pair(path, _flat(one["request"]["parameters"]), int(status), one["response"])
        for path, methods in model["paths"].items()
        for status, answer in methods.get("get", {}).get("responses", {}).items()
        for one in answer.get("x-amzn-api-sandbox", {}).get("static", [])
    ]


def _flat(params: Mapping[str, Any]) -> dict[str, str]:
    values = {name: one["value"] for name, one in params.items()}
    return {name: ",".join(value) if isinstance(value, list) else value for name, value in values.items()}


@dataclass(slots=True)
class Server(Simulator):
    """`tokens` counts what was given out; `stale` tokens are refused. `page` bounds what a page may hold.

    `grants` by the name of the handler; each is told with every answer, and what was more is `refused`.
    """

    pairs: list[Pair] = field(default_factory=list)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    inventory: dict[str, dict[str, Any]] = field(default_factory=dict)
    offered: dict[str, int] = field(default_factory=dict)
    milestones: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    now: dt.datetime = START
    page: int = 100
    limit: str | None = None
    grants: dict[str, Bucket] = field(default_factory=dict)
    refused: int = 0
    tokens: int = 0
    stale: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1001))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/auth/o2/token", self.token),
            web.get("/orders/2026-01-01/orders", self.guarded(self.search)),
            web.get("/orders/2026-01-01/orders/{id}", self.guarded(self.order)),
            web.get("/fba/inventory/v1/summaries", self.guarded(self.summaries)),
            web.patch("/listings/2021-08-01/items/{seller}/{sku}", self.guarded(self.patch)),
            web.get("/tracking/2026-01-30/shipments/track", self.guarded(self.track)),
        ]

    def tick(self) -> str:
        self.now += dt.timedelta(seconds=1)
        return self.now.isoformat().replace("+00:00", "Z")

    def add(self, skus: Mapping[str, int]) -> dict[str, Any]:
        at, ident = self.tick(), f"250-{next(self.numbers):07d}-0000001"
        items = [
            {
                "orderItemId": f"{ident}-{place}",
                "quantityOrdered": count,
                "product": {"asin": "B000000001", "sellerSku": sku, "title": sku.title()},
                "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": count},
            }
            for place, (sku, count) in enumerate(skus.items())
        ]
        self.orders[ident] = {
            "orderId": ident,
            "createdTime": at,
            "lastUpdatedTime": at,
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": MARKETPLACE},
            "fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"},
            "orderItems": items,
            "packages": [],
        }
        return self.orders[ident]

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("refresh_token") != REFRESH or form.get("grant_type") != "refresh_token":
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.tokens += 1
        return web.json_response({"access_token": f"Atza|{self.tokens}", "token_type": "bearer", "expires_in": 3600})

    def guarded(self, handler: Callable[[web.Request], Awaitable[web.Response]]) -> Any:
        async def checked(request: web.Request) -> web.Response:
            token = request.headers.get("x-amz-access-token", "")
            if not token.startswith("Atza|") or token in self.stale:
                return web.json_response({"errors": [{"code": "Unauthorized"}]}, status=403)
            if (bucket := self.grants.get(handler.__name__)) is not None:
                headers = {"x-amzn-RateLimit-Limit": str(bucket.rate)}
                if not bucket.take():
                    self.refused += 1
                    return web.json_response({"errors": [{"code": "QuotaExceeded"}]}, status=429, headers=headers)
                answer = await handler(request)
                answer.headers.update(headers)
                return answer
            if self.limit is not None:
                errors = {"errors": [{"code": "QuotaExceeded"}]}
                return web.json_response(errors, status=429, headers={"x-amzn-RateLimit-Limit": self.limit})
            pair = next((one for one in self.pairs if one.fits(request.path, request.query)), None)
            if pair is not None:
                return web.json_response(pair.response, status=pair.status)
            return await handler(request)

        return checked

    async def search(self, request: web.Request) -> web.Response:
        query = request.query
        changed = sorted(self.orders.values(), key=lambda one: one["lastUpdatedTime"])
        found = [one for one in changed if one["lastUpdatedTime"] >= query["lastUpdatedAfter"]]
        start = int(query.get("paginationToken", "0"))
        end = start + min(int(query["maxResultsPerPage"]), self.page)
        more = {"pagination": {"nextToken": str(end)}} if end < len(found) else {}
        return web.json_response({"orders": found[start:end], **more})

    async def order(self, request: web.Request) -> web.Response:
        found = self.orders.get(request.match_info["id"])
        if found is None:
            return web.json_response({"errors": [{"code": "NotFound"}]}, status=404)
        return web.json_response({"order": found})

    async def summaries(self, request: web.Request) -> web.Response:
        query = request.query
        wanted = query["sellerSkus"].split(",") if "sellerSkus" in query else sorted(self.inventory)
        start = int(query.get("nextToken", "0"))
        end = start + self.page
        found = [self.inventory[sku] for sku in wanted[start:end] if sku in self.inventory]
        more = {"pagination": {"nextToken": str(end)}} if end < len(wanted) else {}
        return web.json_response({"payload": {"inventorySummaries": found}, **more})

    def store(self, sku: str, fulfillable: int, reserved: int = 0, promised: int = 0, damaged: int = 0) -> None:
        self.inventory[sku] = {
            "sellerSku": sku,
            "lastUpdatedTime": self.tick(),
            "inventoryDetails": {
                "fulfillableQuantity": fulfillable,
                "reservedQuantity": {"totalReservedQuantity": reserved, "pendingCustomerOrderQuantity": promised},
                "unfulfillableQuantity": {"totalUnfulfillableQuantity": damaged},
            },
        }

    async def patch(self, request: web.Request) -> web.Response:
        sku, wanted = request.match_info["sku"], await request.json()
        if sku not in self.offered:
            return web.json_response({"errors": [{"code": "NOT_FOUND"}]}, status=404)
        (value,) = wanted["patches"][0]["value"]
        if value["quantity"] > 99_999:
            issues = [{"code": "90220", "severity": "ERROR"}]
            return web.json_response({"sku": sku, "status": "INVALID", "issues": issues})
        self.offered[sku] = value["quantity"]
        return web.json_response({"sku": sku, "status": "ACCEPTED", "submissionId": "1", "issues": []})

    async def track(self, request: web.Request) -> web.Response:
        number = request.query.get("carrierTracking.trackingNumber", request.query.get("aftn", ""))
        if number not in self.milestones:
            return web.json_response({"errors": [{"code": "NOT_FOUND"}]}, status=404)
        history = [{"status": {"code": code}, "occurredAt": at} for code, at in self.milestones[number]]
        identifier = {"carrierTracking": {"trackingNumber": number, "carrierCode": "UPS"}}
        return web.json_response({"trackingDetail": {"identifier": identifier, "milestoneHistory": history}})

    async def send(self, notification: Mapping[str, Any], address: str, secret: str = SECRET) -> int:
        """What a forwarder between the queue and us does; the status it was answered with."""
        request = signed(enveloped(notification), secret, dt.datetime.now(dt.UTC), f"msg_{next(self.numbers)}")
        async with (
            aiohttp.ClientSession() as session,
            session.post(address, data=request.body, headers=dict(request.headers)) as answer,
        ):
            return answer.status


def changed(ident: str) -> dict[str, Any]:
    return {
        "NotificationType": "ORDER_CHANGE",
        "EventTime": "2026-11-20T09:00:00Z",
        "Payload": {"OrderChangeNotification": {"AmazonOrderId": ident}},
        "NotificationMetadata": {"NotificationId": "n-1"},
    }


def enveloped(*notifications: Mapping[str, Any]) -> dict[str, Any]:
    """As SQS hands messages out."""
    return {"Messages": [{"MessageId": str(n), "Body": json.dumps(one)} for n, one in enumerate(notifications)]}


def signed(body: Mapping[str, Any], secret: str, at: dt.datetime, ident: str) -> WebhookRequest:
    raw, stamp = orjson.dumps(body), str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"{ident}.{stamp}.".encode() + raw, hashlib.sha256)).decode()
    headers = {"webhook-id": ident, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}
    return WebhookRequest(headers=headers, body=raw, received_at=at)


def instance(url: str, marketplaces: str = MARKETPLACE) -> Instance:
    return Instance(
        name="amazon",
        options={"url": url, "login_url": url, "marketplaces": marketplaces, "seller": "A3TH9S8BH6GOGM"},
        secrets={
            "client_id": (Secret("amzn1.client"),),
            "client_secret": (Secret("client-secret-simulated"),),
            "refresh_token": (Secret(REFRESH),),
            "webhook_secret": (Secret(SECRET),),
        },
        channels={MARKETPLACE: "amazon-de"},
        locations={"DEFAULT": "east", "FBA": "amazon-fba"},
    )


def delivery(secret: str, at: dt.datetime) -> WebhookRequest:
    """A genuine delivery: the first order has changed."""
    return signed(enveloped(changed("250-0001001-0000001")), secret, at, "msg_1")


def furnish(server: Server) -> None:
    server.page = 2
    for place in range(1, 6):
        server.add({"MUG": place})
        server.store(f"MUG-{place}", 10 * place, reserved=1, promised=1)
    server.offered["MUG"] = 1
    server.milestones["1Z1"] = [("PickUp", "2026-11-21T08:00:00Z"), ("Delivered", "2026-11-22T08:00:00Z")]


def news(server: Server, secret: str, at: dt.datetime) -> list[WebhookRequest]:
    """An order is cancelled and another comes; a count changes twice."""
    first = next(iter(server.orders.values()))
    told = [changed(first["orderId"])]
    first |= {"lastUpdatedTime": server.tick()}
    first["fulfillment"] |= {"fulfillmentStatus": "CANCELLED"}
    told += [changed(first["orderId"]), changed(server.add({"MUG": 1})["orderId"])]
    for count in (7, 6):
        server.store("MUG-1", count)
        told.append({"NotificationType": "FBA_INVENTORY_AVAILABILITY_CHANGES", "Payload": {"SKU": "MUG-1"}})
    return [signed(enveloped(one), secret, at, f"msg_{place}") for place, one in enumerate(told, 10)]


def effects(server: Server) -> object:
    return server.offered


CALLS: Mapping[str, Callable[[Any], Awaitable[object]]] = {
    "pull_orders": lambda connector: connector.pull_orders(START, None),
    "look_up_orders": lambda connector: connector.look_up_orders([OrderRef("amazon-de", "250-0001001-0000001")]),
    "pull_stock": lambda connector: connector.pull_stock(None, None),
    "push_stock": lambda connector: connector.push_stock([StockTarget("MUG", "east", 5, "key-1")]),
    "track": lambda connector: connector.track([Parcel("ups", "1Z1")]),
}
