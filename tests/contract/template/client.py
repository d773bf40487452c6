"""Endpoints and paging. Nothing is retried, limited or kept here: the runtime does that."""

import datetime as dt
from collections.abc import Sequence

from connectors.base import Delivery, Instance, Page, WebhookRequest
from connectors.http import Http
from connectors.payload import parsed
from domain.records import Record
from tests.contract.template import mapping, webhooks


class Template:
    def __init__(self, instance: Instance, http: Http) -> None:
        self.instance = instance
        self._http = http

    async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
        """By the time of change, oldest first; the cursor is the system's and means a place in that order."""
        given = {"updatedSince": since.isoformat() if since else None, "after": cursor}
        headers = {"Authorization": f"Bearer {self.instance.secret('token')}"}
        params = {name: value for name, value in given.items() if value is not None}
        told = (await self._http.request("GET", "/stock", headers=headers, params=params)).json()
        return Page.of(mapping.stock(told, self.instance), told["next"].maybe_text(), len(told["levels"].items()))

    def verify(self, request: WebhookRequest) -> Delivery:
        return webhooks.verified(request, self.instance)

    async def records_of(self, delivery: Delivery, body: bytes) -> Sequence[Record]:
        """What a delivery of a topic that we do not know says is of no concern."""
        return mapping.stock(parsed(body, "webhook"), self.instance).whole() if delivery.topic == "stock" else ()
