"""Fan-out: every process reads the log once, and tells each group of subscribers what concerns it.

The log is the truth and the bus is a hint: a hint makes the next look come sooner, and without any the hub looks every
`POLL_SECONDS`. A subscriber is live only when nothing between its position and the log's end is missing.
"""

import asyncio
import contextlib
import datetime as dt
import random
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Protocol, TypeVar

import structlog

from domain.actor import Actor
from domain.errors import OrdergraphError, Overloaded, Unavailable
from domain.revocation import Revocation, Revocations
from events.event import Event, Topic
from events.group import Group, Question
from events.ring import Ring
from events.sink import Ended, Sink
from events.subscriber import Subscriber

log = structlog.get_logger(__name__)
T = TypeVar("T")

POLL_SECONDS = 0.25
READ_BATCH = 2000
HEAD_SECONDS = 5.0
ATTEMPTS = 4


class Log(Protocol):
    """The event log, wherever it is."""

    async def head(self) -> tuple[str, int, int]:
        """(epoch, oldest position no longer kept, newest position)"""
        ...

    async def read(self, after: int, limit: int) -> Sequence[Event]: ...

    async def revocations(self) -> Sequence[Revocation]:
        """All that count now."""
        ...


class Hub:
    """All subscriptions of a process. `start` reads the log's head; `run` serves until cancelled."""

    def __init__(self, events: Log, *, ring_size: int = 50_000, renders: int = 4, catch_ups: int = 8) -> None:
        self.log = events
        self.ring = Ring(ring_size)
        self.epoch = ""
        self.oldest = 0
        self.position = 0
        # Raised whenever positions do not follow from those before: what was begun before it is void.
        self.generation = 0
        self.pushed = 0
        self.groups: dict[Hashable, Group] = {}
        self.by_topic: dict[Topic, set[Group]] = {}
        self.subscribers: set[Subscriber] = set()
        # Learned from the log, so that nothing that is after a revocation in it goes to whom it concerns.
        self.revocations = Revocations()
        # Called after the subscriptions concerned were ended, with all revocations there are.
        self.on_revoked: Callable[[Revocations], None] = lambda _: None
        self.renders = asyncio.Semaphore(renders)
        self.catch_ups = asyncio.Semaphore(catch_ups)
        # Told of everything that is read from the log, after the subscribers.
        self.watchers: list[Callable[[Sequence[Event]], None]] = []
        self._hint = asyncio.Event()

    def jitter(self) -> float:
        return random.uniform(0.05, 0.5)  # noqa: S311  # spreads retries, protects nothing

    async def persistent(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The database's answer, however long it is away; other failures are tried a few times."""
        attempt = 0
        while True:
            try:
                return await ask()
            except (Unavailable, Overloaded):
                await asyncio.sleep(self.jitter())
            except OrdergraphError:
                attempt += 1
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(self.jitter())

    def hint(self) -> None:
        """Something may be new: look now."""
        self._hint.set()

    async def start(self) -> None:
        self.epoch, self.oldest, self.position = await self.log.head()
        self.revocations.add(await self.log.revocations())

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.tail())
            tasks.create_task(self.tick())

    async def tail(self) -> None:
        looked = time.monotonic()
        while True:
            try:
                more = await self.look()
                if time.monotonic() - looked > HEAD_SECONDS:
                    looked = time.monotonic()
                    await self.check_epoch()
            except OrdergraphError as error:
                log.warning("the event log cannot be read", code=error.code)
                more = False
                await asyncio.sleep(self.jitter())
            if not more:
                await self.wait()

    async def wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hint.wait(), POLL_SECONDS)
        self._hint.clear()

    async def look(self) -> bool:
        """Read and dispatch what is new; True when there may be more at once."""
        events = await self.log.read(self.position, READ_BATCH)
        if events and events[0].position != self.position + 1:
            log.error("the event log has a gap", after=self.position, found=events[0].position)
            await self.restart(self.epoch, events[0].position - 1, "RETENTION_PASSED")
        self.dispatch(events)
        return len(events) == READ_BATCH

    def dispatch(self, events: Sequence[Event]) -> None:
        self.ring.add(events)
        for event in events:
            self.position = event.position
            concerned = {group for topic in event.topics() for group in self.by_topic.get(topic, ())}
            for group in concerned:
                group.offer(event)
        # Nothing was rendered yet of what was offered just now.
        self.revoke([event.revocation for event in events if event.revocation is not None])
        if events:
            for watch in self.watchers:
                watch(events)

    def revoke(self, found: Sequence[Revocation]) -> None:
        """End the subscriptions of whose access was withdrawn, and let nobody come back with it."""
        if not found:
            return
        self.revocations.add(found)
        for subscriber in list(self.subscribers):
            if subscriber.actor is not None and self.revocations.cover(subscriber.actor):
                subscriber.end(Ended.REVOKED)
        self.on_revoked(self.revocations)

    async def check_epoch(self) -> None:
        """Positions of another epoch name other events: everybody starts anew."""
        epoch, oldest, newest = await self.log.head()
        self.oldest = oldest
        if epoch != self.epoch or newest < self.position:
            log.error("the event log was replaced", before=self.epoch, now=epoch, position=self.position, newest=newest)
            await self.restart(epoch, newest, "EPOCH_CHANGED")
        elif oldest > self.position:
            log.error("the event log went on without this process", position=self.position, oldest=oldest)
            await self.restart(epoch, newest, "RETENTION_PASSED")

    async def restart(self, epoch: str, position: int, reason: str) -> None:
        """Go on from a position that does not follow from ours, and tell everybody."""
        # Some may stand in what is skipped.
        self.revoke(await self.log.revocations())
        self.epoch, self.position = epoch, position
        self.generation += 1
        self.ring.clear()
        for group in self.groups.values():
            group.give_up()
        for subscriber in list(self.subscribers):
            subscriber.reset(reason)

    async def after(self, position: int, limit: int) -> Sequence[Event] | None:
        """Events after a position, up to the hub's own; None when the first of them is no longer kept."""
        kept = self.ring.after(position, limit)
        if kept is not None:
            return kept
        newest = self.position
        if position < self.oldest:
            return None
        found = await self.persistent(lambda: self.log.read(position, limit))
        # Old events may be dropped at any time: what is not there says so itself.
        if position < newest and (not found or found[0].position != position + 1):
            return None
        return [event for event in found if event.position <= self.position]

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            self.check_all(dt.datetime.now(dt.UTC), time.monotonic())

    def check_all(self, now: dt.datetime, clock: float) -> None:
        """End what has expired, and give a sign of life to who heard nothing for long."""
        for subscriber in list(self.subscribers):
            if subscriber.actor is not None and subscriber.actor.expired(now):
                subscriber.end(Ended.TOKEN_EXPIRED)
            elif clock - subscriber.pushed_at > subscriber.patience:
                subscriber.checkpoint()

    def join(self, question: Question, sink: Sink, after: int | None, *, actor: Actor | None = None) -> Subscriber:
        """Subscribe from a position, or from now. Comes live at once when nothing is missing."""
        group = self.groups.get(question.key)
        if group is None:
            group = self.groups[question.key] = Group(self, question)
            for topic in question.topics:
                self.by_topic.setdefault(topic, set()).add(group)
        group.members += 1
        subscriber = Subscriber(self, group, sink, self.position if after is None else after, actor)
        self.subscribers.add(subscriber)
        if not subscriber.joined():
            subscriber.lag()
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        self.subscribers.discard(subscriber)
        group = subscriber.group
        group.live.discard(subscriber)
        group.members -= 1
        if group.members == 0 and self.groups.get(group.question.key) is group:
            del self.groups[group.question.key]
            for topic in group.question.topics:
                self.by_topic[topic].discard(group)
                if not self.by_topic[topic]:
                    del self.by_topic[topic]

    def shut_down(self) -> None:
        """Tell everybody how far they have come; they go on elsewhere."""
        for subscriber in list(self.subscribers):
            subscriber.end(Ended.SHUTDOWN)
