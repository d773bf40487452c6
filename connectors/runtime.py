"""The one way to outside systems. Each call has a deadline; its system has a breaker, a bulkhead, limits and a budget.

    runtime = Runtime()
    runtime.add(connector, Limits(Rate(requests=5, seconds=1.0)))
    scans = await runtime.call(
        "ups", Capability.TRACKING, None, lambda ups: ups.track(parcels), deadline=2.0, idempotent=True
    )

Raises connectors.errors.ConnectorError only. Only idempotent calls are retried, only after what may pass by itself, and
only while the deadline and the budget of the system allow it.
"""

import asyncio
import datetime as dt
import random
import time
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from connectors.base import PROTOCOLS, Capability, Connector
from connectors.breaker import State
from connectors.budget import pause
from connectors.deadline import until
from connectors.errors import (
    BadPayload,
    BreakerOpen,
    ConnectorError,
    DeadlinePassed,
    NotConnected,
    NotYet,
    RateLimited,
    Unreachable,
)
from connectors.flights import Cache, Flights
from connectors.gate import Gate
from connectors.guard import Guard as Guard
from connectors.guard import Limits as Limits

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
ATTEMPTS: Final = 3
ATTEMPT_SECONDS: Final = 10.0
GRACE_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """`fetched_at` is when the system said so, which is earlier when it was `cached`. `latency_ms` is the caller's."""

    value: T
    fetched_at: dt.datetime
    latency_ms: float
    cached: bool = False


@dataclass(slots=True)
class Runtime:
    """`clock` is monotonic, `now` tells the time of day, `chance` is in [0, 1); tests give their own."""

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    guards: dict[str, Guard] = field(default_factory=dict)
    flights: Flights = field(default_factory=Flights)
    cache: Cache[Answer[Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.cache = Cache(self.clock)

    def prepare(self, name: str, capabilities: frozenset[Capability], limits: Limits | None = None) -> Guard:
        """The guard of a new instance; `guard.connector` is to be set when it is made, with `gate` in its Http."""
        self.guards[name] = Guard(name, capabilities, limits or Limits(), self.clock)
        return self.guards[name]

    def add(self, connector: Connector, limits: Limits | None = None) -> Guard:
        """A connector that has all the abilities whose methods it has."""
        able = frozenset(one for one, protocol in PROTOCOLS.items() if isinstance(connector, protocol))
        guard = self.prepare(connector.instance.name, able, limits)
        guard.connector = connector
        return guard

    def gate(self, guard: Guard) -> Gate:
        """What an Http of this instance passes before each request."""
        return Gate(guard, self.sleep)

    async def call(
        self,
        instance: str,
        capability: Capability,
        key: Hashable | None,
        fn: Callable[[Any], Awaitable[T]],
        *,
        deadline: float,
        idempotent: bool,
        attempt_seconds: float = ATTEMPT_SECONDS,
    ) -> T:
        """What `fn` makes of the connector, within `deadline` seconds. Calls with the same `key` at once are one."""
        answer = await self.ask(
            instance, capability, key, fn, deadline=deadline, idempotent=idempotent, attempt_seconds=attempt_seconds
        )
        return answer.value

    async def ask(
        self,
        instance: str,
        capability: Capability,
        key: Hashable | None,
        fn: Callable[[Any], Awaitable[T]],
        *,
        deadline: float,
        idempotent: bool = True,
        max_age: float = 0.0,
        attempt_seconds: float = ATTEMPT_SECONDS,
    ) -> Answer[T]:
        """As `call`, with when and how it was got. An answer not older than `max_age` seconds needs no request."""
        guard = self.guards.get(instance)
        if guard is None:
            raise NotConnected(f"There is no connector instance {instance}. Add it to the connectors' file.")
        started, place = self.clock(), (instance, capability, key)
        connector = guard.usable(capability)
        if key is not None and max_age > 0 and (kept := self.cache.get(place, max_age)) is not None:
            guard.health.cache_hits += 1
            return Answer(kept.value, kept.fetched_at, (self.clock() - started) * 1000, cached=True)
        self._spare(guard)
        ends_at = started + deadline

        async def fly() -> T:
            return await self._attempts(guard, lambda: fn(connector), ends_at, idempotent, attempt_seconds)

        value = await self._joined(guard, None if key is None else place, fly, ends_at)
        answer = Answer(value, self.now(), (self.clock() - started) * 1000)
        if key is not None and max_age > 0:
            self.cache.put(place, answer)
        return answer

    async def batch(
        self,
        instance: str,
        capability: Capability,
        items: Sequence[K],
        fn: Callable[[Any, Sequence[K]], Awaitable[Sequence[T | ConnectorError]]],
        *,
        deadline: float,
        max_age: float = 0.0,
    ) -> Sequence[Answer[T] | ConnectorError]:
        """One answer per item, in order: kept ones, and one call for all others. The items are its key.

        An error of a single item stands in its place, and is not kept. Raises what ends the call as a whole.
        """
        started = self.clock()
        found: dict[K, Answer[T] | ConnectorError] = {}
        for item in dict.fromkeys(items):
            kept = self.cache.get((instance, capability, item), max_age) if max_age > 0 else None
            if kept is not None:
                found[item] = Answer(kept.value, kept.fetched_at, (self.clock() - started) * 1000, cached=True)
        missing = tuple(item for item in dict.fromkeys(items) if item not in found)
        if found and (guard := self.guards.get(instance)) is not None:
            guard.health.cache_hits += len(found)
        if missing:
            answer = await self.ask(
                instance, capability, ("batch", missing), lambda connector: fn(connector, missing), deadline=deadline
            )
            if len(answer.value) != len(missing):
                raise BadPayload(f"The connector of {instance} gave {len(answer.value)} for {len(missing)}.")
            for item, value in zip(missing, answer.value, strict=True):
                if isinstance(value, ConnectorError):
                    found[item] = value
                    self.guards[instance].health.errors[value.code] += 1
                else:
                    found[item] = fresh = Answer(value, answer.fetched_at, answer.latency_ms)
                    self.cache.put((instance, capability, item), fresh)
        return [found[item] for item in items]

    def _spare(self, guard: Guard) -> None:
        """While a system is left alone, callers are told so before anything is made for their call."""
        if guard.breaker.state is State.OPEN:
            raise _left_alone(guard)

    async def _joined(self, guard: Guard, place: Hashable | None, fly: Callable[[], Awaitable[T]], ends_at: float) -> T:
        if place is None:
            return await fly()
        try:
            # A flight of our own ends by itself and says why; the grace is for one that another caller began.
            async with asyncio.timeout(max(0.0, ends_at - self.clock()) + GRACE_SECONDS):
                while True:
                    try:
                        return await self.flights.join(place, fly)
                    except DeadlinePassed:
                        # The one that we joined may have had less time than we have.
                        if self.clock() >= ends_at:
                            raise
        except TimeoutError:
            raise DeadlinePassed(_late(guard)) from None

    async def _attempts(
        self, guard: Guard, fn: Callable[[], Awaitable[T]], ends_at: float, idempotent: bool, attempt_seconds: float
    ) -> T:
        guard.budget.called()
        attempt = 0
        while True:
            try:
                with until(ends_at, self.clock):
                    return await self._attempt(guard, fn, ends_at, attempt_seconds)
            except (RateLimited, Unreachable) as error:
                wait = self._wait(error, attempt)
                late = self.clock() + wait >= ends_at
                if not idempotent or attempt + 1 >= ATTEMPTS or late or not guard.budget.spend():
                    raise
                guard.health.retries += 1
            await self.sleep(wait)
            attempt += 1

    def _wait(self, error: ConnectorError, attempt: int) -> float:
        asked = error.retry_after if isinstance(error, RateLimited) else None
        return (asked or 0.0) + pause(attempt, self.chance)

    async def _attempt(self, guard: Guard, fn: Callable[[], Awaitable[T]], ends_at: float, attempt_seconds: float) -> T:
        try:
            async with asyncio.timeout(max(0.0, ends_at - self.clock())) as waiting, guard.bulkhead.place():
                waiting.reschedule(None)
                if not guard.breaker.admit():
                    raise _left_alone(guard)
                with self._watched(guard):
                    return await self._timed(guard, fn, ends_at - self.clock(), attempt_seconds)
        except TimeoutError:
            raise DeadlinePassed(
                f"{guard.name} was not asked: its places were taken until the time was over."
            ) from None

    async def _timed(self, guard: Guard, fn: Callable[[], Awaitable[T]], remaining: float, attempt_seconds: float) -> T:
        try:
            async with asyncio.timeout(max(0.0, min(attempt_seconds, remaining))):
                return await fn()
        except TimeoutError:
            if remaining <= attempt_seconds:
                raise DeadlinePassed(_late(guard)) from None
            raise Unreachable(f"{guard.name} did not answer within {attempt_seconds:g} s.") from None
        except ConnectorError:
            raise
        except Exception as error:
            # A connector may be somebody else's code; its faults are ours to name, not to show.
            raise BadPayload(f"The connector of {guard.name} failed ({type(error).__name__}).") from error

    @contextmanager
    def _watched(self, guard: Guard) -> Iterator[None]:
        """The breaker and the health learn how the attempt ended, whichever way."""
        started = self.clock()
        try:
            yield
        except NotYet:
            guard.breaker.succeeded()
            guard.health.succeeded(self.now(), self.clock() - started)
            raise
        except ConnectorError as error:
            self._learn(guard, error, self.clock() - started)
            raise
        except BaseException:
            guard.breaker.abandoned()
            guard.health.cancelled += 1
            raise
        guard.breaker.succeeded()
        guard.health.succeeded(self.now(), self.clock() - started)

    def _learn(self, guard: Guard, error: ConnectorError, seconds: float) -> None:
        if isinstance(error, RateLimited):
            guard.breaker.abandoned()  # Its Http has told the limiter.
        elif isinstance(error, BadPayload):
            guard.breaker.succeeded()  # It answers; that we do not understand it says nothing of its state.
        elif isinstance(error, DeadlinePassed) and seconds < PATIENCE_SECONDS:
            guard.breaker.abandoned()  # One hasty caller must not take it away from all others.
        else:
            guard.breaker.failed()
        guard.health.failed(self.now(), seconds, error.code)


def _left_alone(guard: Guard) -> BreakerOpen:
    seconds = guard.breaker.retry_after
    return BreakerOpen(f"{guard.name} keeps failing and is left alone for {seconds:.0f} s.", seconds)


def _late(guard: Guard) -> str:
    return f"{guard.name} did not answer in the time that the caller gave."
