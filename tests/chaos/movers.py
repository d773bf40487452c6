"""Ways to give journal rows their place in the log: the product's, and two that are often seen and wrong."""

from collections.abc import Awaitable, Callable

import db.stream
from db.pool import Connection

Mover = Callable[[Connection], Awaitable[None]]

# Whatever has a higher number than the last one. A number given before, but committed later, is passed over.
SEQUENCE = """
WITH found AS (
    SELECT id FROM journal WHERE id > (SELECT coalesce(max(journal_id), 0) FROM event_log) ORDER BY id
)
INSERT INTO event_log (pos, journal_id)
SELECT (SELECT last_pos FROM stream_meta) + row_number() OVER (ORDER BY id), id FROM found
"""
# By transaction id, up to the oldest one still open: nothing is lost, but ids are given when transactions begin to
# write, not when they commit.
TRANSACTION = """
WITH found AS (
    SELECT xmin::text::bigint AS xid, id FROM journal
    WHERE xmin::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      AND id NOT IN (SELECT journal_id FROM event_log)
)
INSERT INTO event_log (pos, journal_id)
SELECT (SELECT last_pos FROM stream_meta) + row_number() OVER (ORDER BY xid, id), id FROM found
"""
COUNT = "UPDATE stream_meta SET last_pos = (SELECT coalesce(max(pos), 0) FROM event_log)"


async def relay(connection: Connection) -> None:
    """What the product does."""
    await db.stream.move(connection, 100)


async def by_sequence(connection: Connection) -> None:
    """`WHERE seq > last ORDER BY seq`."""
    await _naive(connection, SEQUENCE)


async def by_transaction(connection: Connection) -> None:
    """`ORDER BY (xid, id)`, below the snapshot's xmin."""
    await _naive(connection, TRANSACTION)


async def _naive(connection: Connection, statement: str) -> None:
    async with connection.transaction():
        await db.stream.ensure_partition(connection, 1)
        await connection.execute(statement)
        await connection.execute(COUNT)
