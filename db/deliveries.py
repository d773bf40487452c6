"""SQL of deliveries: each kept once as it came, worked on under a lease, forgotten in time."""

import datetime
from collections.abc import Sequence
from typing import Final

from db.pool import Pool, Record

LEASE_SECONDS: Final = 180.0
REMEMBERED_DAYS: Final = 30

KEEP = """
INSERT INTO connector_deliveries (instance, delivery_id, topic, sent_at, body) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (instance, delivery_id) DO NOTHING RETURNING true
"""

# A body that is gone was worked on days ago: what comes then is a late repetition.
KNOWN_AS = "SELECT body IS NULL OR body = $3 FROM connector_deliveries WHERE instance = $1 AND delivery_id = $2"

# The next attempt is the end of the lease: whoever dies over it leaves it to others then.
CLAIM = """
UPDATE connector_deliveries SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $3)
WHERE instance = $1 AND delivery_id IN (
    SELECT delivery_id FROM connector_deliveries WHERE instance = $1 AND state = 'NEW' AND next_attempt_at <= now()
    ORDER BY next_attempt_at, received_at LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING delivery_id, topic, sent_at, body, attempts
"""

DONE = """
UPDATE connector_deliveries SET state = 'DONE', error = NULL WHERE instance = $1 AND delivery_id = $2
"""

# Twice as long after each attempt, an hour at most.
FAILED = """
UPDATE connector_deliveries SET error = $3, state = CASE WHEN $4 THEN 'DEAD' ELSE 'NEW' END,
    next_attempt_at = now() + least(interval '1 hour', interval '1 second' * (2 ^ least(attempts, 12)))
WHERE instance = $1 AND delivery_id = $2
"""

RAISE = """
UPDATE connector_deliveries SET state = 'NEW', attempts = 0, next_attempt_at = now()
WHERE state = 'DEAD' AND body IS NOT NULL AND ($1::text IS NULL OR instance = $1)
"""

PRUNE = """
UPDATE connector_deliveries SET body = NULL
WHERE state <> 'NEW' AND body IS NOT NULL AND received_at < now() - make_interval(secs => $1)
"""

FORGET = "DELETE FROM connector_deliveries WHERE state = 'DONE' AND received_at < now() - make_interval(days => $1)"

WAITING = """
SELECT instance, count(*) FILTER (WHERE state = 'NEW')::int AS waiting,
    count(*) FILTER (WHERE state = 'DEAD')::int AS dead,
    (array_agg(error ORDER BY received_at DESC) FILTER (WHERE error IS NOT NULL))[1] AS error
FROM connector_deliveries WHERE state <> 'DONE' GROUP BY instance ORDER BY instance
"""


async def keep(
    pool: Pool, instance: str, delivery_id: str, topic: str, sent_at: datetime.datetime | None, body: bytes
) -> bool:
    """False when this delivery is known already."""
    return await pool.fetchval(KEEP, instance, delivery_id, topic, sent_at, body) is True


async def repeated(pool: Pool, instance: str, delivery_id: str, body: bytes) -> bool:
    """Whether the known delivery has this body."""
    return await pool.fetchval(KNOWN_AS, instance, delivery_id, body) is not False


async def claim(pool: Pool, instance: str, limit: int) -> Sequence[Record]:
    return await pool.fetch(CLAIM, instance, limit, LEASE_SECONDS)


async def done(pool: Pool, instance: str, delivery_id: str) -> None:
    await pool.execute(DONE, instance, delivery_id)


async def failed(pool: Pool, instance: str, delivery_id: str, why: str, *, dead: bool) -> None:
    await pool.execute(FAILED, instance, delivery_id, why, dead)


async def raise_dead(pool: Pool, instance: str | None) -> int:
    """How many are tried again."""
    return int((await pool.execute(RAISE, instance)).rpartition(" ")[2])


async def forget(pool: Pool, raw_days: float) -> None:
    """Bodies after `raw_days`, ids after the time in which a delivery may come again."""
    await pool.execute(PRUNE, raw_days * 86400)
    await pool.execute(FORGET, REMEMBERED_DAYS)


async def waiting(pool: Pool) -> Sequence[Record]:
    """Per instance, those that wait and those given up."""
    return await pool.fetch(WAITING)
