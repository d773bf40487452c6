"""SQL of pulls from outside systems: one owner at a time, its place kept after every page."""

import dataclasses
import datetime
import uuid
from collections.abc import Sequence
from typing import Any, Final

from db.pool import Pool, Record

LEASE_SECONDS: Final = 60.0

COLUMNS: Final = (
    "instance, capability, mode, watermark, began_at, since, cursor, newest_at, pages, records, listed, total, missed,"
    " finished_at, failed_at, error, lease_until"
)

# Somebody else's lease counts until its end. `$6` seconds must have passed since the last run, however it ended.
CLAIM = f"""
INSERT INTO connector_watermarks AS w (instance, capability, mode, owner, lease_until)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
ON CONFLICT (instance, capability, mode) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until
WHERE (w.lease_until IS NULL OR w.lease_until < now())
  AND coalesce(greatest(w.finished_at, w.failed_at), '-infinity') <= now() - make_interval(secs => $6)
RETURNING {COLUMNS}
"""  # noqa: S608  # the names of our own columns

BEGIN = """
UPDATE connector_watermarks SET began_at = $5, since = $6, watermark = coalesce(watermark, $7), cursor = NULL,
    newest_at = NULL, pages = 0, records = 0, listed = 0, total = NULL
WHERE instance = $1 AND capability = $2 AND mode = $3 AND owner = $4 RETURNING true
"""

STEP = """
UPDATE connector_watermarks SET cursor = $5, newest_at = greatest(newest_at, $6), pages = pages + 1,
    records = records + $7, missed = missed + $8, lease_until = now() + make_interval(secs => $9),
    listed = listed + $10, total = coalesce($11, total)
WHERE instance = $1 AND capability = $2 AND mode = $3 AND owner = $4 RETURNING newest_at, pages, records, listed, total
"""

RENEW = """
UPDATE connector_watermarks SET lease_until = now() + make_interval(secs => $5)
WHERE instance = $1 AND capability = $2 AND mode = $3 AND owner = $4 RETURNING true
"""

FINISH = """
UPDATE connector_watermarks SET watermark = greatest(watermark, $5), cursor = NULL, began_at = NULL,
    finished_at = now(), failed_at = NULL, error = NULL, owner = NULL, lease_until = NULL
WHERE instance = $1 AND capability = $2 AND mode = $3 AND owner = $4 RETURNING true
"""

FAIL = """
UPDATE connector_watermarks SET failed_at = now(), error = $5, owner = NULL, lease_until = NULL,
    cursor = CASE WHEN $6 THEN NULL ELSE cursor END, began_at = CASE WHEN $6 THEN NULL ELSE began_at END
WHERE instance = $1 AND capability = $2 AND mode = $3 AND owner = $4 RETURNING true
"""

LET_GO = """
UPDATE connector_watermarks SET owner = NULL, lease_until = NULL
WHERE instance = $1 AND capability = $2 AND mode = $3 AND owner = $4 RETURNING true
"""

# What changes while a backfill runs is left to the sync that follows, so it must not begin later than that.
SYNC_FROM = """
INSERT INTO connector_watermarks AS w (instance, capability, mode, watermark) VALUES ($1, $2, 'SYNC', $3)
ON CONFLICT (instance, capability, mode) DO UPDATE SET watermark = excluded.watermark WHERE w.watermark IS NULL
"""

ALL = f"SELECT {COLUMNS} FROM connector_watermarks ORDER BY instance, capability, mode"  # noqa: S608  # the same

HOLDER = "SELECT lease_until FROM connector_watermarks WHERE instance = $1 AND capability = $2 AND mode = $3"


class LeaseLost(Exception):  # noqa: N818  # says what happened
    """Somebody else has taken this pull over; nothing more may be written for it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Lease:
    """One run's right to a pull. Every write raises LeaseLost once somebody else has it."""

    pool: Pool
    instance: str
    capability: str
    mode: str
    owner: uuid.UUID

    async def begin(
        self, began_at: datetime.datetime, since: datetime.datetime | None, first: datetime.datetime | None
    ) -> None:
        """`first` is the watermark from now on, if there is none: a first run that dies must not begin later again."""
        await self._write(BEGIN, began_at, since, first)

    async def step(
        self,
        cursor: str | None,
        newest_at: datetime.datetime | None,
        records: int,
        missed: int,
        listed: int,
        total: int | None,
    ) -> Record:
        """One more page is in the inbox; where the pull stands with all its pages so far."""
        row = await self.pool.fetchrow(
            STEP, *self._named, cursor, newest_at, records, missed, LEASE_SECONDS, listed, total
        )
        if row is None:
            raise LeaseLost
        return row

    async def renew(self) -> None:
        await self._write(RENEW, LEASE_SECONDS)

    async def finish(self, watermark: datetime.datetime | None) -> None:
        """The watermark never goes back."""
        await self._write(FINISH, watermark)

    async def fail(self, why: str, *, anew: bool) -> None:
        """`anew`: the next run begins from the start and does not ask for the kept cursor again."""
        await self._write(FAIL, why, anew)

    async def let_go(self) -> None:
        await self._write(LET_GO)

    @property
    def _named(self) -> tuple[str, str, str, uuid.UUID]:
        return self.instance, self.capability, self.mode, self.owner

    async def _write(self, sql: str, *values: Any) -> None:
        if not await self.pool.fetchval(sql, *self._named, *values):
            raise LeaseLost


async def claim(
    pool: Pool, instance: str, capability: str, mode: str, *, after_seconds: float = 0.0
) -> tuple[Lease, Record] | None:
    """The lease and the row as it stands; None while somebody else has it, or when it ran only just now."""
    owner = uuid.uuid4()
    row = await pool.fetchrow(CLAIM, instance, capability, mode, owner, LEASE_SECONDS, after_seconds)
    return None if row is None else (Lease(pool, instance, capability, mode, owner), row)


async def sync_from(pool: Pool, instance: str, capability: str, watermark: datetime.datetime) -> None:
    await pool.execute(SYNC_FROM, instance, capability, watermark)


async def held_until(pool: Pool, instance: str, capability: str, mode: str) -> datetime.datetime | None:
    found: datetime.datetime | None = await pool.fetchval(HOLDER, instance, capability, mode)
    return found


async def everything(pool: Pool) -> Sequence[Record]:
    return await pool.fetch(ALL)
