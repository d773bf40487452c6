"""Calls for the same thing at the same time become one; answers are kept for callers who accept their age."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Flight:
    task: "asyncio.Task[Any]"
    waiting: int = 0


class Flights:
    """One call per key at a time. It ends when nobody waits for it any more."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def join(self, key: Hashable, call: Callable[[], Awaitable[T]]) -> T:
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.ensure_future(_run(call)))
            self._flights[key] = flight
            flight.task.add_done_callback(lambda _: self._landed(key, flight))
        flight.waiting += 1
        try:
            result: T = await asyncio.shield(flight.task)
            return result
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._landed(key, flight)  # A caller that comes now must not join what is being cancelled.
                flight.task.cancel()
                await asyncio.wait([flight.task])

    def _landed(self, key: Hashable, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # Each waiter has it; without waiters nobody else looks.


async def _run(call: Callable[[], Awaitable[T]]) -> T:
    return await call()


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    value: T
    at: float


class Cache(Generic[T]):
    """The newest answers, at most `size`; the longest unused goes first."""

    def __init__(self, clock: Callable[[], float], size: int = 4096) -> None:
        self._clock = clock
        self._size = size
        self._kept: OrderedDict[Hashable, Kept[T]] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, max_age: float) -> T | None:
        """None unless something not older than `max_age` seconds is kept."""
        found = self._kept.get(key)
        if found is None or self._clock() - found.at >= max_age:
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(key)
        return found.value

    def put(self, key: Hashable, value: T) -> None:
        self._kept[key] = Kept(value, self._clock())
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
