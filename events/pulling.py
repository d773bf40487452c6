"""Pulls from outside systems: page after page into the inbox, and only then is it noted how far we have come.

A crash between the two repeats a page, which changes nothing, because its records are the same events again.
"""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import enum
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

import structlog

import db.pulls
import db.unread
from connectors.base import Capability, Page, Unread
from connectors.errors import BadPayload, ConnectorError
from db.pool import Pool, Record
from db.pulls import Lease, LeaseLost
from domain.errors import OrdergraphError
from events.intake import NOTHING, Intake, Taken, utc_now

log = structlog.get_logger(__name__)
T = TypeVar("T")

Pull = Callable[[Any, dt.datetime | None, str | None], Awaitable[Page]]
PULLS: Final[Mapping[Capability, Pull]] = {
    Capability.ORDERS_PULL: lambda connector, since, cursor: connector.pull_orders(since, cursor),
    Capability.STOCK_PULL: lambda connector, since, cursor: connector.pull_stock(since, cursor),
    Capability.SUPPLY_PULL: lambda connector, since, cursor: connector.pull_supply(since, cursor),
    Capability.RETURNS_PULL: lambda connector, since, cursor: connector.pull_returns(since, cursor),
}
RENEW_SECONDS: Final = db.pulls.LEASE_SECONDS / 3
# So many entries of one page, and none of it can be read: not they are odd, the system is another.
CHANGED: Final = 5


class Mode(enum.StrEnum):
    """SYNC goes on from the watermark, BACKFILL takes all there is, RECONCILE looks for what webhooks lost."""

    SYNC = "SYNC"
    BACKFILL = "BACKFILL"
    RECONCILE = "RECONCILE"


class Calls(Protocol):
    """How a connector is called: by name, with all that protects us and the outside system."""

    async def call(self, instance: str, capability: Capability, work: Callable[[Any], Awaitable[T]]) -> T: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Windows:
    """`overlap`: how far before the watermark a sync asks again, for what the system lists late.

    `grace`: how long a webhook may take; `reconcile`: how far back is looked for what webhooks lost.
    """

    overlap: dt.timedelta = dt.timedelta(minutes=5)
    grace: dt.timedelta = dt.timedelta(minutes=10)
    reconcile: dt.timedelta = dt.timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """What this run took so far, and where the pull stands since it began, restarts included.

    `listed` of `total` orders, products or lines of the system are read; None: it does not say how many there are.
    """

    taken: Taken
    pages: int = 0
    records: int = 0
    newest_at: dt.datetime | None = None
    listed: int = 0
    total: int | None = None

    @classmethod
    def of(cls, taken: Taken, row: Record) -> "Progress":
        return cls(taken, row["pages"], row["records"], row["newest_at"], row["listed"], row["total"])


def silent(_: Progress) -> None:
    """Nobody looks."""


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """What to pull; `webhooks`: whether the system also tells by itself, so that old news were lost on the way."""

    instance: str
    capability: Capability
    mode: Mode = Mode.SYNC
    webhooks: bool = False


class Pulling:
    """Runs pulls; any number of processes may, one owner works on a target at a time."""

    def __init__(
        self,
        pool: Pool,
        intake: Intake,
        calls: Calls,
        windows: Windows | None = None,
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self.pool = pool
        self.intake = intake
        self.calls = calls
        self.windows = windows or Windows()
        self.now = now

    async def run(
        self, target: Target, *, after_seconds: float = 0.0, progress: Callable[[Progress], None] = silent
    ) -> Progress | None:
        """What was pulled; None while somebody else is at it, or when it was done within `after_seconds`.

        `progress` hears where it begins, which is not nothing after a crash, and of each page.
        Raises ConnectorError and the database's errors; the place is kept, and the next run goes on from there.
        """
        claimed = await db.pulls.claim(
            self.pool, target.instance, target.capability, target.mode, after_seconds=after_seconds
        )
        if claimed is None:
            return None
        lease, row = claimed
        try:
            async with renewed(lease):
                return await self._pull(target, lease, row, progress)
        except (ConnectorError, OrdergraphError) as error:
            # A cursor the system does not understand any more would fail for ever; a backfill is begun anew by people.
            anew = isinstance(error, BadPayload) and target.mode is not Mode.BACKFILL
            with contextlib.suppress(LeaseLost):
                await lease.fail(f"{error.code}: {error.message}", anew=anew)
            raise
        except LeaseLost:
            log.warning("pull taken over by another process", instance=target.instance, capability=target.capability)
            return None
        except BaseException:
            with contextlib.suppress(Exception):
                await lease.let_go()
            raise

    async def _pull(self, target: Target, lease: Lease, row: Record, progress: Callable[[Progress], None]) -> Progress:
        began_at, since, cursor = row["began_at"], row["since"], row["cursor"]
        state = Progress.of(NOTHING, row)
        if cursor is None:
            began_at = self.now()
            since = await self._since(target, row["watermark"], began_at)
            await lease.begin(began_at, since, began_at if target.mode is Mode.SYNC else None)
            state = Progress(NOTHING)
            if target.mode is Mode.BACKFILL:
                await db.pulls.sync_from(self.pool, target.instance, target.capability, began_at)
        progress(state)
        while True:
            page = await self._page(target, since, cursor)
            taken = await self._take(target, page)
            await self._put_aside(target, since, began_at, [*page.unread, *taken.unread])
            state = await self._step(lease, page, state, taken)
            progress(state)
            if page.cursor is None:
                break
            if page.cursor == cursor:
                raise BadPayload(f"{target.instance} tells the same page again: its cursor does not move.", "cursor")
            cursor = page.cursor
        await db.unread.forget(self.pool, target.instance, target.capability, began_at, since)
        await lease.finish(reached(began_at, state.newest_at))
        return state

    async def _page(self, target: Target, since: dt.datetime | None, cursor: str | None) -> Page:
        pull = PULLS[target.capability]
        return await self.calls.call(
            target.instance, target.capability, lambda connector: pull(connector, since, cursor)
        )

    async def _take(self, target: Target, page: Page) -> Taken:
        if len(page.unread) >= CHANGED and not page.records:
            # Not one order is odd but the vendor's API is another: to go on would put aside everything.
            raise page.unread[0].error
        lost = target.webhooks and target.mode is not Mode.BACKFILL
        return await self.intake.take(target.instance, page.records, self.now() - self.windows.grace if lost else None)

    async def _put_aside(
        self, target: Target, since: dt.datetime | None, began_at: dt.datetime, unread: Sequence[Unread]
    ) -> None:
        """What cannot be read stops nothing else, and is not forgotten."""
        if not unread:
            return
        told = [(one.reference, one.error.path, one.error.message) for one in unread]
        await db.unread.note(self.pool, target.instance, target.capability, since, began_at, told)
        log.warning(
            "entries cannot be read",
            instance=target.instance,
            capability=target.capability,
            number=len(unread),
            path=unread[0].error.path,
        )

    async def _step(self, lease: Lease, page: Page, state: Progress, taken: Taken) -> Progress:
        newest = max((record.occurred_at for record in page.records if record.occurred_at.tzinfo), default=None)
        row = await lease.step(page.cursor, newest, len(page.records), taken.news, page.listed, page.total)
        return Progress.of(state.taken + taken, row)

    async def _since(self, target: Target, watermark: dt.datetime | None, now: dt.datetime) -> dt.datetime | None:
        if target.mode is Mode.BACKFILL:
            return None
        if target.mode is Mode.RECONCILE:
            return now - self.windows.reconcile
        usual = (watermark or now) - self.windows.overlap
        unread_since = await db.unread.due(self.pool, target.instance, target.capability)
        return usual if unread_since is None else min(usual, unread_since)


def reached(began_at: dt.datetime, newest_at: dt.datetime | None) -> dt.datetime | None:
    """As far as the system itself has told, so that its clock need not be ours; None: it told nothing."""
    return None if newest_at is None else min(began_at, newest_at)


@contextlib.asynccontextmanager
async def renewed(lease: Lease) -> AsyncIterator[None]:
    """Keeps the lease while a page takes long; a lease that is lost is noticed by whoever writes next."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with contextlib.suppress(Exception):
                await lease.renew()

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
