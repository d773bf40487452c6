"""UPS after its OpenAPI documents: OAuth, Tracking, Track Alert and Time in Transit."""

import base64
import datetime as dt
import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from connectors.base import Instance, Lane, Parcel, Secret, WebhookRequest
from tests.simulators.base import Simulator

CLIENT = ("client-simulated", "client-secret-simulated")
CREDENTIAL = "alert-credential-simulated"
OFFSET = "-05:00"
AGELESS = "UPS signs nothing and sends no time."


@dataclass(slots=True)
class Server(Simulator):
    """`activities` by number, oldest first; `days` an estimate (type, day) by number; `alerts` what is watched."""

    activities: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    days: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    alerts: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/security/v1/oauth/token", self.token),
            web.get("/api/track/v1/details/{number}", self.details),
            web.post("/api/track/v2/subscription/standard/package", self.subscribe),
            web.post("/api/shipments/v1/transittimes", self.transit),
        ]

    def scan(self, number: str, kind: str, code: str, status_code: str, at: dt.datetime) -> dict[str, Any]:
        """A new activity at `at` in New York; the alert that UPS sends of it."""
        local = at.astimezone(dt.timezone(dt.timedelta(hours=-5)))
        status = {"type": kind, "code": code, "description": f"Activity {code}"}
        self.activities.setdefault(number, []).append(
            {
                "date": f"{local:%Y%m%d}",
                "time": f"{local:%H%M%S}",
                "gmtDate": f"{at:%Y%m%d}",
                "gmtTime": f"{at:%H%M%S}".lstrip("0") or "0",
                "gmtOffset": OFFSET,
                "location": {"address": {"city": "Wayne", "stateProvince": "NJ", "countryCode": "US", "country": "US"}},
                "status": {**status, "statusCode": status_code},
            }
        )
        return {
            "trackingNumber": number,
            "localActivityDate": f"{local:%Y%m%d}",
            "localActivityTime": f"{local:%H%M%S}",
            "activityLocation": {"city": "Wayne", "stateProvince": "NJ", "postalCode": "", "country": "US"},
            "activityStatus": {**status, "descriptionCode": status_code},
            "gmtActivityDate": f"{at:%Y%m%d}",
            "gmtActivityTime": f"{at:%H%M%S}",
            "gmtOffset": OFFSET.replace(":", "."),
        }

    async def token(self, request: web.Request) -> web.Response:
        expected = "Basic " + base64.b64encode(":".join(CLIENT).encode()).decode()
        if request.headers.get("Authorization") != expected:
            return _error(401, "250002", "Invalid authentication information.")
        token = f"token-{next(self.numbers)}"
        self.tokens.add(token)
        return web.json_response({"token_type": "Bearer", "access_token": token, "expires_in": "14399"})

    def _refused(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _error(401, "251004", "Bearer Token expired (oauth)")
        if not request.headers.get("transId") or not request.headers.get("transactionSrc"):
            return _error(400, "VSS002", "Missing transId")
        return None

    async def details(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        number = request.match_info["number"]
        if not number.startswith("1Z"):
            return _error(400, "TV1002", "Invalid inquiry number")
        if number not in self.activities:
            warning = {"code": "TW0001", "message": "Tracking Information Not Found"}
            return web.json_response(
                {"trackResponse": {"shipment": [{"inquiryNumber": number, "warnings": [warning]}]}}
            )
        package = {
            "trackingNumber": number,
            "activity": list(reversed(self.activities[number])),
            "deliveryDate": self.days.get(number, []),
            "deliveryTime": {"type": "EOD"},
        }
        return web.json_response({"trackResponse": {"shipment": [{"inquiryNumber": number, "package": [package]}]}})

    async def subscribe(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        wanted = (await request.json())["trackingNumberList"]
        if len(wanted) > 100:
            return _error(400, "VSS220", "You have submitted over 100 tracking numbers which is not allowed.")
        valid = [number for number in wanted if number.startswith("1Z")]
        invalid = [number for number in wanted if number not in valid]
        self.alerts.update(valid)
        if not valid:
            refusal = {"errors": [{"code": "VSS210", "message": "There should be at least one valid tracking number."}]}
            return web.json_response({"invalidTrackingNumbers": invalid, "response": refusal}, status=400)
        told = {"validTrackingNumbers": valid}
        return web.json_response({**told, "invalidTrackingNumbers": invalid} if invalid else told)

    async def transit(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        wanted = await request.json()
        if wanted["destinationCountryCode"] == "AQ":
            return _error(400, "270034", "No services to this destination.")
        ready = dt.date.fromisoformat(wanted["shipDate"])
        services = [
            {
                "serviceLevel": level,
                "serviceLevelDescription": name,
                "shipDate": ready.isoformat(),
                "deliveryDate": (ready + dt.timedelta(days=days)).isoformat(),
                "deliveryTime": time,
                "commitTime": time,
                "businessTransitDays": days,
            }
            for level, name, days, time in (
                ("1DA", "UPS Next Day Air", 1, "10:30:00"),
                ("GND", "UPS Ground", 4, "23:00:00"),
            )
        ]
        return web.json_response({"emsResponse": {"numberOfServices": len(services), "services": services}})

    async def send(self, alert: Mapping[str, Any], address: str, credential: str = CREDENTIAL) -> int:
        """Delivers an alert as UPS does; the status it was answered with."""
        headers = {"Authorization": f"Bearer {credential}", "User-Agent": "UPSPubSubTrackingService"}
        async with aiohttp.ClientSession() as session, session.post(address, json=alert, headers=headers) as answer:
            return answer.status


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"response": {"errors": [{"code": code, "message": message}]}}, status=status)


def instance(url: str) -> Instance:
    return Instance(
        name="ups",
        options={"url": url, "time_zone": "America/New_York"},
        secrets={
            "client_id": (Secret(CLIENT[0]),),
            "client_secret": (Secret(CLIENT[1]),),
            "webhook_credential": (Secret(CREDENTIAL),),
        },
    )


def delivery(secret: str, at: dt.datetime) -> WebhookRequest:
    """A genuine alert of one activity."""
    return _sent(Server().scan(PARCEL.tracking_number, "D", "FS", "011", at - dt.timedelta(minutes=1)), secret, at)


def furnish(server: Server) -> None:
    server.scan(PARCEL.tracking_number, "I", "AR", "005", dt.datetime(2026, 11, 21, 8, tzinfo=dt.UTC))


def news(server: Server, secret: str, at: dt.datetime) -> list[WebhookRequest]:
    """A parcel arrives, in three activities."""
    steps = (("I", "DP", "005"), ("I", "OT", "021"), ("D", "FS", "011"))
    start = dt.datetime(2026, 11, 22, 8, tzinfo=dt.UTC)
    told = [
        server.scan(PARCEL.tracking_number, *words, start + dt.timedelta(hours=hour))
        for hour, words in enumerate(steps)
    ]
    return [_sent(alert, secret, at) for alert in told]


def _sent(alert: Mapping[str, Any], secret: str, at: dt.datetime) -> WebhookRequest:
    headers = {"authorization": f"Bearer {secret}", "user-agent": "UPSPubSubTrackingService"}
    return WebhookRequest(headers=headers, body=orjson.dumps(alert), received_at=at)


PARCEL = Parcel("ups", "1Z023E2X0214323462")
LANE = Lane("DE", "10703", "US", "03104", dt.date(2026, 11, 25))
CALLS: Mapping[str, Callable[[Any], Awaitable[object]]] = {
    "track": lambda connector: connector.track([PARCEL]),
    "watch": lambda connector: connector.watch([PARCEL]),
    "estimate": lambda connector: connector.estimate([LANE]),
}
