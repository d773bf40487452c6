"""SQL of work orders, parcels, their scans, and returns."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from db.pool import Connection, Record

CARRIER = "INSERT INTO carriers (code, name) VALUES ($1, $1) ON CONFLICT (code) DO NOTHING"
LOCATION = "SELECT id FROM locations WHERE code = $1"

FULFILLMENT = "SELECT id FROM fulfillments WHERE order_id = $1 AND source = $2 AND source_fulfillment_id = $3"
INSERT_FULFILLMENT = """
INSERT INTO fulfillments (order_id, source, source_fulfillment_id, location_id, status, rejection_reason, pickup,
    fulfill_at, fulfill_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id
"""
WRITE_FULFILLMENT = """
UPDATE fulfillments SET location_id = $2, status = $3, rejection_reason = $4, pickup = $5, fulfill_at = $6,
    fulfill_by = $7, updated_at = now() WHERE id = $1
"""
DROP_FULFILLMENT_LINES = "DELETE FROM fulfillment_lines WHERE fulfillment_id = $1"
FULFILLMENT_LINE = "INSERT INTO fulfillment_lines (fulfillment_id, line_id, order_id, quantity) VALUES ($1, $2, $3, $4)"

SHIPMENT = "SELECT id FROM shipments WHERE order_id = $1 AND carrier = $2 AND tracking_number = $3"
INSERT_SHIPMENT = """
INSERT INTO shipments (order_id, carrier, tracking_number, status, source, version)
VALUES ($1, $2, $3, 'UNKNOWN', $4, 0) RETURNING id
"""
# `version` of a parcel rises only when something of it changed; the order's rises with every event.
WRITE_SHIPMENT = """
UPDATE shipments SET fulfillment_id = $2, service = $3, tracking_url = $4, source = $5, status = $6, flags = $7,
    shipped_at = $8, first_scan_at = $9, last_event_at = $10, delivered_at = $11, estimated_delivery_at = $12,
    stale_at = $13, version = version + 1, updated_at = now()
WHERE id = $1
"""
DROP_SHIPMENT_LINES = "DELETE FROM shipment_lines WHERE shipment_id = $1"
SHIPMENT_LINE = "INSERT INTO shipment_lines (shipment_id, line_id, order_id, quantity) VALUES ($1, $2, $3, $4)"

SCAN = """
INSERT INTO tracking_events (shipment_id, source, source_event_id, status, raw_code, raw_text, reason, city, region,
    country, occurred_at, estimated_delivery_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (shipment_id, source, source_event_id) DO NOTHING
"""
ORDER_OF = "SELECT order_id FROM shipments WHERE id = $1"
FACTS = """
SELECT source, source_version, occurred_at, rank, event_id, body::text AS body FROM facts
WHERE subject_id = $1 AND kind = 'SHIPMENT' AND ref = $2
"""
STORED = """
SELECT s.carrier, s.tracking_number, s.status, s.flags, s.source, s.fulfillment_id, s.service, s.tracking_url,
    s.shipped_at, s.first_scan_at, s.last_event_at, s.delivered_at, s.estimated_delivery_at, s.stale_at, s.created_at,
    k.open_weekdays, k.stale_after_days, c.time_zone
FROM shipments s JOIN orders o ON o.id = s.order_id JOIN channels c ON c.id = o.channel_id
LEFT JOIN carriers k ON k.code = s.carrier WHERE s.id = $1
"""
SCANS = """
SELECT source, occurred_at, status, reason, estimated_delivery_at FROM tracking_events WHERE shipment_id = $1
"""

WRITE_RETURN = """
INSERT INTO returns (order_id, number, status, resolution, tracking_number, source, requested_at, approved_at,
    received_at, closed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (order_id, number) DO UPDATE SET status = excluded.status, resolution = excluded.resolution,
    tracking_number = excluded.tracking_number, source = excluded.source, requested_at = excluded.requested_at,
    approved_at = excluded.approved_at, received_at = excluded.received_at, closed_at = excluded.closed_at
RETURNING id
"""
DROP_RETURN_LINES = "DELETE FROM return_lines WHERE return_id = $1"
RETURN_LINE = """
INSERT INTO return_lines (return_id, line_id, order_id, quantity, received, reason, disposition)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def ensure_carrier(connection: Connection, code: str) -> None:
    """A carrier nobody entered yet is known by its code until somebody names it."""
    await connection.execute(CARRIER, code)


async def location(connection: Connection, code: str) -> uuid.UUID | None:
    found: uuid.UUID | None = await connection.fetchval(LOCATION, code)
    return found


async def write_fulfillment(
    connection: Connection, order_id: uuid.UUID, source: str, ref: str, values: Sequence[Any]
) -> uuid.UUID:
    """Location id, status, rejection reason, pickup, fulfill_at, fulfill_by. The order is locked."""
    found: uuid.UUID | None = await connection.fetchval(FULFILLMENT, order_id, source, ref)
    if found is None:
        made: uuid.UUID = await connection.fetchval(INSERT_FULFILLMENT, order_id, source, ref, *values)
        return made
    await connection.execute(WRITE_FULFILLMENT, found, *values)
    return found


async def write_fulfillment_lines(
    connection: Connection, order_id: uuid.UUID, fulfillment_id: uuid.UUID, lines: Iterable[tuple[uuid.UUID, int]]
) -> None:
    await connection.execute(DROP_FULFILLMENT_LINES, fulfillment_id)
    await connection.executemany(FULFILLMENT_LINE, [(fulfillment_id, line, order_id, count) for line, count in lines])


async def shipment(connection: Connection, order_id: uuid.UUID, carrier: str, number: str, source: str) -> uuid.UUID:
    """The parcel's id; it is made when it is not known. The order is locked."""
    found: uuid.UUID | None = await connection.fetchval(SHIPMENT, order_id, carrier, number)
    if found is not None:
        return found
    await ensure_carrier(connection, carrier)
    made: uuid.UUID = await connection.fetchval(INSERT_SHIPMENT, order_id, carrier, number, source)
    return made


async def find_shipment(connection: Connection, order_id: uuid.UUID, carrier: str, number: str) -> uuid.UUID | None:
    found: uuid.UUID | None = await connection.fetchval(SHIPMENT, order_id, carrier, number)
    return found


async def write_shipment(connection: Connection, shipment_id: uuid.UUID, values: Sequence[Any]) -> None:
    await connection.execute(WRITE_SHIPMENT, shipment_id, *values)


async def write_shipment_lines(
    connection: Connection, order_id: uuid.UUID, shipment_id: uuid.UUID, lines: Iterable[tuple[uuid.UUID, int]]
) -> None:
    await connection.execute(DROP_SHIPMENT_LINES, shipment_id)
    await connection.executemany(SHIPMENT_LINE, [(shipment_id, line, order_id, count) for line, count in lines])


async def stored(connection: Connection, shipment_id: uuid.UUID) -> Any:
    """The parcel as it stands, with its carrier's calendar and its channel's time zone."""
    return await connection.fetchrow(STORED, shipment_id)


async def order_of(connection: Connection, shipment_id: uuid.UUID) -> uuid.UUID:
    found: uuid.UUID = await connection.fetchval(ORDER_OF, shipment_id)
    return found


async def said(connection: Connection, order_id: uuid.UUID, ref: str) -> Sequence[Record]:
    """What sources other than its carrier say of a parcel."""
    rows: Sequence[Record] = await connection.fetch(FACTS, order_id, ref)
    return rows


async def fulfillment(connection: Connection, order_id: uuid.UUID, source: str, ref: str) -> uuid.UUID | None:
    found: uuid.UUID | None = await connection.fetchval(FULFILLMENT, order_id, source, ref)
    return found


async def scan(connection: Connection, *values: Any) -> None:
    """Shipment id, source, event id, status, raw code, raw text, reason, city, region, country, at, estimate."""
    await connection.execute(SCAN, *values)


async def scans(connection: Connection, shipment_id: uuid.UUID) -> Sequence[Record]:
    rows: Sequence[Record] = await connection.fetch(SCANS, shipment_id)
    return rows


async def write_return(connection: Connection, *values: Any) -> uuid.UUID:
    made: uuid.UUID = await connection.fetchval(WRITE_RETURN, *values)
    return made


async def write_return_lines(connection: Connection, return_id: uuid.UUID, rows: Iterable[Sequence[Any]]) -> None:
    """Line id, order id, quantity, received, reason, disposition each."""
    await connection.execute(DROP_RETURN_LINES, return_id)
    await connection.executemany(RETURN_LINE, [(return_id, *row) for row in rows])
