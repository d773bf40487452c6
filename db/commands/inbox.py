"""SQL of the inbox: every event of a source once, and those that wait."""

import datetime
from collections.abc import Sequence
from typing import Any

from db.pool import Connection, Pool, Record

# Held to the end of the transaction: whoever looks whether an order exists, and whoever makes it, take turns.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"

# Marked done at once: it commits with the change, or not at all. An event long forgotten may come again.
ENTER = """
INSERT INTO inbox (source, event_id, body_sha256, kind, order_key, actor, occurred_at, state)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'DONE')
ON CONFLICT (source, event_id) DO UPDATE SET body_sha256 = excluded.body_sha256, kind = excluded.kind,
    order_key = excluded.order_key, actor = excluded.actor, occurred_at = excluded.occurred_at, received_at = now(),
    state = 'DONE', raw = NULL, attempts = 0, next_attempt_at = NULL, error = NULL, reused = 0
WHERE inbox.state = 'DONE' AND inbox.received_at < now() - interval '30 days'
RETURNING true
"""

FIND = "SELECT body_sha256, state, error, order_key FROM inbox WHERE source = $1 AND event_id = $2"

PARK = """
UPDATE inbox SET state = 'PARKED', raw = $3::jsonb, error = $4, attempts = attempts + $5,
    next_attempt_at = CASE WHEN $5 > 0 THEN now() + interval '1 second' END
WHERE source = $1 AND event_id = $2
"""

# `failed` tells an order with an event that raised from one whose events only wait for it to become known.
WAITING = """
SELECT count(*)::int AS waiting, coalesce(bool_or(attempts > 0), false) AS failed
FROM inbox WHERE order_key = $1 AND state = 'PARKED'
"""

FIRST = """
SELECT source, event_id, kind, order_key, raw::text AS raw, actor, attempts FROM inbox
WHERE order_key = $1 AND state = ANY($2)
ORDER BY occurred_at, received_at, source, event_id LIMIT 1 FOR UPDATE
"""

DONE = """
UPDATE inbox SET state = 'DONE', raw = NULL, error = NULL, next_attempt_at = NULL WHERE source = $1 AND event_id = $2
"""

# Twice as long after each attempt, an hour at most.
FAILED = """
UPDATE inbox SET attempts = attempts + 1, error = $3,
    state = CASE WHEN attempts + 1 >= $4 THEN 'DEAD' ELSE 'PARKED' END,
    next_attempt_at = CASE WHEN attempts + 1 >= $4 THEN NULL
        ELSE now() + least(interval '1 hour', interval '1 second' * (2 ^ least(attempts, 12))) END
WHERE source = $1 AND event_id = $2
RETURNING state
"""

# Refused, and nobody there to be told so: kept with the reason until somebody replays it.
BURY = """
INSERT INTO inbox (source, event_id, body_sha256, kind, order_key, actor, occurred_at, state, raw, error, attempts)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'DEAD', $8::jsonb, $9, 1) ON CONFLICT (source, event_id) DO NOTHING
"""

DROP_DEAD = "DELETE FROM inbox WHERE source = $1 AND kind = $2 AND order_key = $3 AND state = 'DEAD'"

REUSED = "UPDATE inbox SET reused = reused + 1 WHERE source = $1 AND event_id = $2"

RAISED = (
    "UPDATE inbox SET state = 'PARKED', attempts = 0, next_attempt_at = NULL WHERE order_key = $1 AND state = 'DEAD'"
)

KEYS = """
SELECT order_key FROM inbox
WHERE state = ANY($1) AND ($2::text IS NULL OR source = $2)
  AND ($3::text IS NULL OR right(order_key, length($3) + 1) = '/' || $3)
  AND ($4 OR next_attempt_at <= now())
GROUP BY order_key ORDER BY min(received_at) LIMIT $5
"""

FORGET = "DELETE FROM inbox WHERE state = 'DONE' AND received_at < now() - interval '30 days'"

OLDEST = "SELECT extract(epoch FROM now() - min(received_at))::float8 FROM inbox WHERE state = 'PARKED'"


async def lock(connection: Connection, key: str) -> None:
    await connection.execute(LOCK, key)


async def lock_all(connection: Connection, keys: Sequence[str]) -> None:
    """In the order given."""
    await connection.executemany(LOCK, [(key,) for key in keys])


async def enter(
    connection: Connection,
    source: str,
    event_id: str,
    sha256: bytes,
    kind: str,
    order_key: str,
    actor: str,
    occurred_at: datetime.datetime,
) -> bool:
    """False when the event is known already; waits for a transaction that is just entering the same one."""
    entered = await connection.fetchval(ENTER, source, event_id, sha256, kind, order_key, actor, occurred_at)
    return entered is True


async def find(connection: Connection, source: str, event_id: str) -> Record | None:
    return await connection.fetchrow(FIND, source, event_id)


async def park(connection: Connection, source: str, event_id: str, raw: str, why: str, attempts: int) -> None:
    await connection.execute(PARK, source, event_id, raw, why, attempts)


async def waiting(connection: Connection, order_key: str) -> tuple[int, bool]:
    """How many events wait under this key, and whether one of them has failed."""
    row: Any = await connection.fetchrow(WAITING, order_key)
    return row["waiting"], row["failed"]


async def first(connection: Connection, order_key: str, states: Sequence[str]) -> Record | None:
    """The event that is next under this key, by the time its source gives."""
    return await connection.fetchrow(FIRST, order_key, list(states))


async def done(connection: Connection, source: str, event_id: str) -> None:
    await connection.execute(DONE, source, event_id)


async def failed(connection: Connection, source: str, event_id: str, why: str, tries: int) -> str:
    """PARKED, or DEAD after `tries`."""
    state: str = await connection.fetchval(FAILED, source, event_id, why, tries)
    return state


async def bury(connection: Connection, *values: Any) -> None:
    """Source, event id, sha256, kind, order key, actor, occurred_at, raw, why. Known ones are left as they are."""
    await connection.execute(BURY, *values)


async def drop_dead(connection: Connection, source: str, kind: str, order_key: str) -> None:
    await connection.execute(DROP_DEAD, source, kind, order_key)


async def reused(connection: Connection, source: str, event_id: str) -> None:
    await connection.execute(REUSED, source, event_id)


async def raise_dead(connection: Connection, order_key: str) -> None:
    await connection.execute(RAISED, order_key)


async def keys(pool: Pool, *, source: str | None, number: str | None, dead: bool, now: bool, limit: int) -> list[str]:
    """Keys with events that wait; only those whose next attempt is due unless `now`."""
    states = ["PARKED", "DEAD"] if dead else ["PARKED"]
    return [row["order_key"] for row in await pool.fetch(KEYS, states, source, number, now, limit)]


async def forget(pool: Pool) -> None:
    """Events older than the window in which a source may send them again."""
    await pool.execute(FORGET)


async def oldest_parked_seconds(pool: Pool) -> float:
    found: float | None = await pool.fetchval(OLDEST)
    return found or 0.0
