"""What carriers, locations and return desks tell."""

import datetime as dt

import strawberry

from domain.reasons import Disposition, NodeRejectionReason, ReturnReason, ReturnResolution
from domain.status import FulfillmentStatus, ReturnStatus, ShipmentStatus
from schema.inputs.orders import EVENT_ID, OCCURRED_AT, SOURCE, SOURCE_VERSION, OrderReference

LINE = "The line, by the id its source gave it, else by its SKU."


@strawberry.input(description="One scan or message of a carrier.")
class TrackingEventInput:
    source: str | None = strawberry.field(default=None, description=SOURCE)
    event_id: str = strawberry.field(description=EVENT_ID)
    occurred_at: dt.datetime = strawberry.field(description="When it happened, by the carrier's clock.")
    order: OrderReference | None = strawberry.field(
        default=None, description="The order; without it, the parcel's number finds it, now or later."
    )
    carrier: str = strawberry.field(description="Short name of the carrier.")
    tracking_number: str = strawberry.field(description="The number the carrier knows.")
    status: ShipmentStatus = strawberry.field(description="What it means in our words; UNKNOWN changes no stage.")
    raw_code: str | None = strawberry.field(default=None, description="The carrier's code.")
    raw_text: str | None = strawberry.field(default=None, description="The carrier's words.")
    reason: str | None = strawberry.field(
        default=None, description="Why something went wrong, such as CUSTOMS_CLEARANCE; docs/ingest.md lists them."
    )
    city: str | None = strawberry.field(default=None, description="City of the scan.")
    region: str | None = strawberry.field(default=None, description="State or province of the scan.")
    country: str | None = strawberry.field(default=None, description="ISO 3166 country of the scan.")
    estimated_delivery_at: dt.datetime | None = strawberry.field(
        default=None, description="When the carrier expects to deliver, as of then."
    )


@strawberry.input(description="Units of a line in a work order, and how far they had come by then.")
class FulfillmentLineInput:
    line: str = strawberry.field(description=LINE)
    quantity: int = strawberry.field(description="Units to be worked on.")
    packed: int | None = strawberry.field(
        default=None, description="Units packed by then, those shipped included; without it, what the status says."
    )
    shipped: int | None = strawberry.field(
        default=None, description="Units handed over by then, those delivered included."
    )
    delivered: int | None = strawberry.field(default=None, description="Units handed to the customer by then.")


@strawberry.input(description="Units of a line in a parcel.")
class ParcelLineInput:
    line: str = strawberry.field(description=LINE)
    quantity: int = strawberry.field(description="How many units.")


@strawberry.input(description="A parcel that a work order led to.")
class ParcelInput:
    carrier: str = strawberry.field(description="Short name of the carrier.")
    tracking_number: str = strawberry.field(description="The number the carrier knows.")
    service: str | None = strawberry.field(default=None, description="The carrier's product.")
    tracking_url: str | None = strawberry.field(default=None, description="Where a customer can follow it.")
    shipped_at: dt.datetime | None = strawberry.field(default=None, description="Handed over to the carrier.")
    estimated_delivery_at: dt.datetime | None = strawberry.field(
        default=None, description="When it is expected, until the carrier says otherwise."
    )
    lines: list[ParcelLineInput] | None = strawberry.field(
        default=None, description="What is in it; the only parcel of a work order carries all of it."
    )


@strawberry.input(description="A work order as its location knows it now: counts reached by then, no differences.")
class FulfillmentEventInput:
    source: str | None = strawberry.field(default=None, description=SOURCE)
    event_id: str = strawberry.field(description=EVENT_ID)
    occurred_at: dt.datetime = strawberry.field(description=OCCURRED_AT)
    source_version: int | None = strawberry.field(default=None, description=SOURCE_VERSION)
    order: OrderReference = strawberry.field(description="The order.")
    fulfillment_id: str = strawberry.field(description="The source's id of the work order.")
    location: str | None = strawberry.field(default=None, description="Code of the location that works on it.")
    status: FulfillmentStatus = strawberry.field(description="Where the work stands.")
    lines: list[FulfillmentLineInput] = strawberry.field(description="All it is to do.")
    shipments: list[ParcelInput] = strawberry.field(default_factory=list, description="The parcels it led to.")
    rejection_reason: NodeRejectionReason | None = strawberry.field(
        default=None, description="Why the location refused."
    )
    pickup: bool = strawberry.field(default=False, description="Collected by the customer.")
    fulfill_at: dt.datetime | None = strawberry.field(default=None, description="Not to be started before.")
    fulfill_by: dt.datetime | None = strawberry.field(default=None, description="To be done by.")


@strawberry.input(description="Units of a line that come back.")
class ReturnLineInput:
    line: str = strawberry.field(description=LINE)
    quantity: int = strawberry.field(description="Units announced.")
    received: int | None = strawberry.field(
        default=None, description="Units received by then; when no line says, a received return is received in full."
    )
    reason: ReturnReason | None = strawberry.field(default=None, description="Why; UNKNOWN when it is not told.")
    disposition: Disposition | None = strawberry.field(default=None, description="What became of them.")


@strawberry.input(description="A return as its source knows it now.")
class ReturnEventInput:
    source: str | None = strawberry.field(default=None, description=SOURCE)
    event_id: str = strawberry.field(description=EVENT_ID)
    occurred_at: dt.datetime = strawberry.field(description=OCCURRED_AT)
    source_version: int | None = strawberry.field(default=None, description=SOURCE_VERSION)
    order: OrderReference = strawberry.field(description="The order.")
    return_number: str = strawberry.field(description="The number the customer knows.")
    status: ReturnStatus = strawberry.field(description="Where it stands.")
    resolution: ReturnResolution | None = strawberry.field(default=None, description="How it ended.")
    tracking_number: str | None = strawberry.field(default=None, description="The parcel that brings it back.")
    lines: list[ReturnLineInput] = strawberry.field(description="All that comes back.")
    requested_at: dt.datetime = strawberry.field(description="Asked for.")
    approved_at: dt.datetime | None = strawberry.field(default=None, description="Allowed.")
    received_at: dt.datetime | None = strawberry.field(default=None, description="Received in full.")
    closed_at: dt.datetime | None = strawberry.field(default=None, description="Settled.")


@strawberry.input(description="Units of a line that a location is asked to work on.")
class RequestedLineInput:
    line: str = strawberry.field(description=LINE)
    quantity: int = strawberry.field(description="How many units.")
