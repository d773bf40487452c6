"""Whatever goes wrong at the other end is the right one of the four errors, is asked once, and shows no secret."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from connectors.base import Capability, Connector, Instance
from connectors.errors import BadPayload, ConnectorError, RateLimited, Unauthorized, Unreachable
from connectors.http import Http
from tests.contract.folder import Folder
from tests.contract.secrecy import shown
from tests.simulators.base import Fault, Seen, Simulator

ERRORS: dict[Fault, type[ConnectorError]] = {
    Fault.UNAUTHORIZED: Unauthorized,
    Fault.RATE_LIMITED: RateLimited,
    Fault.BROKEN: Unreachable,
    Fault.TIMEOUT: Unreachable,
    Fault.CUT: Unreachable,
    Fault.DRIP: Unreachable,
    Fault.WRONG_TYPE: BadPayload,
}
SECONDS = 0.2
RETRY_AFTER = 7.0
CLOSED_WITHIN = 5.0


@asynccontextmanager
async def _served(folder: Folder) -> AsyncIterator[tuple[Simulator, Connector, list[Http]]]:
    """A server, a connector of it, and what it opened. What a defective one leaves open ends before the server."""
    opened: list[Http] = []
    async with folder.simulator.Server().running() as server:
        async with aiohttp.ClientSession() as session:

            def http(base: str) -> Http:
                opened.append(Http(session, base, seconds=30.0))
                return opened[-1]

            yield server, folder.create(folder.simulator.instance(server.url), http), opened
        with contextlib.suppress(TimeoutError):
            await server.until_open(0, CLOSED_WITHIN)


async def faulty(folder: Folder, capability: Capability, fault: Fault) -> list[str]:
    """Tried where the first request fails, such as one for a token, and where a call has gone well before."""
    return [f"{when}: {one}" for when in ("at first", "later") for one in await _tried(folder, capability, fault, when)]


async def _tried(folder: Folder, capability: Capability, fault: Fault, when: str) -> list[str]:
    call = folder.simulator.CALLS[capability]
    async with _served(folder) as (server, connector, opened):
        if when == "later":
            await call(connector)
        before = len(server.seen)
        server.every, server.retry_after = fault, RETRY_AFTER
        for http in opened:
            http.seconds = SECONDS if fault in (Fault.TIMEOUT, Fault.DRIP) else http.seconds
        error: object = None
        try:
            async with asyncio.timeout(20):
                await call(connector)
        except Exception as raised:  # noqa: BLE001, RUF100  # whatever it is, it is looked at
            error = raised
        return [*_wrong(error, fault, connector.instance), *_repeated(server.seen[before:])]


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


async def left_open(folder: Folder, capability: Capability) -> list[str]:
    """What a call that is cancelled in the middle leaves behind."""
    async with _served(folder) as (server, connector, _):
        server.every = Fault.TIMEOUT
        task = asyncio.ensure_future(folder.simulator.CALLS[capability](connector))
        await server.until_open(1)
        task.cancel()
        ended = (await asyncio.gather(task, return_exceptions=True))[0]
        found = (
            []
            if isinstance(ended, asyncio.CancelledError)
            else [f"a cancelled call ends as {type(ended).__name__} and not as cancelled"]
        )
        try:
            await server.until_open(0, CLOSED_WITHIN)
        except TimeoutError:
            found.append(f"{server.open} requests are still open")
        return found
