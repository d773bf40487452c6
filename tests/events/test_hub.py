"""Fan-out without a database: who is live, who catches up, who is told to start anew.

The log here is a list; the property is the heart of the hub: whatever the order of events, arrivals, slow readers and
looks, every subscriber gets every event of its topics exactly once and in order.
"""

import asyncio
import datetime as dt
import uuid
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Unavailable
from events.event import EVERYTHING, Event, Topic
from events.group import Payload, Question, Shown
from events.hub import Hub
from events.sink import Ended

ORDERS = [uuid.UUID(int=n) for n in range(1, 5)]


def event(position: int, order: uuid.UUID) -> Event:
    return Event(position, position, "ORDER", order, order, f"C-{order.int}")


class ListLog:
    """The event log as a list; `broken` reads fail as a lost database does."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.epoch = "e1"
        self.oldest = 0
        self.broken = 0

    def write(self, order: uuid.UUID) -> None:
        self.events.append(event(len(self.events) + 1, order))

    async def head(self) -> tuple[str, int, int]:
        return self.epoch, self.oldest, len(self.events)

    async def read(self, after: int, limit: int) -> Sequence[Event]:
        await asyncio.sleep(0)
        if self.broken:
            self.broken -= 1
            raise Unavailable("The database is away.")
        return self.events[after : after + limit]


class ListSink:
    """Takes payloads until `room` is used up, then lags until `read` makes room."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.room = room
        self.got: list[str] = []
        self.ended: tuple[Ended, str | None] | None = None
        self.roomy = asyncio.Event()
        self.roomy.set()

    def push(self, payload: bytes, cursor: str | None) -> bool:
        self.got.append(payload.decode())
        self.room -= 1
        if self.room > 0:
            return True
        self.roomy.clear()
        return False

    def read(self, room: int) -> None:
        self.room += room
        if self.room > 0:
            self.roomy.set()

    async def drained(self) -> None:
        async with asyncio.timeout(5):
            await self.roomy.wait()

    def end(self, reason: Ended, cursor: str | None) -> None:
        self.ended = (reason, cursor)


def question(*topics: Topic, key: str = "q", latest_only: bool = False) -> Question:
    async def render(shown: Sequence[Shown]) -> Sequence[Payload | None]:
        await asyncio.sleep(0)
        return [Payload(f"{one.event.position}+{one.skipped}".encode(), str(one.event.position)) for one in shown]

    return Question(
        (key, topics),
        frozenset(topics),
        render,
        checkpoint=lambda position: Payload(b"checkpoint", str(position)),
        reset=lambda reason, position: Payload(f"reset {reason}".encode(), str(position)),
        latest_only=latest_only,
    )


def positions(sink: ListSink) -> list[int]:
    return [int(text.partition("+")[0]) for text in sink.got if "+" in text]


async def settle(hub: Hub) -> None:
    """Until nothing moves any more."""
    for _ in range(3):
        while await hub.look():
            pass
        for _ in range(60):
            await asyncio.sleep(0)


async def started(log: ListLog, **options: int) -> Hub:
    hub = Hub(log, **options)
    await hub.start()
    return hub


actions = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 1)),
        st.tuples(st.just("look"), st.integers(0, 0)),
        st.tuples(st.just("join"), st.integers(0, 3)),
        st.tuples(st.just("join"), st.integers(0, 3)),
        st.tuples(st.just("read"), st.integers(0, 9)),
        st.tuples(st.just("yield"), st.integers(1, 20)),
        st.tuples(st.just("break"), st.integers(1, 2)),
    ),
    max_size=80,
)


@given(actions, st.integers(1, 40), st.integers(1, 12))
@settings(max_examples=150, deadline=None)
def test_every_subscriber_gets_every_event_of_its_topics_once_and_in_order(
    script: list[tuple[str, int]], ring: int, room: int
) -> None:
    """Invariant: received positions == positions of the log after joining, filtered by topic, in order."""

    async def run() -> None:
        log = ListLog()
        hub = await started(log, ring_size=ring)
        hub.jitter = lambda: 0.0  # type: ignore[method-assign]  # no waiting in a property
        joined: list[tuple[ListSink, int, Topic]] = []
        for action, number in script:
            if action == "write":
                log.write(ORDERS[number])
            elif action == "look" and not log.broken:
                await hub.look()
            elif action == "join":
                topic = EVERYTHING if number % 2 else ("order", str(ORDERS[0]))
                sink, after = ListSink(room), hub.position if number < 2 else hub.position // 2
                hub.join(question(topic), sink, after)
                joined.append((sink, after, topic))
            elif action == "read" and joined:
                joined[number % len(joined)][0].read(number)
            elif action == "break":
                log.broken = number
            else:
                for _ in range(number):
                    await asyncio.sleep(0)
            log.broken = min(log.broken, 1)
        log.broken = 0
        for sink, _, _ in joined:
            sink.read(10_000)
        await settle(hub)
        for sink, after, topic in joined:
            assert sink.ended is None
            assert positions(sink) == [
                event.position for event in log.events if event.position > after and topic in event.topics()
            ]
        assert len(hub.subscribers) == len(joined)
        hub.shut_down()
        assert (hub.groups, hub.by_topic, hub.subscribers) == ({}, {}, set())

    asyncio.run(run())


async def test_one_question_is_rendered_once_for_all_who_ask_it() -> None:
    log = ListLog()
    hub = await started(log)
    rendered: list[int] = []
    asked = question(EVERYTHING)
    render = asked.render

    async def counting(shown: Sequence[Shown]) -> Sequence[Payload | None]:
        rendered.append(len(shown))
        return await render(shown)

    same = Question(asked.key, asked.topics, counting, asked.checkpoint, asked.reset)
    sinks = [ListSink() for _ in range(100)]
    for sink in sinks:
        hub.join(same, sink, None)
    for _ in range(10):
        log.write(ORDERS[0])
    await settle(hub)
    assert rendered == [10]
    assert all(positions(sink) == list(range(1, 11)) for sink in sinks)


async def test_latest_only_folds_changes_of_one_thing_and_says_how_many() -> None:
    log = ListLog()
    hub = await started(log)
    sink = ListSink()
    hub.join(question(EVERYTHING, latest_only=True), sink, None)
    for order in (0, 0, 1, 0):
        log.write(ORDERS[order])
    await settle(hub)
    await asyncio.sleep(0.15)
    assert sink.got == ["3+0", "4+2"]


async def test_below_retention_is_a_reset_and_then_goes_on() -> None:
    log = ListLog()
    for _ in range(10):
        log.write(ORDERS[0])
    log.oldest = 5
    hub = await started(log)
    sink = ListSink()
    hub.join(question(EVERYTHING), sink, 3)
    await settle(hub)
    log.write(ORDERS[0])
    await settle(hub)
    assert sink.got == ["reset RETENTION_PASSED", "11+0"]


async def test_a_replaced_log_resets_everybody() -> None:
    log = ListLog()
    hub = await started(log)
    sink = ListSink()
    hub.join(question(EVERYTHING), sink, None)
    log.write(ORDERS[0])
    await settle(hub)
    log.epoch, log.events = "e2", []
    await hub.check_epoch()
    log.write(ORDERS[1])
    await settle(hub)
    assert sink.got == ["1+0", "reset EPOCH_CHANGED", "1+0"]


async def test_a_client_that_reads_nothing_is_ended_with_its_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    log = ListLog()
    hub = await started(log)
    sink = ListSink(room=2)

    async def never() -> None:
        raise TimeoutError

    monkeypatch.setattr(sink, "drained", never)
    quick = ListSink()
    hub.join(question(EVERYTHING), sink, None)
    hub.join(question(EVERYTHING), quick, None)
    for _ in range(5):
        log.write(ORDERS[0])
    await settle(hub)
    assert (sink.got, sink.ended) == (["1+0", "2+0"], (Ended.SLOW, "2"))
    assert positions(quick) == [1, 2, 3, 4, 5]


async def test_an_expired_token_ends_its_subscription_only() -> None:
    log = ListLog()
    hub = await started(log)
    now = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    expiring, staying = ListSink(), ListSink()
    hub.join(question(EVERYTHING), expiring, None, expires_at=now)
    hub.join(question(EVERYTHING), staying, None, expires_at=now + dt.timedelta(seconds=1))
    hub.check_all(now, 0)
    assert (expiring.got, expiring.ended) == (["checkpoint"], (Ended.TOKEN_EXPIRED, "0"))
    assert staying.ended is None


async def test_silence_is_broken_by_a_checkpoint_at_the_newest_position() -> None:
    log = ListLog()
    hub = await started(log)
    sink = ListSink()
    subscriber = hub.join(question(("order", str(ORDERS[3]))), sink, None)
    for _ in range(7):
        log.write(ORDERS[0])
    await settle(hub)
    hub.check_all(dt.datetime.now(dt.UTC), subscriber.pushed_at + 16)
    assert (sink.got, subscriber.position) == (["checkpoint"], 7)


async def test_what_cannot_be_rendered_ends_with_an_error_not_in_silence() -> None:
    log = ListLog()
    hub = await started(log)
    sink = ListSink()
    asked = question(EVERYTHING)

    async def broken(_: Sequence[Shown]) -> Sequence[Payload | None]:
        raise RuntimeError("a defect")

    hub.join(Question("broken", asked.topics, broken, asked.checkpoint, asked.reset), sink, None)
    log.write(ORDERS[0])
    await settle(hub)
    assert sink.ended == (Ended.INTERNAL, "0")
