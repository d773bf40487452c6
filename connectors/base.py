"""The contract of a connector: what it may be able to do, each ability a small protocol over records of `domain`.

Abilities are declared in the folder's manifest.toml and hold exactly if the methods are there; the contract test looks.
All methods are coroutines, take part in cancellation, raise connectors.errors.ConnectorError only, and never retry by
themselves: deadlines, retries, breaker, bulkhead and caching are the runtime's.
"""

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from connectors.errors import ConnectorError
from connectors.instance import Instance as Instance
from connectors.instance import Secret as Secret
from connectors.pages import Page as Page
from connectors.pages import Read as Read
from connectors.pages import Unread as Unread
from domain.records import OrderRef, Record, StockRecord, TrackingRecord
from domain.status import FulfillmentStatus


class Capability(enum.StrEnum):
    """What a connector can do, as its manifest says it."""

    ORDERS_PULL = "orders_pull"
    ORDER_LOOKUP = "order_lookup"
    WEBHOOKS = "webhooks"
    STOCK_PULL = "stock_pull"
    STOCK_LOOKUP = "stock_lookup"
    STOCK_PUSH = "stock_push"
    SUPPLY_PULL = "supply_pull"
    FULFILLMENT_REQUESTS = "fulfillment_requests"
    TRACKING = "tracking"
    TRACKING_ALERTS = "tracking_alerts"
    DELIVERY_ESTIMATE = "delivery_estimate"
    RETURNS_PULL = "returns_pull"


class Connector(Protocol):
    """What every connector is; abilities come on top."""

    instance: Instance


@runtime_checkable
class OrdersPull(Protocol):
    async def pull_orders(self, since: dt.datetime | None, cursor: str | None) -> Page:
        """Orders (with their fulfillments and parcels) changed at or after `since`; None: all of them (backfill)."""
        ...


@runtime_checkable
class OrderLookup(Protocol):
    async def look_up_orders(self, orders: Sequence[OrderRef]) -> Sequence[Sequence[Record] | ConnectorError]:
        """Now, in one round: for each order, in order, what the system says of it; empty for one it does not know.

        Where it is asked for one at a time, an error of one stands in its place and harms no other (`http.settled`).
        """
        ...


@runtime_checkable
class StockPull(Protocol):
    async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page: ...


@dataclass(frozen=True, slots=True)
class StockPlace:
    """One item at one location, by our codes."""

    sku: str
    location: str


@runtime_checkable
class StockLookup(Protocol):
    async def look_up_stock(self, places: Sequence[StockPlace]) -> Sequence[StockRecord | None]:
        """Now, in one round: for each place, in order, the count; None for a place the system does not know."""
        ...


@dataclass(frozen=True, slots=True)
class StockTarget:
    """What the outside system shall offer: units available for sale there. `key` is the same for every attempt."""

    sku: str
    location: str
    available: int
    key: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one command. `refused` is the vendor's reason in its words' code, None when it was taken."""

    refused: str | None = None


@runtime_checkable
class StockPush(Protocol):
    async def push_stock(self, targets: Sequence[StockTarget]) -> Sequence[Pushed]:
        """One result per target, in order. Repeating a call with the same keys changes nothing more."""
        ...


@runtime_checkable
class SupplyPull(Protocol):
    async def pull_supply(self, since: dt.datetime | None, cursor: str | None) -> Page: ...


@runtime_checkable
class ReturnsPull(Protocol):
    async def pull_returns(self, since: dt.datetime | None, cursor: str | None) -> Page: ...


@dataclass(frozen=True, slots=True)
class RequestedLine:
    line: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class FulfillmentRequest:
    """Work for a location. `key` is ours and the same for every attempt. The address is personal data."""

    key: str
    order: OrderRef
    location: str
    lines: tuple[RequestedLine, ...]
    service: str | None = None
    recipient: Mapping[str, str] = field(default_factory=dict, repr=False)

    def units(self) -> Mapping[str, int]:
        """By SKU, for a system that knows no lines: an order may have several of one SKU."""
        found: dict[str, int] = {}
        for line in self.lines:
            found[line.sku] = found.get(line.sku, 0) + line.quantity
        return found


@dataclass(frozen=True, slots=True)
class FulfillmentAnswer:
    """Where a request stands: `fulfillment_id` is the system's id, `refused` its reason when it will not do it."""

    fulfillment_id: str | None
    status: FulfillmentStatus
    refused: str | None = None


@runtime_checkable
class FulfillmentRequests(Protocol):
    async def request_fulfillment(self, request: FulfillmentRequest) -> FulfillmentAnswer: ...

    async def cancel_fulfillment(self, fulfillment_id: str, key: str) -> FulfillmentAnswer: ...

    async def look_up_fulfillments(self, fulfillment_ids: Sequence[str]) -> Sequence[Sequence[Record]]:
        """For each id, in order, what the system says of it now; empty for one it does not know."""
        ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """`carrier` is our code of it; a connector of several carriers needs it, others may not."""

    carrier: str
    tracking_number: str


@runtime_checkable
class Tracking(Protocol):
    async def track(self, parcels: Sequence[Parcel]) -> Sequence[Sequence[TrackingRecord] | ConnectorError]:
        """All scans of each parcel, in their order, in as few requests as the vendor allows; empty: unknown.

        Where it is asked for one at a time, an error of one stands in its place and harms no other (`http.settled`).
        """
        ...


@runtime_checkable
class TrackingAlerts(Protocol):
    async def watch(self, parcels: Sequence[Parcel]) -> Sequence[dt.datetime | None]:
        """For each parcel, in order, until when the carrier now tells of it by itself; None for one it refuses."""
        ...


@dataclass(frozen=True, slots=True)
class Lane:
    """From where to where; `ready_on` is the day of hand-over. Weight in grams."""

    from_country: str
    from_postal_code: str
    to_country: str
    to_postal_code: str
    ready_on: dt.date
    service: str | None = None
    weight_grams: int | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    service: str
    latest: dt.datetime
    earliest: dt.datetime | None = None


@runtime_checkable
class DeliveryEstimate(Protocol):
    async def estimate(self, lanes: Sequence[Lane]) -> Sequence[Sequence[Estimate]]:
        """For each lane, in order, an estimate per service; empty when the carrier does not go there."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A delivery as it came. Header names are lower case; `received_at` is ours."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: dt.datetime
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A genuine delivery. `id` is the vendor's and the same on every retry; `topic` says what the body is."""

    id: str
    topic: str
    sent_at: dt.datetime | None = None


class Forged(Exception):  # noqa: N818  # says what it is
    """The delivery is not from the vendor, or is too old to be believed. The text is for our log, not the sender."""


@runtime_checkable
class Webhooks(Protocol):
    def verify(self, request: WebhookRequest) -> Delivery:
        """Fast, without I/O, over the raw bytes, in constant time, with either secret. Raises Forged or BadPayload."""
        ...

    async def records_of(self, delivery: Delivery, body: bytes) -> Sequence[Record]:
        """What the delivery says; it may ask the vendor where the body only points. Empty for topics of no concern."""
        ...


PROTOCOLS: Mapping[Capability, type] = {
    Capability.ORDERS_PULL: OrdersPull,
    Capability.ORDER_LOOKUP: OrderLookup,
    Capability.WEBHOOKS: Webhooks,
    Capability.STOCK_PULL: StockPull,
    Capability.STOCK_LOOKUP: StockLookup,
    Capability.STOCK_PUSH: StockPush,
    Capability.SUPPLY_PULL: SupplyPull,
    Capability.FULFILLMENT_REQUESTS: FulfillmentRequests,
    Capability.TRACKING: Tracking,
    Capability.TRACKING_ALERTS: TrackingAlerts,
    Capability.DELIVERY_ESTIMATE: DeliveryEstimate,
    Capability.RETURNS_PULL: ReturnsPull,
}
