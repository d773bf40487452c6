"""One parcel per request, because DHL answers no more."""

from collections.abc import Sequence
from typing import Final

from connectors.base import Instance, Parcel
from connectors.dhl import mapping
from connectors.errors import ConnectorError
from connectors.http import Http, settled
from domain.records import TrackingRecord

NOT_FOUND: Final = frozenset({404})


class Dhl:
    def __init__(self, instance: Instance, http: Http) -> None:
        self.instance = instance
        self._http = http

    async def track(self, parcels: Sequence[Parcel]) -> Sequence[Sequence[TrackingRecord] | ConnectorError]:
        return await settled(self._track, parcels)

    async def _track(self, parcel: Parcel) -> Sequence[TrackingRecord]:
        service = self.instance.option("service", "")
        answer = await self._http.request(
            "GET",
            "/shipments",
            headers={"DHL-API-Key": self.instance.secret("api_key"), "Accept": "application/json"},
            params={"trackingNumber": parcel.tracking_number, **({"service": service} if service else {})},
            accept=NOT_FOUND,
            operation="day",
        )
        if answer.status == 404:
            return ()
        return mapping.scans(answer.json(), self.instance, parcel)
