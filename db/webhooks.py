"""SQL of those who deliver: leases, progress under their fence, and what is given up.

Every write names the fence of its lease. Whoever was taken over, or whose endpoint was changed meanwhile, changes no
row and learns it by that.
"""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from db.pool import Connection, Pool

ACQUIRE_SECONDS: Final = 4.0

COLUMNS = """
id, owner::text, url, document, position, epoch, secret,
CASE WHEN secret_before_until > now() THEN secret_before END AS secret_before, attempts, failing_since,
extract(epoch FROM next_attempt_at - now())::float8 AS due_in, fence, position > (SELECT last_pos FROM stream_meta)
"""

# In the order in which they became free; those that others are just taking are left to them.
CLAIM = f"""
UPDATE webhook_endpoints SET fence = fence + 1, lease_until = now() + $2 * interval '1 second'
WHERE id IN (
    SELECT id FROM webhook_endpoints WHERE state = 'ENABLED' AND (lease_until IS NULL OR lease_until < now())
    ORDER BY lease_until NULLS FIRST, id LIMIT $1 FOR UPDATE SKIP LOCKED
) RETURNING {COLUMNS}
"""  # noqa: S608  # made of constants

# A renewal may be under way while its holder delivers: it never takes a position back.
RENEW = """
UPDATE webhook_endpoints mine SET lease_until = now() + $5 * interval '1 second',
    position = CASE mine.epoch WHEN given.epoch THEN greatest(mine.position, given.position) ELSE mine.position END
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[]) given (id, fence, position, epoch)
WHERE mine.id = given.id AND mine.fence = given.fence AND mine.state = 'ENABLED' RETURNING mine.id
"""

RELEASE = """
UPDATE webhook_endpoints mine SET lease_until = NULL,
    position = CASE mine.epoch WHEN given.epoch THEN greatest(mine.position, given.position) ELSE mine.position END
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[]) given (id, fence, position, epoch)
WHERE mine.id = given.id AND mine.fence = given.fence AND mine.state = 'ENABLED'
"""

DELIVERED = """
UPDATE webhook_endpoints SET position = $3, epoch = $4, lease_until = now() + $5 * interval '1 second', attempts = 0,
    failing_since = NULL, next_attempt_at = NULL, last_attempt_at = now(), last_status = $6, last_error = NULL,
    delivered = delivered + 1, delivered_at = now()
WHERE id = $1 AND fence = $2 AND state = 'ENABLED' RETURNING true
"""

FAILED = """
UPDATE webhook_endpoints SET position = $8, epoch = $9, attempts = attempts + 1,
    failing_since = coalesce(failing_since, now()), last_attempt_at = now(), last_status = $3, last_error = $4,
    next_attempt_at = now() + $5 * interval '1 second', lease_until = now() + $6 * interval '1 second'
WHERE id = $1 AND fence = $2 AND state = 'ENABLED'
RETURNING attempts, failing_since < now() - $7 * interval '1 hour' AS over
"""

DISABLE = """
UPDATE webhook_endpoints SET state = 'DISABLED', disabled_reason = $3, position = $4, epoch = $5, lease_until = NULL,
    next_attempt_at = NULL, version = version + 1, updated_at = now()
WHERE id = $1 AND fence = $2 AND state = 'ENABLED' RETURNING version
"""

BURY = """
INSERT INTO webhook_dead_letters (endpoint_id, message_id, journal_id, position, reason, state, attempts, last_status,
    last_error)
SELECT id, $3, $4, $5, $6, 'DEAD', $7, $8, $9 FROM webhook_endpoints WHERE id = $1 AND fence = $2 AND state = 'ENABLED'
ON CONFLICT (endpoint_id, message_id) DO UPDATE SET reason = excluded.reason, state = 'DEAD',
    attempts = excluded.attempts, last_status = excluded.last_status, last_error = excluded.last_error, died_at = now()
RETURNING true
"""

QUEUED = """
SELECT id, message_id, journal_id, position FROM webhook_dead_letters
WHERE endpoint_id = $1 AND state = 'QUEUED' ORDER BY position, id LIMIT $2
"""

FORGET = "DELETE FROM webhook_dead_letters WHERE id = $1"

COUNTS = """
SELECT count(*) FILTER (WHERE state = 'ENABLED')::int, count(*) FILTER (WHERE disabled_reason <> 'OWNER')::int,
       count(*) FILTER (WHERE state = 'ENABLED' AND failing_since IS NOT NULL)::int,
       (SELECT count(*)::int FROM webhook_dead_letters),
       coalesce(max((SELECT last_pos FROM stream_meta) - position) FILTER (WHERE state = 'ENABLED'), 0)::bigint
FROM webhook_endpoints
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """An endpoint and the right to deliver to it. Secrets are still encrypted; `due_in` is in seconds."""

    id: uuid.UUID
    owner: dict[str, Any]
    url: str
    document: str | None
    position: int
    epoch: str
    secret: bytes
    secret_before: bytes | None
    attempts: int
    failing_since: datetime.datetime | None
    due_in: float | None
    fence: int
    # The log is shorter than what was delivered of it: it is another one, whatever its epoch says.
    ahead: bool

    @classmethod
    def of(cls, row: Any) -> "Lease":
        return cls(row[0], orjson.loads(row[1]), *row[2:])


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the holder of a lease has come."""

    id: uuid.UUID
    fence: int
    position: int
    epoch: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What an operator wants to see; `behind` is of the endpoint that is furthest from the log's end."""

    enabled: int
    stopped: int
    failing: int
    dead_letters: int
    behind: int


async def claim(pool: Pool, limit: int, lease_seconds: float) -> list[Lease]:
    return [Lease.of(row) for row in await _rows(pool, CLAIM, limit, lease_seconds)]


async def renew(pool: Pool, held: Sequence[Reached], lease_seconds: float) -> set[uuid.UUID]:
    """Those that are still held."""
    return {row["id"] for row in await _rows(pool, RENEW, *columns(held), lease_seconds)}


async def release(pool: Pool, held: Sequence[Reached]) -> None:
    await _rows(pool, RELEASE, *columns(held))


def columns(held: Sequence[Reached]) -> tuple[list[Any], ...]:
    return (
        [one.id for one in held],
        [one.fence for one in held],
        [one.position for one in held],
        [one.epoch for one in held],
    )


async def delivered(connection: Connection, at: Reached, lease_seconds: float, status: int) -> bool:
    """False when the lease is somebody else's now."""
    found = await connection.fetchval(DELIVERED, at.id, at.fence, at.position, at.epoch, lease_seconds, status)
    return found is True


async def failed(
    pool: Pool,
    at: Reached,
    *,
    status: int | None,
    error: str | None,
    pause: float,
    lease_seconds: float,
    budget_hours: float,
) -> tuple[int, bool] | None:
    """(attempts so far, whether the budget is over); None when the lease is somebody else's now."""
    rows = await _rows(
        pool, FAILED, at.id, at.fence, status, error, pause, lease_seconds, budget_hours, at.position, at.epoch
    )
    return (rows[0]["attempts"], rows[0]["over"]) if rows else None


async def disable(connection: Connection, at: Reached, reason: str) -> int | None:
    """The new version of the endpoint; None when the lease is somebody else's now."""
    found: int | None = await connection.fetchval(DISABLE, at.id, at.fence, reason, at.position, at.epoch)
    return found


async def bury(
    connection: Connection,
    at: Reached,
    *,
    message_id: str,
    journal_id: int,
    position: int,
    reason: str,
    attempts: int,
    status: int | None,
    error: str | None,
) -> bool:
    found = await connection.fetchval(
        BURY, at.id, at.fence, message_id, journal_id, position, reason, attempts, status, error
    )
    return found is True


async def queued(pool: Pool, endpoint: uuid.UUID, limit: int) -> Sequence[Any]:
    """Dead letters that somebody wants to be tried again."""
    rows: Sequence[Any] = await _rows(pool, QUEUED, endpoint, limit)
    return rows


async def forget(connection: Connection, dead_letter: uuid.UUID) -> None:
    await connection.execute(FORGET, dead_letter)


async def counts(pool: Pool) -> Counts:
    (row,) = await _rows(pool, COUNTS)
    return Counts(*row)


async def _rows(pool: Pool, statement: str, *given: object) -> Sequence[Any]:
    """TimeoutError when no connection is free in time: others wait for them too."""
    async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
        rows: Sequence[Any] = await connection.fetch(statement, *given)
        return rows
