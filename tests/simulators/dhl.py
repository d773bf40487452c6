"""DHL's Shipment Tracking - Unified, after its reference: one number per request, the newest event first."""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from connectors.base import Instance, Parcel, Secret, WebhookRequest
from tests.simulators.base import Simulator

KEY = "dhl-simulated"


@dataclass(slots=True)
class Server(Simulator):
    """`events` by number, oldest first."""

    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/shipments", self.shipments)]

    def scan(self, number: str, code: str, text: str, at: str, city: str | None = None) -> None:
        place = {"location": {"address": {"addressLocality": city, "countryCode": "DE"}}} if city else {}
        event = {"timestamp": at, "statusCode": code, "status": code, "description": text, **place}
        self.events.setdefault(number, []).append(event)

    async def shipments(self, request: web.Request) -> web.Response:
        if request.headers.get("DHL-API-Key") != KEY:
            return web.json_response({"title": "Unauthorized", "status": 401, "detail": "Unauthorized"}, status=401)
        number = request.query["trackingNumber"]
        if number not in self.events:
            detail = "No shipment with given tracking number found."
            return web.json_response({"title": "No result found", "status": 404, "detail": detail}, status=404)
        events = list(reversed(self.events[number]))
        service = request.query.get("service", "parcel-de")
        shipment = {"id": number, "service": service, "status": events[0], "events": events}
        return web.json_response({"url": str(request.rel_url), "shipments": [shipment]})


def instance(url: str) -> Instance:
    return Instance(
        name="dhl",
        options={"url": url, "service": "", "time_zone": "Europe/Berlin"},
        secrets={"api_key": (Secret(KEY),)},
    )


def furnish(server: Server) -> None:
    server.scan("00340434292135100124", "transit", "Picked up.", "2026-11-21T08:00:00", "Berlin")


def news(server: Server, secret: str, at: dt.datetime) -> list[WebhookRequest]:
    """A parcel arrives, in two scans; DHL tells nobody."""
    server.scan("00340434292135100124", "transit", "On its way.", "2026-11-22T08:00:00", "Bonn")
    server.scan("00340434292135100124", "delivered", "Delivered.", "2026-11-22T09:00:00", "Bonn")
    return []


CALLS: Mapping[str, Callable[[Any], Awaitable[object]]] = {
    "track": lambda connector: connector.track([Parcel("dhl", "00340434292135100124")]),
}
