"""Calls through the runtime, against a simulated carrier: what is asked, how often, and what comes of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.base import Capability, Parcel
from connectors.breaker import State
from connectors.easypost import create
from connectors.errors import (
    BadPayload,
    BreakerOpen,
    Busy,
    ConnectorError,
    DeadlinePassed,
    NotConnected,
    NotYet,
    RateLimited,
    Unauthorized,
    Unreachable,
)
from connectors.http import Http
from connectors.runtime import Guard, Limits, Runtime
from domain.records import TrackingRecord
from tests.simulators.base import Fault, opener
from tests.simulators.easypost import Server, instance

PARCELS = [Parcel("usps", "EZ1000000001")]
Scans = Sequence[Sequence[TrackingRecord]]


def track(connector: Any) -> Awaitable[Scans]:
    found: Awaitable[Scans] = connector.track(PARCELS)
    return found


@dataclass
class House:
    server: Server
    runtime: Runtime
    guard: Guard

    async def call(self, deadline: float = 5.0, *, idempotent: bool = True, **more: Any) -> Scans:
        return await self.runtime.call(
            "easypost",
            Capability.TRACKING,
            more.pop("key", None),
            track,
            deadline=deadline,
            idempotent=idempotent,
            **more,
        )


@asynccontextmanager
async def house(limits: Limits | None = None, **made: Any) -> AsyncIterator[House]:
    async with Server().running() as server, opener() as http:
        server.add("EZ1000000001")
        runtime = Runtime(chance=lambda: 0.0, **made)
        guard = runtime.prepare("easypost", frozenset({Capability.TRACKING}), limits)

        def gated(base: str) -> Http:
            opened = http(base)
            opened.gate = runtime.gate(guard)
            return opened

        guard.connector = create(instance(server.url), gated)
        yield House(server, runtime, guard)
        await server.until_open(0)
        assert (guard.bulkhead.in_flight, guard.bulkhead.waiting, len(runtime.flights)) == (0, 0, 0)


async def test_an_answer_is_one_request() -> None:
    async with house() as it:
        ((scan,),) = await it.call()
        assert (scan.carrier, scan.tracking_number) == ("usps", "EZ1000000001")
        assert len(it.server.seen) == 1
        assert it.guard.health.last_success_at is not None
        assert it.guard.health.error_rate == 0.0


async def test_a_fault_is_tried_again() -> None:
    async with house() as it:
        it.server.faults.extend([Fault.BROKEN, Fault.CUT])
        assert len(await it.call()) == 1
        assert len(it.server.seen) == 3
        assert it.guard.health.errors == {"CONNECTOR_UNREACHABLE": 2}


async def test_a_call_that_is_not_idempotent_is_made_once() -> None:
    async with house() as it:
        it.server.every = Fault.BROKEN
        with pytest.raises(Unreachable):
            await it.call(idempotent=False)
        assert len(it.server.seen) == 1


@pytest.mark.parametrize(("fault", "error"), [(Fault.UNAUTHORIZED, Unauthorized), (Fault.WRONG_TYPE, BadPayload)])
async def test_what_will_not_pass_is_not_tried_again(fault: Fault, error: type[ConnectorError]) -> None:
    async with house() as it:
        it.server.every = fault
        with pytest.raises(error):
            await it.call()
        assert len(it.server.seen) == 1


async def test_the_pause_of_the_vendor_is_kept() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with house(sleep=sleep) as it:
        it.server.faults.append(Fault.RATE_LIMITED)
        it.server.retry_after = 3.0
        assert len(await it.call(deadline=60.0)) == 1
        assert slept[0] == 3.0
        assert len(it.server.seen) == 2


async def test_a_pause_longer_than_the_deadline_is_an_error_at_once_and_spares_the_vendor() -> None:
    async with house() as it:
        it.server.every = Fault.RATE_LIMITED
        it.server.retry_after = 3600.0
        for _ in range(3):
            with pytest.raises(RateLimited):
                await it.call()
        assert len(it.server.seen) == 1


async def test_there_is_no_storm_of_retries() -> None:
    """A hundred calls to a dead system: the budget of ten retries, then the breaker."""
    async with house(Limits(failures=1000)) as it:
        it.server.every = Fault.BROKEN
        for _ in range(100):
            with pytest.raises(Unreachable):
                await it.call(deadline=0.5)
        assert 100 + 10 <= len(it.server.seen) <= 100 + 10 + 10


async def test_not_yet_ends_its_own_call_and_nothing_else() -> None:
    """Six in a row, one more than the failures that open a breaker; none is repeated."""
    asked = 0

    async def busy(_: Any) -> None:
        nonlocal asked
        asked += 1
        raise NotYet("The file is being written.")

    async with house() as it:
        for _ in range(6):
            with pytest.raises(NotYet):
                await it.runtime.call("easypost", Capability.TRACKING, None, busy, deadline=5.0, idempotent=True)
        assert (asked, it.guard.breaker.state, it.guard.limiter().wait()) == (6, State.CLOSED, 0.0)
        assert (it.guard.health.error_rate, it.guard.health.last_error, it.guard.health.retries) == (0.0, None, 0)
        assert len(await it.call()) == 1


async def test_a_breaker_opens_leaves_alone_and_closes() -> None:
    time = [0.0]
    async with house(Limits(failures=3), clock=lambda: time[0]) as it:
        it.server.every = Fault.BROKEN
        for _ in range(3):
            with pytest.raises(Unreachable):
                await it.call(idempotent=False)
        with pytest.raises(BreakerOpen) as refused:
            await it.call(idempotent=False)
        assert (refused.value.retry_after, len(it.server.seen)) == (30.0, 3)
        time[0] += 30.0
        it.server.every = None
        await it.call()
        assert (it.guard.breaker.state, len(it.server.seen)) == (State.CLOSED, 4)


async def test_a_deadline_ends_the_request() -> None:
    async with house() as it:
        it.server.every = Fault.TIMEOUT
        with pytest.raises(DeadlinePassed):
            await it.call(deadline=0.1)
        await it.server.until_open(0)
        assert it.guard.breaker.state is State.CLOSED


async def test_hasty_callers_do_not_open_the_breaker() -> None:
    async with house(Limits(failures=1)) as it:
        it.server.every = Fault.TIMEOUT
        with pytest.raises(DeadlinePassed):
            await it.call(deadline=0.05)
        assert it.guard.breaker.state is State.CLOSED


async def test_an_attempt_that_hangs_is_tried_again_within_the_deadline() -> None:
    async with house() as it:
        it.server.faults.append(Fault.TIMEOUT)
        assert len(await it.call(attempt_seconds=0.1)) == 1
        assert len(it.server.seen) == 2


@pytest.mark.parametrize("key", [None, "one"])
async def test_cancelling_leaves_no_open_request(key: str | None) -> None:
    async with house() as it:
        it.server.every = Fault.DRIP
        task = asyncio.create_task(it.call(key=key))
        await it.server.until_open(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await it.server.until_open(0)


async def test_calls_for_the_same_are_one_request_until_the_last_gives_up() -> None:
    async with house() as it:
        it.server.latency = 0.2
        tasks = [asyncio.create_task(it.call(key="one")) for _ in range(10)]
        await it.server.until_open(1)
        tasks[0].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert all(len(result) == 1 for result in results[1:] if not isinstance(result, BaseException))
        assert len(it.server.seen) == 1


async def test_who_has_more_time_is_not_ended_by_who_has_less() -> None:
    async with house() as it:
        it.server.latency = 0.3
        hasty = asyncio.create_task(it.call(deadline=0.1, key="one"))
        await it.server.until_open(1)
        assert len(await it.call(deadline=10.0, key="one")) == 1
        with pytest.raises(DeadlinePassed):
            await hasty


async def test_an_answer_is_kept_for_who_accepts_its_age() -> None:
    async with house() as it:

        async def ask(max_age: float) -> tuple[bool, int]:
            answer = await it.runtime.ask("easypost", Capability.TRACKING, "one", track, deadline=5.0, max_age=max_age)
            return answer.cached, len(it.server.seen)

        assert [await ask(60.0), await ask(60.0), await ask(0.0)] == [(False, 1), (True, 1), (False, 2)]


async def test_too_many_are_refused_at_once_and_others_are_not_harmed() -> None:
    async with house(Limits(at_once=1, waiting=1)) as slow, house() as other:
        slow.runtime.guards["other"] = other.guard
        slow.server.every = Fault.DRIP
        running = [asyncio.create_task(slow.call()) for _ in range(2)]
        await slow.server.until_open(1)
        with pytest.raises(Busy):
            await slow.call()
        found = await slow.runtime.call("other", Capability.TRACKING, None, track, deadline=5.0, idempotent=True)
        assert len(found) == 1
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await slow.server.until_open(0)


async def test_waiting_for_a_place_ends_at_the_deadline() -> None:
    async with house(Limits(at_once=1)) as it:
        it.server.every = Fault.DRIP
        running = asyncio.create_task(it.call())
        await it.server.until_open(1)
        with pytest.raises(DeadlinePassed):
            await it.call(deadline=0.05)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert len(it.server.seen) == 1
        await it.server.until_open(0)


async def test_what_is_not_there_is_said() -> None:
    async with house() as it:
        for name, ability in (("nobody", Capability.TRACKING), ("easypost", Capability.STOCK_PUSH)):
            with pytest.raises(NotConnected):
                await it.runtime.call(name, ability, None, track, deadline=1.0, idempotent=True)
        assert it.server.seen == []


async def test_a_fault_of_a_connector_is_named_and_not_shown() -> None:
    async def broken(_: Any) -> None:
        raise KeyError("customer@shop.example")

    async with house() as it:
        with pytest.raises(BadPayload, match=r"failed \(KeyError\)") as error:
            await it.runtime.call("easypost", Capability.TRACKING, None, broken, deadline=1.0, idempotent=True)
        assert "customer" not in str(error.value)


def test_a_runtime_is_given_its_abilities_by_the_methods(  # the manifest narrows them in the gateway
) -> None:
    runtime, found = Runtime(), instance("http://127.0.0.1:1")
    opened: Callable[[str], Any] = lambda _: None  # noqa: E731
    guard = runtime.add(create(found, opened))
    assert guard.capabilities == {Capability.TRACKING, Capability.WEBHOOKS}
