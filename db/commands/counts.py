"""SQL of counts and changes of stock: the newest count of each system, and what moved beside them."""

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from db.pool import Connection, Pool, Record

Place = tuple[uuid.UUID, uuid.UUID]
"""Ids of an item and a location. The row of its stock level is locked by whoever calls anything here."""

ALL = """
SELECT system, on_hand, counted_at, event_id, wins FROM stock_counts WHERE item_id = $1 AND location_id = $2
"""
COUNT = """
INSERT INTO stock_counts (item_id, location_id, system, on_hand, counted_at, event_id) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (item_id, location_id, system) DO UPDATE SET on_hand = excluded.on_hand, counted_at = excluded.counted_at,
    event_id = excluded.event_id
"""
# The old winner first: at no moment may a place have two.
LOSE = "UPDATE stock_counts SET wins = false WHERE item_id = $1 AND location_id = $2 AND wins AND system <> $3"
WINS = "UPDATE stock_counts SET wins = true WHERE item_id = $1 AND location_id = $2 AND system = $3 AND NOT wins"
CHANGE = """
INSERT INTO stock_changes (item_id, location_id, system, event_id, delta, occurred_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (item_id, location_id, system, event_id) DO UPDATE SET delta = excluded.delta,
    occurred_at = excluded.occurred_at
"""
SINCE = """
SELECT coalesce(sum(delta), 0)::bigint FROM stock_changes
WHERE item_id = $1 AND location_id = $2 AND occurred_at >= $3
"""
ANY_CHANGE = "SELECT EXISTS (SELECT FROM stock_changes WHERE item_id = $1 AND location_id = $2)"
# What the count that wins has seen, and only after as long as an older count of a system that ranks higher may come.
FORGET = """
DELETE FROM stock_changes WHERE item_id = $1 AND location_id = $2 AND occurred_at < (
    SELECT least(counted_at, now() - interval '30 days')
    FROM stock_counts WHERE item_id = $1 AND location_id = $2 AND wins)
"""
# A count that says what stands there already, of the system whose count it is: only its time is new. Whoever changes a
# level locks its row first, so what is compared here is what is there.
AGAIN = """
WITH touched AS (
    UPDATE stock_levels s SET counted_at = t.counted_at
    FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[],
        $10::int[]) t (sku, location, counted_at, on_hand, allocated, damaged, quality_control, set_aside, safety_stock)
        JOIN items i ON i.sku = t.sku JOIN locations l ON l.code = t.location
        JOIN stock_counts c ON c.item_id = i.id AND c.location_id = l.id AND c.system = $1 AND c.wins
            AND c.on_hand = t.on_hand
    WHERE s.item_id = i.id AND s.location_id = l.id AND s.source = $1 AND s.counted_at < t.counted_at
      AND c.counted_at = s.counted_at AND s.on_hand = t.on_hand AND s.allocated = coalesce(t.allocated, s.allocated)
      AND s.damaged = coalesce(t.damaged, s.damaged) AND s.set_aside = coalesce(t.set_aside, s.set_aside)
      AND s.quality_control = coalesce(t.quality_control, s.quality_control)
      AND s.safety_stock = coalesce(t.safety_stock, s.safety_stock)
    RETURNING s.item_id, s.location_id, s.counted_at, t.sku, t.location
), kept AS (
    UPDATE stock_counts c SET counted_at = t.counted_at FROM touched t
    WHERE c.item_id = t.item_id AND c.location_id = t.location_id AND c.system = $1
)
SELECT sku, location FROM touched
"""


async def all_of(connection: Connection, place: Place) -> Sequence[Record]:
    """System, on_hand, counted_at, event_id, wins."""
    rows: Sequence[Record] = await connection.fetch(ALL, *place)
    return rows


async def count(connection: Connection, place: Place, *values: Any) -> None:
    """System, on_hand, counted_at, event_id."""
    await connection.execute(COUNT, *place, *values)


async def let_win(connection: Connection, place: Place, system: str) -> None:
    await connection.execute(LOSE, *place, system)
    await connection.execute(WINS, *place, system)


async def change(connection: Connection, place: Place, *values: Any) -> None:
    """System, event_id, delta, occurred_at."""
    await connection.execute(CHANGE, *place, *values)


async def changed_since(connection: Connection, place: Place, at: datetime.datetime | None) -> int:
    """The sum of changes at `at` and after; of all without."""
    since = datetime.datetime.min.replace(tzinfo=datetime.UTC) if at is None else at
    total: int = await connection.fetchval(SINCE, *place, since)
    return total


async def ever_changed(connection: Connection, place: Place) -> bool:
    found: bool = await connection.fetchval(ANY_CHANGE, *place)
    return found


async def forget(connection: Connection, place: Place) -> None:
    """Changes that no count needs any more."""
    await connection.execute(FORGET, *place)


async def again(pool: Pool, system: str, told: Sequence[Sequence[Any]]) -> set[tuple[str, str]]:
    """SKU and location of what `system` has counted again and found as it was; that they were looked at is noted.

    `told`: SKU, location, counted at, on hand, and the other parts or None, each place once.
    """
    rows = await pool.fetch(AGAIN, system, *(list(column) for column in zip(*told, strict=True)))
    return {(row["sku"], row["location"]) for row in rows}
