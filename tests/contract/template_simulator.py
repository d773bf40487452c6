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

from connectors.base import Instance, Secret, WebhookRequest
from tests.simulators.base import Simulator

TOKEN = "template-simulated"
SECRET = "whsec_" + base64.b64encode(b"template-simulated-secret").decode()
START = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)
# Constants of the client that bound a page, by their whole names: the contract sets them to 2.
PAGES = ()


@dataclass(slots=True)
class Server(Simulator):
    """`levels` in the order of change, `size` per page; a cursor is a place in that order."""

    size: int = 2
    levels: list[dict[str, Any]] = field(default_factory=list)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/stock", self.stock)]

    async def stock(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "unauthorized"}, status=401)
        since, start = request.query.get("updatedSince", ""), int(request.query.get("after", "0"))
        changed = [level for level in self.levels if level["updatedAt"] >= since]
        end = start + self.size
        return web.json_response({"levels": changed[start:end], "next": str(end) if end < len(changed) else None})


def instance(url: str) -> Instance:
    return Instance(
        name="template",
        options={"url": url},
        secrets={"token": (Secret(TOKEN),), "webhook_secret": (Secret(SECRET),)},
        locations={"7": "east"},
    )


def delivery(secret: str, at: dt.datetime) -> WebhookRequest:
    """A genuine delivery of one count."""
    return signed([level("MUG", 5, at)], secret, at, "msg_1")


def level(sku: str, on_hand: int, at: dt.datetime) -> dict[str, Any]:
    return {"sku": sku, "place": 7, "updatedAt": at.isoformat(), "onHand": on_hand}


def signed(levels: list[dict[str, Any]], secret: str, at: dt.datetime, ident: str) -> WebhookRequest:
    raw, stamp = orjson.dumps({"type": "stock", "levels": levels}), str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"{ident}.{stamp}.".encode() + raw, hashlib.sha256)).decode()
    headers = {"webhook-id": ident, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}
    return WebhookRequest(headers=headers, body=raw, received_at=at)


def furnish(server: Server) -> None:
    """Five of everything that can be pulled, and what the CALLS ask for."""
    server.levels = [level(f"MUG-{place}", 10, START + dt.timedelta(minutes=place)) for place in range(5)]


def news(server: Server, secret: str, at: dt.datetime) -> list[WebhookRequest]:
    """Things that change one after another, and the deliveries of that; none where the system tells nothing."""
    told = [level("MUG-0", count, START + dt.timedelta(hours=hour)) for hour, count in enumerate((7, 6, 9), 1)]
    server.levels = [*server.levels[1:], told[-1]]
    return [signed([one], secret, at, f"msg_{place}") for place, one in enumerate(told, 2)]


CALLS: Mapping[str, Callable[[Any], Awaitable[object]]] = {
    "pull_stock": lambda connector: connector.pull_stock(None, None),
}
