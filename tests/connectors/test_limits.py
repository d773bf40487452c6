"""Limits that vendors tell with their answers: what they grant is used, and nothing is asked that they would refuse."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import registry
from connectors.allowance import Allowance, of
from connectors.base import Capability, Instance
from connectors.errors import RateLimited
from connectors.http import Http
from connectors.limiter import Limiter, Rate
from connectors.runtime import Guard, Runtime
from domain.records import OrderRef
from gateway.connectors import limits
from tests.simulators import amazon, shipbob, shopify
from tests.simulators.base import Fault, opener
from tests.simulators.limits import Bucket, Window


class Time:
    """Goes on only where somebody sleeps, so an hour takes no time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@dataclass
class Asking:
    """A process of ours: a connector in its runtime, with the limits of its manifest."""

    runtime: Runtime
    guard: Guard

    async def call(self, capability: Capability, work: Callable[[Any], Awaitable[Any]], deadline: float = 1e6) -> Any:
        return await self.runtime.call(
            self.guard.name, capability, None, work, deadline=deadline, idempotent=True, attempt_seconds=1e6
        )


@asynccontextmanager
async def asking(folder: str, instance: Instance, clock: Time) -> AsyncIterator[Asking]:
    async with opener() as http:
        runtime = Runtime(clock=clock, sleep=clock.sleep, chance=lambda: 0.0)
        manifest = registry.folders()[folder]
        guard = runtime.prepare(instance.name, manifest.capabilities, limits(manifest))

        def gated(base: str) -> Http:
            opened = http(base)
            opened.gate = runtime.gate(guard)
            return opened

        guard.connector = registry.create(folder, instance, gated)
        yield Asking(runtime, guard)


def pull(connector: Any) -> Awaitable[Any]:
    found: Awaitable[Any] = connector.pull_orders(shopify.START, None)
    return found


async def test_shopifys_points_are_waited_for_and_never_overdrawn() -> None:
    """Pages of 500 points from a bucket of 2,000 that regains 100 a second: twenty take at least 80 seconds."""
    clock = Time()
    async with shopify.Server(cost=500.0, bucket=Bucket(100.0, 2000.0, clock)).running() as server:
        async with asking("shopify", shopify.instance(server.url), clock) as one:
            for _ in range(20):
                await one.call(Capability.ORDERS_PULL, pull)
        assert (len(server.seen), server.throttled) == (20, 0)
        assert clock.now - 1000.0 == pytest.approx(80.0, abs=0.1)


async def test_a_shop_that_grants_less_than_the_manifest_says_is_believed() -> None:
    """A bucket of 600 is emptied by the first page, before anything was told; the second would be refused."""
    clock = Time()
    async with shopify.Server(cost=500.0, bucket=Bucket(50.0, 600.0, clock)).running() as server:
        async with asking("shopify", shopify.instance(server.url), clock) as one:
            for _ in range(5):
                await one.call(Capability.ORDERS_PULL, pull)
            with pytest.raises(RateLimited, match="leaves no request"):
                await one.call(Capability.ORDERS_PULL, pull, deadline=1.0)
        assert (len(server.seen), server.throttled) == (5, 0)


async def test_two_processes_that_know_of_each_other_overdraw_nothing() -> None:
    clock = Time()
    async with shopify.Server(cost=500.0, bucket=Bucket(100.0, 2000.0, clock)).running() as server:
        where = shopify.instance(server.url)
        async with asking("shopify", where, clock) as one, asking("shopify", where, clock) as two:
            for process in (one, two):
                process.guard.divide(2)
            for process in (one, two) * 10:
                await process.call(Capability.ORDERS_PULL, pull)
        assert (len(server.seen), server.throttled) == (20, 0)


async def test_each_operation_of_amazon_has_its_own_limit() -> None:
    """searchOrders grants 20 at once and one in three minutes; an order may be read all the same."""
    clock = Time()
    grants = {"search": Bucket(0.0056, 20.0, clock), "order": Bucket(0.5, 30.0, clock)}
    async with amazon.Server(grants=grants).running() as server:
        ident = server.add({"MUG": 1})["orderId"]
        async with asking("amazon", amazon.instance(server.url), clock) as one:
            for _ in range(20):
                await one.call(Capability.ORDERS_PULL, pull, deadline=1.0)
            with pytest.raises(RateLimited, match=r"leaves no request for 178\.6 s"):
                await one.call(Capability.ORDERS_PULL, pull, deadline=100.0)
            look_up = [OrderRef("amazon-de", ident)]
            for _ in range(40):
                await one.call(Capability.ORDER_LOOKUP, lambda connector: connector.look_up_orders(look_up))
        asked = [seen.path.rpartition("/")[2] for seen in server.seen]
        assert (asked.count("orders"), asked.count(ident), server.refused) == (20, 40, 0)
        assert clock.now - 1000.0 == pytest.approx(20.0, abs=0.1)


async def test_amazon_is_believed_where_it_grants_another_rate() -> None:
    clock = Time()
    grants = {"search": Bucket(0.001, 20.0, clock)}
    async with (
        amazon.Server(grants=grants).running() as server,
        asking("amazon", amazon.instance(server.url), clock) as one,
    ):
        for _ in range(20):
            await one.call(Capability.ORDERS_PULL, pull)
        assert one.guard.limiter("searchOrders").wait() == pytest.approx(1000.0)


async def test_a_refusal_of_one_operation_pauses_no_other() -> None:
    clock = Time()
    async with amazon.Server(grants={"search": Bucket(0.0056, 0.0, clock)}).running() as server:
        ident = server.add({"MUG": 1})["orderId"]
        async with asking("amazon", amazon.instance(server.url), clock) as one:
            with pytest.raises(RateLimited):
                await one.call(Capability.ORDERS_PULL, pull, deadline=10.0)
            look_up = [OrderRef("amazon-de", ident)]
            (found,) = await one.call(Capability.ORDER_LOOKUP, lambda connector: connector.look_up_orders(look_up))
            assert len(found) > 0
            assert one.guard.limiter("searchOrders").paused == pytest.approx(178.6, abs=0.1)
            assert one.guard.limiter("getOrder").paused == 0.0


async def test_shipbobs_minute_is_kept_from_a_cold_start() -> None:
    clock = Time()
    async with shipbob.Server(window=Window(150, 60.0, clock)).running() as server:
        async with asking("shipbob", shipbob.instance(server.url), clock) as one:
            for _ in range(200):
                await one.call(Capability.ORDERS_PULL, pull)
        assert (len(server.seen), server.refused) == (200, 0)
        assert clock.now - 1000.0 == pytest.approx(100.0, abs=0.1)


async def test_calls_that_somebody_else_used_up_are_seen_and_waited_for() -> None:
    """Another program of the same user took 140 of 150: ten are left, and then nothing until the minute is over."""
    clock = Time()
    window = Window(150, 60.0, clock)
    async with shipbob.Server(window=window).running() as server:
        assert all(window.take() for _ in range(140))
        async with asking("shipbob", shipbob.instance(server.url), clock) as one:
            for _ in range(10):
                await one.call(Capability.ORDERS_PULL, pull)
            with pytest.raises(RateLimited, match=r"leaves no request for 60\.0 s"):
                await one.call(Capability.ORDERS_PULL, pull, deadline=10.0)
            await one.call(Capability.ORDERS_PULL, pull)
        assert (len(server.seen), server.refused) == (11, 0)


async def test_a_429_that_names_no_time_pauses_for_a_second() -> None:
    clock = Time()
    async with shipbob.Server(retry_after=7.0).running() as server:
        server.every = Fault.RATE_LIMITED
        async with asking("shipbob", shipbob.instance(server.url), clock) as one:
            with pytest.raises(RateLimited) as error:
                await one.call(Capability.ORDERS_PULL, pull, deadline=5.0)
            assert (error.value.retry_after, one.guard.limiter().paused, len(server.seen)) == (7.0, 7.0, 1)


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (200, {}, Allowance()),
        (200, {"retry-after": "5"}, Allowance()),
        (429, {"retry-after": "5"}, Allowance(wait=5.0)),
        (200, {"x-ratelimit-remaining": "3", "x-ratelimit-reset": "20"}, Allowance(left=3.0, resets=20.0)),
        (200, {"ratelimit-limit": "100", "ratelimit-remaining": "0"}, Allowance(left=0.0)),
        (200, {"ratelimit": '"burst";r=50;t=30'}, Allowance(left=50.0, resets=30.0)),
        (200, {"ratelimit": '"a";r=50;t=30, "day";r=2;t=3600'}, Allowance(left=2.0, resets=3600.0)),
        (200, {"ratelimit": "limit=100, remaining=50, reset=5"}, Allowance()),
        (200, {"x-ratelimit-remaining": "many", "ratelimit": ";;r=,t"}, Allowance()),
        (200, {"x-ratelimit-remaining": "-1", "x-ratelimit-reset": "inf"}, Allowance()),
        (200, {"x-ratelimit-remaining": "nan"}, Allowance()),
    ],
)
def test_shared_headers(status: int, headers: dict[str, str], told: Allowance) -> None:
    assert of(status, headers) == told


def test_an_instant_is_told_from_seconds() -> None:
    told = of(200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(time.time() + 30)})
    assert told.resets == pytest.approx(30.0, abs=1.0)


@given(st.text(max_size=60))
def test_any_header_is_read_or_left_alone(text: str) -> None:
    for name in ("ratelimit", "retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"):
        assert isinstance(of(429, {name: text}), Allowance)


@given(
    st.floats(0.1, 100.0),
    st.floats(10.0, 1000.0),
    st.lists(st.tuples(st.floats(0.0, 30.0), st.floats(1.0, 2000.0)), min_size=2, max_size=40),
)
def test_a_bucket_that_tells_how_it_stands_is_never_overdrawn(
    rate: float, most: float, asked: list[tuple[float, float]]
) -> None:
    """Whatever was thought before the first answer, and for requests of any cost that the bucket can hold at all."""
    clock = Time()
    bucket, limiter = Bucket(rate, most, clock), Limiter(clock, Rate(1000.0, 1.0, 1000.0))
    for place, (pause, cost) in enumerate(asked):
        cost = min(cost, most)
        clock.now += pause
        since = limiter.taken
        clock.now += limiter.take(cost)
        granted = bucket.take(cost)
        assert granted or place == 0
        limiter.learn(Allowance(left=bucket.left, rate=rate, most=most), since + cost)


@given(st.integers(1, 30), st.floats(1.0, 60.0), st.lists(st.floats(0.0, 20.0), min_size=1, max_size=60))
def test_a_window_that_tells_what_is_left_is_never_overdrawn(most: int, seconds: float, pauses: list[float]) -> None:
    clock = Time()
    window, limiter = Window(most, seconds, clock), Limiter(clock, Rate(1000.0, seconds, 1000.0))
    for pause in pauses:
        clock.now += pause
        since = limiter.taken + 1
        clock.now += limiter.take() + 1e-9
        assert window.take()
        limiter.learn(Allowance(left=float(window.left())), since)


@given(st.integers(1, 8), st.lists(st.tuples(st.integers(0, 7), st.floats(0.0, 5.0)), max_size=100))
def test_processes_that_share_a_limit_exceed_it_together_by_no_more_than_one_each(
    processes: int, turns: list[tuple[int, float]]
) -> None:
    """Each may have one at once, whatever its share: that is all by which the whole is exceeded."""
    clock = Time()
    limiters = [Limiter(clock, Rate(2.0, 1.0, 8.0)) for _ in range(processes)]
    for limiter in limiters:
        limiter.divide(processes)
    sent = []
    for place, pause in turns:
        clock.now += pause
        sent.append(clock.now + limiters[place % processes].take())
    sent.sort()
    for first, last in itertools.combinations(range(len(sent)), 2):
        assert last - first + 1 <= max(8.0, processes) + (sent[last] - sent[first]) * 2.0 + 1e-6
