"""What an outside system says, in our words: the typed form of the items that the ingest mutations take.

A connector yields these and decides nothing. Each field means what the input of the same name means in the SDL; ids are
the outside system's own. `event_id` None means that the system gives none: then the content stands for it, so the same
state told twice, by a poll or by a webhook, is one event. Personal data never shows in `repr`.
"""

import datetime as dt
from dataclasses import dataclass, field

from domain.reasons import CancelReason, Disposition, NodeRejectionReason, ReturnReason, ReturnResolution
from domain.status import FulfillmentStatus, OrderStatus, ReturnStatus, ShipmentStatus


@dataclass(frozen=True, slots=True)
class OrderRef:
    """An order by its channel and its number there."""

    channel: str
    number: str


@dataclass(frozen=True, slots=True)
class LineRecord:
    """One line as it is now. Amounts are minor units of the order's currency."""

    sku: str
    quantity: int
    line_id: str | None = None
    title: str | None = None
    cancelled: int = 0
    requires_shipping: bool = True
    unit_price: int | None = None
    discount: int | None = None
    tax: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class CustomerRecord:
    id: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class AddressRecord:
    """`country` is ISO 3166, two capital letters."""

    name: str | None = None
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """Sums over all payments, in minor units."""

    authorized: int | None = None
    captured: int | None = None
    refunded: int | None = None
    voided: int | None = None
    authorization_expired: bool = False


@dataclass(frozen=True, slots=True)
class PromiseRecord:
    """What the outside system promised its customer; days are meant in `time_zone`."""

    latest: dt.date
    time_zone: str
    earliest: dt.date | None = None
    ship_by: dt.date | None = None


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order as its source knows it now. `lines` None tells a status only; `total` and the like are minor units."""

    order: OrderRef
    occurred_at: dt.datetime
    event_id: str | None = None
    source_version: int | None = None
    lines: tuple[LineRecord, ...] | None = None
    create_items: bool = False
    status: OrderStatus | None = None
    source_status: str | None = None
    customer: CustomerRecord | None = field(default=None, repr=False)
    shipping_address: AddressRecord | None = field(default=None, repr=False)
    ship_complete: bool = False
    currency: str | None = None
    subtotal: int | None = None
    shipping_total: int | None = None
    tax_total: int | None = None
    discount_total: int | None = None
    total: int | None = None
    payment: PaymentRecord | None = None
    promise: PromiseRecord | None = None
    placed_at: dt.datetime | None = None
    accepted_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None
    cancelled_at: dt.datetime | None = None
    cancel_reason: CancelReason | None = None
    cancelled_by: str | None = None


@dataclass(frozen=True, slots=True)
class FulfillmentLineRecord:
    """`line` is the source's id of the line, else its SKU. Counts are reached by then, never differences."""

    line: str
    quantity: int
    packed: int | None = None
    shipped: int | None = None
    delivered: int | None = None


@dataclass(frozen=True, slots=True)
class ParcelLineRecord:
    line: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ParcelRecord:
    """A parcel that a work order led to; `lines` None: it carries all of it."""

    carrier: str
    tracking_number: str
    service: str | None = None
    tracking_url: str | None = None
    shipped_at: dt.datetime | None = None
    estimated_delivery_at: dt.datetime | None = None
    lines: tuple[ParcelLineRecord, ...] | None = None


@dataclass(frozen=True, slots=True)
class FulfillmentRecord:
    """A work order as its location knows it now; `key` is that of our request for it, where the system repeats it."""

    order: OrderRef
    occurred_at: dt.datetime
    fulfillment_id: str
    status: FulfillmentStatus
    lines: tuple[FulfillmentLineRecord, ...]
    event_id: str | None = None
    source_version: int | None = None
    location: str | None = None
    shipments: tuple[ParcelRecord, ...] = ()
    rejection_reason: NodeRejectionReason | None = None
    pickup: bool = False
    fulfill_at: dt.datetime | None = None
    fulfill_by: dt.datetime | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class TrackingRecord:
    """One scan or message of a carrier. `raw_code` and `raw_text` are its own words, kept whatever `status` says.

    `order` None: the parcel's number finds its order. `reason` is a word of domain.reasons.IncidentReason.
    """

    carrier: str
    tracking_number: str
    occurred_at: dt.datetime
    status: ShipmentStatus
    event_id: str | None = None
    order: OrderRef | None = None
    raw_code: str | None = None
    raw_text: str | None = None
    reason: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    estimated_delivery_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class ReturnLineRecord:
    line: str
    quantity: int
    received: int | None = None
    reason: ReturnReason | None = None
    disposition: Disposition | None = None


@dataclass(frozen=True, slots=True)
class ReturnRecord:
    """A return as its source knows it now."""

    order: OrderRef
    occurred_at: dt.datetime
    return_number: str
    status: ReturnStatus
    lines: tuple[ReturnLineRecord, ...]
    requested_at: dt.datetime
    event_id: str | None = None
    source_version: int | None = None
    resolution: ReturnResolution | None = None
    tracking_number: str | None = None
    approved_at: dt.datetime | None = None
    received_at: dt.datetime | None = None
    closed_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class StockRecord:
    """A count of one item at one location; None leaves a part as it is. `location` is our code of it.

    `allocated`: units that are promised to orders and are still in the building.

    `title` is given by a system whose catalogue counts: an item that nobody has told of yet is made with it.
    """

    sku: str
    location: str
    occurred_at: dt.datetime
    on_hand: int
    event_id: str | None = None
    allocated: int | None = None
    damaged: int | None = None
    quality_control: int | None = None
    set_aside: int | None = None
    safety_stock: int | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class StockChangeRecord:
    """A difference to what is on hand, such as a sale at a till. It needs an `event_id`: twice told, it counts once."""

    sku: str
    location: str
    occurred_at: dt.datetime
    delta: int
    event_id: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SupplyRecord:
    """Units on their way to a location under `reference`, a purchase order or transfer."""

    sku: str
    location: str
    occurred_at: dt.datetime
    reference: str
    quantity: int
    expected_at: dt.datetime
    event_id: str | None = None
    source_version: int | None = None
    received: int = 0
    closed_at: dt.datetime | None = None


Record = (
    OrderRecord | FulfillmentRecord | TrackingRecord | ReturnRecord | StockRecord | StockChangeRecord | SupplyRecord
)
