"""Whatever goes wrong at the other end is the right one of the four errors, is asked once, and shows no secret."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from connectors.allowance import Allowance
from connectors.base import Instance
from connectors.errors import BadPayload, ConnectorError, RateLimited, Unauthorized, Unreachable
from tests.contract.abilities import DELIVERED
from tests.contract.folder import Folder
from tests.contract.secrecy import overheard, shown
from tests.contract.served import CLOSED_WITHIN, Call, Served, call_of, served
from tests.simulators.base import Fault, Seen

ERRORS: dict[Fault, type[ConnectorError]] = {
    Fault.UNAUTHORIZED: Unauthorized,
    Fault.RATE_LIMITED: RateLimited,
    Fault.BROKEN: Unreachable,
    Fault.TIMEOUT: Unreachable,
    Fault.CUT: Unreachable,
    Fault.DRIP: Unreachable,
    Fault.WRONG_TYPE: BadPayload,
}
SLOW = (Fault.TIMEOUT, Fault.DRIP)
SECONDS = 0.2
RETRY_AFTER = 7.0


@dataclass
class Hasty:
    """Little time for requests that go wrong, and for no others: a busy machine may be slow with those that go well."""

    of: Served
    fault: Fault
    before: int

    async def enter(self, operation: str, cost: float) -> float:
        for http in self.of.opened:
            wrong = self.fault in SLOW and len(self.of.server.seen) >= self.before
            http.seconds = SECONDS if wrong else http.seconds
        return 0.0

    def learn(self, operation: str, told: Allowance, since: float) -> None: ...


async def faulty(folder: Folder, method: str, fault: Fault) -> list[str]:
    """Tried where the first request fails, where a call has gone well before, and where only the last one fails."""
    call = call_of(folder, method)
    async with served(folder) as of:
        connector = of.connector()
        await call(connector)
        first = len(of.server.seen)
        if first == 0:
            return [] if method == DELIVERED else ["no request went out"]
        again = await _tried(of, connector, call, fault)
    found = [*(f"at first: {one}" for one in await _anew(folder, call, fault, 0)), *(f"later: {one}" for one in again)]
    if first > 1:
        found += [f"at the last: {one}" for one in await _anew(folder, call, fault, first - 1)]
    return found


async def _anew(folder: Folder, call: Call, fault: Fault, well: int) -> list[str]:
    """By a new connector, of which `well` requests go well."""
    async with served(folder) as of:
        return await _tried(of, of.connector(), call, fault, well)


async def _tried(of: Served, connector: Any, call: Call, fault: Fault, well: int = 0) -> list[str]:
    before = len(of.server.seen) + well
    of.server.faults.extend([None] * well)
    of.server.every, of.server.retry_after = fault, RETRY_AFTER

    for http in of.opened:
        http.gate = Hasty(of, fault, before)
    error: object = None
    with overheard() as heard:
        try:
            async with asyncio.timeout(20):
                await call(connector)
        except Exception as raised:  # noqa: BLE001, RUF100  # whatever it is, it is looked at
            error = raised
    found = [*_wrong(error, fault, connector.instance), *_repeated(of.server.seen[before:])]
    return [*found, *shown(connector.instance, {"the log": "\n".join(heard)})]


def _wrong(error: object, fault: Fault, instance: Instance) -> Iterator[str]:
    """A wrong kind is told with its name only: its text may be the vendor's."""
    if type(error) is not ERRORS[fault]:
        yield f"{fault.value} is {type(error).__name__} and not {ERRORS[fault].__name__}"
    elif isinstance(error, RateLimited) and error.retry_after != RETRY_AFTER:
        yield f"Retry-After of {RETRY_AFTER:g} s becomes {error.retry_after}"
    yield from shown(instance, {"the error": error})


def _repeated(seen: list[Seen]) -> Iterator[str]:
    """A refused token may be fetched anew, once; nothing else is asked after a fault, and nothing twice."""
    asked: list[Any] = [(one.method, one.path, one.query, one.body) for one in seen]
    if not asked:
        yield "no request went out"
    if len(asked) > 2 or any(asked.count(one) > 1 for one in asked):
        yield f"{len(asked)} requests were sent: {', '.join(f'{one.method} {one.path}' for one in seen)}"


async def left_open(folder: Folder, method: str) -> list[str]:
    """What a call that is cancelled in the middle leaves behind."""
    call = call_of(folder, method)
    async with served(folder) as of:
        await call(of.connector())
        if method == DELIVERED and not of.server.seen:
            return []
        of.server.every = Fault.TIMEOUT
        task = asyncio.ensure_future(call(of.connector()))
        await of.server.until_open(1)
        task.cancel()
        ended = (await asyncio.gather(task, return_exceptions=True))[0]
        found = (
            []
            if isinstance(ended, asyncio.CancelledError)
            else [f"a cancelled call ends as {type(ended).__name__} and not as cancelled"]
        )
        try:
            await of.server.until_open(0, CLOSED_WITHIN)
        except TimeoutError:
            found.append(f"{of.server.open} requests are still open")
        return found
