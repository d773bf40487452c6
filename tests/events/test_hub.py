"""Fan-out without a database: who is live, who catches up, who is told to start anew.

The log here is a list; the property is the heart of the hub: whatever the order of events, arrivals, slow readers and
looks, every subscriber gets every event of its topics exactly once and in order.
"""

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.actor import Actor, Role, of_role
from domain.errors import Unavailable
from domain.revocation import Revocation, Revoked
from events import group, subscriber
from events.event import EVERYTHING, Event, Topic
from events.group import Payload, Question, Shown
from events.hub import Hub
from events.ring import Ring
from events.sink import Ended
from events.subscriber import Subscriber

NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
ORDERS = [uuid.UUID(int=n) for n in range(1, 5)]


def event(position: int, order: uuid.UUID) -> Event:
    return Event(position, position, "ORDER", order, order, f"C-{order.int}")


def actor(subject: str = "ann", **of_token: Any) -> Actor:
    return of_role(Role.ADMIN, subject, **of_token)


class ListLog:
    """The event log as a list; `broken` reads fail as a lost database does."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.epoch = "e1"
        self.oldest = 0
        self.broken = 0
        # Up to here partitions are gone, whatever `oldest` says.
        self.dropped = 0

    def revoke(self, *found: Revocation) -> None:
        for one in found:
            place = len(self.events) + 1
            self.events.append(Event(place, place, "ACCESS", uuid.uuid4(), None, None, None, one))

    async def revocations(self) -> Sequence[Revocation]:
        return [event.revocation for event in self.events if event.revocation is not None]

    def write(self, order: uuid.UUID) -> None:
        self.events.append(event(len(self.events) + 1, order))

    async def head(self) -> tuple[str, int, int]:
        return self.epoch, self.oldest, len(self.events)

    async def read(self, after: int, limit: int) -> Sequence[Event]:
        await asyncio.sleep(0)
        if self.broken:
            self.broken -= 1
            raise Unavailable("The database is away.")
        return self.events[max(after, self.dropped) :][:limit]


class ListSink:
    """Takes payloads until `room` is used up, then lags until `read` makes room."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.room = room
        self.got: list[str] = []
        # Payloads given although the client had said that it lags.
        self.overrun = 0
        self.ended: tuple[Ended, str | None] | None = None
        self.roomy = asyncio.Event()
        self.roomy.set()

    def push(self, payload: bytes, cursor: str | None) -> bool:
        self.got.append(payload.decode())
        self.overrun += not self.roomy.is_set()
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
        async with asyncio.timeout(60):
            await self.roomy.wait()

    def end(self, reason: Ended, cursor: str | None) -> None:
        self.ended = (reason, cursor)


def question(
    *topics: Topic, key: str = "q", latest_only: bool = False, entity: str | None = None, slowness: int = 1
) -> Question:
    """`slowness` is how many turns of the loop a rendering takes."""

    async def render(shown: Sequence[Shown]) -> Sequence[Payload | None]:
        for _ in range(slowness):
            await asyncio.sleep(0)
        return [Payload(f"{one.event.position}+{one.skipped}".encode(), str(one.event.position)) for one in shown]

    return Question(
        (key, topics),
        frozenset(topics),
        render,
        checkpoint=lambda position: Payload(b"checkpoint", str(position)),
        reset=lambda reason, position: Payload(f"reset {reason}".encode(), str(position)),
        latest_only=latest_only,
        entity=entity,
    )


def positions(sink: ListSink) -> list[int]:
    return [int(text.partition("+")[0]) for text in sink.got if "+" in text]


async def look(hub: Hub) -> None:
    with contextlib.suppress(Unavailable):
        await hub.look()


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
        st.tuples(st.just("leave"), st.integers(0, 9)),
        st.tuples(st.just("flow"), st.integers(1, 12)),
        st.tuples(st.just("break"), st.integers(1, 2)),
    ),
    max_size=80,
)


@given(actions, st.integers(1, 40), st.integers(1, 12), st.integers(1, 6), st.integers(1, 30))
@settings(max_examples=300, deadline=None)
def test_every_subscriber_gets_every_event_of_its_topics_once_and_in_order(
    script: list[tuple[str, int]], ring: int, room: int, pending: int, slowness: int
) -> None:
    """Invariant: received positions == positions of the log after joining, filtered by topic, in order; and nothing is
    pushed to who has said that it lags."""

    async def run() -> None:
        log = ListLog()
        hub = await started(log, ring_size=ring)
        hub.jitter = lambda: 0.0  # type: ignore[method-assign]  # no waiting in a property
        joined: list[tuple[ListSink, int, Topic, Subscriber]] = []
        for action, number in script:
            if action == "write":
                log.write(ORDERS[number])
            elif action == "look":
                await look(hub)
            elif action == "join":
                topic = EVERYTHING if number % 2 else ("order", str(ORDERS[0]))
                sink, after = ListSink(room), hub.position if number < 2 else hub.position // 2
                joined.append((sink, after, topic, hub.join(question(topic, slowness=slowness), sink, after)))
            elif action == "flow":
                # Events as they come on a quiet day: one after the other, each sent before the next.
                for _ in range(number):
                    log.write(ORDERS[0])
                    await look(hub)
                    for _ in range(slowness % 7 + 2):
                        await asyncio.sleep(0)
            elif action == "read" and joined:
                joined[number % len(joined)][0].read(number)
            elif action == "leave" and joined:
                joined.pop(number % len(joined))[3].close()
            elif action == "break":
                log.broken = number
            else:
                for _ in range(number):
                    await asyncio.sleep(0)
            log.broken = min(log.broken, 1)
        log.broken = 0
        for sink, *_ in joined:
            sink.read(10_000)
        await settle(hub)
        for sink, after, topic, _ in joined:
            assert (sink.ended, sink.overrun) == (None, 0)
            assert positions(sink) == [
                event.position for event in log.events if event.position > after and topic in event.topics()
            ]
        assert len(hub.subscribers) == len(joined)
        hub.shut_down()
        assert (hub.groups, hub.by_topic, hub.subscribers) == ({}, {}, set())

    before, group.MOST_PENDING = group.MOST_PENDING, pending
    try:
        asyncio.run(run())
    finally:
        group.MOST_PENDING = before


async def test_a_reader_that_stalls_is_given_nothing_more_however_slowly_events_come() -> None:
    log = ListLog()
    hub = await started(log)
    sink = ListSink(room=2)
    joined = hub.join(question(EVERYTHING), sink, None)
    for _ in range(6):
        log.write(ORDERS[0])
        await settle(hub)
    assert (sink.got, joined in joined.group.live) == (["1+0", "2+0"], False)
    sink.read(100)
    await settle(hub)
    assert positions(sink) == [1, 2, 3, 4, 5, 6]
    assert joined in joined.group.live


async def test_more_than_may_wait_is_read_from_the_log_again_and_nothing_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group, "MOST_PENDING", 10)
    log = ListLog()
    hub = await started(log)
    sinks = [ListSink() for _ in range(3)]
    rendering, go_on = asyncio.Event(), asyncio.Event()
    asked = question(EVERYTHING)

    async def held(shown: Sequence[Shown]) -> Sequence[Payload | None]:
        rendering.set()
        await go_on.wait()
        return await asked.render(shown)

    for sink in sinks:
        hub.join(Question("held", asked.topics, held, asked.checkpoint, asked.reset), sink, None)
    log.write(ORDERS[0])
    await hub.look()
    await rendering.wait()
    for _ in range(30):
        log.write(ORDERS[0])
    await hub.look()
    go_on.set()
    await settle(hub)
    assert [positions(sink) for sink in sinks] == [list(range(1, 32))] * 3


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


async def test_a_group_that_fell_behind_is_rendered_once_for_all_and_not_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group, "MOST_PENDING", 10)
    log = ListLog()
    hub = await started(log, catch_ups=2)
    rendered: list[int] = []
    asked = question(EVERYTHING)

    async def counting(shown: Sequence[Shown]) -> Sequence[Payload | None]:
        rendered.append(len(shown))
        await asyncio.sleep(0.05)
        return await asked.render(shown)

    sinks = [ListSink() for _ in range(50)]
    for sink in sinks:
        hub.join(Question("q", asked.topics, counting, asked.checkpoint, asked.reset), sink, None)
    for _ in range(1200):
        log.write(ORDERS[0])
    await hub.look()
    async with asyncio.timeout(10):
        while any(len(sink.got) < 1200 for sink in sinks):  # noqa: ASYNC110  # a list tells nobody
            await asyncio.sleep(0.01)
    assert all(positions(sink) == list(range(1, 1201)) for sink in sinks)
    assert rendered == [500, 500, 200]


async def test_a_defect_while_many_catch_up_ends_them_all() -> None:
    log = ListLog()
    log.write(ORDERS[0])
    hub = await started(log)
    asked = question(EVERYTHING)

    async def broken(_: Sequence[Shown]) -> Sequence[Payload | None]:
        raise RuntimeError("a defect")

    sinks = [ListSink() for _ in range(3)]
    for sink in sinks:
        hub.join(Question("broken", asked.topics, broken, asked.checkpoint, asked.reset), sink, 0)
    await settle(hub)
    assert [sink.ended for sink in sinks] == [(Ended.INTERNAL, "0")] * 3


async def test_a_client_that_reads_nothing_is_ended_and_told_no_cursor_past_what_it_has_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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
    assert (sink.got, sink.ended) == (["1+0", "2+0"], (Ended.SLOW, None))
    assert positions(quick) == [1, 2, 3, 4, 5]


async def test_an_expired_token_ends_its_subscription_only() -> None:
    log = ListLog()
    hub = await started(log)
    now = NOW
    expiring, staying = ListSink(), ListSink()
    hub.join(question(EVERYTHING), expiring, None, actor=actor(expires_at=now))
    hub.join(question(EVERYTHING), staying, None, actor=actor(expires_at=now + dt.timedelta(seconds=1)))
    hub.check_all(now, 0)
    assert (expiring.got, expiring.ended) == (["checkpoint"], (Ended.TOKEN_EXPIRED, "0"))
    assert staying.ended is None


async def test_what_comes_after_a_revocation_in_the_log_does_not_go_to_whom_it_concerns() -> None:
    log = ListLog()
    hub = await started(log)
    told: list[int] = []
    hub.on_revoked = lambda found: told.append(len(found.tokens))
    hers, his, catching_up = ListSink(), ListSink(), ListSink(room=1)
    hub.join(question(EVERYTHING), hers, None, actor=actor(token_id="t1"))
    hub.join(question(EVERYTHING), his, None, actor=actor(token_id="t2"))
    log.write(ORDERS[0])
    await settle(hub)
    hub.join(question(EVERYTHING), catching_up, 0, actor=actor(token_id="t1"))
    await settle(hub)
    log.write(ORDERS[0])
    log.revoke(Revocation(Revoked.TOKEN, "t1", NOW))
    log.write(ORDERS[0])
    await settle(hub)
    assert (hers.got, hers.ended) == (["1+0"], (Ended.REVOKED, "1"))
    assert (catching_up.got, catching_up.ended) == (["1+0"], (Ended.REVOKED, "1"))
    assert (positions(his), his.ended) == ([1, 2, 3, 4], None)
    assert (told, hub.revocations.cover(actor(token_id="t1"))) == ([1], True)


async def test_revocations_are_known_from_the_start_and_after_a_part_of_the_log_was_missed() -> None:
    log = ListLog()
    log.revoke(Revocation(Revoked.TOKEN, "t1", NOW))
    hub = await started(log)
    assert hub.revocations.cover(actor(token_id="t1"))
    sink = ListSink()
    hub.join(question(EVERYTHING), sink, None, actor=actor(token_id="t2"))
    log.revoke(Revocation(Revoked.TOKEN, "t2", NOW))
    log.write(ORDERS[0])
    log.dropped = 2
    await settle(hub)
    assert (sink.got, sink.ended) == ([], (Ended.REVOKED, "1"))


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


async def test_a_defect_met_while_catching_up_ends_with_an_error_too() -> None:
    log = ListLog()
    log.write(ORDERS[0])
    hub = await started(log)
    sink = ListSink()
    asked = question(EVERYTHING)

    async def broken(_: Sequence[Shown]) -> Sequence[Payload | None]:
        raise RuntimeError("a defect")

    hub.join(Question("broken", asked.topics, broken, asked.checkpoint, asked.reset), sink, 0)
    await settle(hub)
    assert (sink.ended, hub.subscribers) == ((Ended.INTERNAL, "0"), set())


async def test_events_dropped_under_a_reader_are_a_reset_and_never_a_hole() -> None:
    """The process still believes that the oldest are kept."""
    log = ListLog()
    for _ in range(10):
        log.write(ORDERS[0])
    hub = await started(log)
    log.dropped = 7
    behind, gone = ListSink(), ListSink()
    hub.join(question(EVERYTHING), behind, 3)
    await settle(hub)
    log.dropped = 10
    hub.join(question(EVERYTHING), gone, 4)
    await settle(hub)
    log.write(ORDERS[0])
    await settle(hub)
    assert behind.got == gone.got == ["reset RETENTION_PASSED", "11+0"]


async def test_a_process_that_slept_past_the_retention_resets_everybody_and_goes_on() -> None:
    log = ListLog()
    hub = await started(log)
    sink = ListSink()
    hub.join(question(EVERYTHING), sink, None)
    for _ in range(5):
        log.write(ORDERS[0])
    log.dropped = 3
    await settle(hub)
    assert sink.got == ["reset RETENTION_PASSED", "4+0", "5+0"]
    for _ in range(5):
        log.write(ORDERS[0])
    log.dropped = log.oldest = 10
    await hub.check_epoch()
    log.write(ORDERS[0])
    await settle(hub)
    assert sink.got[3:] == ["reset RETENTION_PASSED", "11+0"]


async def test_a_log_that_went_back_is_another_log() -> None:
    log = ListLog()
    for _ in range(5):
        log.write(ORDERS[0])
    hub = await started(log)
    sink = ListSink()
    hub.join(question(EVERYTHING), sink, None)
    del log.events[2:]
    await hub.check_epoch()
    log.write(ORDERS[0])
    await settle(hub)
    assert sink.got == ["reset EPOCH_CHANGED", "3+0"]


async def test_what_was_read_of_the_log_before_is_not_sent_after_the_reset() -> None:
    log = ListLog()
    for _ in range(5):
        log.write(ORDERS[0])
    hub = await started(log)
    sink, lagging = ListSink(), asyncio.Event()
    asked = question(EVERYTHING)

    async def held(shown: Sequence[Shown]) -> Sequence[Payload | None]:
        lagging.set()
        await asyncio.sleep(0.05)
        return await asked.render(shown)

    hub.join(Question("held", asked.topics, held, asked.checkpoint, asked.reset), sink, 1)
    await lagging.wait()
    log.epoch, log.events = "e2", []
    await hub.check_epoch()
    await asyncio.sleep(0.1)
    log.write(ORDERS[0])
    await settle(hub)
    await asyncio.sleep(0.1)
    assert sink.got == ["reset EPOCH_CHANGED", "1+0"]


async def test_a_latest_only_group_survives_that_what_it_waits_with_is_given_up() -> None:
    log = ListLog()
    hub = await started(log)
    sink = ListSink()
    hub.join(question(EVERYTHING, latest_only=True), sink, None)
    log.write(ORDERS[0])
    await settle(hub)
    log.write(ORDERS[0])
    await hub.look()
    await asyncio.sleep(0.02)
    log.epoch = "e2"
    await hub.check_epoch()
    await asyncio.sleep(0.25)
    assert (sink.got, sink.ended) == (["1+0", "reset EPOCH_CHANGED"], None)


async def test_two_parcels_of_one_order_are_two_things_and_the_order_is_none_of_them() -> None:
    log = ListLog()
    hub = await started(log)
    sink = ListSink()
    hub.join(question(EVERYTHING, latest_only=True, entity="SHIPMENT"), sink, None)
    parcels = [uuid.UUID(int=100), uuid.UUID(int=101)]
    for entity, thing in (("SHIPMENT", parcels[0]), ("SHIPMENT", parcels[1]), ("SHIPMENT", parcels[0])):
        log.events.append(Event(len(log.events) + 1, 1, entity, thing, ORDERS[0], "C-1"))
    log.write(ORDERS[0])
    await settle(hub)
    await asyncio.sleep(0.15)
    assert sink.got == ["2+0", "3+1"]


async def test_latest_only_is_paced_while_catching_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriber, "CATCH_UP_BATCH_LATEST", 10)
    log = ListLog()
    for _ in range(30):
        log.write(ORDERS[0])
    hub = await started(log)
    sink, came = ListSink(), []
    push = sink.push

    def timed(payload: bytes, cursor: str | None) -> bool:
        came.append(asyncio.get_running_loop().time())
        return push(payload, cursor)

    sink.push = timed  # type: ignore[method-assign]
    hub.join(question(EVERYTHING, latest_only=True), sink, 0)
    async with asyncio.timeout(5):
        while len(sink.got) < 3:  # noqa: ASYNC110  (a list tells nobody)
            await asyncio.sleep(0.01)
    assert sink.got == ["10+9", "20+9", "30+9"]
    assert came[2] - came[0] > 0.19


async def test_a_long_way_through_what_concerns_others_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriber, "CHECKPOINT_SECONDS", 0.0)
    log = ListLog()
    for _ in range(600):
        log.write(ORDERS[0])
    hub = await started(log)
    sink = ListSink()
    hub.join(question(("order", str(ORDERS[3]))), sink, 0)
    await settle(hub)
    assert sink.got == ["checkpoint", "checkpoint"]


def test_the_ring_is_bounded_by_weight_too() -> None:
    ring = Ring(1000, room=20_000)
    for position in range(1, 201):
        ring.add([Event(position, position, "ORDER", ORDERS[0], ORDERS[0], "C" * 500)])
        assert ring.weight == sum(event.weight for event in ring._kept) <= 20_000
    kept = ring.after(199, 10)
    assert kept is not None
    assert [event.position for event in kept] == [200]
    assert ring.after(100, 10) is None
    ring.clear()
    assert (ring.weight, len(ring)) == (0, 0)
