"""SQL of counts and changes of stock: the newest count of each system, and what moved beside them."""

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from db.pool import Connection, Record

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
