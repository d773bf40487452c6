"""Subscribers that ask the same thing with the same rights: one execution and one encoding for all of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from domain.errors import OrdergraphError
from events.event import Event, Topic
from events.sink import Ended

if TYPE_CHECKING:
    from events.hub import Hub
    from events.subscriber import Subscriber

log = structlog.get_logger(__name__)

BATCH = 200
MOST_PENDING = 10_000
CONFLATE_SECONDS = 0.1
# Of what was rendered for one who catches up, so many batches are kept for so long for the others at the same place.
CAUGHT_UP = 8
CAUGHT_UP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Payload:
    """A complete ExecutionResult, and the cursor of the event in it."""

    body: bytes
    cursor: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An event to be rendered; `skipped` older ones of the same thing are folded into it."""

    event: Event
    skipped: int = 0


Render = Callable[[Sequence[Shown]], Awaitable[Sequence[Payload | None]]]


@dataclass(frozen=True, slots=True)
class Question:
    """What a group asks. Equal keys mean equal payloads for everybody who has them.

    `render` answers in order, None for events that do not concern the question; `checkpoint` and `reset` make the
    payloads of these two for a position.
    """

    key: Hashable
    topics: frozenset[Topic]
    render: Render
    checkpoint: Callable[[int], Payload]
    reset: Callable[[str, int], Payload]
    latest_only: bool = False
    # Only events of this kind of thing, such as SHIPMENT.
    entity: str | None = None

    def concerns(self, event: Event) -> bool:
        return self.entity in (None, event.entity) and not self.topics.isdisjoint(event.topics())

    def thing(self, event: Event) -> Hashable:
        """What events of may be folded into its latest: the parcel, say, or the order with all that belongs to it."""
        return event.entity_id if self.entity is not None else event.order_id or event.entity_id


@dataclass(eq=False, slots=True)
class Group:
    """One question and its live subscribers. Events wait in `pending` while older ones are rendered."""

    hub: "Hub"
    question: Question
    live: "set[Subscriber]" = field(default_factory=set)
    members: int = 0
    pending: list[Event] = field(default_factory=list)
    rendering: int | None = None
    # Events after those that are rendered now were given up: only what is newer still comes.
    torn: bool = False
    task: asyncio.Task[None] | None = None
    flushed_at: float = 0.0
    caught_up: dict[Hashable, asyncio.Task[Sequence[Payload | None]]] = field(default_factory=dict)

    def floor(self) -> int:
        """Everything after this position will still come to whoever is live now."""
        if self.rendering is not None and not self.torn:
            return self.rendering - 1
        return self.pending[0].position - 1 if self.pending else self.hub.position

    def offer(self, event: Event) -> None:
        """Called by the hub, in log order. Too much at once is read from the log again instead of kept here."""
        if self.question.entity not in (None, event.entity):
            return
        if not self.live:
            self.give_up()
            return
        self.pending.append(event)
        if len(self.pending) > MOST_PENDING:
            self.give_up()
            self.fall_behind()
        elif self.task is None:
            self.task = asyncio.create_task(self.work())

    def give_up(self) -> None:
        """Forget what waits; whoever needs it is not live and reads it from the ring or the log."""
        self.pending.clear()
        self.torn = self.rendering is not None

    def end_all(self, reason: Ended) -> None:
        for subscriber in list(self.live):
            subscriber.end(reason)

    def fall_behind(self) -> None:
        for subscriber in list(self.live):
            subscriber.lag()

    async def work(self) -> None:
        try:
            while self.pending and self.live:
                await self.pace()
                await self.deliver()
        except Exception:
            log.exception("subscription group failed")
            self.end_all(Ended.INTERNAL)
        finally:
            self.task = None
            if not self.live:
                self.pending.clear()

    async def pace(self) -> None:
        """Latest-only groups wait a moment, so that several changes of one thing become one payload."""
        if self.question.latest_only:
            await asyncio.sleep(max(0.0, self.flushed_at + CONFLATE_SECONDS - time.monotonic()))
            self.flushed_at = time.monotonic()

    async def deliver(self) -> None:
        most = MOST_PENDING if self.question.latest_only else BATCH
        batch, self.pending = self.pending[:most], self.pending[most:]
        if not batch:
            # Given up while this waited for its pace.
            return
        self.rendering, self.torn = batch[0].position, False
        generation = self.hub.generation
        try:
            shown = self.shown(batch)
            payloads = await self.rendered(shown)
        except OrdergraphError as error:
            log.error("subscription could not be answered", code=error.code)
            self.end_all(Ended.INTERNAL)
            return
        finally:
            self.rendering = None
        if self.hub.generation != generation:
            return
        for one, payload in zip(shown, payloads, strict=True):
            if payload is not None:
                for subscriber in list(self.live):
                    subscriber.push(one.event.position, payload)
        for subscriber in self.live:
            subscriber.position = max(subscriber.position, batch[-1].position)

    def shown(self, batch: Sequence[Event]) -> list[Shown]:
        if not self.question.latest_only:
            return [Shown(event) for event in batch]
        latest: dict[object, Shown] = {}
        for event in batch:
            thing = self.question.thing(event)
            before = latest.pop(thing, None)
            latest[thing] = Shown(event, before.skipped + 1 if before else 0)
        return list(latest.values())

    async def shared(self, shown: Sequence[Shown]) -> Sequence[Payload | None]:
        """The same for all who catch up from the same place at the same time: a group that fell behind, above all."""
        key = (self.hub.generation, tuple((one.event.position, one.skipped) for one in shown))
        task = self.caught_up.get(key)
        if task is None:
            task = self.caught_up[key] = asyncio.create_task(self.rendered(shown))
            # Also when whoever waited for it is gone.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            asyncio.get_running_loop().call_later(CAUGHT_UP_SECONDS, self.caught_up.pop, key, None)
            while len(self.caught_up) > CAUGHT_UP:
                del self.caught_up[next(iter(self.caught_up))]
        return await asyncio.shield(task)

    async def rendered(self, shown: Sequence[Shown]) -> Sequence[Payload | None]:
        return await self.hub.persistent(lambda: self.render(shown))

    async def render(self, shown: Sequence[Shown]) -> Sequence[Payload | None]:
        async with self.hub.renders:
            return await self.question.render(shown)
