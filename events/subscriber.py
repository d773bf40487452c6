"""One subscription in a process: live, or catching up from the log."""

import asyncio
import random
import time
from typing import TYPE_CHECKING

import structlog

from domain.actor import Actor
from domain.errors import OrdergraphError
from events.group import CONFLATE_SECONDS, Group, Payload
from events.sink import Ended, Sink

if TYPE_CHECKING:
    from events.hub import Hub

log = structlog.get_logger(__name__)

CATCH_UP_BATCH = 500
# Folded into the latest of each thing, so that more can be taken at once.
CATCH_UP_BATCH_LATEST = 5000
CHECKPOINT_SECONDS = 15.0
# Endings that are not the client's fault, and whose clients are expected to come back at once.
TOLD = frozenset({Ended.SHUTDOWN, Ended.TOKEN_EXPIRED})


class Subscriber:
    """`position` is the last log position that the client needs nothing of any more."""

    __slots__ = ("actor", "closed", "group", "hub", "patience", "position", "pushed_at", "sink", "task")

    def __init__(self, hub: "Hub", group: Group, sink: Sink, position: int, actor: Actor | None) -> None:
        self.hub = hub
        self.group = group
        self.sink = sink
        self.position = position
        self.actor = actor
        self.pushed_at = time.monotonic()
        # Those who got the same event are not all told in the same moment that nothing came after it.
        self.patience = CHECKPOINT_SECONDS * random.uniform(0.7, 1.0)  # noqa: S311  # protects nothing
        self.closed = False
        self.task: asyncio.Task[None] | None = None

    def push(self, position: int, payload: Payload) -> None:
        """Called by the group in log order. What is older than the client's position is not sent again."""
        if self.closed or position <= self.position:
            return
        self.send(payload, position)

    def send(self, payload: Payload, position: int) -> bool:
        self.position = position
        self.pushed_at = time.monotonic()
        self.hub.pushed += 1
        if self.sink.push(payload.body, payload.cursor):
            return True
        self.lag()
        return False

    def lag(self) -> None:
        """Leave the live ones; the rest is read from the log as fast as the client can take it."""
        self.group.live.discard(self)
        if self.task is None and not self.closed:
            self.task = asyncio.create_task(self.catch_up())

    async def catch_up(self) -> None:
        """Until nothing is missing. A client that lags is waited for first, also when nothing is: what comes live
        would only pile up before it."""
        try:
            while await self.drained() and not self.joined():
                await self.advance()
                self.reassure(time.monotonic())
        except Exception as error:
            code = error.code if isinstance(error, OrdergraphError) else None
            log.error("a subscription cannot catch up", code=code, exc_info=None if code else error)
            self.end(Ended.INTERNAL)
        finally:
            self.task = None

    async def drained(self) -> bool:
        """Whether there is still a client, which can take more."""
        try:
            await self.sink.drained()
        except TimeoutError:
            self.end(Ended.SLOW)
        return not self.closed

    def joined(self) -> bool:
        """True once everything that is missing will come live. No await between the check and the joining."""
        if self.position < self.group.floor():
            return False
        self.group.live.add(self)
        return True

    async def advance(self) -> None:
        """One batch from the ring or the log."""
        latest_only, generation = self.group.question.latest_only, self.hub.generation
        if latest_only:
            await asyncio.sleep(max(0.0, self.pushed_at + CONFLATE_SECONDS - time.monotonic()))
        async with self.hub.catch_ups:
            events = await self.hub.after(self.position, CATCH_UP_BATCH_LATEST if latest_only else CATCH_UP_BATCH)
            if self.hub.generation != generation:
                # The client was told, and its position is another one now.
                return
            if events is None:
                self.reset("RETENTION_PASSED")
                return
            shown = self.group.shown([event for event in events if self.group.question.concerns(event)])
            payloads = await self.group.shared(shown) if shown else []
        if self.hub.generation != generation:
            return
        for one, payload in zip(shown, payloads, strict=True):
            if payload is None or self.closed:
                continue
            if not self.send(payload, one.event.position):
                return
        self.position = events[-1].position if events else max(self.position, self.hub.position)

    def reassure(self, clock: float) -> None:
        """A long way through what concerns others is not silent either."""
        if not self.closed and clock - self.pushed_at > CHECKPOINT_SECONDS:
            self.send(self.group.question.checkpoint(self.position), self.position)

    def reset(self, reason: str) -> None:
        """What was missed cannot be told: the client must ask anew, and goes on from here."""
        self.position = self.hub.position
        self.send(self.group.question.reset(reason, self.position), self.position)

    def checkpoint(self) -> None:
        """Nothing happened for a while: tell how far the client has come, and that we are there."""
        if self in self.group.live:
            position = self.reached()
            self.send(self.group.question.checkpoint(position), position)

    def reached(self) -> int:
        """Everything up to this position has been pushed or does not concern the client."""
        if self in self.group.live:
            return max(self.position, min(self.group.floor(), self.hub.position))
        return self.position

    def end(self, reason: Ended) -> None:
        if self.closed:
            return
        last = self.group.question.checkpoint(self.position)
        self.close()
        if reason is Ended.SLOW:
            # What it has not read is dropped, so that only the client knows how far it has come.
            self.sink.end(reason, None)
            return
        if reason in TOLD:
            # A connection may end several subscriptions at once, and its closing names one cursor at most.
            self.sink.push(last.body, last.cursor)
        self.sink.end(reason, last.cursor)

    def close(self) -> None:
        """Idempotent. Nothing is pushed afterwards."""
        if self.closed:
            return
        self.closed = True
        self.hub.leave(self)
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()
