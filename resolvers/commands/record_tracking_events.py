"""`recordTrackingEvents`: what carriers say of parcels."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from db.commands import journal, orders, parcels
from db.pool import Connection
from domain.reasons import IncidentReason
from events.inbox import Applied, Event, Outcome, Waits
from resolvers.commands import command, fields, references
from resolvers.commands.fields import BadField, Body
from resolvers.commands.parcels import keep_what_it_was, project
from resolvers.commands.settling import settle


@dataclass(frozen=True, slots=True)
class RecordTrackingEvents(command.OrderCommand):
    """The parcel's stage follows from all its scans, whatever the order they come in."""

    async def locate(self, connection: Connection, event: Event) -> str:
        """A carrier knows no orders: without one the parcel's number finds it, or waits for one that has it."""
        found = await references.named(connection, event.body)
        carrier, number = parcel_of(event.body)
        found = found or await orders.of_parcel(connection, carrier, number)
        return references.order_key(*found) if found else references.parcel_key(carrier, number)

    async def find(self, connection: Connection, event: Event) -> Mapping[str, Any]:
        try:
            order_id = await self._order(connection, event)
        except Waits:
            return {}
        found = await parcels.find_shipment(connection, order_id, *parcel_of(event.body))
        return {"order": order_id, "shipment": found} if found else {"order": order_id}

    async def _order(self, connection: Connection, event: Event) -> uuid.UUID:
        found = await references.named(connection, event.body)
        found = found or await orders.of_parcel(connection, *parcel_of(event.body))
        order_id = await orders.lock(connection, *found) if found else None
        if order_id is None:
            raise Waits("No order with this parcel is known yet.")
        return order_id

    async def apply(self, connection: Connection, event: Event) -> Applied:
        values = scan_of(event)
        order_id = await self._order(connection, event)
        before = await orders.state(connection, order_id)
        carrier, number = parcel_of(event.body)
        shipment_id = await parcels.shipment(connection, order_id, carrier, number, event.source)
        await keep_what_it_was(connection, shipment_id)
        await parcels.scan(connection, shipment_id, *values)
        changed = await project(connection, order_id, shipment_id, before, self.precedence)
        data = {
            "carrier": carrier,
            "trackingNumber": number,
            "scan": event.body["status"],
            "reason": event.body.get("reason"),
            "stale": not changed,
        }
        entry = journal.Entry("SHIPMENT_SCANNED", "SHIPMENT", shipment_id, ["shipments"] if changed else [], data)
        await settle(connection, before, order_id, entry, command.origin(event), precedence=self.precedence)
        outcome = Outcome.APPLIED if changed else Outcome.STALE
        new = all(shipment["id"] != str(shipment_id) for shipment in before["shipments"])
        released = (references.parcel_key(carrier, number),) if new else ()
        return Applied(outcome, {"order": order_id, "shipment": shipment_id}, released)


def parcel_of(body: Body) -> tuple[str, str]:
    return fields.word(body, "carrier"), fields.word(body, "trackingNumber")


def scan_of(event: Event) -> tuple[Any, ...]:
    body = event.body
    reason = body.get("reason")
    if reason is not None and reason not in IncidentReason.__members__:
        raise BadField(f"{reason[:40]} is no reason. Use one of: {', '.join(IncidentReason)}.", "reason")
    return (
        event.source,
        event.event_id,
        body["status"],
        fields.text(body, "rawCode"),
        fields.text(body, "rawText"),
        reason,
        fields.text(body, "city"),
        fields.text(body, "region"),
        fields.country(body, "country"),
        event.occurred_at,
        fields.instant(body, "estimatedDeliveryAt"),
    )
