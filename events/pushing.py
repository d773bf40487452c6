"""Tells outside systems how much of our stock they may offer: the newest value of what changed, one after the other.

One process at a time tells an instance (a lease), and notes each telling with its key before the call: after a crash
or a lost answer the same goes out again under the same key, and another value only under another. Where an older
telling may still be on its way when a newer one is told, the newest is told once more when that has settled.
"""

import asyncio
import contextlib
import datetime as dt
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog

import db.stock_offers
import db.stock_pushes
from connectors.base import Capability, Pushed, StockTarget
from connectors.errors import BadPayload, BreakerOpen, ConnectorError, NotAsked, RateLimited, Unreachable
from db.pool import Pool
from db.stock_pushes import Asked
from domain.errors import OrdergraphError
from events.intake import utc_now
from events.pulling import Calls

log = structlog.get_logger(__name__)

# A vendor that takes one at a time, twice a second, is done with as many in an attempt of the runtime.
AT_ONCE: Final = 50
CALL_SECONDS: Final = 120.0
IDLE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0
HOLD_SECONDS: Final = 60.0
COMPARE_EVERY: Final = dt.timedelta(minutes=15)
LEAVE_SECONDS: Final = 2.0


class Pushing:
    """Tells the instances of `told` about their locations; any number of processes may."""

    def __init__(
        self,
        pool: Pool,
        calls: Calls,
        told: Mapping[str, Sequence[str]],
        others: Sequence[str] = (),
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self.pool = pool
        self.calls = calls
        self.told = told
        self.others = others
        self.now = now
        self.owner = uuid.uuid4()
        self.looked: dict[str, float] = {}

    async def configure(self) -> None:
        """From now on changes are marked; what there is already is found by the first comparison."""
        await db.stock_pushes.configure(self.pool, self.told, self.others)

    async def run(self) -> None:
        """Until cancelled. Each instance has a loop of its own, so a slow one delays no other."""
        await self.configure()
        try:
            async with asyncio.TaskGroup() as tasks:
                for instance in self.told:
                    tasks.create_task(self._keep_on(instance))
        finally:
            await self.leave()

    async def leave(self) -> None:
        """Others need not wait for our leases to end. Never raises: it must not stop an end."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(LEAVE_SECONDS):
                await db.stock_pushes.let_go(self.pool, self.owner)

    async def _keep_on(self, instance: str) -> None:
        pause = IDLE_SECONDS
        while True:
            try:
                told = await self.round(instance)
            except Exception as error:
                told = None
                log.warning("stock not told", instance=instance, error=type(error).__name__)
            # What fails for one fails for all that wait: the system is left alone for a while.
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS) if told is None else IDLE_SECONDS
            if not told:
                await asyncio.sleep(pause)

    async def round(self, instance: str) -> int | None:
        """Tells some of what is due: how many targets were done with, 0 for nothing to do. None: it failed."""
        if not await self._looks(instance):
            return 0
        held = await db.stock_pushes.hold(self.pool, instance, self.owner)
        if held is None:
            return 0
        if held["compared_at"] is None or held["compared_at"] < self.now() - COMPARE_EVERY:
            await self._compare(instance)
        marks = await db.stock_pushes.fold(self.pool)
        claimed = await db.stock_pushes.claim(self.pool, instance, self.owner, AT_ONCE, self.now())
        if claimed is None:
            return 0
        if claimed.asked and not await self._tell(instance, claimed.asked):
            return None
        return claimed.seen or marks

    async def _looks(self, instance: str) -> bool:
        """Whether there is something to do; now and then the lease and the comparison are seen to anyway."""
        now = time.monotonic()
        if now - self.looked.get(instance, -HOLD_SECONDS) >= HOLD_SECONDS:
            self.looked[instance] = now
            return True
        return await db.stock_pushes.due(self.pool, instance)

    async def _compare(self, instance: str) -> None:
        """Marks what the system should know and does not: all at first, later only what was missed."""
        wrong = 0
        async for rows in self._levels(instance):
            found = [row for row in rows if db.stock_offers.drifted(row, instance)]
            wrong += sum(row["state"] is not None for row in found)
            await db.stock_offers.mark(self.pool, found)
        if wrong:
            log.warning("stock had drifted", instance=instance, targets=wrong)
        await db.stock_offers.compared(self.pool, instance, self.owner, wrong)

    async def again(self, instance: str) -> int:
        """All of the instance's stock waits to be told, whatever it was told; how much that is."""
        total = 0
        async for rows in self._levels(instance):
            await db.stock_offers.again(self.pool, instance, rows)
            total += len(rows)
        return total

    async def _levels(self, instance: str) -> Any:
        after = (db.stock_offers.NOBODY, db.stock_offers.NOBODY)
        while rows := await db.stock_offers.levels(self.pool, instance, after):
            yield rows
            after = (rows[-1]["item_id"], rows[-1]["location_id"])

    async def _tell(self, instance: str, asked: Sequence[Asked]) -> bool:
        """Whether the system could be asked. One target that it does not understand is parted from the others."""
        try:
            results = await self._call(instance, asked)
        except BadPayload as error:
            if len(asked) == 1:
                await self._failed(instance, asked, error)
                return True
            half = len(asked) // 2
            for part in (asked[:half], asked[half:]):
                if await db.stock_pushes.hold(self.pool, instance, self.owner) is None:
                    return True
                if not await self._tell(instance, part):
                    return False
            return True
        except Exception as error:
            await self._failed(instance, asked, error)
            return False
        told = [(one, result.refused) for one, result in zip(asked, results, strict=True)]
        for one, refused in told:
            if refused is not None:
                log.warning("stock refused", instance=instance, sku=one.sku, location=one.location, code=refused)
        await db.stock_pushes.settle(self.pool, instance, told)
        return True

    async def _call(self, instance: str, asked: Sequence[Asked]) -> Sequence[Pushed]:
        targets = [StockTarget(one.sku, one.location, one.available, str(one.key)) for one in asked]
        try:
            async with asyncio.timeout(CALL_SECONDS):
                results: Sequence[Pushed] = await self.calls.call(
                    instance, Capability.STOCK_PUSH, lambda connector: connector.push_stock(targets)
                )
        except TimeoutError:
            raise Unreachable(f"{instance} did not answer within {CALL_SECONDS:g} s.") from None
        if len(results) != len(targets):
            raise BadPayload(f"The connector of {instance} gave {len(results)} results for {len(targets)} targets.")
        return results

    async def _failed(self, instance: str, asked: Sequence[Asked], error: Exception) -> None:
        why = f"{error.code}: {error.message}" if isinstance(error, OrdergraphError) else type(error).__name__
        log.warning("stock not told", instance=instance, targets=len(asked), why=why)
        wait = error.retry_after if isinstance(error, (RateLimited, BreakerOpen)) else None
        await db.stock_pushes.fail(
            self.pool,
            instance,
            asked,
            why,
            lasting=isinstance(error, BadPayload) or not isinstance(error, ConnectorError),
            counts=not isinstance(error, NotAsked),
            # A system that names a week would be a system that is broken.
            wait=dt.timedelta(seconds=min(wait or 0.0, 3600.0)),
        )
