"""Parcels and what carriers say of them."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import strawberry

from db import tables
from domain.reasons import IncidentOwner
from domain.status import ShipmentStatus
from resolvers.fields import column, joined, many, one, rows
from resolvers.sql import live as live_sql
from resolvers.sql import visibility, words
from resolvers.sql.shipments import reason_owner
from schema.live import ShipmentLive, live_value
from schema.node import Node

if TYPE_CHECKING:
    from schema.order import Order
    from schema.order_line import OrderLine


@rows(tables.carriers)
@strawberry.type(description="Who carries parcels.")
class Carrier:
    code: str = column("The short name.")
    name: str = column("The name people read.")


@rows(tables.tracking_events)
@strawberry.type(description="One scan or message of a carrier, with its own words kept beside ours.")
class TrackingEvent:
    id: strawberry.ID = column("Its id.")
    status: ShipmentStatus = column("What it means in our words.")
    occurred_at: dt.datetime = column("When it happened, as the carrier says.")
    recorded_at: dt.datetime = column("When we learned of it.")
    source: str = column("The system that told us.")
    raw_code: str | None = column("The carrier's code.")
    raw_text: str | None = column("The carrier's words.")
    reason: str | None = column("Why something went wrong, if it did.")
    reason_owner: IncidentOwner | None = column("Who can put it right.", reason_owner)
    city: str | None = column("City of the scan.")
    region: str | None = column("State or province of the scan.")
    country: str | None = column("Country of the scan.")
    estimated_delivery_at: dt.datetime | None = column("The carrier's estimate at that time.")


@rows(tables.shipment_lines)
@strawberry.type(description="Units of an order line in a parcel.")
class ShipmentLine:
    quantity: int = column("How many units.")
    line: Annotated["OrderLine", strawberry.lazy("schema.order_line")] = one("The order line.", joined("id", "line_id"))


@rows(
    tables.shipments,
    visible=visibility.of_order,
    keys={("id",): lambda row, given: row.c.id == given["id"]},
)
@strawberry.federation.type(keys=["id"], description="A parcel on its way from a location to a customer.")
class Shipment(Node):
    id: strawberry.ID = column("Its id.")
    version: int = column("Rises with every change.")
    status: ShipmentStatus = column("Where the parcel is.")
    next_statuses: list[ShipmentStatus] = column("What the status may become.", words.next_statuses(ShipmentStatus))
    flags: list[str] = column("Conditions beside the status, such as DELAYED.")
    stale: bool = column("No scan for longer than the carrier's patience.", words.due("stale_at"))
    carrier: Carrier | None = one("Who carries it.", joined("code", "carrier"))
    service: str | None = column("The carrier's product.")
    tracking_number: str | None = column("The number the carrier knows.")
    tracking_url: str | None = column("Where a customer can follow it.")
    source: str = column("The system that told us of it.")
    shipped_at: dt.datetime | None = column("Handed over to the carrier.")
    first_scan_at: dt.datetime | None = column("The carrier's first physical scan; a label is none.")
    last_event_at: dt.datetime | None = column("The newest event, by the carrier's time.")
    delivered_at: dt.datetime | None = column("Delivered.")
    estimated_delivery_at: dt.datetime | None = column("The carrier's latest estimate.")
    created_at: dt.datetime = column("When we learned of it.")
    updated_at: dt.datetime = column("The last change.")
    lines: list[ShipmentLine] = many(
        "What is in it.",
        joined("shipment_id", "id"),
        order_by=lambda child, _: [child.c.line_id],
        size=3,
    )
    events: list[TrackingEvent] = many(
        "Everything the carrier said, newest first.",
        joined("shipment_id", "id"),
        order_by=lambda child, _: [child.c.occurred_at.desc(), child.c.id],
        size=10,
    )
    live: ShipmentLive = live_value("What its carrier says now.", "tracking", live_sql.shipment)
    order: Annotated["Order", strawberry.lazy("schema.order")] = one(
        "The order it belongs to.",
        joined("id", "order_id"),
    )
