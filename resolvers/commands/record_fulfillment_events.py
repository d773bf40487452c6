"""`recordFulfillmentEvents`: what locations say of the work they were given, and the parcels it led to."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from db.commands import facts, journal, orders, parcels
from db.pool import Connection
from domain.status import FulfillmentStatus
from events.inbox import Applied, Event, Outcome
from resolvers.commands import command, fields, references
from resolvers.commands.fields import BadField, Body
from resolvers.commands.parcels import project, ref_of
from resolvers.commands.reached import State
from resolvers.commands.settling import settle

RANKS = {status: rank for rank, status in enumerate(FulfillmentStatus)}


@dataclass(frozen=True, slots=True)
class RecordFulfillmentEvents(command.OrderCommand):
    """Each event tells the whole of one work order: counts reached by then, never differences."""

    async def apply(self, connection: Connection, event: Event) -> Applied:
        body = event.body
        ref, told = fields.word(body, "fulfillmentId"), work_of(body)
        sent = [shipment_of(shipment, ref, told["lines"], len(body["shipments"])) for shipment in body["shipments"]]
        row = await self._row(connection, body)
        order_id = await references.locked(connection, body)
        before = await orders.state(connection, order_id)
        lines = [(references.needed_line(before["lines"], line["line"]), line["quantity"]) for line in told["lines"]]
        for shipment in sent:
            for line in shipment["lines"]:
                references.needed_line(before["lines"], line["line"])
        said = command.said(event, RANKS[FulfillmentStatus(body["status"])])
        origin = command.origin(event)
        newest = await facts.say(connection, order_id, "FULFILLMENT", ref, said, told)
        if newest:
            work_id = await parcels.write_fulfillment(connection, order_id, event.source, ref, row)
            await parcels.write_fulfillment_lines(connection, order_id, work_id, merged(lines))
        shipped = [await self._send(connection, order_id, said, shipment, before) for shipment in sent]
        if not newest and not any(shipped):
            entry = command.stale_entry(event.kind, order_id)
        else:
            data = {"fulfillment": ref, "status": body["status"], "parcels": [one["ref"] for one in sent]}
            entry = journal.Entry(
                "FULFILLMENT_UPDATED", "FULFILLMENT", work_id if newest else order_id, ["fulfillments"], data
            )
        await settle(connection, before, order_id, entry, origin, precedence=self.precedence)
        known = {f"{one['carrier']}/{one['tracking_number']}" for one in before["shipments"]}
        released = tuple(f"parcel:{one['ref']}" for one in sent if one["ref"] not in known)
        return Applied(Outcome.APPLIED if newest or any(shipped) else Outcome.STALE, {"order": order_id}, released)

    async def _row(self, connection: Connection, body: Body) -> list[Any]:
        location_id: uuid.UUID | None = None
        if body.get("location") is not None:
            location_id = await parcels.location(connection, fields.word(body, "location"))
            if location_id is None:
                raise BadField("location is the code of no location.", "location")
        return [
            location_id,
            body["status"],
            body.get("rejectionReason"),
            body["pickup"],
            fields.instant(body, "fulfillAt"),
            fields.instant(body, "fulfillBy"),
        ]

    async def _send(
        self, connection: Connection, order_id: uuid.UUID, said: facts.Said, shipment: Mapping[str, Any], before: State
    ) -> bool:
        if not await facts.say(connection, order_id, "SHIPMENT", shipment["ref"], said, shipment):
            return False
        made = await parcels.shipment(
            connection, order_id, shipment["carrier"], shipment["trackingNumber"], said.source
        )
        await project(connection, order_id, made, before, self.precedence)
        return True


def merged(lines: list[tuple[uuid.UUID, int]]) -> list[tuple[uuid.UUID, int]]:
    found: dict[uuid.UUID, int] = {}
    for line_id, quantity in lines:
        found[line_id] = found.get(line_id, 0) + quantity
    return sorted(found.items())


def work_of(body: Body) -> dict[str, Any]:
    """The fact: counts per line, each no more than the one before it."""
    lines = []
    fields.no_twice((fields.word(line, "line") for line in body["lines"]), "lines")
    for line in body["lines"]:
        quantity = fields.positive(line, "quantity")
        packed, shipped, delivered = (fields.count(line, name, None) for name in ("packed", "shipped", "delivered"))
        fields.at_most("packed", packed, quantity, "quantity")
        fields.at_most("shipped", shipped, quantity if packed is None else packed, "packed or quantity")
        fields.at_most("delivered", delivered, quantity if shipped is None else shipped, "shipped or quantity")
        lines.append(
            {"line": line["line"], "quantity": quantity, "packed": packed, "shipped": shipped, "delivered": delivered}
        )
    return {"lines": lines}


def shipment_of(body: Body, fulfillment: str, lines: list[dict[str, Any]], among: int) -> dict[str, Any]:
    """The fact on a parcel. Without lines of its own the only parcel of a work order carries all of it."""
    carrier, number = fields.word(body, "carrier"), fields.word(body, "trackingNumber")
    if body.get("lines") is not None:
        fields.no_twice((fields.word(line, "line") for line in body["lines"]), "shipments.lines")
        own = [{"line": line["line"], "quantity": fields.positive(line, "quantity")} for line in body["lines"]]
    elif among == 1:
        own = [{"line": line["line"], "quantity": _carried(line)} for line in lines]
    else:
        raise BadField("With several parcels, say which lines are in each.", "shipments", "lines")
    return {
        "ref": ref_of(carrier, number),
        "carrier": carrier,
        "trackingNumber": number,
        "fulfillment": fulfillment,
        "service": fields.text(body, "service"),
        "trackingUrl": fields.text(body, "trackingUrl"),
        "shippedAt": _checked(body, "shippedAt"),
        "estimatedDeliveryAt": _checked(body, "estimatedDeliveryAt"),
        "lines": own,
    }


def _carried(line: Mapping[str, Any]) -> int:
    for name in ("shipped", "packed"):
        if line[name]:
            carried: int = line[name]
            return carried
    quantity: int = line["quantity"]
    return quantity


def _checked(body: Body, name: str) -> str | None:
    found = fields.instant(body, name)
    return None if found is None else found.isoformat()
