"""A till: it numbers its receipts, signs what it tells, and may tell it again."""

import base64
import datetime as dt
import hashlib
import hmac
import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from connectors.base import Instance, Secret, WebhookRequest
from tests.simulators.base import Simulator

SECRET = "whsec_" + base64.b64encode(b"till-simulated-secret").decode()


@dataclass(slots=True)
class Server(Simulator):
    """It is never asked, so it serves nothing."""

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def routes(self) -> list[web.RouteDef]:
        return []

    def message(self, kind: str, counts: Mapping[str, int], at: dt.datetime, store: str = "12") -> dict[str, Any]:
        lines = [{"sku": sku, "quantity": count} for sku, count in counts.items()]
        ident = f"{kind}-{next(self.numbers)}"
        return {"id": ident, "type": kind, "store": store, "occurredAt": at.isoformat(), "lines": lines}

    async def send(self, message: Mapping[str, Any], address: str, secret: str = SECRET) -> int:
        """Each attempt has a delivery's id of its own; the message's stays. The status it was answered with."""
        request = signed(message, secret, dt.datetime.now(dt.UTC), f"msg_{next(self.numbers)}")
        async with (
            aiohttp.ClientSession() as session,
            session.post(address, data=request.body, headers=dict(request.headers)) as answer,
        ):
            return answer.status


def signed(message: Mapping[str, Any], secret: str, at: dt.datetime, ident: str) -> WebhookRequest:
    raw, stamp = orjson.dumps(message), str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"{ident}.{stamp}.".encode() + raw, hashlib.sha256)).decode()
    headers = {
        "content-type": "application/json",
        "webhook-id": ident,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }
    return WebhookRequest(headers=headers, body=raw, received_at=at)


def instance(url: str) -> Instance:
    return Instance("pos", secrets={"webhook_secret": (Secret(SECRET),)}, locations={"12": "HAM"})


def delivery(secret: str, at: dt.datetime) -> WebhookRequest:
    """A genuine delivery: two mugs were sold."""
    return signed(Server().message("sale", {"MUG": 2}, at), secret, at, "msg_1")


def furnish(server: Server) -> None:
    """Nothing is asked for."""


def news(server: Server, secret: str, at: dt.datetime) -> list[WebhookRequest]:
    """Two sales and what came back, after a count."""
    minutes = (dt.timedelta(minutes=minute) for minute in (5, 4, 3, 2))
    kinds = ("count", "sale", "sale", "return")
    told = [
        server.message(kind, {"MUG": quantity, "LAMP": 1}, at - before)
        for kind, before, quantity in zip(kinds, minutes, (10, 2, 1, 1), strict=True)
    ]
    return [signed(one, secret, at, f"msg_{place}") for place, one in enumerate(told, 10)]


CALLS: Mapping[str, Callable[[Any], Awaitable[object]]] = {}
