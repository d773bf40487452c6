"""One endpoint's deliveries: one at a time, in the order of the log, from where the last one was taken.

Nothing is skipped but what does not concern the endpoint. What a receiver does not take is tried again, and what comes
after it waits. Everything written names the fence of the lease; when that is somebody else's now, this courier ends.
"""

import asyncio
import datetime
import random
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

import db.webhooks
import domain.webhook
from db.commands import journal, transactions
from db.pool import Connection, DatabaseError
from db.webhooks import Lease, Reached
from domain.errors import OrdergraphError
from domain.webhook import DeadReason, DisabledReason
from events.event import Event
from events.webhooks import signature
from events.webhooks.notice import Attempt, Notice, Stopped, Told, now_seconds

if TYPE_CHECKING:
    from events.webhooks.couriers import Couriers

log = structlog.get_logger(__name__)

SCAN: Final = 500
# Few, because a slow receiver is to see each as it is when it is sent, and by the rights of then.
BATCH: Final = 10
FRESH_SECONDS: Final = 5.0
RIGHTS_SECONDS: Final = 1.0
# Between two looks at the log while nothing in it concerns the endpoint.
PACE_SECONDS: Final = 0.05
LARGEST_BODY: Final = 256 * 1024
ENTITY: Final = "WEBHOOK"


class Lost(Exception):  # noqa: N818  # no error: somebody else delivers now, or nobody is to
    """The lease is not ours any more."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One that somebody wants to be tried again."""

    id: uuid.UUID
    journal_id: int
    position: int


class Courier:
    """Runs until it loses its lease or is cancelled."""

    def __init__(self, house: "Couriers", lease: Lease) -> None:
        self.house = house
        self.lease = lease
        self.position = lease.position
        self.epoch = "" if lease.ahead else lease.epoch
        self.attempts = lease.attempts
        self.woken = asyncio.Event()
        self.told: Told | None = None
        self.told_at = float("-inf")
        # Whoever asks for a dead letter takes the endpoint back, so it is enough to look once.
        self.letters = True

    @property
    def reached(self) -> Reached:
        return Reached(self.lease.id, self.lease.fence, self.position, self.epoch)

    def clock(self) -> float:
        return asyncio.get_running_loop().time()

    async def run(self) -> None:
        try:
            await asyncio.sleep(max(0.0, self.lease.due_in or 0.0))
            while True:
                await self.kept_on()
        except Stopped as stopped:
            await self.disable(stopped.reason)
        except Lost:
            log.info("webhook lease lost", endpoint=str(self.lease.id))

    async def kept_on(self) -> None:
        """One step, whatever the database does meanwhile; the lease may run out over it, and then others go on."""
        try:
            await self.step()
        except (OrdergraphError, OSError, TimeoutError, *DatabaseError) as error:
            log.warning("webhook waits for the database", endpoint=str(self.lease.id), error=type(error).__name__)
            await asyncio.sleep(random.uniform(0.2, 1.0))  # noqa: S311  # spreads retries, protects nothing

    async def step(self) -> None:
        """Deliver the next few, or wait for something to happen."""
        self.woken.clear()
        told = self.covered(self.told) if self.told is not None else await self.authorized()
        if self.letters:
            self.letters = await self.redeliver(told)
            return
        hub = self.house.hub
        if self.epoch != hub.epoch:
            await self.reset(told, "EPOCH_CHANGED")
            return
        events = await hub.after(self.position, SCAN)
        if self.epoch != hub.epoch:
            return
        if events is None:
            await self.reset(told, "RETENTION_PASSED")
        elif not events:
            await self.woken.wait()
        else:
            await self.tell(told, events)

    async def authorized(self) -> Told:
        """Asked again every second, and what the log says of revocations at once: rights that end stop the next
        delivery. Raises Stopped."""
        if self.told is None or self.clock() - self.told_at > RIGHTS_SECONDS:
            self.told = await self.house.tell(self.lease.owner, self.lease.document)
            self.told_at = self.clock()
        return self.covered(self.told)

    def covered(self, told: Told) -> Told:
        if self.house.hub.revocations.cover(told.actor):
            raise Stopped(DisabledReason.ACCESS_REVOKED)
        return told

    async def tell(self, told: Told, events: Sequence[Event]) -> None:
        concerned = [event for event in events if not told.topics.isdisjoint(event.topics())]
        batch = concerned[:BATCH]
        if batch:
            notices = await self.house.rendered(told, batch)
            until = self.clock() + FRESH_SECONDS
            for event, notice in zip(batch, notices, strict=True):
                if notice is not None and not await self.deliver(told, notice, until):
                    return
                self.position = event.position
        else:
            await asyncio.sleep(PACE_SECONDS)
        if len(batch) == len(concerned):
            self.position = events[-1].position

    async def reset(self, told: Told, reason: str) -> None:
        hub = self.house.hub
        epoch, position = hub.epoch, hub.position
        if await self.deliver(told, told.reset(reason, position), self.clock() + FRESH_SECONDS, epoch=epoch):
            self.position, self.epoch = position, epoch

    async def redeliver(self, told: Told) -> bool:
        """Dead letters come first: they are older than everything that waits. True when there was one."""
        rows = await db.webhooks.queued(self.house.pool, self.lease.id, BATCH)
        for row in rows:
            letter = DeadLetter(row["id"], row["journal_id"], row["position"])
            (notice,) = await self.house.rendered(told, [again(letter)])
            if notice is None:
                await transactions.run(self.house.pool, self.forgetting(letter.id))
            elif not await self.deliver(told, notice, self.clock() + FRESH_SECONDS, letter=letter):
                break
        return bool(rows)

    def forgetting(self, letter: uuid.UUID) -> Callable[[Connection], Awaitable[None]]:
        async def forget(connection: Connection) -> None:
            await db.webhooks.forget(connection, letter)

        return forget

    async def deliver(
        self, told: Told, notice: Notice, until: float, *, epoch: str | None = None, letter: DeadLetter | None = None
    ) -> bool:
        """False when the batch is to be made anew: it failed, took too long, or the owner's rights have changed."""
        if self.clock() > until or (await self.authorized()).actor != told.actor:
            return False
        if len(notice.body) > LARGEST_BODY:
            await self.bury(notice, DeadReason.TOO_LARGE, Attempt(error=f"{len(notice.body)} bytes"), letter)
            return True
        attempt = await self.attempt(notice)
        if attempt.taken:
            await self.taken(notice, attempt, epoch, letter)
            return True
        if attempt.status == domain.webhook.GONE:
            raise Stopped(DisabledReason.GONE)
        await self.failed(notice, attempt, letter)
        return False

    async def attempt(self, notice: Notice) -> Attempt:
        """The lease is asked for anew before each: it outlasts the receiver's time, so that two never deliver at once,
        and an endpoint that was changed meanwhile gets nothing by its old address or secret."""
        if self.lease.id not in await self.house.renew([self]):
            raise Lost
        return await self.house.send(self.lease.url, self.signed(notice), notice.body)

    async def taken(self, notice: Notice, attempt: Attempt, epoch: str | None, letter: DeadLetter | None) -> None:
        position = self.position if letter else notice.position
        at = Reached(self.lease.id, self.lease.fence, position, epoch or self.epoch)
        seconds = self.house.options.lease_seconds

        async def work(connection: Connection) -> bool:
            if letter is not None:
                await db.webhooks.forget(connection, letter.id)
            return await db.webhooks.delivered(connection, at, seconds, attempt.status or 0)

        if not await transactions.run(self.house.pool, work):
            raise Lost
        self.attempts = 0
        self.house.delivered += 1

    async def failed(self, notice: Notice, attempt: Attempt, letter: DeadLetter | None) -> None:
        """Write it down, then wait until it is time for the next attempt."""
        self.house.failures += 1
        options = self.house.options
        pause = domain.webhook.pause(self.attempts + 1, random.random(), attempt.retry_after)  # noqa: S311
        found = await db.webhooks.failed(
            self.house.pool,
            self.reached,
            status=attempt.status,
            error=attempt.error,
            pause=pause,
            lease_seconds=options.lease_seconds,
            budget_hours=options.budget_hours,
        )
        if found is None:
            raise Lost
        self.attempts, over = found
        if over:
            await self.bury(notice, DeadReason.FAILING, attempt, letter)
            raise Stopped(DisabledReason.FAILING)
        log.warning("webhook not taken", endpoint=str(self.lease.id), status=attempt.status, attempts=self.attempts)
        await asyncio.sleep(pause)

    async def bury(self, notice: Notice, reason: DeadReason, attempt: Attempt, letter: DeadLetter | None) -> None:
        """Kept to be seen and sent again. A reset is made anew whenever it is needed."""
        journal_id = letter.journal_id if letter else notice.journal_id
        if journal_id is None:
            return
        log.error("webhook event given up", endpoint=str(self.lease.id), reason=reason.value)

        async def work(connection: Connection) -> bool:
            return await db.webhooks.bury(
                connection,
                self.reached,
                message_id=notice.message_id,
                journal_id=journal_id,
                position=notice.position,
                reason=reason.value,
                attempts=self.attempts,
                status=attempt.status,
                error=attempt.error,
            )

        if not await transactions.run(self.house.pool, work):
            raise Lost

    async def disable(self, reason: DisabledReason) -> None:
        log.error("webhook endpoint disabled", endpoint=str(self.lease.id), reason=reason.value)
        data = {"reason": reason.value}
        entry = journal.Entry("WEBHOOK_DISABLED", ENTITY, self.lease.id, ("state",), data)
        origin = journal.Origin("system", "ordergraph", str(uuid.uuid4()), datetime.datetime.now(datetime.UTC))

        async def work(connection: Connection) -> None:
            version = await db.webhooks.disable(connection, self.reached, reason.value)
            if version is not None:
                await journal.write(connection, entry, origin, version=version)

        await transactions.run(self.house.pool, work)

    def signed(self, notice: Notice) -> dict[str, str]:
        sealed = [secret for secret in (self.lease.secret, self.lease.secret_before) if secret is not None]
        try:
            secrets = [self.house.unseal(secret) for secret in sealed]
        except ValueError:
            raise Stopped(DisabledReason.SECRET_LOST) from None
        return signature.headers(secrets, notice.message_id, now_seconds(), notice.body)


def again(letter: DeadLetter) -> Event:
    """Enough of an event to be rendered."""
    return Event(letter.position, letter.journal_id, "", letter.id, None, None)
