"""What may be offered of our stock beside what outside systems were told of it: the comparison, and how far it is."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from db.pool import Pool, Record
from domain.push import PushState, offered
from domain.reasons import UnavailableReason
from domain.stock import NodeStock

COMPARED_AT_ONCE: Final = 2000

PARTS = """
    s.on_hand, s.allocated, s.damaged, s.quality_control, s.set_aside, s.safety_stock, s.source,
    (SELECT coalesce(sum(r.quantity), 0)::int FROM reservations r WHERE r.item_id = s.item_id
        AND r.location_id = s.location_id AND r.state = 'HELD' AND r.expires_at > statement_timestamp()) AS reserved
"""

# One snapshot: a change is seen together with its mark. `waits`: it is going to be told anyway.
COMPARE = f"""
SELECT s.item_id, s.location_id, l.active, {PARTS}, t.state, t.told, t.wanted,
    coalesce(t.state = 'WAITING', false) OR EXISTS (SELECT FROM stock_marks m WHERE m.item_id = s.item_id
        AND m.location_id = s.location_id AND m.due_at <= now()) AS waits
FROM stock_levels s JOIN locations l ON l.id = s.location_id
    JOIN connector_pushes p ON p.instance = $1 AND l.code = ANY (p.locations)
    LEFT JOIN stock_targets t ON t.instance = $1 AND t.item_id = s.item_id AND t.location_id = s.location_id
WHERE (s.item_id, s.location_id) > ($2, $3)
ORDER BY s.item_id, s.location_id LIMIT $4
"""  # noqa: S608  # our own columns
MARK = "INSERT INTO stock_marks (item_id, location_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])"
COMPARED = "UPDATE connector_pushes SET compared_at = now(), drifted = drifted + $3 WHERE instance = $1 AND owner = $2"

AGAIN = """
INSERT INTO stock_targets AS t (instance, item_id, location_id)
SELECT $1, item_id, location_id FROM unnest($2::uuid[], $3::uuid[]) w (item_id, location_id) ORDER BY 2, 3
ON CONFLICT (instance, item_id, location_id) DO UPDATE SET marked = t.marked + 1, state = 'WAITING', attempts = 0,
    waiting_since = coalesce(t.waiting_since, now()), next_attempt_at = now(),
    retell_at = CASE WHEN t.told IS NULL THEN t.retell_at ELSE now() END
"""

RAISE = """
UPDATE stock_targets SET state = 'WAITING', attempts = 0, waiting_since = now(), next_attempt_at = now()
WHERE state = 'DEAD' AND ($1::text IS NULL OR instance = $1)
"""

WAITING = """
SELECT p.instance, p.locations, p.drifted, p.compared_at,
    count(t.waiting_since) FILTER (WHERE t.state = 'WAITING')::int AS waiting,
    count(t.waiting_since) FILTER (WHERE t.state = 'WAITING' AND t.error IS NOT NULL)::int AS failing,
    count(*) FILTER (WHERE t.state = 'REFUSED')::int AS refused, count(*) FILTER (WHERE t.state = 'DEAD')::int AS dead,
    count(t.told)::int AS told, min(t.waiting_since) AS waiting_since, max(t.told_at) AS told_at,
    (array_agg(t.error ORDER BY t.next_attempt_at DESC) FILTER (WHERE t.error IS NOT NULL))[1] AS error
FROM connector_pushes p LEFT JOIN stock_targets t ON t.instance = p.instance GROUP BY p.instance ORDER BY p.instance
"""

PROBLEMS = """
SELECT i.sku, l.code AS location, t.wanted, t.told, t.state, coalesce(t.refused, t.error) AS why
FROM stock_targets t JOIN items i ON i.id = t.item_id JOIN locations l ON l.id = t.location_id
WHERE t.instance = $1 AND t.state IN ('REFUSED', 'DEAD') ORDER BY t.state, i.sku, l.code LIMIT $2
"""

NOBODY: Final = uuid.UUID(int=0)


def available(row: Mapping[str, Any] | Record) -> int:
    """By the rules of every answer about availability."""
    if row["on_hand"] is None:
        return 0
    reasons = UnavailableReason
    node = NodeStock(
        location_id=row["location_id"],
        on_hand=row["on_hand"],
        allocated=row["allocated"],
        reserved=row["reserved"],
        unavailable={
            reasons.DAMAGED: row["damaged"],
            reasons.QUALITY_CONTROL: row["quality_control"],
            reasons.SET_ASIDE: row["set_aside"],
        },
        safety_stock=row["safety_stock"],
    )
    return offered(node, active=row["active"])


async def levels(pool: Pool, instance: str, after: tuple[uuid.UUID, uuid.UUID] = (NOBODY, NOBODY)) -> Sequence[Record]:
    """The next levels of the locations that the instance is told of; empty: that was all."""
    return await pool.fetch(COMPARE, instance, *after, COMPARED_AT_ONCE)


def drifted(row: Record, instance: str) -> bool:
    """Whether the system was told something else, and nothing is on its way that would put it right."""
    if row["waits"] or row["source"] == instance:
        return False
    return bool((row["told"] if row["state"] == PushState.TOLD else row["wanted"]) != available(row))


async def mark(pool: Pool, rows: Sequence[Record]) -> None:
    await pool.execute(MARK, [row["item_id"] for row in rows], [row["location_id"] for row in rows])


async def compared(pool: Pool, instance: str, owner: uuid.UUID, wrong: int) -> None:
    await pool.execute(COMPARED, instance, owner, wrong)


async def again(pool: Pool, instance: str, rows: Sequence[Record]) -> None:
    """They are told even though they were told."""
    await pool.execute(AGAIN, instance, [row["item_id"] for row in rows], [row["location_id"] for row in rows])


async def raise_dead(pool: Pool, instance: str | None) -> int:
    """How many are tried again."""
    return int((await pool.execute(RAISE, instance)).rpartition(" ")[2])


async def waiting(pool: Pool) -> Sequence[Record]:
    """Per instance that is told: how many targets wait, were refused and given up, and why the last one failed."""
    return await pool.fetch(WAITING)


async def problems(pool: Pool, instance: str, limit: int) -> Sequence[Record]:
    """The first of those refused and given up."""
    return await pool.fetch(PROBLEMS, instance, limit)
