"""Many callers of a system in trouble, through the runtime: requests are counted, its breaker opens, tries and closes.

Time is ours: the runtime's clock moves when we say so, or by what it sleeps.
"""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from connectors.breaker import State
from connectors.errors import BreakerOpen, ConnectorError
from connectors.http import Http
from connectors.manifest import Manifest
from connectors.runtime import Guard, Limits, Runtime
from tests.contract.abilities import COMMANDS, DELIVERED, METHODS
from tests.contract.folder import Folder
from tests.contract.secrecy import overheard, shown
from tests.contract.served import Call, Served, call_of, served
from tests.simulators.base import Fault

CALLERS: Final = 50
DEADLINE: Final = 5.0
RETRY_AFTER: Final = 7.0
TRIES: Final = 10


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


async def stand_still(seconds: float) -> None:
    await asyncio.sleep(0)


@dataclass
class Storm:
    """A connector behind a runtime; `ask` gives what each of so many callers got, by code ('' for an answer)."""

    of: Served
    runtime: Runtime
    guard: Guard
    clock: Clock
    method: str
    call: Call

    async def ask(self, callers: int, deadline: float = DEADLINE) -> Counter[str]:
        return Counter(await asyncio.gather(*(self._one(deadline) for _ in range(callers))))

    async def _one(self, deadline: float) -> str:
        try:
            await self.runtime.call(
                self.guard.name,
                METHODS[self.method],
                None,
                self.call,
                deadline=deadline,
                idempotent=self.method not in COMMANDS,
            )
        except ConnectorError as error:
            return error.code
        return ""

    async def requests(self, callers: int, deadline: float = DEADLINE) -> tuple[int, Counter[str]]:
        before = len(self.of.server.seen)
        told = await self.ask(callers, deadline)
        return len(self.of.server.seen) - before, told


@asynccontextmanager
async def stormy(folder: Folder, method: str, limits: Limits, *, sleeping: bool = False) -> AsyncIterator[Storm]:
    """`sleeping`: time moves by what the runtime sleeps; else it stands still."""
    clock = Clock()
    runtime = Runtime(clock=clock, sleep=clock.sleep if sleeping else stand_still)
    async with served(folder) as of:
        guard = runtime.prepare(folder.manifest.id, folder.manifest.capabilities, limits)
        gate = runtime.gate(guard)
        guard.connector = folder.create(of.instance, lambda base: Http(of.session, base, seconds=30.0, gate=gate))
        yield Storm(of, runtime, guard, clock, method, call_of(folder, method))


def granted(manifest: Manifest) -> Limits:
    given = manifest.rate_limit
    return Limits(given.requests, given.seconds, given.burst) if given else Limits()


async def unbounded(folder: Folder, method: str) -> list[str]:
    """What is wrong when a system fails for long, then for a moment more, and is well again."""
    limits = dataclasses.replace(granted(folder.manifest), requests=None)
    async with stormy(folder, method, limits) as storm:
        each, _ = await storm.requests(1)
        if each == 0 and method == DELIVERED:
            return []
        with overheard() as heard:
            found = await _trouble(storm, limits)
        health = {"the health": storm.guard.health, "the guard": vars(storm.guard), "the log": "\n".join(heard)}
        return [*found, *shown(storm.of.instance, health)]


async def _trouble(storm: Storm, limits: Limits) -> list[str]:
    found, server, breaker = [], storm.of.server, storm.guard.breaker
    server.every, most = Fault.BROKEN, limits.failures + limits.at_once
    sent, _ = await storm.requests(CALLERS)
    if not limits.failures <= sent <= most:
        found.append(f"{CALLERS} callers of a broken system send {sent} requests and not {most} at most")
    if breaker.state is not State.OPEN:
        found.append(f"the breaker is {breaker.state} after that")
    sent, told = await storm.requests(CALLERS)
    if sent or not told[BreakerOpen.code]:
        found.append(f"{sent} requests are sent while the breaker is open")
    storm.clock.now += limits.open_seconds
    sent, _ = await storm.requests(CALLERS)
    if sent != 1:
        found.append(f"{sent} requests and not one try whether it is well again")
    server.every = None
    storm.clock.now += limits.open_seconds
    told = await storm.ask(TRIES)
    if not told[""] or breaker.state is not State.CLOSED:
        found.append(f"the breaker is {breaker.state} when the system is well again")
    if (told := await storm.ask(TRIES))[""] != TRIES:
        found.append(f"only {told['']} of {TRIES} calls go well after that")
    return found


async def hasty(folder: Folder, method: str) -> list[str]:
    """Requests before the time that the vendor asked for, and more of them than it grants."""
    limits = granted(folder.manifest)
    async with stormy(folder, method, limits) as storm:
        each, _ = await storm.requests(1)
        if each == 0 and method == DELIVERED:
            return []
        storm.clock.now += 3600.0
        storm.of.server.every, storm.of.server.retry_after = Fault.RATE_LIMITED, RETRY_AFTER
        sent, _ = await storm.requests(CALLERS)
        found = [] if sent <= limits.at_once else [f"{CALLERS} callers send {sent} requests to one that asks for fewer"]
        storm.of.server.every = None
        storm.clock.now += RETRY_AFTER - 0.5
        if (early := (await storm.requests(1, 0.4))[0]) != 0:
            found.append(f"{early} requests are sent before the {RETRY_AFTER:g} s that it asked for are over")
        storm.clock.now += 3600.0
        if (await storm.ask(1))[""] != 1:
            found.append("none goes well when they are over")
    return [*found, *await _too_many(folder, method, limits)]


async def _too_many(folder: Folder, method: str, limits: Limits) -> list[str]:
    """More than the manifest's `burst` at once and `requests` in each `seconds` after that."""
    if limits.requests is None:
        return []
    async with stormy(folder, method, limits, sleeping=True) as storm:
        began, calls = storm.clock(), 0
        while len(storm.of.server.seen) < limits.burst + TRIES and calls < limits.burst + TRIES:
            await storm.ask(1, 1e6)
            calls += 1
        most = limits.burst + (storm.clock() - began) * limits.requests / limits.seconds + 1
        sent = len(storm.of.server.seen)
        return [] if sent <= most else [f"{sent} requests in {storm.clock() - began:.1f} s, {most:.1f} are granted"]


def unstated(folder: Folder) -> list[str]:
    """A limit that is said to be kept must be in the manifest."""
    kept: Any = folder.manifest.rate_limit
    return ["rate_limit is done, and the manifest has no limit."] if kept is None else []
