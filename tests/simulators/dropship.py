"""Suppliers: one that answers by X12 files in a drop, and one with the REST API of connectors/dropship/README.md."""

import datetime as dt
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from connectors.base import FulfillmentRequest, Instance, RequestedLine, Secret, WebhookRequest
from connectors.dropship import x12
from domain.records import OrderRef
from tests.simulators.base import Simulator

TOKEN = "supplier-simulated"  # of the simulator
NOW = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)
PAGES = ()  # the server bounds them


@dataclass(slots=True)
class FileSupplier:
    """Reads what we left in `root/out` and leaves answers in `root/in`, a second later than the one before."""

    root: Path
    at: float = NOW.timestamp()
    control: int = 1

    def orders(self) -> Mapping[str, dict[str, int]]:
        """Purchase orders with what is asked for; they are taken away, as suppliers do."""
        found = {}
        for path in sorted((self.root / "out").glob("*.x12")):
            (order,) = x12.parsed(path.read_bytes())
            lines = {one[7]: int(one[2]) for one in order.segments if one[0] == "PO1"}
            found[x12.element(order.first("BEG"), 3)] = lines
            path.unlink()
        return found

    def acknowledge(self, purchase: str, words: Mapping[str, str], quantity: int = 1) -> str:
        lines: list[tuple[str, ...]] = [("BAK", "00", "AD", purchase, "20261125")]
        for place, (sku, word) in enumerate(words.items(), 1):
            lines.append(("PO1", str(place), str(quantity), "EA", "", "", "SK", sku))
            lines.append(("ACK", word, str(quantity), "EA"))
        return self.leave_set("855", "PR", [*lines, ("CTT", str(len(words)))])

    def ship(
        self,
        purchase: str,
        tracking: str,
        counts: Mapping[str, int | str],
        carrier: str = "UPSN",
        number: str | None = None,
        purpose: str = "00",
    ) -> str:
        items: list[tuple[str, ...]] = []
        for place, (sku, count) in enumerate(counts.items(), 4):
            items += [("HL", str(place), "3", "I"), ("LIN", "", "SK", sku), ("SN1", "", str(count), "EA")]
        levels: list[tuple[str, ...]] = [
            ("BSN", purpose, number or f"SHIP{self.control}", "20261125", "0900"),
            ("HL", "1", "", "S"),
            ("TD5", "", "2", carrier, "", "Ground"),
            ("DTM", "011", "20261125"),
            ("HL", "2", "1", "O"),
            ("PRF", purchase),
            ("HL", "3", "2", "P"),
            ("MAN", "CP", tracking),
        ]
        return self.leave_set("856", "SH", [*levels, *items, ("CTT", str(3 + len(counts)))])

    def advise(self, counts: Mapping[str, int]) -> str:
        items: list[tuple[str, ...]] = []
        for place, (sku, count) in enumerate(counts.items(), 1):
            items += [("LIN", str(place), "SK", sku), ("QTY", "33", str(count), "EA")]
        return self.leave_set("846", "IB", [("BIA", "00", "SI", "1", "20261125"), *items, ("CTT", str(len(counts)))])

    def leave_set(self, kind: str, group: str, segments: Sequence[tuple[str, ...]]) -> str:
        at = dt.datetime.fromtimestamp(self.at, dt.UTC)
        body = x12.written(kind, group, segments, "SUPPLIER", "ORDERGRAPH", self.control, at)
        return self.leave(f"{kind}-{self.control}.x12", body)

    def leave(self, name: str, body: bytes) -> str:
        """Any file, with the time of the supplier's clock."""
        self.at, self.control = self.at + 1, self.control + 1
        place = self.root / "in"
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(body)
        os.utime(place / name, (self.at, self.at))
        return name


@dataclass(slots=True)
class Server(Simulator):
    """`orders` by purchase order, in the order of their last change."""

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    items: list[dict[str, Any]] = field(default_factory=list)
    page: int = 2
    changes: int = 0

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/orders", self.list_orders),
            web.put("/v1/orders/{purchase}", self.put),
            web.delete("/v1/orders/{purchase}", self.cancel),
            web.get("/v1/stock", self.stock),
        ]

    def _refused(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") != f"Bearer {TOKEN}"

    def change(self, purchase: str, **fields: Any) -> dict[str, Any]:
        self.changes += 1
        updated = (NOW + dt.timedelta(seconds=self.changes)).isoformat()
        order = {**self.orders.pop(purchase, {}), **fields, "updated_at": updated}
        self.orders[purchase] = order
        return order

    async def list_orders(self, request: web.Request) -> web.Response:
        if self._refused(request):
            return web.json_response({}, status=401)
        query = request.query
        named = query["purchase_orders"].split(",") if "purchase_orders" in query else None
        found = [
            one
            for name, one in self.orders.items()
            if (named is None or name in named) and one["updated_at"] >= query.get("since", "")
        ]
        start = int(query.get("cursor", "0"))
        size = len(found) if named else self.page
        following = str(start + size) if start + size < len(found) else None
        return web.json_response({"orders": found[start : start + size], "next": following})

    async def put(self, request: web.Request) -> web.Response:
        if self._refused(request):
            return web.json_response({}, status=401)
        purchase, wanted = request.match_info["purchase"], await request.json()
        if any(line["sku"] == "GHOST" for line in wanted["lines"]):
            return web.json_response({"error": "We do not sell that."}, status=422)
        if purchase not in self.orders:
            named = {"purchase_order": purchase, "lines": wanted["lines"], "parcels": []}
            self.change(purchase, **named, status="received")
        return web.json_response(self.orders[purchase])

    async def cancel(self, request: web.Request) -> web.Response:
        if self._refused(request):
            return web.json_response({}, status=401)
        order = self.orders.get(request.match_info["purchase"])
        if order is None:
            return web.json_response({}, status=404)
        if order["status"] in ("shipped", "cancelled"):
            return web.json_response(order, status=409 if order["status"] == "shipped" else 200)
        return web.json_response(self.change(order["purchase_order"], status="cancelled"))

    async def stock(self, request: web.Request) -> web.Response:
        if self._refused(request):
            return web.json_response({}, status=401)
        start = int(request.query.get("cursor", "0"))
        following = str(start + self.page) if start + self.page < len(self.items) else None
        return web.json_response({"items": self.items[start : start + self.page], "next": following})


def instance(url: str) -> Instance:
    options = {"url": f"{url}/v1" if url.startswith("http") else url, "location": "acme", "channel": "web"}
    return Instance(
        name="acme",
        options={**options, "our_id": "ORDERGRAPH", "their_id": "SUPPLIER", "host_key": ""},
        secrets={"token": (Secret(TOKEN),)},
        carriers={"UPSN": "ups"},
    )


def shapes() -> tuple[Instance, ...]:
    """The other one: files in a folder."""
    return (instance("file:///nowhere"),)


def furnish(server: Server) -> None:
    for place in range(5):
        purchase, lines = f"100{place}.abcde{place}", [{"sku": "MUG-BLUE", "quantity": 2}]
        server.change(purchase, purchase_order=purchase, lines=lines, parcels=[], status="accepted")
        server.items.append({"sku": f"MUG-{place}", "available": place, "as_of": NOW.isoformat()})


def news(server: Server, secret: str, at: dt.datetime) -> list[WebhookRequest]:
    """One order is shipped and one count changes; a supplier tells nobody."""
    parcel = {"carrier": "UPSN", "tracking_number": "1Z01", "shipped_at": NOW.isoformat()}
    lines = server.orders["1000.abcde0"]["lines"]
    server.change("1000.abcde0", status="shipped", parcels=[{**parcel, "lines": lines}])
    server.items[0] |= {"available": 99, "as_of": (NOW + dt.timedelta(hours=1)).isoformat()}
    return []


def effects(server: Server) -> object:
    return server.orders


REQUEST = FulfillmentRequest(
    key="fulfillment-1",
    order=OrderRef("web", "1001"),
    location="acme",
    lines=(RequestedLine("1", "MUG-BLUE", 2), RequestedLine("2", "PLATE", 1)),
    recipient={"name": "Ada * Example~", "line1": "1 Long Lane", "city": "Chicago", "region": "IL", "country": "US"},
)
CALLS: Mapping[str, Callable[[Any], Awaitable[object]]] = {
    "request_fulfillment": lambda connector: connector.request_fulfillment(REQUEST),
    "cancel_fulfillment": lambda connector: connector.cancel_fulfillment("1001.abcde1", "key-2"),
    "look_up_fulfillments": lambda connector: connector.look_up_fulfillments(["1001.abcde1"]),
    "pull_orders": lambda connector: connector.pull_orders(None, None),
    "pull_stock": lambda connector: connector.pull_stock(None, None),
}
