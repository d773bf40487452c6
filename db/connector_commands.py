"""SQL of what outside systems are asked to do: each under its key once, worked on under a lease, never forgotten."""

import datetime
import uuid
from collections.abc import Sequence
from typing import Any, Final

import orjson

from db.pool import Connection, Pool, Record

# Longer than a call may take, so that nobody else asks while an answer may still come.
LEASE_SECONDS: Final = 180.0

SHOWN = """id, key, instance, kind, order_id, payload::text AS payload, state, attempts, fulfillment_id, refused, error,
    created_at, sent_at, answered_at"""

BY_ID = f"SELECT {SHOWN} FROM connector_commands WHERE id = $1"  # noqa: S608  # our own columns
WITHDRAW = f"""
UPDATE connector_commands SET state = 'REFUSED', refused = $2, owner = NULL WHERE id = $1 RETURNING {SHOWN}
"""  # noqa: S608  # our own columns

BY_KEY = f"SELECT {SHOWN} FROM connector_commands WHERE key = $1"  # noqa: S608  # our own columns

WRITE = f"""
INSERT INTO connector_commands (key, instance, kind, order_id, payload, actor) VALUES ($1, $2, $3, $4, $5::jsonb, $6)
ON CONFLICT (key) DO NOTHING RETURNING {SHOWN}
"""  # noqa: S608  # our own columns

# Whether somebody asked for a stop; a hold on work elsewhere is none.
HELD = """
SELECT EXISTS (SELECT FROM holds WHERE order_id = $1 AND released_at IS NULL AND fulfillment_id IS NULL
    AND (line_id IS NULL OR line_id = ANY($2::uuid[])))
"""

# Units asked for that no work order of the system shows yet. What was given up may have reached it all the same; what
# was taken back, and stands there as it did before, is asked for no more.
ASKED = """
SELECT (line->>'id')::uuid AS line_id, sum((line->>'quantity')::int)::int AS quantity
FROM connector_commands c, jsonb_array_elements(c.payload->'lines') line
WHERE c.order_id = $1 AND c.kind = 'REQUEST_FULFILLMENT' AND c.state <> 'REFUSED' AND NOT EXISTS (
    SELECT FROM fulfillments f WHERE f.order_id = c.order_id AND f.source = c.instance
      AND f.source_fulfillment_id = c.fulfillment_id AND f.status NOT IN ('OPEN', 'SCHEDULED'))
  AND NOT EXISTS (
    SELECT FROM connector_commands x WHERE x.order_id = c.order_id AND x.kind = 'CANCEL_FULFILLMENT'
      AND x.state = 'DONE' AND x.instance = c.instance AND x.fulfillment_id = c.fulfillment_id
      AND x.created_at > c.created_at)
GROUP BY 1
"""

REQUESTED = """
SELECT id, fulfillment_id, payload::text AS payload FROM connector_commands
WHERE kind = 'REQUEST_FULFILLMENT' AND instance = $1 AND (fulfillment_id = ANY($2) OR id = ANY($3::uuid[]))
"""

WORK = """
SELECT f.order_id, f.source, f.source_fulfillment_id, f.status FROM fulfillments f WHERE f.id = $1
"""

# Before the command's own row, as those do that write one down.
LOCK_ORDER = "SELECT FROM orders WHERE id = $1 FOR UPDATE"

CLAIM = """
UPDATE connector_commands SET owner = $3, next_attempt_at = now() + make_interval(secs => $4),
    attempts = attempts + (answered_at IS NULL)::int, looks = looks + (answered_at IS NOT NULL)::int
WHERE id IN (
    SELECT id FROM connector_commands
    WHERE instance = $1 AND state IN ('PENDING', 'SENT') AND next_attempt_at <= now()
    ORDER BY next_attempt_at, created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING id, kind, order_id, payload::text AS payload, attempts, looks, sent_at, answered_at, fulfillment_id
"""

# As it is now. `stopped`: why it must not be asked for any more, unless it has been already.
ORDER = """
SELECT c.code AS channel, o.number, o.customer_email, o.customer_phone, o.customer_name, o.ship_name, o.ship_line1,
    o.ship_line2, o.ship_city, o.ship_region, o.ship_postal_code, o.ship_country,
    CASE WHEN o.cancelled_at IS NOT NULL OR o.status = 'CANCELLED' THEN 'ORDER_CANCELLED'
         WHEN EXISTS (SELECT FROM holds h WHERE h.order_id = o.id AND h.released_at IS NULL AND h.fulfillment_id IS NULL
            AND (h.line_id IS NULL OR h.line_id = ANY($2::uuid[]))) THEN 'ORDER_ON_HOLD' END AS stopped
FROM orders o JOIN channels c ON c.id = o.channel_id WHERE o.id = $1
"""

SEND = """
UPDATE connector_commands SET state = 'SENT', sent_at = coalesce(sent_at, now()),
    next_attempt_at = now() + make_interval(secs => $3)
WHERE id = $1 AND owner = $2 AND state IN ('PENDING', 'SENT') AND answered_at IS NULL RETURNING true
"""

REFUSE = f"""
UPDATE connector_commands SET state = 'REFUSED', refused = $3, fulfillment_id = coalesce($4, fulfillment_id),
    answered_at = CASE WHEN sent_at IS NULL THEN NULL ELSE now() END, error = NULL
WHERE id = $1 AND owner = $2 AND state IN ('PENDING', 'SENT') RETURNING {SHOWN}
"""  # noqa: S608  # our own columns

ANSWER = """
UPDATE connector_commands SET answered_at = now(), fulfillment_id = $3, error = NULL,
    next_attempt_at = now() + make_interval(secs => $4)
WHERE id = $1 AND owner = $2 AND state = 'SENT' RETURNING true
"""

FINISH = "UPDATE connector_commands SET state = 'DONE', error = $3 WHERE id = $1 AND owner = $2 AND state = 'SENT'"

# Twice as long after each attempt, an hour at most, and never before the system wants to be asked.
FAIL = f"""
UPDATE connector_commands SET error = $3, state = CASE WHEN $4 THEN 'DEAD' ELSE state END,
    next_attempt_at = now() + greatest(make_interval(secs => $5),
        least(interval '1 hour', interval '1 second' * (2 ^ least(attempts + looks, 12))))
WHERE id = $1 AND owner = $2 AND state IN ('PENDING', 'SENT') RETURNING {SHOWN}
"""  # noqa: S608  # our own columns

RAISE = """
UPDATE connector_commands SET state = CASE WHEN sent_at IS NULL THEN 'PENDING' ELSE 'SENT' END, attempts = 0,
    next_attempt_at = now()
WHERE state = 'DEAD' AND ($1::text IS NULL OR instance = $1)
"""

WAITING = """
SELECT instance, count(*) FILTER (WHERE state <> 'DEAD')::int AS waiting,
    count(*) FILTER (WHERE state = 'DEAD')::int AS dead,
    (array_agg(error ORDER BY next_attempt_at DESC) FILTER (WHERE error IS NOT NULL))[1] AS error
FROM connector_commands WHERE state IN ('PENDING', 'SENT', 'DEAD') GROUP BY instance ORDER BY instance
"""


async def by_id(connection: Connection, command: uuid.UUID, *, lock: bool = False) -> Record | None:
    return await connection.fetchrow(f"{BY_ID} FOR UPDATE" if lock else BY_ID, command)


async def withdraw(connection: Connection, command: uuid.UUID, why: str) -> Record:
    """Whoever was about to ask finds that it is not to be asked any more."""
    row = await connection.fetchrow(WITHDRAW, command, why)
    assert row is not None, "its row is locked"
    return row


async def by_key(connection: Connection, key: str) -> Record | None:
    return await connection.fetchrow(BY_KEY, key)


async def write(
    connection: Connection, key: str, instance: str, kind: str, order_id: uuid.UUID, payload: Any, actor: str
) -> Record | None:
    """None when somebody else used the key first."""
    return await connection.fetchrow(WRITE, key, instance, kind, order_id, orjson.dumps(payload).decode(), actor)


async def held(connection: Connection, order_id: uuid.UUID, line_ids: Sequence[uuid.UUID]) -> bool:
    return await connection.fetchval(HELD, order_id, line_ids) is True


async def asked(connection: Connection, order_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """Units by line."""
    return {row["line_id"]: row["quantity"] for row in await connection.fetch(ASKED, order_id)}


async def requested(pool: Pool, instance: str, fulfillment_ids: Sequence[str], keys: Sequence[str]) -> Sequence[Record]:
    """What was asked for under these ids of the system, or these keys of ours."""
    return await pool.fetch(REQUESTED, instance, fulfillment_ids, [key for key in keys if _is_uuid(key)])


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


async def work(connection: Connection, fulfillment_id: uuid.UUID) -> Record | None:
    return await connection.fetchrow(WORK, fulfillment_id)


async def claim(pool: Pool, instance: str, limit: int, owner: uuid.UUID) -> Sequence[Record]:
    """What is due, ours until its lease ends."""
    return await pool.fetch(CLAIM, instance, limit, owner, LEASE_SECONDS)


async def order(pool: Pool, order_id: uuid.UUID, line_ids: Sequence[uuid.UUID]) -> Record | None:
    return await pool.fetchrow(ORDER, order_id, line_ids)


async def send(pool: Pool, command: uuid.UUID, owner: uuid.UUID) -> bool:
    """Noted before the call; False when the lease is lost, and then it must not be made."""
    return await pool.fetchval(SEND, command, owner, LEASE_SECONDS) is True


async def lock_order(connection: Connection, order_id: uuid.UUID) -> None:
    await connection.execute(LOCK_ORDER, order_id)


async def refuse(
    connection: Connection, command: uuid.UUID, owner: uuid.UUID, why: str, fulfillment_id: str | None
) -> Record | None:
    """None when the lease is lost."""
    return await connection.fetchrow(REFUSE, command, owner, why, fulfillment_id)


async def answer(pool: Pool, command: uuid.UUID, owner: uuid.UUID, fulfillment_id: str) -> bool:
    """False when the lease is lost: whoever has it asks again, and is answered the same."""
    return await pool.fetchval(ANSWER, command, owner, fulfillment_id, LEASE_SECONDS) is True


async def finish(pool: Pool, command: uuid.UUID, owner: uuid.UUID, error: str | None = None) -> None:
    await pool.execute(FINISH, command, owner, error)


async def fail(
    connection: Connection | Pool,
    command: uuid.UUID,
    owner: uuid.UUID,
    why: str,
    *,
    dead: bool,
    wait: datetime.timedelta,
) -> Record | None:
    """None when the lease is lost."""
    return await connection.fetchrow(FAIL, command, owner, why, dead, wait.total_seconds())


async def raise_dead(pool: Pool, instance: str | None) -> int:
    """How many are tried again."""
    return int((await pool.execute(RAISE, instance)).rpartition(" ")[2])


async def waiting(pool: Pool) -> Sequence[Record]:
    """Per instance, those that wait and those given up, and why the last one failed."""
    return await pool.fetch(WAITING)
