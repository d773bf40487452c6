"""A made-up shop with stock, work orders and webhooks, and its connector: for tests of what runs connectors."""

import datetime as dt
import hashlib
import hmac
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from connectors.base import (
    Delivery,
    Forged,
    FulfillmentAnswer,
    FulfillmentRequest,
    Instance,
    Page,
    Pushed,
    Secret,
    StockTarget,
    WebhookRequest,
)
from connectors.errors import BadPayload
from connectors.http import Http
from connectors.payload import Node, each_read
from domain.records import (
    FulfillmentLineRecord,
    FulfillmentRecord,
    LineRecord,
    OrderRecord,
    OrderRef,
    Record,
    StockChangeRecord,
    StockRecord,
)
from domain.status import FulfillmentStatus
from tests.simulators.base import Simulator

SECRET = "acme-webhook-secret"
AT = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)
TOLERANCE = dt.timedelta(minutes=5)


@dataclass(slots=True)
class Server(Simulator):
    """`orders` and `stock` are listed oldest change first, `size` per page; `taken` is what commands have done."""

    size: int = 2
    orders: list[dict[str, Any]] = field(default_factory=list)
    stock: list[dict[str, Any]] = field(default_factory=list)
    levels: dict[str, int] = field(default_factory=dict)
    work: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/orders", self.list_orders),
            web.get("/stock", self.list_stock),
            web.post("/stock", self.push),
            web.post("/work", self.request),
            web.post("/work/{id}/cancel", self.cancel),
            web.get("/work/{id}", self.look_up),
        ]

    def place(self, number: str, at: dt.datetime = AT, quantity: int = 1, status: str = "open") -> dict[str, Any]:
        """Makes or changes an order."""
        made = {"number": number, "at": at.isoformat(), "quantity": quantity, "status": status}
        self.orders[:] = [order for order in self.orders if order["number"] != number] + [made]
        return made

    async def list_orders(self, request: web.Request) -> web.Response:
        return self.page(self.orders, request)

    async def list_stock(self, request: web.Request) -> web.Response:
        return self.page(self.stock, request)

    def page(self, rows: Sequence[Mapping[str, Any]], request: web.Request) -> web.Response:
        """In the order of change. The cursor is a place in it, so that no change makes it skip another row."""
        since, cursor = request.query.get("since", ""), request.query.get("cursor", "")
        wanted = [row for row in rows if row["at"] >= since]
        listed = sorted((row for row in wanted if place(row) > cursor), key=place)
        part = listed[: self.size]
        following = place(part[-1]) if len(listed) > self.size else None
        return web.json_response({"rows": part, "next": following, "total": len(wanted)})

    async def push(self, request: web.Request) -> web.Response:
        answers = []
        for target in await request.json():
            if target["sku"] in self.refuse:
                answers.append("NO_SUCH_ITEM")
                continue
            answers.append("")
            if target["key"] not in self.keys:
                self.keys.append(target["key"])
                self.levels[target["sku"]] = target["available"]
        return web.json_response(answers)

    async def request(self, request: web.Request) -> web.Response:
        asked = await request.json()
        known = next((work for work in self.work.values() if work["key"] == asked["key"]), None)
        if known is None:
            refused = any(line["sku"] in self.refuse for line in asked["lines"])
            known = {**asked, "id": f"W{next(self.numbers)}", "status": "REJECTED" if refused else "ACCEPTED"}
            self.work[known["id"]] = known
        return web.json_response(known)

    async def cancel(self, request: web.Request) -> web.Response:
        work = self.work[request.match_info["id"]]
        work["status"] = "CANCELLED"
        return web.json_response(work)

    async def look_up(self, request: web.Request) -> web.Response:
        return web.json_response(self.work[request.match_info["id"]])


def place(row: Mapping[str, Any]) -> str:
    return f"{row['at']} {row.get('number') or row['sku']}"


class Acme:
    """The connector. Channel `web`, location `HAM`, item `MUG` are those of tests.resolvers.commands.house."""

    def __init__(self, instance: Instance, http: Http) -> None:
        self.instance = instance
        self.http = http

    async def pull_orders(self, since: dt.datetime | None, cursor: str | None) -> Page:
        return await self._page("/orders", since, cursor, order_of)

    async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
        return await self._page("/stock", since, cursor, stock_of)

    async def _page(self, path: str, since: dt.datetime | None, cursor: str | None, of: Any) -> Page:
        params = {"since": since.isoformat()} if since else {}
        found = (await self.http.request("GET", path, params=params | ({"cursor": cursor} if cursor else {}))).json()
        rows = found["rows"].items()
        read = each_read(rows, lambda row: (row["number"] or row["sku"]).text(), lambda row: (of(row),))
        return Page.of(read, found["next"].maybe_text(), len(rows), found["total"].integer())

    async def push_stock(self, targets: Sequence[StockTarget]) -> Sequence[Pushed]:
        asked = [{"sku": one.sku, "available": one.available, "key": one.key} for one in targets]
        answers = (await self.http.request("POST", "/stock", json=asked)).json()
        return [Pushed(answer.text() or None) for answer in answers.items()]

    async def request_fulfillment(self, request: FulfillmentRequest) -> FulfillmentAnswer:
        lines = [{"sku": line.sku, "quantity": line.quantity, "line": line.line} for line in request.lines]
        asked = {"key": request.key, "order": request.order.number, "lines": lines, "to": dict(request.recipient)}
        return answer_of((await self.http.request("POST", "/work", json=asked)).json())

    async def cancel_fulfillment(self, fulfillment_id: str, key: str) -> FulfillmentAnswer:
        return answer_of((await self.http.request("POST", f"/work/{fulfillment_id}/cancel", json={"key": key})).json())

    async def look_up_fulfillments(self, fulfillment_ids: Sequence[str]) -> Sequence[Sequence[Record]]:
        found = [(await self.http.request("GET", f"/work/{one}")).json() for one in fulfillment_ids]
        return [[work_of(work)] for work in found]

    def verify(self, request: WebhookRequest) -> Delivery:
        sent_at = dt.datetime.fromtimestamp(int(request.headers.get("acme-time", "0")), dt.UTC)
        if abs(request.received_at - sent_at) > TOLERANCE:
            raise Forged("too old")
        signed = [signature(secret.reveal(), sent_at, request.body) for secret in self.instance.secrets["webhook"]]
        given = request.headers.get("acme-signature", "")
        if not any(hmac.compare_digest(given.encode(), one.encode()) for one in signed):
            raise Forged("wrong signature")
        return Delivery(request.headers["acme-delivery"], request.headers["acme-topic"], sent_at)

    async def records_of(self, delivery: Delivery, body: bytes) -> Sequence[Record]:
        try:
            node = Node(orjson.loads(body))
        except orjson.JSONDecodeError:
            raise BadPayload("The delivery is no JSON.") from None
        of = TOPICS.get(delivery.topic)
        return [of(node)] if of else []


def order_of(row: Node) -> OrderRecord:
    at = row["at"].instant()
    number, quantity = row["number"].text(), row["quantity"].integer()
    lines = (LineRecord("MUG", quantity),)
    return OrderRecord(
        OrderRef("web", number),
        at,
        lines=lines,
        placed_at=AT,
        accepted_at=AT,
        total=100 * quantity,
        source_status=row["status"].text(),
    )


def stock_of(row: Node) -> StockRecord:
    return StockRecord(row["sku"].text(), "HAM", row["at"].instant(), row["count"].integer())


def sale_of(row: Node) -> StockChangeRecord:
    return StockChangeRecord(
        row["sku"].text(), "HAM", row["at"].instant(), -row["quantity"].integer(), row["receipt"].text(), "SALE"
    )


TOPICS: Mapping[str, Callable[[Node], Record]] = {"order": order_of, "stock": stock_of, "sale": sale_of}


def answer_of(work: Node) -> FulfillmentAnswer:
    status = work["status"].text()
    return FulfillmentAnswer(
        work["id"].text(), FulfillmentStatus(status), "OUT_OF_STOCK" if status == "REJECTED" else None
    )


def work_of(work: Node) -> FulfillmentRecord:
    lines = tuple(
        FulfillmentLineRecord(line["line"].text(), line["quantity"].integer()) for line in work["lines"].items()
    )
    at = AT + dt.timedelta(hours=2)
    status = FulfillmentStatus(work["status"].text())
    return FulfillmentRecord(
        OrderRef("web", work["order"].text()), at, work["id"].text(), status, lines, location="HAM"
    )


def instance(url: str, name: str = "acme", secrets: Sequence[str] = (SECRET,)) -> Instance:
    return Instance(name, {"url": url}, {"webhook": tuple(Secret(secret) for secret in secrets)})


def signature(secret: str, at: dt.datetime, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{int(at.timestamp())}.".encode() + body, hashlib.sha256).hexdigest()


def signed(topic: str, id_: str, content: Any, at: dt.datetime, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    """Headers and body of a genuine delivery."""
    body = orjson.dumps(content)
    headers = {
        "acme-time": str(int(at.timestamp())),
        "acme-topic": topic,
        "acme-delivery": id_,
        "acme-signature": signature(secret, at, body),
    }
    return headers, body
