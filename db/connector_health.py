"""SQL of how it goes with connectors: each process tells its own, all are read together."""

import dataclasses
import datetime
import uuid
from collections.abc import Sequence
from typing import Final

from db.pool import Pool, Record

LIVING_SECONDS: Final = 90
ASKING_SECONDS: Final = 60
REMEMBERED_DAYS: Final = 7

TELL = """
WITH one AS (
    INSERT INTO connectors AS c (instance, connector, kind, capabilities, last_success_at, last_failure_at, last_error)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (instance) DO UPDATE SET connector = excluded.connector, kind = excluded.kind,
        capabilities = excluded.capabilities, seen_at = now(),
        last_success_at = greatest(c.last_success_at, excluded.last_success_at),
        last_failure_at = greatest(c.last_failure_at, excluded.last_failure_at),
        last_error = CASE WHEN c.last_failure_at > excluded.last_failure_at OR excluded.last_failure_at IS NULL
            THEN c.last_error ELSE excluded.last_error END
)
INSERT INTO connector_health (instance, process, breaker, attempts, failures, asked_at)
VALUES ($1, $8, $9, $10, $11, greatest($5::timestamptz, $6::timestamptz))
ON CONFLICT (instance, process) DO UPDATE SET breaker = excluded.breaker, attempts = excluded.attempts,
    failures = excluded.failures, asked_at = excluded.asked_at, told_at = now()
"""

# The worst breaker of the living processes is shown: where one of them is left alone, some callers get stored values.
ALL = f"""
SELECT c.instance, c.last_success_at, c.last_failure_at, c.last_error, h.breaker,
    h.failures::float8 / nullif(h.attempts, 0) AS error_rate
FROM connectors c LEFT JOIN (
    SELECT instance, (array_agg(breaker ORDER BY array_position('{{OPEN,HALF_OPEN,CLOSED}}', breaker)))[1] AS breaker,
        sum(attempts) AS attempts, sum(failures) AS failures
    FROM connector_health WHERE told_at > now() - interval '{LIVING_SECONDS} seconds' GROUP BY instance
) h USING (instance) ORDER BY c.instance
"""  # noqa: S608  # a number of our own

# This process counts though it has not asked yet: it may at any moment.
ASKING = f"""
SELECT instance, count(*)::int AS processes FROM connector_health
WHERE told_at > now() - interval '{LIVING_SECONDS} seconds'
  AND (asked_at > now() - interval '{ASKING_SECONDS} seconds' OR process = $1)
GROUP BY instance
"""  # noqa: S608  # numbers of our own

LEAVE = "DELETE FROM connector_health WHERE process = $1"
FORGET_PROCESSES = "DELETE FROM connector_health WHERE told_at < now() - interval '1 hour'"
FORGET = "DELETE FROM connectors WHERE seen_at < now() - make_interval(days => $1)"


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """`attempts` and `failures` are of the process's last hundred."""

    instance: str
    connector: str
    kind: str
    capabilities: Sequence[str]
    last_success_at: datetime.datetime | None
    last_failure_at: datetime.datetime | None
    last_error: str | None
    breaker: str
    attempts: int
    failures: int


async def tell(pool: Pool, process: uuid.UUID, told: Told) -> None:
    await pool.execute(
        TELL,
        *(told.instance, told.connector, told.kind, told.capabilities),
        *(told.last_success_at, told.last_failure_at, told.last_error),
        *(process, told.breaker, told.attempts, told.failures),
    )


async def asking(pool: Pool, process: uuid.UUID) -> Sequence[Record]:
    """By instance, how many processes ask it these days, this one included."""
    return await pool.fetch(ASKING, process)


async def leave(pool: Pool, process: uuid.UUID) -> None:
    """The process ends: what it saw stays, its breakers are gone."""
    await pool.execute(LEAVE, process)


async def everything(pool: Pool) -> Sequence[Record]:
    """Per instance: when it last answered and failed, the worst breaker and the error rate of all living processes."""
    return await pool.fetch(ALL)


async def forget(pool: Pool) -> None:
    """Processes that ended, and instances that no process has had for a week."""
    await pool.execute(FORGET_PROCESSES)
    await pool.execute(FORGET, REMEMBERED_DAYS)
