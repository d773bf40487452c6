"""Which endpoints this process delivers to. Any number of processes share them: each has one holder at a time.

A lease is renewed while its holder lives, and given back when it ends. When it dies, somebody else takes the lease once
it is over; the fence that comes with each taking keeps late writes of the one before out.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

import db.webhooks
from db.pool import DatabaseError, Pool
from db.webhooks import Counts, Lease
from domain.errors import OrdergraphError
from events.event import Event
from events.hub import Hub
from events.webhooks.courier import ENTITY, Courier
from events.webhooks.notice import Notice, Send, Tell, Told, Unseal

log = structlog.get_logger(__name__)

ROUND_SECONDS: Final = 1.0
# At most so many are taken in one round, so that processes that start together share them.
AT_ONCE: Final = 8
MOST: Final = 200
RENDERS: Final = 2
COUNT_SECONDS: Final = 15.0
# What a lease has beyond the longest delivery.
LEASE_SLACK_SECONDS: Final = 5.0
RELEASE_SECONDS: Final = 2.0
NOT_COUNTED: Final = Counts(0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class CourierOptions:
    """`send_seconds` is how long a receiver may take; after `budget_hours` of failures an endpoint is disabled."""

    send_seconds: float = 10.0
    budget_hours: float = 24.0

    @property
    def lease_seconds(self) -> float:
        return self.send_seconds + LEASE_SLACK_SECONDS


class Couriers:
    """Runs until cancelled. `delivered`, `failures` and `counts` are for metrics."""

    def __init__(self, pool: Pool, hub: Hub, tell: Tell, send: Send, unseal: Unseal, options: CourierOptions) -> None:
        self.pool = pool
        self.hub = hub
        self.tell = tell
        self.send = send
        self.unseal = unseal
        self.options = options
        self.delivered = 0
        self.failures = 0
        self.counts = NOT_COUNTED
        self.at_work: dict[uuid.UUID, tuple[Courier, asyncio.Task[None]]] = {}
        self.renders = asyncio.Semaphore(RENDERS)
        self._hint = asyncio.Event()
        self._counted_at = float("-inf")
        self._renewed_at = float("-inf")
        self._newest = 0

    def advanced(self, events: Sequence[Event]) -> None:
        """Called by the hub with what is new in the log."""
        back = events[0].position <= self._newest
        self._newest = events[-1].position
        for courier, _ in self.at_work.values():
            if back:
                # The log was replaced by an older one under the same name: what is ahead of it is another story.
                courier.epoch = ""
            courier.woken.set()
        if any(event.entity == ENTITY for event in events):
            self._hint.set()

    async def run(self) -> None:
        self.hub.watchers.append(self.advanced)
        try:
            while True:
                try:
                    await self.round()
                except (OrdergraphError, OSError, TimeoutError, *DatabaseError) as error:
                    log.warning("webhooks wait for the database", error=type(error).__name__)
                await self.pause()
        finally:
            self.hub.watchers.remove(self.advanced)
            await self.stop()

    async def pause(self) -> None:
        """Until the next round; when an endpoint was changed, at once, and with a look whether ours are still ours."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hint.wait(), ROUND_SECONDS)
            self._renewed_at = float("-inf")
        self._hint.clear()

    async def round(self) -> None:
        self.sweep()
        if time.monotonic() - self._renewed_at > self.options.lease_seconds / 3:
            self._renewed_at = time.monotonic()
            couriers = [courier for courier, _ in self.at_work.values()]
            held = await self.renew(couriers)
            for courier in couriers:
                if courier.lease.id not in held:
                    self.end(courier)
        free = min(AT_ONCE, MOST - len(self.at_work))
        if free > 0:
            for lease in await db.webhooks.claim(self.pool, free, self.options.lease_seconds):
                self.start(lease)
        if time.monotonic() - self._counted_at > COUNT_SECONDS:
            self._counted_at = time.monotonic()
            self.counts = await db.webhooks.counts(self.pool)

    def sweep(self) -> None:
        """Forget those who ended. One that ended by a defect is logged, and its lease runs out."""
        for endpoint, (_, task) in list(self.at_work.items()):
            if task.done():
                del self.at_work[endpoint]
                if not task.cancelled() and (error := task.exception()) is not None:
                    log.error("webhook courier failed", endpoint=str(endpoint), exc_info=error)

    def start(self, lease: Lease) -> None:
        before = self.at_work.pop(lease.id, None)
        if before is not None:
            before[1].cancel()
        courier = Courier(self, lease)
        self.at_work[lease.id] = courier, asyncio.create_task(courier.run())

    async def renew(self, couriers: Sequence[Courier]) -> set[uuid.UUID]:
        """The endpoints among theirs that are still held."""
        if not couriers:
            return set()
        reached = [courier.reached for courier in couriers]
        return await db.webhooks.renew(self.pool, reached, self.options.lease_seconds)

    def end(self, courier: Courier) -> None:
        found = self.at_work.get(courier.lease.id)
        if found is not None and found[0] is courier:
            del self.at_work[courier.lease.id]
            found[1].cancel()

    async def rendered(self, told: Told, events: Sequence[Event]) -> Sequence[Notice | None]:
        """A few at a time: subscribers wait for the same database."""
        async with self.renders:
            return await told.notices(events)

    async def stop(self) -> None:
        """Give the leases back, so that others go on at once."""
        ended = list(self.at_work.values())
        self.at_work.clear()
        for _, task in ended:
            task.cancel()
        await asyncio.gather(*(task for _, task in ended), return_exceptions=True)
        with contextlib.suppress(OrdergraphError, OSError, TimeoutError, *DatabaseError):
            async with asyncio.timeout(RELEASE_SECONDS):
                await db.webhooks.release(self.pool, [courier.reached for courier, _ in ended])
