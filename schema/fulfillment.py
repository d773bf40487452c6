"""Work orders: which location works on what."""

import datetime as dt
from typing import Annotated

import strawberry

from db import tables
from domain.reasons import NodeRejectionReason
from domain.status import FulfillmentStatus
from resolvers.fields import argument, column, joined, many, one, rows
from resolvers.sql import live as live_sql
from resolvers.sql import words
from schema.live import EstimateLive, estimated, live_value
from schema.location import Location
from schema.order_line import OrderLine
from schema.shipment import Shipment


@rows(tables.fulfillment_lines)
@strawberry.type(description="Units of a line in a work order.")
class FulfillmentLine:
    quantity: int = column("How many units.")
    line: OrderLine = one("The order line.", joined("id", "line_id"))


@rows(tables.fulfillments)
@strawberry.type(description="A work order at one location.")
class Fulfillment:
    id: strawberry.ID = column("Its id.")
    status: FulfillmentStatus = column("Where the work stands.")
    next_statuses: list[FulfillmentStatus] = column(
        "What the status may become.", words.next_statuses(FulfillmentStatus)
    )
    location: Location | None = one("Who works on it.", joined("id", "location_id"))
    lines: list[FulfillmentLine] = many(
        "What is to be done.",
        joined("fulfillment_id", "id"),
        order_by=lambda child, _: [child.c.line_id],
        size=3,
    )
    replaces: Annotated["Fulfillment", strawberry.lazy("schema.fulfillment")] | None = one(
        "The work order it took over.", joined("id", "replaces_id")
    )
    rejection_reason: NodeRejectionReason | None = column("Why the location refused.")
    pickup: bool = column("Collected by the customer.")
    source: str = column("The system that told us of it.")
    fulfill_at: dt.datetime | None = column("Not to be started before.")
    fulfill_by: dt.datetime | None = column("To be done by.")
    created_at: dt.datetime = column("When it was made.")
    updated_at: dt.datetime = column("The last change.")
    live: EstimateLive = live_value(
        "When a carrier would bring it, of the services from where it is worked on to the customer the soonest.",
        "estimates",
        live_sql.fulfillment,
        estimated,
        [argument("service", str | None, "Only by this service, in the carrier's words.", default=None)],
    )
    shipments: list[Shipment] = many(
        "The parcels it led to.",
        joined("fulfillment_id", "id"),
        order_by=lambda child, _: [child.c.created_at, child.c.id],
        size=2,
    )
