"""Template's API as its documents describe it: a page of counts, and webhooks after Standard Webhooks."""

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from connectors.base import Capability, Instance, Secret, WebhookRequest
from tests.simulators.base import Simulator

TOKEN = "template-simulated"
SECRET = "whsec_" + base64.b64encode(b"template-simulated-secret").decode()


@dataclass(slots=True)
class Server(Simulator):
    """`levels` are all on one page."""

    levels: list[dict[str, Any]] = field(default_factory=list)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/stock", self.stock)]

    async def stock(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "unauthorized"}, status=401)
        return web.json_response({"levels": self.levels, "next": None})


def instance(url: str) -> Instance:
    return Instance(
        name="template",
        options={"url": url},
        secrets={"token": (Secret(TOKEN),), "webhook_secret": (Secret(SECRET),)},
        locations={"7": "east"},
    )


def delivery(secret: str, at: dt.datetime) -> WebhookRequest:
    """A genuine delivery of one count."""
    level = {"sku": "MUG", "place": 7, "updatedAt": at.isoformat(), "onHand": 5}
    raw, stamp = orjson.dumps({"type": "stock", "levels": [level]}), str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"msg_1.{stamp}.".encode() + raw, hashlib.sha256)).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}
    return WebhookRequest(headers=headers, body=raw, received_at=at)


CALLS: Mapping[Capability, Callable[[Any], Awaitable[object]]] = {
    Capability.STOCK_PULL: lambda connector: connector.pull_stock(None, None),
}
