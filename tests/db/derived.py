"""What the store keeps although it follows from something else, worked out again by the rules of the domain."""

import datetime
import itertools
from collections.abc import Iterator
from typing import Any

from db.pool import Connection, Record
from domain.attention import Attention, OrderFacts, stored_flags
from domain.line import LineQuantities
from domain.order import RollUpLine, roll_up, roll_up_returns
from domain.reasons import IncidentReason, ReturnResolution
from domain.shipment import ShipmentState, TrackingEvent, resolve
from domain.status import OrderLineStatus, ReturnStatus, ShipmentStatus

ORDERS = """
SELECT o.*, (SELECT json_agg(to_json(l)) FROM order_lines l WHERE l.order_id = o.id) AS lines,
       (SELECT array_agg(s.status) FROM shipments s WHERE s.order_id = o.id) AS shipments,
       (SELECT min(s.first_scan_at) FROM shipments s WHERE s.order_id = o.id) AS first_scan_at,
       (SELECT array_agg(ARRAY[r.status, r.resolution]) FROM returns r WHERE r.order_id = o.id) AS returns,
       EXISTS (SELECT FROM allocations a JOIN stock_levels s USING (item_id, location_id)
               WHERE a.order_id = o.id AND s.allocated > s.on_hand) AS oversold,
       EXISTS (SELECT FROM source_claims c JOIN source_claims d USING (order_id, field)
               WHERE c.order_id = o.id AND c.value <> d.value) AS conflict
FROM orders o
"""
SCANS = """
SELECT s.id, s.status AS stage, s.flags, s.first_scan_at, s.last_event_at, s.delivered_at, s.estimated_delivery_at,
       e.occurred_at, e.status, e.reason, e.estimated_delivery_at AS estimate
FROM shipments s JOIN tracking_events e ON e.shipment_id = s.id ORDER BY s.id
"""


async def orders(connection: Connection) -> list[dict[str, Any]]:
    """Every order, with its lines as domain.order.RollUpLine."""
    await connection.set_type_codec("json", schema="pg_catalog", encoder=str, decoder=_loads)
    found = []
    for row in await connection.fetch(ORDERS):
        lines = tuple(_line(line) for line in row["lines"] or [])
        found.append(dict(row) | {"lines": lines})
    return found


def _loads(text: str) -> Any:
    import orjson

    return orjson.loads(text)


def _line(row: dict[str, Any]) -> RollUpLine:
    quantities = {stage: row[stage.value.lower()] for stage in OrderLineStatus}
    return RollUpLine(LineQuantities.of(quantities), row["requires_shipping"])


def status(order: dict[str, Any]) -> str:
    return roll_up(order["lines"], accepted=order["accepted_at"] is not None, closed=order["closed_at"] is not None)


def return_status(order: dict[str, Any]) -> str:
    facts = [(ReturnStatus(word), how and ReturnResolution(how)) for word, how in order["returns"] or []]
    return roll_up_returns(facts)


def flags(order: dict[str, Any], now: datetime.datetime) -> list[Attention]:
    observed = order["source_observed_at"]
    facts = OrderFacts(
        placed_at=order["placed_at"],
        lines=order["lines"],
        shipments=tuple(ShipmentStatus(word) for word in order["shipments"] or []),
        returns=tuple(ReturnStatus(word) for word, _ in order["returns"] or []),
        first_scan_at=order["first_scan_at"],
        oversold=order["oversold"],
        source_conflict=order["conflict"],
        stale_data=observed is not None and now - observed > datetime.timedelta(days=1),
    )
    return list(stored_flags(facts))


async def parcels(connection: Connection) -> Iterator[tuple[ShipmentState, Record]]:
    """Every parcel that was ever scanned: what its scans say, and what is stored."""
    rows = await connection.fetch(SCANS)
    grouped = itertools.groupby(rows, key=lambda row: row["id"])
    return ((resolve(map(_event, scans)), scans[0]) for scans in (list(scans) for _, scans in grouped))


def _event(row: Record) -> TrackingEvent:
    reason = row["reason"] and IncidentReason(row["reason"])
    return TrackingEvent(row["occurred_at"], ShipmentStatus(row["status"]), reason, row["estimate"])
