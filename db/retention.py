"""How long the event log is kept: partitions made ahead, old positions given up, whole partitions dropped.

Positions are given up first, by `stream_meta.min_pos`, and what is below is dropped a round later: whoever comes with
an older cursor is told to reset, and whoever was reading just there finds the next position missing and is told so
too.
"""

import datetime
from dataclasses import dataclass

import asyncpg

import db.stream
from db.pool import Connection

ROUND_LOCK = db.stream.RELAY_LOCK + 2
# Dropping waits for readers and makes others wait meanwhile; it is tried again in the next round.
LOCK_WAIT = "500ms"

STATUS = """
SELECT min_pos, last_pos,
       (SELECT logged_at FROM event_log WHERE pos > min_pos ORDER BY pos LIMIT 1) AS oldest_at,
       (SELECT array_agg(c.relname::text ORDER BY c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'event_log'::regclass) AS partitions,
       (SELECT count(*) FROM outbox) AS waiting
FROM stream_meta
"""
LOGGED_AT = "SELECT logged_at FROM event_log WHERE pos = $1"
GIVE_UP = "UPDATE stream_meta SET min_pos = $1 WHERE min_pos < $1"


@dataclass(frozen=True, slots=True)
class LogStatus:
    """Positions after `min_pos` up to `last_pos` are kept, the first of them since `oldest_at` (None: none is).

    `partitions` are the numbers of those there are, `waiting` are changes that have no position yet.
    """

    min_pos: int
    last_pos: int
    oldest_at: datetime.datetime | None
    partitions: tuple[int, ...]
    waiting: int

    @property
    def ahead(self) -> int:
        """How many more positions there is room for, without a gap."""
        number = (self.last_pos + 1) // db.stream.partition_size()
        while number in self.partitions:
            number += 1
        return max(0, number * db.stream.partition_size() - 1 - self.last_pos)


async def status(connection: Connection) -> LogStatus:
    row = await connection.fetchrow(STATUS)
    assert row is not None, "the migrations wrote the one row"
    numbers = tuple(int(name.rpartition("_")[2]) for name in row["partitions"] or ())
    return LogStatus(row["min_pos"], row["last_pos"], row["oldest_at"], numbers, row["waiting"])


async def tend(connection: Connection, cutoff: datetime.datetime) -> int:
    """One round: how many partitions were dropped. Another process that does the same just now makes this do nothing.

    Entries that were logged before `cutoff` are given up.
    """
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", ROUND_LOCK):
        return 0
    try:
        await make_ahead(connection)
        dropped = await drop(connection)
        await connection.execute(GIVE_UP, await last_before(connection, cutoff))
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", ROUND_LOCK)
    return dropped


async def make_ahead(connection: Connection) -> None:
    """One partition more than the one that is written to, so that the relay never waits for readers to make one."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", db.stream.RELAY_LOCK)
        last = await connection.fetchval("SELECT last_pos FROM stream_meta")
        for position in (last + 1, last + 1 + db.stream.partition_size()):
            await db.stream.ensure_partition(connection, position)


async def drop(connection: Connection) -> int:
    """Drop the partitions of which nothing is kept any more; one that is in use stays until the next round."""
    found = await status(connection)
    dropped = 0
    for number in found.partitions:
        if (number + 1) * db.stream.partition_size() - 1 > found.min_pos:
            break
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
                await connection.execute(f"DROP TABLE {db.stream.partition_name(number)}")
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            break
        dropped += 1
    return dropped


async def last_before(connection: Connection, cutoff: datetime.datetime) -> int:
    """The newest position that was logged before `cutoff`. Positions were stamped in the order of time and have no
    gaps, so it is found in the primary key, by halves."""
    row = await connection.fetchrow("SELECT min_pos, last_pos FROM stream_meta")
    assert row is not None, "the migrations wrote the one row"
    old, new = row["min_pos"], row["last_pos"] + 1
    while new - old > 1:
        middle = (old + new) // 2
        logged_at = await connection.fetchval(LOGGED_AT, middle)
        if logged_at is None or logged_at < cutoff:
            old = middle
        else:
            new = middle
    position: int = old
    return position
