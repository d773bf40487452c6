"""Carriers that answer one parcel per request: each parcel has its own value or its own reason."""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import registry
from connectors.answering import Answering
from connectors.base import Capability, Instance
from connectors.breaker import State
from connectors.errors import BadPayload, ConnectorError, RateLimited, Unauthorized, Unreachable
from connectors.http import Http, settled
from connectors.limiter import Rate
from connectors.runtime import Guard, Limits, Runtime
from resolvers.live_sources import KINDS, LiveSource
from resolvers.sources import LiveCall, LiveResult
from tests.simulators import dhl, ups
from tests.simulators.base import Fault, Simulator, opener

AT = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
FIFTY = [f"1Z{place:06d}" for place in range(50)]


@dataclass
class Carried:
    source: LiveSource
    guard: Guard
    carrier: str

    async def ask(self, numbers: Sequence[str], milliseconds: int = 5000, max_age: int = 0) -> Sequence[LiveResult]:
        arguments = {"timeout": milliseconds, "maxAge": max_age}
        keys = [{"carrier": self.carrier, "trackingNumber": number} for number in numbers]
        return await self.source([LiveCall(one, arguments) for one in keys], 10.0)

    async def reasons(self, numbers: Sequence[str], milliseconds: int = 5000) -> Counter[str]:
        return Counter(one.reason or "FRESH" for one in await self.ask(numbers, milliseconds))


@asynccontextmanager
async def carried(folder: str, instance: Instance, limits: Limits | None = None) -> AsyncIterator[Carried]:
    runtime, answering = Runtime(chance=lambda: 0.0), Answering()
    guard = runtime.prepare(instance.name, frozenset({Capability.TRACKING}), limits)
    answering.add(instance, folder, guard.capabilities)
    async with opener() as http:

        def gated(base: str) -> Http:
            opened = http(base)
            opened.gate = runtime.gate(guard)
            return opened

        guard.connector = registry.create(folder, instance, gated)
        yield Carried(LiveSource(KINDS["tracking"], runtime, answering), guard, folder)


@asynccontextmanager
async def fifty() -> AsyncIterator[tuple[Carried, ups.Server]]:
    """Fifty parcels at UPS, which has given out its token."""
    async with ups.Server().running() as server, carried("ups", ups.instance(server.url)) as it:
        for number in FIFTY:
            server.scan(number, "I", "DP", "005", AT)
        await it.ask(FIFTY[:1])
        server.seen.clear()
        yield it, server


def told(server: Simulator) -> Counter[str]:
    return Counter(seen.path.rpartition("/")[2] for seen in server.seen)


async def test_fifty_parcels_are_a_request_each_because_ups_answers_no_more() -> None:
    async with fifty() as (it, server):
        assert await it.reasons(FIFTY) == {"FRESH": 50}
        assert told(server) == dict.fromkeys(FIFTY, 1)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(Fault.BROKEN, "UNREACHABLE"), (Fault.CUT, "UNREACHABLE"), (Fault.WRONG_TYPE, "BAD_PAYLOAD")],
)
async def test_one_parcel_that_fails_takes_no_other_with_it(fault: Fault, reason: str) -> None:
    async with fifty() as (it, server):
        server.faults.extend([*[None] * 20, fault])
        assert await it.reasons(FIFTY) == {"FRESH": 49, reason: 1}
        assert sum(told(server).values()) == 50
        assert it.guard.health.errors == {f"CONNECTOR_{reason}": 1}
        assert it.guard.breaker.state is State.CLOSED


async def test_what_failed_is_not_kept_and_what_was_told_is() -> None:
    async with fifty() as (it, server):
        server.faults.extend([*[None] * 20, Fault.BROKEN])
        await it.ask(FIFTY, max_age=60)
        server.seen.clear()
        again = await it.ask(FIFTY, max_age=60)
        assert [one.reason for one in again] == [None] * 50
        assert sum(told(server).values()) == 1


async def test_a_parcel_that_hangs_costs_only_itself_its_value() -> None:
    async with fifty() as (it, server):
        server.faults.extend([*[None] * 20, Fault.TIMEOUT])
        assert await it.reasons(FIFTY, milliseconds=3000) == {"FRESH": 49, "DEADLINE": 1}
        await server.until_open(0)


async def test_a_number_that_cannot_be_one_is_wrong_by_itself() -> None:
    async with fifty() as (it, server):
        assert await it.reasons([*FIFTY[:5], "../../oauth"]) == {"FRESH": 5, "BAD_PAYLOAD": 1}
        assert sum(told(server).values()) == 5


async def test_what_the_limit_does_not_grant_in_time_is_told_for_those_alone() -> None:
    """DHL grants one request in five seconds; the others are not asked for."""
    async with (
        dhl.Server().running() as server,
        carried("dhl", dhl.instance(server.url), Limits(Rate(1.0, 5.0))) as it,
    ):
        for number in "12345":
            server.scan(number, "transit", "On its way", "2026-11-24T02:00:00")
        assert await it.reasons("12345", milliseconds=2000) == {"FRESH": 1, "RATE_LIMITED": 4}
        assert len(server.seen) == 1


async def test_a_system_that_refuses_all_is_asked_few_times_and_the_breaker_learns() -> None:
    async with fifty() as (it, server):
        server.every = Fault.BROKEN
        assert await it.reasons(FIFTY) == {"UNREACHABLE": 50}
        assert sum(told(server).values()) <= 3 * (8 + 2)
        assert it.guard.health.errors == {"CONNECTOR_UNREACHABLE": 3}


async def caught(
    asking: Coroutine[Any, Any, list[int | ConnectorError]],
) -> list[int | ConnectorError] | ConnectorError:
    try:
        return await asking
    except ConnectorError as error:
        return error


ERRORS = {"limited": RateLimited, "gone": Unreachable, "refused": Unauthorized, "odd": BadPayload}


@given(
    st.lists(st.sampled_from(["good", "good", *ERRORS]), max_size=30),
    st.integers(1, 8),
    st.lists(st.integers(0, 3), min_size=30, max_size=30),
)
async def test_everything_has_its_own_result_or_an_error(outcomes: list[str], at_once: int, turns: list[int]) -> None:
    """In order, none twice, few at once; an error is raised only where nothing went well."""
    running, most, asked = 0, 0, Counter[int]()

    async def ask(place: int) -> int:
        nonlocal running, most
        asked[place] += 1
        running += 1
        most = max(most, running)
        try:
            for _ in range(turns[place]):
                await asyncio.sleep(0)
            if outcomes[place] != "good":
                raise ERRORS[outcomes[place]](str(place))
            return place
        finally:
            running -= 1

    found = await caught(settled(ask, range(len(outcomes)), at_once))
    if isinstance(found, ConnectorError):
        assert all(outcomes[place] != "good" for place in asked)
        assert found.message == str(min(asked))
        assert len(asked) == len(outcomes) or 3 <= len(asked) <= 2 + at_once
    else:
        assert len(found) == len(outcomes)
        for place, one in enumerate(found):
            if isinstance(one, ConnectorError):
                assert place not in asked or outcomes[place] != "good"
                assert place not in asked or one.message == str(place)
            else:
                assert (one, outcomes[place]) == (place, "good")
    assert most <= at_once
    assert set(asked.values()) <= {1}
