"""Follows parcels: carriers that tell by themselves are asked to, the others are asked how far a parcel is.

What a carrier says comes into the inbox as its webhooks do. A parcel of which it tells is looked at twice a day all the
same, and what was lost on the way is counted.
"""

import asyncio
import dataclasses
import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog

import db.followed
from connectors.base import Capability, Parcel
from connectors.errors import BreakerOpen, ConnectorError, NotAsked, RateLimited
from db.followed import Number
from db.pool import Pool, Record
from domain import following
from domain.records import TrackingRecord
from domain.status import TERMINAL_SHIPMENT, ShipmentStatus
from events.intake import Intake, utc_now
from events.pulling import Calls

log = structlog.get_logger(__name__)

CALL_SECONDS: Final = 120.0
IDLE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 60.0
FIND_SECONDS: Final = 30.0
TIDY_SECONDS: Final = 3600.0
# Part of a vendor's limit that is left to those who look at a parcel right now.
RESERVED: Final = 0.25
# An alert is renewed so long before its end; a carrier that refused one is asked again after as long.
RENEW_BEFORE: Final = dt.timedelta(days=2)
# A webhook may take so long before its news count as lost.
GRACE: Final = dt.timedelta(hours=1)
SOON: Final = dt.timedelta(minutes=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Follower:
    """What an instance is asked about: parcels of `carriers`, `at_once` in a call.

    `watches`: it can be asked to tell of a parcel. `tells`: it does so of each that it was asked about once.
    """

    carriers: Sequence[str]
    at_once: int = 8
    watches: bool = False
    tells: bool = False


class Following:
    """Any number of processes may; each parcel has one owner at a time. `spare` is the part of a limit that is left."""

    def __init__(
        self,
        pool: Pool,
        intake: Intake,
        calls: Calls,
        followers: Mapping[str, Follower],
        spare: Callable[[str], float] = lambda _: 1.0,
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self.pool = pool
        self.intake = intake
        self.calls = calls
        self.followers = followers
        self.spare = spare
        self.now = now
        self._found: dict[str, float] = {}
        self._tidied: dict[str, float] = {}

    async def run(self) -> None:
        """Until cancelled. Each instance has a loop of its own, so a slow one delays no other."""
        async with asyncio.TaskGroup() as tasks:
            for instance in self.followers:
                tasks.create_task(self._keep_on(instance))

    async def _keep_on(self, instance: str) -> None:
        pause = IDLE_SECONDS
        while True:
            try:
                await self._look_around(instance)
                looked = await self.round(instance)
            except Exception as error:
                looked = None
                log.warning("parcels not followed", instance=instance, error=type(error).__name__)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS) if looked is None else IDLE_SECONDS
            if not looked:
                await asyncio.sleep(pause)

    async def _look_around(self, instance: str) -> None:
        now = time.monotonic()
        if now - self._found.get(instance, -FIND_SECONDS) >= FIND_SECONDS:
            await self.find(instance)
            self._found[instance] = now
        if now - self._tidied.get(instance, -TIDY_SECONDS) >= TIDY_SECONDS:
            await db.followed.let_go(self.pool, instance)
            self._tidied[instance] = now

    async def find(self, instance: str) -> None:
        await db.followed.find(self.pool, instance, self.followers[instance].carriers, following.FOLLOWED_FOR)

    async def round(self, instance: str) -> int | None:
        """Looks at some of what is due: how many that were. None: it failed as a whole, and all of them wait."""
        if self.spare(instance) < RESERVED:
            return 0
        rows = await db.followed.claim(self.pool, instance, self.followers[instance].at_once)
        if not rows:
            return 0
        if self.followers[instance].watches:
            rows = await self._watch(instance, rows)
        return await self._look(instance, rows)

    async def _watch(self, instance: str, rows: Sequence[Record]) -> Sequence[Any]:
        """Asks for alerts of those that have none, or not for long any more; the rows as they are then."""
        now = self.now()
        wanted = [row for row in rows if _unwatched(row, now)]
        if not wanted:
            return rows
        parcels = [Parcel(*_number(row)) for row in wanted]
        try:
            until = await self.calls.call(instance, Capability.TRACKING_ALERTS, lambda one: one.watch(parcels))
        except ConnectorError as error:
            # They are asked about as often as those that nobody tells of, until it can be done.
            log.warning("alerts not asked for", instance=instance, code=error.code)
            return rows
        told = list(zip([_number(row) for row in wanted], until, strict=True))
        await db.followed.watched(self.pool, instance, told)
        fresh = dict(told)
        return [{**row, "watched_until": fresh.get(_number(row), row["watched_until"])} for row in rows]

    async def _look(self, instance: str, rows: Sequence[Any]) -> int | None:
        parcels = [Parcel(*_number(row)) for row in rows]
        try:
            answers = await self.calls.call(instance, Capability.TRACKING, lambda one: one.track(parcels))
        except ConnectorError as error:
            await db.followed.failed(self.pool, instance, [_failure(row, error) for row in rows])
            return None
        errors = [(row, told) for row, told in zip(rows, answers, strict=True) if isinstance(told, ConnectorError)]
        seen = [(row, told) for row, told in zip(rows, answers, strict=True) if not isinstance(told, ConnectorError)]
        await self._take(instance, seen)
        pauses = [(_number(row), self._pause(instance, row, scans)) for row, scans in seen]
        await db.followed.looked(self.pool, instance, pauses)
        if errors:
            await db.followed.failed(self.pool, instance, [_failure(row, error) for row, error in errors])
        over = [_number(row) for row, scans in seen if scans and _newest(scans).status in TERMINAL_SHIPMENT]
        if over:
            await db.followed.let_go(self.pool, instance, over)
        return len(rows)

    async def _take(self, instance: str, seen: Sequence[tuple[Any, Sequence[TrackingRecord]]]) -> None:
        """What a carrier should have told long ago, of a parcel that it tells of, was lost on the way."""
        missed = 0
        for row, scans in seen:
            known = row["looked_at"] is not None and self._told(instance, row)
            taken = await self.intake.take(instance, scans, self.now() - GRACE if known else None)
            missed += taken.news
        if missed:
            await db.followed.missed(self.pool, instance, missed)

    def _told(self, instance: str, row: Any) -> bool:
        until = row["watched_until"]
        return self.followers[instance].tells or (until is not None and until > self.now())

    def _pause(self, instance: str, row: Any, scans: Sequence[TrackingRecord]) -> dt.timedelta:
        newest = _newest(scans) if scans else None
        status, moved_at = (newest.status, newest.occurred_at) if newest else (row["status"], row["moved_at"])
        told = self._told(instance, row) and bool(scans)
        return following.pause(ShipmentStatus(status), self.now() - moved_at, told=told)


def _number(row: Any) -> Number:
    return row["carrier"], row["tracking_number"]


def _newest(scans: Sequence[TrackingRecord]) -> TrackingRecord:
    return max(scans, key=lambda scan: scan.occurred_at)


def _unwatched(row: Record, now: dt.datetime) -> bool:
    until, refused = row["watched_until"], row["watch_refused_at"]
    if refused is not None and refused > now - RENEW_BEFORE:
        return False
    return until is None or until < now + RENEW_BEFORE


def _failure(row: Any, error: ConnectorError) -> tuple[Number, dt.timedelta, str | None]:
    asked = error.retry_after if isinstance(error, RateLimited | BreakerOpen) else None
    wait = dt.timedelta(seconds=min(asked or 0.0, 21_600.0))
    unasked = isinstance(error, NotAsked | RateLimited)
    return _number(row), max(wait, SOON), None if unasked else f"{error.code}: {error.message}"
