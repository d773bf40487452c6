"""SQL of telling stock: which changes there were, what to tell under whose lease, and what became of it.

What changed is marked by triggers in the changing transaction (`stock_marks`), and only then read: a mark is visible
exactly when its change is. Values are read in a statement that begins after the targets are locked, so a target never
carries a newer count of marks than its value does.
"""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from db.pool import Connection, Pool, Record
from db.stock_offers import PARTS, available
from domain.push import OWN_COUNT, Standing, Telling, telling

# Longer than a call may take, so that nobody else tells anything while one of ours may still arrive.
LEASE_SECONDS: Final = 180.0
TRIES: Final = 12
REMEMBERED_DAYS: Final = 7
MARKS_AT_ONCE: Final = 5000

CONFIGURE = """
INSERT INTO connector_pushes AS p (instance, locations) VALUES ($1, $2)
ON CONFLICT (instance) DO UPDATE SET locations = excluded.locations, seen_at = now(),
    compared_at = CASE WHEN p.locations = excluded.locations THEN p.compared_at END
"""
FORGET_PLACES = """
DELETE FROM stock_targets t USING locations l
WHERE t.instance = $1 AND l.id = t.location_id AND l.code <> ALL ($2::text[])
"""
FORGET = """
DELETE FROM connector_pushes WHERE instance = ANY ($1::text[]) OR seen_at < now() - make_interval(days => $2)
"""

DUE = """
SELECT EXISTS (SELECT FROM stock_marks WHERE due_at <= now())
    OR EXISTS (SELECT FROM stock_targets WHERE instance = $1 AND state = 'WAITING' AND next_attempt_at <= now())
"""

HOLD = """
UPDATE connector_pushes SET owner = $2, lease_until = now() + make_interval(secs => $3), seen_at = now()
WHERE instance = $1 AND (owner = $2 OR owner IS NULL OR lease_until < now()) RETURNING compared_at
"""
LET_GO = "UPDATE connector_pushes SET owner = NULL, lease_until = NULL WHERE owner = $1"

# What waits because the system fails keeps its pause: a new value is no reason to ask sooner.
FOLD = """
WITH gone AS (
    DELETE FROM stock_marks WHERE id IN (
        SELECT id FROM stock_marks WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING item_id, location_id
), told AS (
    INSERT INTO stock_targets AS t (instance, item_id, location_id)
    SELECT DISTINCT p.instance, g.item_id, g.location_id
    FROM gone g JOIN items i ON i.id = g.item_id JOIN locations l ON l.id = g.location_id
        JOIN connector_pushes p ON l.code = ANY (p.locations)
    ORDER BY 1, 2, 3
    ON CONFLICT (instance, item_id, location_id) DO UPDATE SET marked = t.marked + 1, state = 'WAITING',
        waiting_since = coalesce(t.waiting_since, now()),
        attempts = CASE WHEN t.state = 'WAITING' THEN t.attempts ELSE 0 END,
        next_attempt_at = CASE WHEN t.state = 'WAITING' AND t.attempts > 0 THEN t.next_attempt_at ELSE now() END
)
SELECT count(*)::int FROM gone
"""

LOCK = """
SELECT item_id, location_id, marked, wanted, told, asked, retell_at FROM stock_targets
WHERE instance = $1 AND state = 'WAITING' AND next_attempt_at <= now()
ORDER BY next_attempt_at, item_id, location_id LIMIT $2 FOR UPDATE SKIP LOCKED
"""

READ = f"""
SELECT i.id AS item_id, l.id AS location_id, i.sku, l.code AS location, l.active, {PARTS}
FROM unnest($1::uuid[], $2::uuid[]) w (item_id, location_id)
    JOIN items i ON i.id = w.item_id JOIN locations l ON l.id = w.location_id
    LEFT JOIN stock_levels s ON s.item_id = w.item_id AND s.location_id = w.location_id
"""  # noqa: S608  # our own columns

ASK = """
UPDATE stock_targets t SET wanted = o.wanted, asked = o.key, retell_at = o.retell_at, attempts = t.attempts + 1
FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::uuid[], $6::timestamptz[])
    o (item_id, location_id, wanted, key, retell_at)
WHERE t.instance = $1 AND t.item_id = o.item_id AND t.location_id = o.location_id
"""

# The system knows it already, or only it has counted: nothing is sent. They are locked, so nobody has marked them.
SPARE = """
UPDATE stock_targets t SET wanted = o.wanted, attempts = 0, error = NULL, refused = o.refused, waiting_since = NULL,
    state = CASE WHEN o.refused IS NOT NULL THEN 'REFUSED' WHEN t.retell_at IS NULL THEN 'TOLD' ELSE 'WAITING' END,
    next_attempt_at = coalesce(t.retell_at, now())
FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::text[]) o (item_id, location_id, wanted, refused)
WHERE t.instance = $1 AND t.item_id = o.item_id AND t.location_id = o.location_id
"""

# Only of the telling that was asked: somebody who took over may have begun another.
SETTLE = """
UPDATE stock_targets t SET asked = NULL, attempts = 0, error = NULL, refused = o.refused,
    told = CASE WHEN o.refused IS NULL THEN t.wanted ELSE t.told END,
    told_at = CASE WHEN o.refused IS NULL THEN now() ELSE t.told_at END,
    state = CASE WHEN t.marked > o.marked OR (o.refused IS NULL AND t.retell_at IS NOT NULL) THEN 'WAITING'
        WHEN o.refused IS NULL THEN 'TOLD' ELSE 'REFUSED' END,
    waiting_since = CASE WHEN t.marked > o.marked THEN coalesce(t.waiting_since, now()) END,
    next_attempt_at = CASE WHEN t.marked > o.marked THEN now() ELSE coalesce(t.retell_at, now()) END
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[]) o (item_id, location_id, key, marked, refused)
WHERE t.instance = $1 AND t.item_id = o.item_id AND t.location_id = o.location_id AND t.asked = o.key
"""

# Twice as long after each attempt, an hour at most, and never before the system wants to be asked.
FAIL = """
UPDATE stock_targets t SET error = $6, attempts = t.attempts - $8::int,
    state = CASE WHEN ($7 OR t.attempts - $8::int >= $10) AND t.marked = o.marked THEN 'DEAD' ELSE 'WAITING' END,
    waiting_since = CASE WHEN ($7 OR t.attempts - $8::int >= $10) AND t.marked = o.marked THEN NULL
        ELSE coalesce(t.waiting_since, now()) END,
    next_attempt_at = now() + greatest(make_interval(secs => $9),
        least(interval '1 hour', interval '1 second' * (2 ^ least(t.attempts, 12))))
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[]) o (item_id, location_id, key, marked)
WHERE t.instance = $1 AND t.item_id = o.item_id AND t.location_id = o.location_id AND t.asked = o.key
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be told now, ours while the lease lasts."""

    item_id: uuid.UUID
    location_id: uuid.UUID
    sku: str
    location: str
    available: int
    key: uuid.UUID
    marked: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """`seen` targets were due; those not among `asked` needed no telling."""

    seen: int
    asked: Sequence[Asked]


async def configure(pool: Pool, told: Mapping[str, Sequence[str]], others: Sequence[str]) -> None:
    """`told`: our locations by instance; `others` are instances that are told of none (any more)."""
    async with pool.acquire() as connection, connection.transaction():
        for instance, locations in sorted(told.items()):
            await connection.execute(CONFIGURE, instance, sorted(locations))
            await connection.execute(FORGET_PLACES, instance, sorted(locations))
        await connection.execute(FORGET, list(others), REMEMBERED_DAYS)


async def due(pool: Pool, instance: str) -> bool:
    return await pool.fetchval(DUE, instance) is True


async def hold(connection: Connection | Pool, instance: str, owner: uuid.UUID) -> Record | None:
    """Takes the lease, or makes it longer; None while somebody else has it."""
    return await connection.fetchrow(HOLD, instance, owner, LEASE_SECONDS)


async def let_go(pool: Pool, owner: uuid.UUID) -> None:
    await pool.execute(LET_GO, owner)


async def fold(pool: Pool) -> int:
    """Marks become targets of all instances that are told of their locations; how many marks that were."""
    return int(await pool.fetchval(FOLD, MARKS_AT_ONCE))


async def claim(pool: Pool, instance: str, owner: uuid.UUID, limit: int, now: datetime.datetime) -> Claimed | None:
    """What is due with its newest value, noted as asked; None when the lease is somebody else's."""
    async with pool.acquire() as connection, connection.transaction():
        if await hold(connection, instance, owner) is None:
            return None
        locked = await connection.fetch(LOCK, instance, limit)
        places = [row["item_id"] for row in locked], [row["location_id"] for row in locked]
        found = {(row["item_id"], row["location_id"]): row for row in await connection.fetch(READ, *places)}
        asked: list[tuple[Asked, Telling]] = []
        spared: list[tuple[uuid.UUID, uuid.UUID, int, str | None]] = []
        for row in locked:
            place = (row["item_id"], row["location_id"])
            level, units = found[place], available(found[place])
            standing = Standing(row["wanted"], row["told"], row["asked"], row["retell_at"])
            next_ = telling(standing, units, now, uuid.uuid4())
            if level["source"] == instance:
                spared.append((*place, units, OWN_COUNT))
            elif next_.key is None:
                spared.append((*place, units, None))
            else:
                asked.append((Asked(*place, level["sku"], level["location"], units, next_.key, row["marked"]), next_))
        if spared:
            await connection.execute(SPARE, instance, *map(list, zip(*spared, strict=True)))
        if asked:
            rows = [(*_place(one), one.available, one.key, next_.retell_at) for one, next_ in asked]
            await connection.execute(ASK, instance, *map(list, zip(*rows, strict=True)))
        return Claimed(len(locked), [one for one, _ in asked])


def _place(one: Asked) -> tuple[uuid.UUID, uuid.UUID]:
    return one.item_id, one.location_id


async def settle(pool: Pool, instance: str, results: Sequence[tuple[Asked, str | None]]) -> None:
    """What the system said: None, or why it refuses."""
    rows = [(*_place(one), one.key, one.marked, refused) for one, refused in results]
    await pool.execute(SETTLE, instance, *map(list, zip(*sorted(rows, key=lambda row: row[:2]), strict=True)))


async def fail(
    pool: Pool,
    instance: str,
    asked: Sequence[Asked],
    why: str,
    *,
    lasting: bool,
    counts: bool,
    wait: datetime.timedelta,
) -> None:
    """`counts`: whether it was an attempt; the runtime may have ended it before."""
    rows = sorted((*_place(one), one.key, one.marked) for one in asked)
    columns = map(list, zip(*rows, strict=True))
    await pool.execute(FAIL, instance, *columns, why, lasting, int(not counts), wait.total_seconds(), TRIES)
