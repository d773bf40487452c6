"""SQL of stock: one row per item and location, locked while it changes."""

import uuid
from collections.abc import Mapping
from typing import Any

from db.pool import Connection, Record

COUNTS = ("on_hand", "allocated", "damaged", "quality_control", "set_aside", "safety_stock")

PLACE = """
SELECT (SELECT id FROM items WHERE sku = $1) AS item_id, (SELECT id FROM locations WHERE code = $2) AS location_id
"""

MAKE = """
INSERT INTO stock_levels (item_id, location_id, source, counted_at, version) VALUES ($1, $2, $3, '-infinity', 1)
ON CONFLICT DO NOTHING
"""

LOCKED = """
SELECT on_hand, allocated, damaged, quality_control, set_aside, safety_stock, version, source,
       CASE WHEN isfinite(counted_at) THEN counted_at END AS counted_at
FROM stock_levels WHERE item_id = $1 AND location_id = $2 FOR UPDATE
"""

WRITE = """
UPDATE stock_levels SET on_hand = $3, allocated = $4, damaged = $5, quality_control = $6, set_aside = $7,
    safety_stock = $8, version = $9, source = $10, counted_at = $11, updated_at = now()
WHERE item_id = $1 AND location_id = $2
"""

SUPPLY = """
INSERT INTO incoming_supply (item_id, location_id, quantity, received, expected_at, source, reference, closed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (source, reference, item_id, location_id) DO UPDATE SET quantity = excluded.quantity,
    received = excluded.received, expected_at = excluded.expected_at, closed_at = excluded.closed_at, updated_at = now()
RETURNING id
"""


async def place(connection: Connection, sku: str, location: str) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    row: Any = await connection.fetchrow(PLACE, sku, location)
    return row["item_id"], row["location_id"]


async def locked(connection: Connection, item_id: uuid.UUID, location_id: uuid.UUID) -> Record | None:
    return await connection.fetchrow(LOCKED, item_id, location_id)


async def make(connection: Connection, item_id: uuid.UUID, location_id: uuid.UUID, source: str) -> None:
    await connection.execute(MAKE, item_id, location_id, source)


async def write(connection: Connection, item_id: uuid.UUID, location_id: uuid.UUID, row: Mapping[str, Any]) -> None:
    await connection.execute(
        WRITE,
        item_id,
        location_id,
        *(row[name] for name in COUNTS),
        row["version"],
        row["source"],
        row["counted_at"],
    )


async def supply(connection: Connection, *values: Any) -> uuid.UUID:
    """Item, location, quantity, received, expected_at, source, reference, closed_at; the id of the row."""
    supply_id: uuid.UUID = await connection.fetchval(SUPPLY, *values)
    return supply_id
