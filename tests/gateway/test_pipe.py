"""Sending by hand: order, bounds, and a client that goes away at any moment."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message

from gateway.pipe import Bounds, Pipe
from gateway.wheel import NEVER, SECONDS, Wheel


class Server:
    """A `send` like uvicorn's: it waits while nobody reads, then writes."""

    def __init__(self) -> None:
        self.written: list[Any] = []
        self.writable = asyncio.Event()
        self.writable.set()
        self.gone = False

    async def send(self, message: Message) -> None:
        await self.writable.wait()
        if self.gone:
            raise OSError
        self.written.append(message["n"])


class Owner:
    muted = False


async def test_a_client_that_reads_costs_no_task() -> None:
    server = Server()
    pipe = Pipe(server.send, Bounds())
    before = asyncio.all_tasks()
    for n in range(3):
        assert pipe.write({"n": n}, 10) is True
    assert (server.written, pipe.sent, pipe.lagging) == ([0, 1, 2], 3, False)
    assert asyncio.all_tasks() == before


async def test_what_was_woken_and_has_not_run_yet_is_not_overtaken() -> None:
    server = Server()
    pipe = Pipe(server.send, Bounds())
    server.writable.clear()
    pipe.write({"n": 0}, 10)
    server.writable.set()
    # The server would write this at once now, before the task that holds the first has had its turn.
    pipe.write({"n": 1}, 10)
    assert server.written == []
    await asyncio.sleep(0.01)
    pipe.write({"n": 2}, 10)
    assert (server.written, pipe.sent, pipe.lagging, pipe.queued) == ([0, 1, 2], 3, False, 0)


@pytest.mark.parametrize(("bounds", "taken"), [(Bounds(queued_bytes=100), 10), (Bounds(queued_messages=4), 4)])
async def test_the_queue_has_bounds_in_bytes_and_messages(bounds: Bounds, taken: int) -> None:
    server = Server()
    pipe = Pipe(server.send, bounds)
    server.writable.clear()
    assert pipe.write({"n": 0}, 10) is True
    answers = [pipe.write({"n": n}, 10) for n in range(1, taken + 1)]
    assert answers == [True] * (taken - 1) + [False]
    drained = asyncio.ensure_future(pipe.drained())
    await asyncio.sleep(0.01)
    assert not drained.done()
    server.writable.set()
    await asyncio.wait_for(drained, 1)
    await asyncio.sleep(0.01)
    assert server.written == list(range(taken + 1))


async def test_nobody_waits_longer_than_a_client_may_stall() -> None:
    server = Server()
    pipe = Pipe(server.send, Bounds(queued_messages=1, stalled_seconds=0.05))
    server.writable.clear()
    pipe.write({"n": 0}, 1)
    assert pipe.write({"n": 1}, 1) is False
    with pytest.raises(TimeoutError):
        await pipe.drained()
    assert pipe.waiters is None
    pipe.abandon()
    await asyncio.wait_for(pipe.drained(), 1)
    await asyncio.sleep(0)
    assert (server.written, pipe.lagging) == ([], False)


async def test_a_muted_owners_messages_are_left_out() -> None:
    server, owner = Server(), Owner()
    pipe = Pipe(server.send, Bounds())
    server.writable.clear()
    for n in range(3):
        pipe.write({"n": n}, 1, owner)
    pipe.write({"n": 3}, 1)
    owner.muted = True
    server.writable.set()
    await asyncio.sleep(0.01)
    assert server.written == [0, 3]


@pytest.mark.parametrize(("drop", "written"), [(False, [0, 1, 2]), (True, [0, 2])])
async def test_nothing_comes_after_the_last(drop: bool, written: list[int]) -> None:
    server = Server()
    pipe = Pipe(server.send, Bounds())
    server.writable.clear()
    pipe.write({"n": 0}, 1)
    pipe.write({"n": 1}, 1)
    pipe.last({"n": 2}, drop=drop)
    assert pipe.write({"n": 3}, 1) is True
    pipe.last({"n": 4})
    server.writable.set()
    await asyncio.sleep(0.01)
    assert server.written == written


@pytest.mark.parametrize("lagging", [False, True])
async def test_a_client_that_is_gone_raises_nothing(lagging: bool) -> None:
    server = Server()
    pipe = Pipe(server.send, Bounds(queued_messages=1))
    server.gone = True
    if lagging:
        server.writable.clear()
        pipe.write({"n": 0}, 1)
        pipe.write({"n": 1}, 1)
        waits = asyncio.ensure_future(pipe.drained())
        await asyncio.sleep(0.01)
        server.writable.set()
        await asyncio.wait_for(waits, 1)
    else:
        pipe.write({"n": 0}, 1)
    assert (pipe.closed, pipe.lagging, server.written) == (True, False, [])
    assert pipe.write({"n": 2}, 1) is True


class Clockwork:
    def __init__(self, again: float | None = None) -> None:
        self.slot = NEVER
        self.ticks: list[float] = []
        self.again = again

    def tick(self, now: float) -> float | None:
        self.ticks.append(now)
        if self.again is not None and self.again < 0:
            raise RuntimeError
        return None if self.again is None else now + self.again


async def test_the_wheel_calls_once_and_not_early_and_rests() -> None:
    wheel, one, other, removed = Wheel(), Clockwork(), Clockwork(), Clockwork()
    now = asyncio.get_running_loop().time()
    wheel.put(one, now + 3600)
    wheel.put(one, now + 0.3)
    wheel.put(other, now - 5)
    wheel.put(removed, now)
    wheel.remove(removed)
    await asyncio.sleep(1.0)
    assert (len(one.ticks), len(other.ticks), removed.ticks) == (1, 1, [])
    assert 0.3 <= one.ticks[0] - now <= 0.3 + 2 * SECONDS + 0.1
    assert (wheel.slots, wheel.timer, one.slot) == ({}, None, NEVER)


async def test_a_tick_that_fails_stops_no_other() -> None:
    wheel, failing, going = Wheel(), Clockwork(-1.0), Clockwork(0.1)
    wheel.put(failing, 0)
    wheel.put(going, 0)
    await asyncio.sleep(0.9)
    assert len(failing.ticks) == 1
    assert len(going.ticks) >= 2
    wheel.remove(going)
