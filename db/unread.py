"""SQL of entries that no record could be made of: noted, looked at again, and forgotten once they are read."""

import datetime
from collections.abc import Sequence
from typing import Final

from db.pool import Pool, Record

FIRST_PAUSE_SECONDS: Final = 300.0
LONGEST_PAUSE_SECONDS: Final = 86_400.0
# Older ones are left to a backfill: a pull from so far back would take too much each time.
LOOKED_FOR_DAYS: Final = 14

# Met twice within its pause, as by overlapping pulls, it counts once. It changed after each `since` that it was met
# with; without one it was met by a backfill.
NOTE = """
INSERT INTO connector_unread AS u (instance, capability, reference, path, error, since, pulled_at, next_look_at)
SELECT $1, $2, told.reference, told.path, told.error, $3, $4, now() + make_interval(secs => $8)
FROM unnest($5::text[], $6::text[], $7::text[]) AS told (reference, path, error)
ON CONFLICT (instance, capability, reference) DO UPDATE SET
    path = excluded.path, error = excluded.error, seen_at = now(),
    pulled_at = greatest(u.pulled_at, excluded.pulled_at), since = greatest(u.since, excluded.since),
    times = u.times + (u.next_look_at <= now())::int,
    next_look_at = CASE WHEN u.next_look_at > now() THEN u.next_look_at
        ELSE now() + make_interval(secs => least($9, $8 * 3 ^ least(u.times, 20))) END
"""

DUE = """
SELECT min(since) FROM connector_unread
WHERE instance = $1 AND capability = $2 AND next_look_at <= now() AND found_at > now() - make_interval(days => $3)
"""

# What the pull that began at `$3` asked for and was not told again can be read by now, or is gone.
FORGET = """
DELETE FROM connector_unread
WHERE instance = $1 AND capability = $2 AND pulled_at < $3 AND ($4::timestamptz IS NULL OR since >= $4)
"""

LOOK_AGAIN = "UPDATE connector_unread SET next_look_at = now() WHERE instance = $1"

WAITING = """
SELECT instance, capability, count(*)::int AS number, min(found_at) AS found_at,
    (array_agg(reference ORDER BY seen_at DESC, reference))[1] AS reference,
    (array_agg(error ORDER BY seen_at DESC, reference))[1] AS error
FROM connector_unread GROUP BY 1, 2 ORDER BY 1, 2
"""


async def note(
    pool: Pool,
    instance: str,
    capability: str,
    since: datetime.datetime | None,
    pulled_at: datetime.datetime,
    told: Sequence[tuple[str, str, str]],
) -> None:
    """`told` are references with the path and the error; `since` and `pulled_at` are of the pull that met them."""
    newest = {reference: (reference, path, error) for reference, path, error in told}
    references, paths, errors = zip(*newest.values(), strict=True)
    pauses = (FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
    await pool.execute(NOTE, instance, capability, since, pulled_at, references, paths, errors, *pauses)


async def due(pool: Pool, instance: str, capability: str) -> datetime.datetime | None:
    """From when on a pull must ask to be told again of what is due; None when nothing is."""
    found: datetime.datetime | None = await pool.fetchval(DUE, instance, capability, LOOKED_FOR_DAYS)
    return found


async def forget(
    pool: Pool, instance: str, capability: str, began_at: datetime.datetime, since: datetime.datetime | None
) -> None:
    await pool.execute(FORGET, instance, capability, began_at, since)


async def look_again(pool: Pool, instance: str) -> None:
    """The next pull asks for all of them that are not too old."""
    await pool.execute(LOOK_AGAIN, instance)


async def waiting(pool: Pool) -> Sequence[Record]:
    return await pool.fetch(WAITING)
