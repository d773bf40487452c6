"""ShipBob over HTTP: orders by page number, stock by the address of the next page, commands that may be repeated."""

import datetime as dt
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from connectors.base import Delivery, FulfillmentAnswer, FulfillmentRequest, Instance, Page, WebhookRequest
from connectors.errors import BadPayload
from connectors.http import Allowance, Http, Response, each, number, shared_headers
from connectors.payload import Node, parsed
from connectors.shipbob import mapping
from connectors.signatures import standard_webhook
from domain.records import Record
from domain.status import FulfillmentStatus

LIMIT: Final = 250
# What ShipBob answers to a reference that it has already.
TAKEN: Final = 422


class ShipBob:
    def __init__(self, instance: Instance, http: Http) -> None:
        self.instance = instance
        self._http = http
        self._http.reading = granted

    async def pull_orders(self, since: dt.datetime | None, cursor: str | None) -> Page:
        number = int(cursor or "1")
        params = {"Page": str(number), "Limit": str(LIMIT), "SortOrder": "Oldest"}
        if since is not None:
            params["LastUpdateStartDate"] = since.astimezone(dt.UTC).isoformat()
        page = (await self._call("GET", "/order", params=params)).json()
        more = len(page.items()) == LIMIT
        return Page.of(mapping.orders(page, self.instance), str(number + 1) if more else None, len(page.items()))

    async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
        """ShipBob tells no changes: always all of it."""
        params = dict(urllib.parse.parse_qsl(cursor)) if cursor else {"PageSize": str(LIMIT)}
        page = (await self._call("GET", "/inventory-level/locations", params=params)).json()
        told = Node({"items": page["items"].value, "read_at": dt.datetime.now(dt.UTC).isoformat()})
        following = page["next"].maybe_text()
        cursor = urllib.parse.urlsplit(following).query if following else None
        return Page.of(mapping.stock(told, self.instance), cursor, len(told["items"].items()))

    async def request_fulfillment(self, request: FulfillmentRequest) -> FulfillmentAnswer:
        body = mapping.request_body(request, self.instance.option("shipping_method", "Standard"))
        answer = await self._call("POST", "/order", json=body, accept=frozenset({400, TAKEN}))
        if answer.status == TAKEN:
            return await self._by_reference(request.key)
        if answer.status == 400:
            return FulfillmentAnswer(None, FulfillmentStatus.REJECTED, _reason(answer.json()))
        order = answer.json()
        return FulfillmentAnswer(order["id"].id(), mapping.status(order))

    async def _by_reference(self, key: str) -> FulfillmentAnswer:
        found = (await self._call("GET", "/order", params={"ReferenceIds": key, "Limit": "1"})).json().items()
        if not found:
            raise BadPayload("ShipBob has the reference already, and has no order with it.", "reference_id")
        return FulfillmentAnswer(found[0]["id"].id(), mapping.status(found[0]))

    async def cancel_fulfillment(self, fulfillment_id: str, key: str) -> FulfillmentAnswer:
        path = f"/order/{_number(fulfillment_id)}:cancel"
        answer = await self._call("POST", path, accept=frozenset({400, 404, 409, TAKEN}))
        if answer.status == 404:
            return FulfillmentAnswer(fulfillment_id, FulfillmentStatus.REJECTED, "NOT_FOUND")
        if answer.status >= 400:
            return FulfillmentAnswer(fulfillment_id, FulfillmentStatus.IN_PROGRESS, _reason(answer.json()))
        told = answer.json()
        refused = next((one for one in told["canceled_shipment_results"] if not one["is_success"].flag()), None)
        if refused is not None:
            reason = refused["reason"].maybe_text() or "REFUSED"
            return FulfillmentAnswer(fulfillment_id, mapping.status(told["order"]), reason)
        return FulfillmentAnswer(fulfillment_id, mapping.status(told["order"]))

    async def look_up_fulfillments(self, fulfillment_ids: Sequence[str]) -> Sequence[Sequence[Record]]:
        return await each(self._order(ident) for ident in fulfillment_ids)

    async def _order(self, ident: str) -> Sequence[Record]:
        answer = await self._call("GET", f"/order/{_number(ident)}", accept=frozenset({404}))
        return () if answer.status == 404 else mapping.fulfillment(answer.json(), self.instance)

    def verify(self, request: WebhookRequest) -> Delivery:
        ident, sent_at = standard_webhook(request, self.instance.secrets.get("webhook_secret", ()))
        parsed(request.body, "webhook")
        return Delivery(ident, request.headers.get("x-webhook-topic", ""), sent_at)

    async def records_of(self, delivery: Delivery, body: bytes) -> Sequence[Record]:
        """Deliveries may overtake each other, so they only point: the order is read as it is now."""
        if not delivery.topic.startswith("order."):
            return ()
        told = parsed(body, "webhook")
        return await self._order((told["order_id"] if told["order_id"] else told["id"]).id())

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: object = None,
        accept: frozenset[int] = frozenset(),
    ) -> Response:
        headers = {
            "Authorization": f"Bearer {self.instance.secret('token')}",
            "shipbob_channel_id": self.instance.option("channel_id"),
        }
        return await self._http.request(method, path, headers=headers, params=params, json=json, accept=accept)


def granted(answer: Response) -> Allowance:
    """`x-remaining-calls` of the last minute; when there are more again, ShipBob says only once there are none."""
    return replace(shared_headers(answer), left=number(answer.headers, "x-remaining-calls"))


def _number(ident: str) -> str:
    """ShipBob numbers its orders; what is no number must not become a path."""
    if not (ident.isascii() and ident.isdecimal()):
        raise BadPayload("A fulfillment at ShipBob has a number.", "id")
    return ident


def _reason(answer: Node) -> str:
    """Which fields ShipBob finds wrong; their values may be somebody's address and are left out."""
    named = sorted(str(name) for name in answer.value) if isinstance(answer.value, dict) else []
    return f"REFUSED: {', '.join(named[:10])}" if named else "REFUSED"
