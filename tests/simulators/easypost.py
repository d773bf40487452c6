"""EasyPost's trackers and webhooks, after its reference and the exchanges recorded by its client library."""

import base64
import datetime as dt
import hashlib
import hmac
import itertools
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from connectors.base import Instance, Parcel, Secret, WebhookRequest
from tests.simulators.base import Simulator

KEY = "EZTK-simulated"
SECRET = "sécret"  # of the simulator; an accent, because the secret is normalised before it signs
PATH = "/webhooks/easypost"


@dataclass(slots=True)
class Server(Simulator):
    """`trackers` by number. Numbers in `unknown` cannot be registered, as when no carrier has such numbers."""

    trackers: dict[str, dict[str, Any]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/trackers/batch", self.batch), web.post("/trackers", self.register)]

    def add(self, number: str, carrier: str = "USPS", at: str = "2026-11-20T08:00:00Z") -> dict[str, Any]:
        tracker: dict[str, Any] = {
            "id": f"trk_{next(self.numbers):032x}",
            "object": "Tracker",
            "mode": "test",
            "tracking_code": number,
            "carrier": carrier,
            "status": "unknown",
            "status_detail": "unknown",
            "created_at": at,
            "updated_at": at,
            "est_delivery_date": None,
            "tracking_details": [],
        }
        self.trackers[number] = tracker
        return tracker

    def scan(self, number: str, status: str, detail: str, at: str, city: str | None = None) -> dict[str, Any]:
        """A new scan; the event that EasyPost tells of it."""
        tracker = self.trackers[number]
        place = {"object": "TrackingLocation", "city": city, "state": None, "country": None, "zip": None}
        tracker["tracking_details"].append(
            {
                "object": "TrackingDetail",
                "message": detail.replace("_", " ").capitalize(),
                "description": "",
                "status": status,
                "status_detail": detail,
                "datetime": at,
                "source": tracker["carrier"],
                "carrier_code": "",
                "tracking_location": place,
            }
        )
        tracker |= {"status": status, "status_detail": detail, "updated_at": at}
        return {
            "id": f"evt_{next(self.numbers):032x}",
            "object": "Event",
            "mode": "test",
            "description": "tracker.updated",
            "status": "pending",
            "created_at": at,
            "previous_attributes": {},
            "result": orjson.loads(orjson.dumps(tracker)),
        }

    async def batch(self, request: web.Request) -> web.Response:
        self._authorize(request)
        asked = (await request.json())["tracking_codes"]
        known = [self.trackers[number] for number in asked if number in self.trackers]
        return web.json_response({"trackers": known, "has_more": False})

    async def register(self, request: web.Request) -> web.Response:
        self._authorize(request)
        wanted = (await request.json())["tracker"]
        number = wanted["tracking_code"]
        if number in self.unknown:
            error = {"code": "TRACKER.CREATE.ERROR", "message": "Unable to determine the carrier.", "errors": []}
            return web.json_response({"error": error}, status=422)
        known = self.trackers.get(number)
        tracker = known or self.add(number, wanted.get("carrier", "USPS"))
        return web.json_response(tracker, status=200 if known else 201)

    def _authorize(self, request: web.Request) -> None:
        expected = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
        if request.headers.get("Authorization") != expected:
            error = {"code": "APIKEY.INACTIVE", "message": "This api key is no longer active.", "errors": []}
            raise web.HTTPUnauthorized(text=orjson.dumps({"error": error}).decode(), content_type="application/json")

    async def send(self, event: Mapping[str, Any], address: str, secret: str = SECRET) -> int:
        """Delivers an event as EasyPost does; the status it was answered with."""
        headers, body = signed(event, secret, dt.datetime.now(dt.UTC))
        async with aiohttp.ClientSession() as session, session.post(address, data=body, headers=headers) as answer:
            return answer.status


def signed(event: Mapping[str, Any], secret: str, at: dt.datetime, path: str = PATH) -> tuple[dict[str, str], bytes]:
    """Headers and body with both versions of the signature."""
    body = orjson.dumps(event)
    key = unicodedata.normalize("NFKD", secret).encode()
    stamp = format_datetime(at.replace(microsecond=0))

    def signature(text: bytes) -> str:
        return "hmac-sha256-hex=" + hmac.new(key, text, hashlib.sha256).hexdigest()

    headers = {
        "content-type": "application/json",
        "x-hmac-signature": signature(body),
        "x-timestamp": stamp,
        "x-path": path,
        "x-hmac-signature-v2": signature(f"{stamp}POST{path}".encode() + body),
    }
    return headers, body


def instance(url: str) -> Instance:
    return Instance(
        name="easypost",
        options={"url": url, "register": "true"},
        secrets={"api_key": (Secret(KEY),), "webhook_secret": (Secret(SECRET),)},
        carriers={"DHLExpress": "dhl"},
    )


def delivery(secret: str, at: dt.datetime) -> WebhookRequest:
    """A genuine delivery of one scan."""
    server = Server()
    server.add("EZ4000000004")
    headers, body = signed(
        server.scan("EZ4000000004", "delivered", "arrived_at_destination", "2026-11-24T15:00:00Z"), secret, at
    )
    return WebhookRequest(headers=headers, body=body, received_at=at)


def furnish(server: Server) -> None:
    server.add("EZ1000000001")
    server.scan("EZ1000000001", "in_transit", "departed_facility", "2026-11-21T08:00:00Z", "Berlin")


def news(server: Server, secret: str, at: dt.datetime) -> list[WebhookRequest]:
    """A parcel arrives, in three scans."""
    steps = ("in_transit", "arrived_at_facility"), ("out_for_delivery", "out_for_delivery"), ("delivered", "delivered")
    told = [
        server.scan("EZ1000000001", status, detail, f"2026-11-22T0{hour}:00:00Z")
        for hour, (status, detail) in enumerate(steps, 5)
    ]
    signed_ones = [signed(event, secret, at) for event in told]
    return [WebhookRequest(headers=headers, body=body, received_at=at) for headers, body in signed_ones]


CALLS: Mapping[str, Callable[[Any], Awaitable[object]]] = {
    "track": lambda connector: connector.track([Parcel("usps", "EZ1000000001")]),
}
