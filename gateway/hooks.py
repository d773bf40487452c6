"""`/webhooks/NAME`: what outside systems send, believed only when signed, kept, and answered before it is read."""

import asyncio
import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

import orjson
import prometheus_client
import structlog
from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send

from connectors.base import Capability, Delivery, Forged, WebhookRequest
from connectors.errors import BadPayload
from db.pool import DatabaseError
from domain.errors import NotFound, OrdergraphError, Overloaded, Unauthenticated, Unavailable
from events.deliveries import Deliveries
from gateway import errors
from gateway.connectors import Connectors
from gateway.errors import MalformedRequest, MethodNotAllowed, SlowBody
from gateway.exchange import ClientGone, read_body
from gateway.telemetry import Metrics

log = structlog.get_logger(__name__)

AT_ONCE: Final = 64
LONGEST_ID: Final = 512


class Hooks:
    """The ASGI app behind the path. What it refuses changes nothing, and is counted by reason."""

    def __init__(
        self,
        connectors: Connectors,
        deliveries: Deliveries,
        metrics: Metrics,
        *,
        longest_body: int,
        body_seconds: float,
    ) -> None:
        self.connectors = connectors
        self.deliveries = deliveries
        self.longest_body = longest_body
        self.body_seconds = body_seconds
        self.running = 0
        self.counted = prometheus_client.Counter(
            "ordergraph_connector_deliveries",
            "Deliveries of outside systems by what became of them.",
            ["instance", "outcome"],
            registry=metrics.registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path_params"]["connector"]
        known = name if name in self.connectors.all else ""
        try:
            status, body, outcome = await self._taken(name, scope, receive)
        except ClientGone:
            self.counted.labels(known, "truncated").inc()
            return
        except OrdergraphError as error:
            style = errors.StatusStyle.DEPLOYED
            status, body, outcome = errors.status(error.code, style), errors.body(error.message, error.code), error.code
        self.counted.labels(known, outcome.lower()).inc()
        head = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})

    async def _taken(self, name: str, scope: Scope, receive: Receive) -> tuple[int, bytes, str]:
        if name not in self.connectors.all or not self.connectors.all[name].tells:
            raise NotFound("No outside system of this name sends anything here.")
        if scope["method"] != "POST":
            raise MethodNotAllowed("Deliveries are sent by POST.", b"POST")
        if self.running >= AT_ONCE:
            raise Overloaded("Too many deliveries at once. Send it again in a moment.")
        self.running += 1
        try:
            request = await self._read(scope, receive)
            delivery = self._verified(name, request)
            new = await self._kept(name, delivery, request.body)
        finally:
            self.running -= 1
        # Sent again because our answer was lost: it must be told that all is well, or it is sent for ever.
        outcome = "accepted" if new else "replayed"
        return 200, orjson.dumps({"status": outcome}), outcome

    async def _read(self, scope: Scope, receive: Receive) -> WebhookRequest:
        received_at = dt.datetime.now(dt.UTC)
        headers = _headers(scope["headers"])
        declared = headers.get("content-length")
        try:
            async with asyncio.timeout(self.body_seconds):
                body = await read_body(receive, declared.encode() if declared else None, self.longest_body)
        except TimeoutError:
            raise SlowBody(f"The body did not arrive within {self.body_seconds:g} s.") from None
        query = QueryParams(scope["query_string"])
        return WebhookRequest(headers, body, received_at, dict(query.items()))

    def _verified(self, name: str, request: WebhookRequest) -> Delivery:
        connector: Any = self.connectors.runtime.guards[name].usable(Capability.WEBHOOKS)
        try:
            delivery: Delivery = connector.verify(request)
        except Forged as error:
            log.warning("delivery refused", instance=name, why=str(error))
            raise Unauthenticated("The signature or the time of this delivery is not good.") from None
        except (BadPayload, LookupError, ValueError) as error:
            log.warning("delivery refused", instance=name, why=type(error).__name__)
            raise MalformedRequest("This delivery lacks something or cannot be read.") from None
        if not delivery.id.strip() or len(delivery.id) > LONGEST_ID or "\x00" in delivery.id + delivery.topic:
            raise MalformedRequest("This delivery has no usable id.")
        return delivery

    async def _kept(self, name: str, delivery: Delivery, body: bytes) -> bool:
        try:
            return await self.deliveries.keep(name, delivery, body)
        except (OSError, TimeoutError, *DatabaseError):
            raise Unavailable("The delivery could not be kept. Send it again in a moment.") from None


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """One that came twice is a list, which no signature can be."""
    found: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = text if key not in found else f"{found[key]}, {text}"
    return found
