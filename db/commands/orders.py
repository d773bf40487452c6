"""SQL of orders: finding and locking one, reading all that its state follows from, writing what changed."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from db.pool import Connection
from db.tables.orders import STAGES

BY_NUMBER = """
SELECT o.id FROM orders o JOIN channels c ON c.id = o.channel_id WHERE c.code = $1 AND o.number = $2 FOR UPDATE OF o
"""

BY_ID = "SELECT c.code, o.number FROM orders o JOIN channels c ON c.id = o.channel_id WHERE o.id = $1"

BY_PARCEL = """
SELECT c.code, o.number FROM shipments s JOIN orders o ON o.id = s.order_id JOIN channels c ON c.id = o.channel_id
WHERE s.carrier = $1 AND s.tracking_number = $2 ORDER BY s.created_at DESC, s.id LIMIT 1
"""

CHANNEL = "SELECT id, currency FROM channels WHERE code = $1"

# Everything the derived part of an order is a function of, in one round trip. `dead` parcels carry nothing.
STATE = """
SELECT json_build_object(
  'order', (SELECT row_to_json(o) FROM (
     SELECT id, channel_id, number, version, status, financial_status, return_status, attention, late_at, at_risk_at,
            stale_at, source, placed_at, accepted_at, closed_at, cancelled_at
     FROM orders WHERE id = $1) o),
  'time_zone', (SELECT c.time_zone FROM orders o JOIN channels c ON c.id = o.channel_id WHERE o.id = $1),
  'lines', (SELECT coalesce(json_agg(l ORDER BY l.position), '[]') FROM order_lines l WHERE l.order_id = $1),
  'work', (SELECT coalesce(json_agg(w), '[]') FROM (
     SELECT f.id, f.source, f.source_fulfillment_id, f.status, f.pickup, l.line_id, l.quantity
     FROM fulfillments f JOIN fulfillment_lines l ON l.fulfillment_id = f.id WHERE f.order_id = $1) w),
  'shipments', (SELECT coalesce(json_agg(s ORDER BY s.created_at, s.id), '[]') FROM shipments s WHERE s.order_id = $1),
  'parcels', (SELECT coalesce(json_agg(p), '[]') FROM (
     SELECT l.shipment_id, l.line_id, l.quantity FROM shipment_lines l WHERE l.order_id = $1) p),
  'returns', (SELECT coalesce(json_agg(r), '[]') FROM (
     SELECT id, status, resolution FROM returns WHERE order_id = $1) r),
  'back', (SELECT coalesce(json_agg(b), '[]') FROM (
     SELECT return_id, line_id, quantity, received FROM return_lines WHERE order_id = $1) b),
  'promises', (SELECT coalesce(json_agg(p), '[]') FROM (
     SELECT line_id, kind, ship_by, latest, time_zone FROM promises WHERE order_id = $1) p),
  'claims', (SELECT coalesce(json_agg(c), '[]') FROM (
     SELECT field, system, value, wins, observed_at FROM source_claims WHERE order_id = $1) c),
  'facts', (SELECT coalesce(json_agg(f), '[]') FROM facts f WHERE f.subject_id = $1)
)::text
"""

INSERT = """
INSERT INTO orders (channel_id, number, status, source, currency, placed_at, version)
VALUES ($1, $2, 'PENDING', $3, $4, $5, 1) ON CONFLICT (channel_id, number) DO NOTHING RETURNING id
"""

INSERT_LINE = """
INSERT INTO order_lines (order_id, position, item_id, sku, source_line_id, quantity, created)
VALUES ($1, $2, (SELECT id FROM items WHERE sku = $3), $3, $4, $5, $5) RETURNING id
"""

WRITE_LINE = f"""
UPDATE order_lines SET quantity = $2, {", ".join(f"{stage} = ${place}" for place, stage in enumerate(STAGES, 3))}
WHERE id = $1
"""  # noqa: S608  # the names of our own columns

DROP_LINE = "DELETE FROM order_lines WHERE id = $1"

MAKE_ITEM = "INSERT INTO items (sku, title) VALUES ($1, $2) ON CONFLICT (sku) DO NOTHING"

# What an upsert may set, in the order in which `write_header` is given it.
HEADER = (
    "source",
    "source_status",
    "source_observed_at",
    "customer_id",
    "customer_email",
    "customer_name",
    "customer_phone",
    "ship_name",
    "ship_line1",
    "ship_line2",
    "ship_city",
    "ship_region",
    "ship_postal_code",
    "ship_country",
    "ship_complete",
    "currency",
    "subtotal_amount",
    "shipping_amount",
    "tax_amount",
    "discount_amount",
    "total_amount",
    "authorized_amount",
    "captured_amount",
    "refunded_amount",
    "financial_status",
    "placed_at",
    "accepted_at",
    "closed_at",
    "cancelled_at",
    "cancel_reason",
    "cancelled_by",
)
# Which field of the schema shows a column, where it is not the one of the same name.
_SHOWN = {
    "source": "sources",
    "source_status": "sourceStatus",
    **{name: "customer" for name in HEADER if name.startswith("customer_")},
    **{name: "shippingAddress" for name in HEADER if name.startswith("ship_")},
    "ship_complete": "shipComplete",
    "currency": "total",
    "subtotal_amount": "subtotal",
    "shipping_amount": "shippingTotal",
    "tax_amount": "taxTotal",
    "discount_amount": "discountTotal",
    "total_amount": "total",
    "authorized_amount": "payment",
    "captured_amount": "payment",
    "refunded_amount": "payment",
    "financial_status": "payment",
    "placed_at": "placedAt",
    "accepted_at": "acceptedAt",
    "closed_at": "closedAt",
    "cancelled_at": "cancelledAt",
    "cancel_reason": "cancelReason",
    "cancelled_by": "cancelledBy",
}
_PLACES = {name: f"${place}" for place, name in enumerate(HEADER, 2)}
_TOLD = [name for name in HEADER if name != "source_observed_at"]
# `was` is the row before the update; the order is locked, so nobody writes between the two.
WRITE_HEADER = f"""
UPDATE orders SET {", ".join(f"{name} = {place}" for name, place in _PLACES.items())}
FROM (SELECT id, {", ".join(_TOLD)} FROM orders WHERE id = $1) was
WHERE orders.id = was.id
  AND ({", ".join(f"was.{name}" for name in _TOLD)}) IS DISTINCT FROM ({", ".join(_PLACES[name] for name in _TOLD)})
RETURNING array_remove(ARRAY[
    {", ".join(f"CASE WHEN was.{name} IS DISTINCT FROM orders.{name} THEN '{_SHOWN[name]}' END" for name in _TOLD)}
], NULL) AS changed
"""  # noqa: S608  # the names of our own columns

OBSERVED = "UPDATE orders SET source_observed_at = $2 WHERE id = $1"

WRITE_LINE_DETAILS = """
UPDATE order_lines SET position = $2, title = $3, requires_shipping = $4, unit_price_amount = $5, discount_amount = $6,
    tax_amount = $7, total_amount = $8, sku = $9, item_id = (SELECT id FROM items WHERE sku = $9)
WHERE id = $1
  AND (position, title, requires_shipping, unit_price_amount, discount_amount, tax_amount, total_amount, sku)
    IS DISTINCT FROM ($2, $3, $4, $5, $6, $7, $8, $9)
RETURNING true
"""

FREE_POSITIONS = "UPDATE order_lines SET position = -position WHERE order_id = $1"

FINISH = """
UPDATE orders SET version = version + $8, updated_at = now(), status = $2, return_status = $3, attention = $4,
    late_at = $5, at_risk_at = $6, stale_at = $7
WHERE id = $1 RETURNING version
"""

STEP = "UPDATE orders SET version = version + 1, updated_at = now() WHERE id = $1 RETURNING version"

CLAIM = """
INSERT INTO source_claims (order_id, field, system, value, raw_value, observed_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (order_id, field, system) DO UPDATE SET value = excluded.value, raw_value = excluded.raw_value,
    observed_at = excluded.observed_at
"""

FORGET_CLAIMS = "DELETE FROM source_claims WHERE order_id = $1 AND field = $2"
UNCLAIM = "DELETE FROM source_claims WHERE order_id = $1 AND field = $2 AND system = $3"

# The old winner first: at no moment may a field have two.
LOSE = "UPDATE source_claims SET wins = false WHERE order_id = $1 AND field = $2 AND wins AND system <> $3"
WINS = "UPDATE source_claims SET wins = true WHERE order_id = $1 AND field = $2 AND system = $3 AND NOT wins"

PROMISE = """
INSERT INTO promises (order_id, kind, ship_by, earliest, latest, time_zone, basis, confidence, inputs)
VALUES ($1, $2, $3, $4, $5, $6, 'ON_HAND', 'MEDIUM', json_build_object('statedBy', $7::text))
ON CONFLICT (order_id, line_id, kind) DO UPDATE SET ship_by = excluded.ship_by, earliest = excluded.earliest,
    latest = excluded.latest, time_zone = excluded.time_zone, inputs = excluded.inputs, computed_at = now()
WHERE (promises.ship_by, promises.earliest, promises.latest, promises.time_zone)
    IS DISTINCT FROM (excluded.ship_by, excluded.earliest, excluded.latest, excluded.time_zone)
RETURNING true
"""


async def lock(connection: Connection, channel: str, number: str) -> uuid.UUID | None:
    """The order's id, its row locked to the end of the transaction."""
    found: uuid.UUID | None = await connection.fetchval(BY_NUMBER, channel, number)
    return found


async def name(connection: Connection, order_id: uuid.UUID) -> tuple[str, str] | None:
    """Channel and number."""
    row = await connection.fetchrow(BY_ID, order_id)
    return (row["code"], row["number"]) if row else None


async def of_parcel(connection: Connection, carrier: str, tracking_number: str) -> tuple[str, str] | None:
    """Channel and number of the order whose parcel has this number; carriers reuse them, so of the newest."""
    row = await connection.fetchrow(BY_PARCEL, carrier, tracking_number)
    return (row["code"], row["number"]) if row else None


async def channel(connection: Connection, code: str) -> tuple[uuid.UUID, str] | None:
    row = await connection.fetchrow(CHANNEL, code)
    return (row["id"], row["currency"]) if row else None


async def state(connection: Connection, order_id: uuid.UUID) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(await connection.fetchval(STATE, order_id))
    return found


async def insert(connection: Connection, *values: Any) -> uuid.UUID | None:
    """Channel id, number, source, currency, placed_at. None when somebody was quicker."""
    made: uuid.UUID | None = await connection.fetchval(INSERT, *values)
    return made


async def write_header(connection: Connection, order_id: uuid.UUID, header: Mapping[str, Any]) -> set[str]:
    """Which fields, by the names of the schema, were different; that its source said so now is none of them."""
    written = await connection.fetchval(WRITE_HEADER, order_id, *(header[name] for name in HEADER))
    if written is None:
        await connection.execute(OBSERVED, order_id, header["source_observed_at"])
    return set(written or ())


async def insert_line(
    connection: Connection, order_id: uuid.UUID, position: int, sku: str, source_line_id: str, quantity: int
) -> uuid.UUID:
    made: uuid.UUID = await connection.fetchval(INSERT_LINE, order_id, position, sku, source_line_id, quantity)
    return made


async def write_line(connection: Connection, line_id: uuid.UUID, quantity: int, stages: Sequence[int]) -> None:
    await connection.execute(WRITE_LINE, line_id, quantity, *stages)


async def write_line_details(connection: Connection, line_id: uuid.UUID, *values: Any) -> bool:
    """Position, title, requires_shipping, unit price, discount, tax, total, SKU; whether anything was different."""
    return await connection.fetchval(WRITE_LINE_DETAILS, line_id, *values) is True


async def free_positions(connection: Connection, order_id: uuid.UUID) -> None:
    """Out of the way, so that lines may change places."""
    await connection.execute(FREE_POSITIONS, order_id)


async def drop_line(connection: Connection, line_id: uuid.UUID) -> None:
    await connection.execute(DROP_LINE, line_id)


async def make_items(connection: Connection, named: Sequence[tuple[str, str]]) -> None:
    """In order of their SKU, so that two orders that bring the same ones do not wait for each other in a ring."""
    for sku, title in sorted(named):
        await connection.execute(MAKE_ITEM, sku, title)


async def finish(connection: Connection, order_id: uuid.UUID, *derived: Any) -> int:
    """Status, return status, attention, late_at, at_risk_at, stale_at, version step; the order's new version."""
    version: int = await connection.fetchval(FINISH, order_id, *derived)
    return version


async def step(connection: Connection, order_id: uuid.UUID) -> int:
    """Locks the order; its version for an entry of the journal that changes none of its fields."""
    version: int = await connection.fetchval(STEP, order_id)
    return version


async def claim(connection: Connection, order_id: uuid.UUID, *values: Any) -> None:
    """Field, system, value, raw value, observed_at."""
    await connection.execute(CLAIM, order_id, *values)


async def unclaim(connection: Connection, order_id: uuid.UUID, field: str, system: str) -> None:
    await connection.execute(UNCLAIM, order_id, field, system)


async def forget_claims(connection: Connection, order_id: uuid.UUID, field: str) -> None:
    await connection.execute(FORGET_CLAIMS, order_id, field)


async def let_win(connection: Connection, order_id: uuid.UUID, field: str, system: str) -> None:
    await connection.execute(LOSE, order_id, field, system)
    await connection.execute(WINS, order_id, field, system)


async def promise(connection: Connection, order_id: uuid.UUID, kind: str, *values: Any) -> bool:
    """Ship_by, earliest, latest, time_zone, who says so; whether anything was different."""
    return await connection.fetchval(PROMISE, order_id, kind, *values) is True
