"""SQL of the event stream: moving the outbox to the log, reading the log, and the epoch of its positions."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from db.pool import Connection
from db.tables.journal import LOG_PARTITION

RELAY_LOCK = 0x6F67_7265_6C61_7900
"""Advisory lock of the mover; any constant that nothing else in the database uses."""

LEADER_LOCK = RELAY_LOCK + 1
"""Advisory lock of the session whose process moves, so that the others need not try."""

CHANNEL = "ordergraph_events"

# What it does, and why so, is in the migration that made it.
MOVE = "SELECT moved, newest FROM move_outbox($1, $2, $3)"

# A promotion or a restore to a point in time starts a new timeline: positions after it may name other events.
EPOCH = """
SELECT system.system_identifier::text || '-' || checkpoint.timeline_id::text
       || CASE meta.salt WHEN '' THEN '' ELSE '-' || meta.salt END
FROM pg_control_system() system, pg_control_checkpoint() checkpoint, stream_meta meta
"""

# What decides whom an event concerns; the rest is read by whoever shows it.
READ = """
SELECT log.pos, log.journal_id, entry.entity, entry.entity_id, entry.order_id, entry.version, orders.customer_id,
       CASE entry.entity WHEN 'STOCK' THEN (SELECT sku FROM items WHERE items.id = entry.entity_id) END AS sku,
       access.kind, access.name, access.revoked_at
FROM event_log log JOIN journal entry ON entry.id = log.journal_id
LEFT JOIN orders ON orders.id = entry.order_id
LEFT JOIN revocations access ON entry.entity = 'ACCESS' AND access.id = entry.entity_id
WHERE log.pos > $1 ORDER BY log.pos LIMIT $2
"""

VERSIONS = """
SELECT log.pos, entry.order_id, entry.version FROM event_log log JOIN journal entry ON entry.id = log.journal_id
WHERE log.pos > $1 AND log.pos <= $2 AND entry.order_id IS NOT NULL ORDER BY log.pos
"""

REPLACE_STALLED = """
SELECT coalesce(bool_or(pg_terminate_backend(pid)), false) FROM pg_locks
WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid = $1::bigint::oid AND objid = $2::bigint::oid AND objsubid = 1 AND granted AND pid <> pg_backend_pid()
"""

HEAD = f"SELECT ({EPOCH}), min_pos, last_pos FROM stream_meta"  # noqa: S608  # made of constants


async def waiting(connection: Connection) -> bool:
    """Whether the outbox holds anything: one cheap look, so that an idle relay costs next to nothing."""
    found: bool = await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)")
    return found


def partition_size() -> int:
    """Positions in one partition."""
    return LOG_PARTITION


def partition_name(number: int) -> str:
    return f"event_log_{number:08d}"


async def ensure_partition(connection: Connection, position: int) -> None:
    """The partition for `position` exists afterwards; call with the lock of the relay held.

    A table that is attached disturbs no reader, one that is made as a partition waits for all of them.
    """
    number = position // partition_size()
    name, first = partition_name(number), number * partition_size()
    if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name):
        return
    await connection.execute(f"CREATE TABLE {name} (LIKE event_log INCLUDING ALL)")
    await connection.execute(
        f"ALTER TABLE event_log ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({first + partition_size()})"
    )


async def move(connection: Connection, limit: int) -> tuple[int, int]:
    """Move up to `limit` outbox rows to the log in one transaction: (how many, newest position)."""
    try:
        return await _moved(connection, limit)
    except asyncpg.CheckViolationError:
        # The log has no partition for them yet; none of them was moved.
        await _make_room(connection, limit)
        return await _moved(connection, limit)


async def _moved(connection: Connection, limit: int) -> tuple[int, int]:
    row = await connection.fetchrow(MOVE, RELAY_LOCK, limit, CHANNEL)
    assert row is not None, "the function returns one row"
    return row["moved"], row["newest"]


async def _make_room(connection: Connection, limit: int) -> None:
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", RELAY_LOCK)
        last = await connection.fetchval("SELECT last_pos FROM stream_meta")
        for number in range((last + 1) // partition_size(), (last + limit) // partition_size() + 1):
            await ensure_partition(connection, number * partition_size())


async def versions(connection: Connection, after: int, until: int) -> Sequence[Any]:
    """(position, order, version) of the entries about orders, in order."""
    rows: Sequence[Any] = await connection.fetch(VERSIONS, after, until)
    return rows


async def bounds(connection: Connection) -> tuple[int, int]:
    """(oldest position no longer kept, newest position)"""
    row = await connection.fetchrow("SELECT min_pos, last_pos FROM stream_meta")
    assert row is not None, "the migrations wrote the one row"
    return row["min_pos"], row["last_pos"]


async def replace_stalled(connection: Connection) -> bool:
    """End the session that holds the lock of the leading relay: its process hangs, or cannot be reached any more."""
    found: bool = await connection.fetchval(REPLACE_STALLED, LEADER_LOCK >> 32, LEADER_LOCK & 0xFFFFFFFF)
    return found


async def read(connection: Connection, after: int, limit: int) -> Sequence[Any]:
    """Log entries after a position, in order, with their journal rows."""
    rows: Sequence[Any] = await connection.fetch(READ, after, limit)
    return rows


async def epoch(connection: Connection) -> str:
    """Names the history that positions belong to; it changes when its tail may have been lost."""
    found: str = await connection.fetchval(EPOCH)
    return found
