"""What all simulators are: an HTTP server on loopback that notes its requests and misbehaves when told to."""

import asyncio
import enum
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
import orjson
from aiohttp import web

from connectors.http import Http

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Fault(enum.StrEnum):
    """How a request may go wrong before, or while, it is answered."""

    UNAUTHORIZED = "401"
    RATE_LIMITED = "429"
    BROKEN = "500"
    TIMEOUT = "timeout"
    CUT = "cut body"
    DRIP = "slow drip"
    WRONG_TYPE = "wrong content type"
    UNHEARD = "done, and the answer lost"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(slots=True)
class Simulator:
    """Subclasses give `routes`. `faults` are used up one per request (None: it goes well).

    `every` is the fault of all others until it is taken away.
    """

    faults: deque[Fault | None] = field(default_factory=deque)
    every: Fault | None = None
    latency: float = 0.0
    retry_after: float = 1.0
    seen: list[Seen] = field(default_factory=list)
    open: int = 0
    url: str = ""
    _site: web.TCPSite | None = None

    async def stop(self) -> None:
        """Nobody listens any more; those connected keep their connection."""
        assert self._site is not None, "stopped while it runs"
        await self._site.stop()

    async def until_open(self, number: int, seconds: float = 10.0) -> None:
        """Until so many requests are being answered; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while self.open != number:  # noqa: ASYNC110  # a test may poll, a server need not tell
                await asyncio.sleep(0.01)

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Listens on a free port of loopback; `url` is its address."""
        app = web.Application(middlewares=[self._misbehave], client_max_size=64 * 1024 * 1024)
        app.add_routes(self.routes())
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            self._site = web.TCPSite(runner, "127.0.0.1", 0)
            await self._site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(Seen(request.method, request.path, headers, dict(request.query), body))
        fault = self.faults.popleft() if self.faults else self.every
        self.open += 1
        try:
            await asyncio.sleep(self.latency)
            if fault is Fault.UNHEARD:
                await handler(request)
            return await self._faulty(fault, request) if fault else await handler(request)
        finally:
            self.open -= 1

    async def _faulty(self, fault: Fault, request: web.Request) -> web.StreamResponse:
        if fault is Fault.TIMEOUT:
            await asyncio.sleep(3600)
        if fault is Fault.WRONG_TYPE:
            return web.Response(text="<html><title>Maintenance</title></html>", content_type="text/html")
        if fault in (Fault.CUT, Fault.DRIP, Fault.UNHEARD):
            return await self._half(request, fault)
        headers = {"Retry-After": f"{self.retry_after:g}"} if fault is Fault.RATE_LIMITED else {}
        return web.json_response({"error": "told to"}, status=int(fault), headers=headers)

    async def _half(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"data": [')
        while fault is Fault.DRIP:
            await asyncio.sleep(0.05)
            await response.write(b" ")
        assert request.transport is not None
        request.transport.abort()
        return response


@asynccontextmanager
async def opener(seconds: float = 5.0) -> AsyncIterator[Callable[[str], Http]]:
    """What `create(instance, http)` takes, for tests: any address, no checks of hosts, no runtime around it."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield lambda base: Http(session, base, seconds=seconds)
