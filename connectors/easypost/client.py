"""Trackers over HTTP: up to a hundred parcels per request; those unknown there are registered if that is wanted."""

import base64
from collections.abc import Mapping, Sequence
from typing import Final

from connectors.base import Delivery, Instance, Parcel, WebhookRequest
from connectors.easypost import mapping, webhooks
from connectors.errors import BadPayload, ConnectorError
from connectors.http import Http, settled
from connectors.payload import Node, parsed
from domain.records import Record, TrackingRecord

BATCH: Final = 100


class EasyPost:
    def __init__(self, instance: Instance, http: Http) -> None:
        self.instance = instance
        self._http = http
        key = base64.b64encode(f"{instance.secret('api_key')}:".encode()).decode()
        self._headers: Mapping[str, str] = {"Authorization": f"Basic {key}"}

    async def track(self, parcels: Sequence[Parcel]) -> Sequence[Sequence[TrackingRecord] | ConnectorError]:
        found: dict[tuple[str, str], Node | ConnectorError] = {}
        numbers = list(dict.fromkeys(parcel.tracking_number for parcel in parcels))
        for start in range(0, len(numbers), BATCH):
            for tracker in await self._batch(numbers[start : start + BATCH]):
                found[self._key(tracker)] = tracker
        if self.instance.option("register") == "true":
            new = [parcel for parcel in dict.fromkeys(parcels) if _key(parcel) not in found]
            registered = await self._registered(new, alone=not found)
            found |= {_key(parcel): made for parcel, made in zip(new, registered, strict=True) if made is not None}
        return [self._scans(parcel, found.get(_key(parcel))) for parcel in parcels]

    async def _registered(self, new: Sequence[Parcel], *, alone: bool) -> Sequence[Node | ConnectorError | None]:
        """Raises where all fail and there is nothing else to tell."""
        try:
            return await settled(self._register, new)
        except ConnectorError as error:
            if alone:
                raise
            return [error] * len(new)

    def _scans(
        self, parcel: Parcel, tracker: Node | ConnectorError | None
    ) -> Sequence[TrackingRecord] | ConnectorError:
        if isinstance(tracker, ConnectorError):
            return tracker
        try:
            return () if tracker is None else mapping.scans(tracker, self.instance, parcel.carrier)
        except BadPayload as error:
            return error

    def _key(self, tracker: Node) -> tuple[str, str]:
        return self.instance.carrier(tracker["carrier"].text()), tracker["tracking_code"].text()

    async def _batch(self, numbers: Sequence[str]) -> Sequence[Node]:
        answer = await self._http.request(
            "POST", "/trackers/batch", headers=self._headers, json={"tracking_codes": list(numbers)}
        )
        return answer.json()["trackers"].items()

    async def _register(self, parcel: Parcel) -> Node | None:
        """EasyPost gives the same tracker for the same number within three months, so a repeated call is harmless."""
        carrier = self.instance.vendor_carrier(parcel.carrier)
        wanted = {"tracking_code": parcel.tracking_number, **({"carrier": carrier} if carrier else {})}
        answer = await self._http.request(
            "POST", "/trackers", headers=self._headers, json={"tracker": wanted}, accept=frozenset({404, 422})
        )
        return None if answer.status >= 400 else answer.json()

    def verify(self, request: WebhookRequest) -> Delivery:
        return webhooks.verify(request, self.instance.secrets.get("webhook_secret", ()))

    async def records_of(self, delivery: Delivery, body: bytes) -> Sequence[Record]:
        if delivery.topic not in ("tracker.created", "tracker.updated"):
            return ()
        event = parsed(body, "event")
        if event["result"]["object"].text() != "Tracker":
            raise BadPayload("The event is about a tracker and holds none.", "result.object")
        return mapping.trackers(event, self.instance)


def _key(parcel: Parcel) -> tuple[str, str]:
    return parcel.carrier, parcel.tracking_number
