"""A supplier by a small REST API of ours, for those who have none: the README describes it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from connectors.base import FulfillmentAnswer, FulfillmentRequest, Instance, Page
from connectors.dropship import mapping
from connectors.errors import BadPayload
from connectors.http import Http, Response
from domain.records import Record
from domain.status import FulfillmentStatus

BATCH: Final = 100


class RestSupplier:
    def __init__(self, instance: Instance, http: Http) -> None:
        self.instance = instance
        self._http = http

    async def pull_orders(self, since: dt.datetime | None, cursor: str | None) -> Page:
        told = (await self._call("GET", "/orders", params=_since(since, cursor))).json()
        read = mapping.rest_orders(told, self.instance)
        return Page.of(read, told["next"].maybe_text(), len(told["orders"].items()))

    async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
        told = (await self._call("GET", "/stock", params=_since(since, cursor))).json()
        read = mapping.rest_stock(told, self.instance)
        return Page.of(read, told["next"].maybe_text(), len(told["items"].items()))

    async def request_fulfillment(self, request: FulfillmentRequest) -> FulfillmentAnswer:
        """The address is the purchase order, so that asking twice is asking once."""
        purchase = mapping.purchase_order(request.key, request.order.number)
        body = {
            "purchase_order": purchase,
            "ship_to": dict(request.recipient),
            "service": request.service,
            "lines": [{"sku": sku, "quantity": count} for sku, count in request.units().items()],
        }
        answer = await self._call("PUT", f"/orders/{purchase}", json=body, accept=frozenset({422}))
        if answer.status == 422:
            return FulfillmentAnswer(None, FulfillmentStatus.REJECTED, "REFUSED")
        return FulfillmentAnswer(purchase, self._status(answer))

    async def cancel_fulfillment(self, fulfillment_id: str, key: str) -> FulfillmentAnswer:
        answer = await self._call("DELETE", f"/orders/{_named(fulfillment_id)}", accept=frozenset({404, 409}))
        if answer.status == 404:
            return FulfillmentAnswer(fulfillment_id, FulfillmentStatus.REJECTED, "NOT_FOUND")
        return FulfillmentAnswer(fulfillment_id, self._status(answer), "TOO_LATE" if answer.status == 409 else None)

    async def look_up_fulfillments(self, fulfillment_ids: Sequence[str]) -> Sequence[Sequence[Record]]:
        found: dict[str, Record] = {}
        for start in range(0, len(fulfillment_ids), BATCH):
            asked = ",".join(_named(one) for one in fulfillment_ids[start : start + BATCH])
            told = (await self._call("GET", "/orders", params={"purchase_orders": asked})).json()
            found |= {record.fulfillment_id: record for record in mapping.rest_orders(told, self.instance).whole()}
        return [[found[ident]] if ident in found else [] for ident in fulfillment_ids]

    def _status(self, answer: Response) -> FulfillmentStatus:
        return answer.json()["status"].word(dict(mapping.WORDS), FulfillmentStatus.REQUESTED)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: object = None,
        accept: frozenset[int] = frozenset(),
    ) -> Response:
        headers = {"Authorization": f"Bearer {self.instance.secret('token')}"}
        return await self._http.request(method, path, headers=headers, params=params, json=json, accept=accept)


def _since(since: dt.datetime | None, cursor: str | None) -> Mapping[str, str]:
    if cursor:
        return {"cursor": cursor}
    return {} if since is None else {"since": since.astimezone(dt.UTC).isoformat()}


def _named(purchase: str) -> str:
    if not purchase.replace(".", "").replace("-", "").isalnum():
        raise BadPayload("A purchase order has letters, digits, dots and dashes.", "purchase_order")
    return purchase
