"""Many callers of a system in trouble, through the runtime: requests are counted, its breaker opens, tries and closes.

Time is ours: the runtime's clock moves when we say so, or by what it sleeps.
"""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from connectors.allowance import Allowance
from connectors.breaker import State
from connectors.errors import BreakerOpen, ConnectorError
from connectors.gate import Gate
from connectors.http import Http
from connectors.runtime import Guard, Limits, Runtime
from gateway.connectors import limits
from tests.contract.abilities import COMMANDS, DELIVERED, METHODS
from tests.contract.folder import Folder
from tests.contract.secrecy import overheard, shown
from tests.contract.served import Call, Served, call_of, served
from tests.simulators.base import Fault

CALLERS: Final = 50
DEADLINE: Final = 5.0
RETRY_AFTER: Final = 7.0
TRIES: Final = 10
# More than any burst of requests that a manifest grants.
MOST_CALLS: Final = 70


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


class Counting:
    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.passed: Counter[str] = Counter()

    async def enter(self, operation: str, cost: float) -> float:
        since = await self.gate.enter(operation, cost)
        self.passed[""] += 1
        self.passed[operation] += math.floor(cost) if operation else 0
        return since

    def learn(self, operation: str, told: Allowance, since: float) -> None:
        self.gate.learn(operation, told, since)


@dataclass
class Storm:
    """A connector behind a runtime; `ask` gives what each of so many callers got, by code ('' for an answer).

    `passed` is what requests took of each limit of the manifest, '' being that of all together.
    """

    of: Served
    runtime: Runtime
    guard: Guard
    clock: Clock
    method: str
    call: Call
    passed: Counter[str]

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
        gate = Counting(runtime.gate(guard))
        guard.connector = folder.create(of.instance, lambda base: Http(of.session, base, seconds=30.0, gate=gate))
        yield Storm(of, runtime, guard, clock, method, call_of(folder, method), gate.passed)


async def unbounded(folder: Folder, method: str) -> list[str]:
    """What is wrong when a system fails for long, then for a moment more, and is well again."""
    free = Limits()
    async with stormy(folder, method, free) as storm:
        each, _ = await storm.requests(1)
        if each == 0 and method == DELIVERED:
            return []
        with overheard() as heard:
            found = await _trouble(storm, free)
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
    granted = limits(folder.manifest)
    async with stormy(folder, method, granted) as storm:
        each, _ = await storm.requests(1)
        if each == 0 and method == DELIVERED:
            return []
        storm.clock.now += 3600.0
        storm.of.server.every, storm.of.server.retry_after = Fault.RATE_LIMITED, RETRY_AFTER
        sent, _ = await storm.requests(CALLERS)
        found = (
            [] if sent <= granted.at_once else [f"{CALLERS} callers send {sent} requests to one that asks for fewer"]
        )
        storm.of.server.every = None
        storm.clock.now += RETRY_AFTER - 0.5
        if (early := (await storm.requests(1, 0.4))[0]) != 0:
            found.append(f"{early} requests are sent before the {RETRY_AFTER:g} s that it asked for are over")
        storm.clock.now += 3600.0
        if (await storm.ask(1))[""] != 1:
            found.append("none goes well when they are over")
    return [*found, *await _too_many(folder, method, granted)]


async def _too_many(folder: Folder, method: str, granted: Limits) -> list[str]:
    """More than a `burst` at once and `requests` in each `seconds` after that, of each limit that the manifest has."""
    async with stormy(folder, method, granted, sleeping=True) as storm:
        began, found = storm.clock(), []
        for _ in range(MOST_CALLS):
            await storm.ask(1, 1e6)
        took = storm.clock() - began
        for name, rate in {"": granted.rate, **granted.operations}.items():
            if rate is None:
                continue
            most = rate.burst + took * rate.requests / rate.seconds + 1
            if storm.passed[name] > most:
                found.append(f"{storm.passed[name]} {name or 'requests'} in {took:.1f} s, {most:.1f} are granted")
        return found


def unstated(folder: Folder) -> list[str]:
    """A limit that is said to be kept must be in the manifest."""
    kept = folder.manifest.rate_limit or folder.manifest.operations
    return [] if kept else ["rate_limit is done, and the manifest has no limit."]
