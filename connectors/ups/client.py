"""UPS over HTTP: a token for all, one parcel per request when tracking, a hundred when asking for alerts."""

import base64
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from connectors.base import Delivery, Estimate, Instance, Lane, Parcel, WebhookRequest
from connectors.errors import BadPayload, ConnectorError
from connectors.http import Http, Response, Token, each, settled
from connectors.payload import parsed
from connectors.ups import mapping, webhooks
from domain.records import Record, TrackingRecord

ALERTS: Final = 100
ALERT_LIFE: Final = dt.timedelta(days=14)
SOURCE: Final = "ordergraph"


class Ups:
    def __init__(self, instance: Instance, http: Http) -> None:
        self.instance = instance
        self._http = http
        self._token = Token(self._fetch_token)

    async def track(self, parcels: Sequence[Parcel]) -> Sequence[Sequence[TrackingRecord] | ConnectorError]:
        return await settled(self._track, parcels)

    async def _track(self, parcel: Parcel) -> Sequence[TrackingRecord]:
        path = f"/api/track/v1/details/{mapping.number(parcel.tracking_number)}"
        answer = await self._call("GET", path, params={"locale": "en_US"}, accept=frozenset({400, 404}))
        if answer.status == 404 or (answer.status == 400 and mapping.is_no_number(answer.json())):
            return ()
        self._http.check(answer)
        return mapping.scans(answer.json(), self.instance, parcel)

    async def watch(self, parcels: Sequence[Parcel]) -> Sequence[dt.datetime | None]:
        taken: set[str] = set()
        until = dt.datetime.now(dt.UTC) + ALERT_LIFE
        numbers = list(dict.fromkeys(parcel.tracking_number for parcel in parcels))
        for start in range(0, len(numbers), ALERTS):
            wanted = {"locale": "en_US", "trackingNumberList": numbers[start : start + ALERTS]}
            path = "/api/track/v2/subscription/standard/package"
            answer = await self._call("POST", path, json=wanted, accept=frozenset({400}))
            if answer.status == 400 and not answer.json()["invalidTrackingNumbers"]:
                self._http.check(answer)
            taken.update(number.text() for number in answer.json()["validTrackingNumbers"])
        return [until if parcel.tracking_number in taken else None for parcel in parcels]

    async def estimate(self, lanes: Sequence[Lane]) -> Sequence[Sequence[Estimate]]:
        return await each(self._estimate(lane) for lane in lanes)

    async def _estimate(self, lane: Lane) -> Sequence[Estimate]:
        wanted = mapping.transit_request(lane)
        answer = await self._call("POST", "/api/shipments/v1/transittimes", json=wanted, accept=frozenset({400}))
        if answer.status == 400:
            return ()
        return [one for one in mapping.estimates(answer.json(), self.instance) if lane.service in (None, one.service)]

    def verify(self, request: WebhookRequest) -> Delivery:
        return webhooks.verify(request, self.instance.secrets.get("webhook_credential", ()))

    async def records_of(self, delivery: Delivery, body: bytes) -> Sequence[Record]:
        return mapping.alert(parsed(body, "alert"), self.instance)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: object = None,
        accept: frozenset[int],
    ) -> Response:
        async def authorized(token: str) -> Response:
            headers = {
                "Authorization": f"Bearer {token}",
                "transId": uuid.uuid4().hex,
                "transactionSrc": SOURCE,
            }
            return await self._http.request(method, path, headers=headers, params=params, json=json, accept=accept)

        return await self._token.use(authorized)

    async def _fetch_token(self) -> tuple[str, float]:
        """Client credentials; UPS gives the seconds of its life as text."""
        pair = f"{self.instance.secret('client_id')}:{self.instance.secret('client_secret')}"
        answer = await self._http.request(
            "POST",
            "/security/v1/oauth/token",
            headers={"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"},
            data={"grant_type": "client_credentials"},
        )
        told = answer.json()
        seconds = told["expires_in"].integer()
        if seconds <= 0:
            raise BadPayload("UPS gave a token that has ended.", "expires_in")
        return told["access_token"].text(), float(seconds)
