"""SQL of parcels that carriers are asked about: found among the open ones, looked at under a lease, let go of."""

import datetime
from collections.abc import Sequence
from typing import Final

from db.pool import Pool, Record

# Longer than a call may take, so that nobody else asks while an answer may still come.
LEASE_SECONDS: Final = 180.0
FOUND_AT_ONCE: Final = 1000

# As the index ix_shipments_open has it: domain.status.TERMINAL_SHIPMENT.
OPEN: Final = "status NOT IN ('DELIVERED', 'RETURNED', 'LOST', 'CANCELLED')"

FIND = f"""
INSERT INTO connector_parcels (instance, carrier, tracking_number)
SELECT DISTINCT $1, s.carrier, s.tracking_number FROM shipments s
WHERE s.{OPEN} AND s.carrier = ANY ($2::text[]) AND s.tracking_number <> ''
  AND coalesce(s.shipped_at, s.created_at) > now() - $3::interval
  AND NOT EXISTS (SELECT FROM connector_parcels p
      WHERE p.instance = $1 AND p.carrier = s.carrier AND p.tracking_number = s.tracking_number)
ORDER BY 2, 3 LIMIT {FOUND_AT_ONCE}
ON CONFLICT DO NOTHING
"""  # noqa: S608  # our own words

STILL_OPEN: Final = f"""
EXISTS (SELECT FROM shipments s WHERE s.carrier = p.carrier AND s.tracking_number = p.tracking_number AND s.{OPEN})
"""  # our own words

LET_GO = f"""
DELETE FROM connector_parcels p WHERE p.instance = $1 AND NOT {STILL_OPEN}
  AND ($2::text[] IS NULL OR (p.carrier, p.tracking_number) IN (SELECT * FROM unnest($2::text[], $3::text[])))
"""  # noqa: S608  # our own words

GIVE_UP = """
UPDATE connector_parcels SET given_up_at = now()
WHERE instance = $1 AND given_up_at IS NULL AND found_at < now() - $2::interval
"""

CLAIM = f"""
UPDATE connector_parcels p SET next_look_at = now() + make_interval(secs => $3)
FROM (
    SELECT instance, carrier, tracking_number FROM connector_parcels
    WHERE instance = $1 AND given_up_at IS NULL AND next_look_at <= now()
    ORDER BY next_look_at LIMIT $2 FOR UPDATE SKIP LOCKED
) due LEFT JOIN LATERAL (
    SELECT status, coalesce(last_event_at, shipped_at, created_at) AS moved_at FROM shipments s
    WHERE s.carrier = due.carrier AND s.tracking_number = due.tracking_number
    ORDER BY s.{OPEN} DESC, created_at DESC LIMIT 1
) parcel ON true
WHERE p.instance = due.instance AND p.carrier = due.carrier AND p.tracking_number = due.tracking_number
RETURNING p.carrier, p.tracking_number, p.looked_at, p.failures, p.watched_until, p.watch_refused_at,
    coalesce(parcel.status, 'UNKNOWN') AS status, coalesce(parcel.moved_at, p.found_at) AS moved_at
"""  # noqa: S608  # our own words

WATCHED = """
UPDATE connector_parcels p SET watched_until = o.until,
    watch_refused_at = CASE WHEN o.until IS NULL THEN now() END
FROM unnest($2::text[], $3::text[], $4::timestamptz[]) o (carrier, tracking_number, until)
WHERE p.instance = $1 AND p.carrier = o.carrier AND p.tracking_number = o.tracking_number
"""

LOOKED = """
UPDATE connector_parcels p SET looked_at = now(), failures = 0, error = NULL, next_look_at = now() + o.pause
FROM unnest($2::text[], $3::text[], $4::interval[]) o (carrier, tracking_number, pause)
WHERE p.instance = $1 AND p.carrier = o.carrier AND p.tracking_number = o.tracking_number
"""

FAILED = """
UPDATE connector_parcels p SET failures = p.failures + (o.error IS NOT NULL)::int, error = o.error,
    next_look_at = now() + greatest(o.pause, least(interval '6 hours', interval '1 minute' * 2 ^ least(p.failures, 12)))
FROM unnest($2::text[], $3::text[], $4::interval[], $5::text[]) o (carrier, tracking_number, pause, error)
WHERE p.instance = $1 AND p.carrier = o.carrier AND p.tracking_number = o.tracking_number
"""

WAITING = """
SELECT instance, count(*) FILTER (WHERE given_up_at IS NULL)::int AS followed,
    count(*) FILTER (WHERE given_up_at IS NULL AND watched_until > now())::int AS watched,
    count(*) FILTER (WHERE given_up_at IS NULL AND error IS NOT NULL)::int AS failing,
    count(*) FILTER (WHERE given_up_at IS NOT NULL)::int AS given_up,
    (array_agg(error ORDER BY next_look_at DESC) FILTER (WHERE error IS NOT NULL AND given_up_at IS NULL))[1] AS error
FROM connector_parcels GROUP BY 1 ORDER BY 1
"""

MISSED = """
INSERT INTO connector_watermarks AS w (instance, capability, mode, missed, finished_at)
VALUES ($1, 'tracking', 'RECONCILE', $2, now())
ON CONFLICT (instance, capability, mode) DO UPDATE SET missed = w.missed + excluded.missed, finished_at = now()
"""

Number = tuple[str, str]


async def find(pool: Pool, instance: str, carriers: Sequence[str], within: datetime.timedelta) -> None:
    """Open parcels of these carriers that are not followed yet, some at a time; and which of them are given up."""
    await pool.execute(FIND, instance, carriers, within)
    await pool.execute(GIVE_UP, instance, within)


async def let_go(pool: Pool, instance: str, numbers: Sequence[Number] | None = None) -> None:
    """Those that have arrived, or are over otherwise; of all where none are named."""
    given = (None, None) if numbers is None else _columns(numbers)
    await pool.execute(LET_GO, instance, *given)


async def claim(pool: Pool, instance: str, limit: int) -> Sequence[Record]:
    """What is due, ours until its lease ends."""
    return await pool.fetch(CLAIM, instance, limit, LEASE_SECONDS)


async def watched(pool: Pool, instance: str, until: Sequence[tuple[Number, datetime.datetime | None]]) -> None:
    """Until when the carrier tells by itself; None: it refuses to."""
    await pool.execute(WATCHED, instance, *_columns([number for number, _ in until]), [at for _, at in until])


async def looked(pool: Pool, instance: str, pauses: Sequence[tuple[Number, datetime.timedelta]]) -> None:
    await pool.execute(LOOKED, instance, *_columns([number for number, _ in pauses]), [pause for _, pause in pauses])


async def failed(pool: Pool, instance: str, why: Sequence[tuple[Number, datetime.timedelta, str | None]]) -> None:
    """With the pause that the system asked for; a longer one after each failure, six hours at most.

    Without an error it was not asked, for want of time or by the limits of the system.
    """
    numbers, pauses, errors = zip(*why, strict=True)
    await pool.execute(FAILED, instance, *_columns(numbers), pauses, errors)


async def missed(pool: Pool, instance: str, number: int) -> None:
    """So many scans should have been told by the carrier."""
    await pool.execute(MISSED, instance, number)


async def waiting(pool: Pool) -> Sequence[Record]:
    return await pool.fetch(WAITING)


def _columns(numbers: Sequence[Number]) -> tuple[list[str], list[str]]:
    return [carrier for carrier, _ in numbers], [number for _, number in numbers]
