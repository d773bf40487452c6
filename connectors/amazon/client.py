"""A seller at Amazon: orders 2026-01-01, FBA inventory v1, listings 2021-08-01, tracking 2026-01-30."""

import datetime as dt
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from connectors.amazon import mapping, notifications
from connectors.amazon.api import Api
from connectors.base import Delivery, Instance, Page, Parcel, Pushed, StockTarget, WebhookRequest
from connectors.errors import BadPayload, ConnectorError
from connectors.http import Http, each, settled
from connectors.payload import Node
from connectors.signatures import standard_webhook
from domain.records import OrderRef, Record, TrackingRecord

INCLUDED: Final = "BUYER,RECIPIENT,PROCEEDS,FULFILLMENT,PACKAGES,CANCELLATION"
# Amazon keeps orders for two years.
KEPT: Final = dt.timedelta(days=729)
# Parcels that Amazon carries itself are found by its own number of them.
AMAZON: Final = "amazon"
AT_ONCE: Final = 4
SUMMARIES: Final = "getInventorySummaries"


class Amazon:
    def __init__(self, instance: Instance, http: Http, login: Http) -> None:
        self.instance = instance
        self._api = Api(instance, http, login)

    async def pull_orders(self, since: dt.datetime | None, cursor: str | None) -> Page:
        """The cursor is the instant that was asked for and Amazon's token of the next page."""
        after, token = _opened(cursor) if cursor else (_written(since or dt.datetime.now(dt.UTC) - KEPT), None)
        params = {
            "lastUpdatedAfter": after,
            "marketplaceIds": self.instance.option("marketplaces"),
            "includedData": INCLUDED,
            "maxResultsPerPage": "100",
        }
        if token is not None:
            params["paginationToken"] = token
        page = (await self._api.call("searchOrders", "GET", "/orders/2026-01-01/orders", params=params)).json()
        following = page["pagination"]["nextToken"].maybe_text()
        cursor = f"{after}|{following}" if following else None
        return Page.of(mapping.orders(page, self.instance), cursor, len(page["orders"].items()))

    async def look_up_orders(self, orders: Sequence[OrderRef]) -> Sequence[Sequence[Record] | ConnectorError]:
        return await settled(self._order, orders, AT_ONCE)

    async def _order(self, wanted: OrderRef) -> Sequence[Record]:
        """Amazon knows a number in one marketplace only: one of another channel of ours is another order."""
        records = await self._order_by_id(wanted.number)
        return records if any(getattr(one, "order", None) == wanted for one in records) else ()

    async def _order_by_id(self, ident: str) -> Sequence[Record]:
        answer = await self._api.call(
            "getOrder",
            "GET",
            f"/orders/2026-01-01/orders/{quote(ident, safe='')}",
            params={"includedData": INCLUDED},
            accept=frozenset({400, 404}),
        )
        return () if answer.status >= 400 else mapping.order(answer.json(), self.instance)

    async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
        """What lies at Amazon in the first of the marketplaces, changed since if that is asked."""
        params = self._summaries()
        if since is not None:
            params["startDateTime"] = _written(since)
        if cursor is not None:
            params["nextToken"] = cursor
        page = (await self._api.call(SUMMARIES, "GET", "/fba/inventory/v1/summaries", params=params)).json()
        listed = len(page["payload"]["inventorySummaries"].items())
        return Page.of(mapping.stock(page, self.instance), page["pagination"]["nextToken"].maybe_text(), listed)

    def _summaries(self) -> dict[str, str]:
        place = self.instance.option("marketplaces").split(",")[0]
        return {"details": "true", "granularityType": "Marketplace", "granularityId": place, "marketplaceIds": place}

    async def push_stock(self, targets: Sequence[StockTarget]) -> Sequence[Pushed]:
        """Sets the quantity offered; set twice, it is the same."""
        return await each((self._push(target) for target in targets), at_once=AT_ONCE)

    async def _push(self, target: StockTarget) -> Pushed:
        channel = self.instance.vendor_location(target.location)
        if channel not in self.instance.locations or channel == mapping.FBA:
            return Pushed("UNKNOWN_LOCATION")
        value = [{"fulfillment_channel_code": channel, "quantity": target.available}]
        patch = {"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}
        answer = await self._api.call(
            "patchListingsItem",
            "PATCH",
            f"/listings/2021-08-01/items/{quote(self.instance.option('seller'), safe='')}/{quote(target.sku, safe='')}",
            params={"marketplaceIds": self.instance.option("marketplaces")},
            json={"productType": "PRODUCT", "patches": [patch]},
            accept=frozenset({404}),
        )
        if answer.status == 404:
            return Pushed("UNKNOWN_SKU")
        told = answer.json()
        if told["status"].text() in ("ACCEPTED", "VALID"):
            return Pushed()
        code = next((issue["code"].text() for issue in told["issues"]), "REFUSED")
        return Pushed(code)

    async def track(self, parcels: Sequence[Parcel]) -> Sequence[Sequence[TrackingRecord] | ConnectorError]:
        return await settled(self._track, parcels, AT_ONCE)

    async def _track(self, parcel: Parcel) -> Sequence[TrackingRecord]:
        name = "aftn" if parcel.carrier == AMAZON else "carrierTracking.trackingNumber"
        answer = await self._api.call(
            "getShipmentTracking",
            "GET",
            "/tracking/2026-01-30/shipments/track",
            params={name: parcel.tracking_number},
            accept=frozenset({404}),
        )
        return () if answer.status == 404 else mapping.tracking(answer.json(), self.instance)

    def verify(self, request: WebhookRequest) -> Delivery:
        """Amazon signs nothing: whoever takes its messages from the queue signs what it hands on."""
        ident, sent_at = standard_webhook(request, self.instance.secrets.get("webhook_secret", ()))
        kinds = {kind for kind, _ in notifications.read(request.body)}
        return Delivery(ident, kinds.pop() if len(kinds) == 1 else "several", sent_at)

    async def records_of(self, delivery: Delivery, body: bytes) -> Sequence[Record]:
        told = notifications.read(body)
        return [record for kind, payload in told for record in await self._told(kind, payload)]

    async def _told(self, kind: str, payload: Node) -> Sequence[Record]:
        """An order and stock are read as they are now; milestones are complete in themselves."""
        if kind == "ORDER_CHANGE":
            return await self._order_by_id(payload["OrderChangeNotification"]["AmazonOrderId"].text())
        if kind == "SHIPMENT_TRACKING_MILESTONE_CHANGED":
            return mapping.tracking(payload["shipmentTrackingMilestoneChangedNotification"], self.instance)
        if kind == "FBA_INVENTORY_AVAILABILITY_CHANGES":
            params = {**self._summaries(), "sellerSkus": payload["SKU"].text()}
            page = (await self._api.call(SUMMARIES, "GET", "/fba/inventory/v1/summaries", params=params)).json()
            return mapping.stock(page, self.instance).whole()
        return ()


def _written(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _opened(cursor: str) -> tuple[str, str]:
    after, _, token = cursor.partition("|")
    if not token:
        raise BadPayload("This is no cursor of a pull of orders. Start the pull again.", "cursor")
    return after, token
