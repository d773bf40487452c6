"""HTTP to one outside system: a fixed base address, bounded time and size, and errors of our own kinds.

Redirects are not followed: an address that somebody else chose may lead into our own network. Nothing is retried here.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit

import aiohttp
import orjson

from connectors.allowance import TOO_MANY
from connectors.allowance import Allowance as Allowance
from connectors.allowance import number as number
from connectors.allowance import of as allowance_of
from connectors.deadline import seconds_left
from connectors.errors import BadPayload, ConnectorError, DeadlinePassed, RateLimited, Unauthorized, Unreachable
from connectors.payload import Node

LARGEST_ANSWER: Final = 32 * 1024 * 1024
SECONDS: Final = 30.0
# After a 429 that says nothing more.
PAUSE_SECONDS: Final = 1.0


@dataclass(slots=True)
class Response:
    """An answer read to its end. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    _json: Node | None = field(default=None, repr=False)

    def json(self) -> Node:
        """Raises BadPayload for what is no JSON, whatever its content type says."""
        try:
            if self._json is None:
                self._json = Node(orjson.loads(self.body))
            return self._json
        except orjson.JSONDecodeError:
            kind = self.headers.get("content-type", "no content type").split(";")[0][:60]
            raise BadPayload(f"The answer is no JSON ({kind}, {len(self.body)} bytes).") from None


def shared_headers(answer: Response) -> Allowance:
    """What many vendors say of their limit in the same words."""
    return allowance_of(answer.status, answer.headers)


class Gate(Protocol):
    """What a request passes: the limits of the vendor."""

    async def enter(self, operation: str, cost: float) -> float:
        """Waits; what `learn` is to be told with the answer. Raises RateLimited."""
        ...

    def learn(self, operation: str, told: Allowance, since: float) -> None: ...


Resolve = Callable[[str, int], Awaitable[str]]


class Http:
    """What a connector's client is given: requests to `base` only.

    `gate` is passed before each request, and told what the answer says of the vendor's limit, as `reading` understands
    it; a client sets that where its vendor has words of its own. `observe` hears of each: (status or 0, seconds).
    `resolve` gives an address of a host and a port, or raises OSError for one that may not be called.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: str,
        *,
        seconds: float = SECONDS,
        largest: int = LARGEST_ANSWER,
        observe: Callable[[int, float], None] | None = None,
        gate: Gate | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self.session = session
        self.resolve = resolve
        self.base = base.rstrip("/")
        self.host = urlsplit(base).hostname or base
        self.seconds = seconds
        self.largest = largest
        self.observe = observe
        self.gate = gate
        self.reading: Callable[[Response], Allowance] = shared_headers

    async def address(self, port: int) -> str:
        """Where `base` leads to, checked as for HTTP: for what speaks another protocol. Raises Unreachable."""
        if self.resolve is None:
            return self.host
        try:
            async with asyncio.timeout(self.seconds):
                return await self.resolve(self.host, port)
        except (TimeoutError, OSError) as error:
            raise Unreachable(f"{self.host} leads to no address that may be called. {error}".strip()) from None

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: object = None,
        data: bytes | Mapping[str, str] | None = None,
        accept: frozenset[int] = frozenset(),
        operation: str = "",
        cost: float = 1.0,
    ) -> Response:
        """Any answer below 400, or of a status in `accept`; the rest is raised as what it means.

        `operation` is one of the manifest's that has a limit of its own, `cost` what it takes of that.
        """
        since = await self.gate.enter(operation, cost) if self.gate is not None else 0.0
        started = time.perf_counter()
        status = 0
        try:
            async with asyncio.timeout(self.seconds):
                response = await self._exchange(method, path, headers, params, json, data)
            status = response.status
        except TimeoutError:
            raise Unreachable(f"{self.host} did not answer within {self.seconds:g} s.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"{self.host} cannot be reached ({type(error).__name__}).") from error
        finally:
            if self.observe is not None:
                self.observe(status, time.perf_counter() - started)
        if self.gate is not None:
            self.gate.learn(operation, self._told(response), since)
        if response.status not in accept:
            self.check(response)
        return response

    def _told(self, response: Response) -> Allowance:
        try:
            told = self.reading(response)
        except BadPayload:  # What a client reads from a body may be missing in an answer that is an error.
            told = shared_headers(response)
        if response.status == TOO_MANY and told.wait is None:
            return replace(told, wait=told.resets if told.resets is not None else PAUSE_SECONDS)
        return told

    async def _exchange(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None,
        params: Mapping[str, str] | None,
        json: object,
        data: bytes | Mapping[str, str] | None,
    ) -> Response:
        given: dict[str, Any] = {"headers": dict(headers or {}), "params": dict(params or {})}
        if json is not None:
            given["data"] = orjson.dumps(json)
            given["headers"].setdefault("Content-Type", "application/json")
        elif data is not None:
            given["data"] = data if isinstance(data, bytes) else dict(data)
        async with self.session.request(method, f"{self.base}{path}", allow_redirects=False, **given) as answer:
            body = await self._body(answer)
            return Response(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        parts, size = [], 0
        async for part in answer.content.iter_chunked(64 * 1024):
            size += len(part)
            if size > self.largest:
                raise BadPayload(f"The answer of {self.host} is larger than {self.largest} bytes.")
            parts.append(part)
        return b"".join(parts)

    def check(self, response: Response) -> None:
        """Raises what a status means."""
        status = response.status
        if status < 300:
            return
        if status in (401, 403):
            raise Unauthorized(f"{self.host} does not accept our credentials ({status}). Renew them, or their rights.")
        if status == TOO_MANY:
            raise RateLimited(f"{self.host} asks for fewer requests.", self._told(response).wait)
        if status >= 500 or status == 408:
            raise Unreachable(f"{self.host} has a fault of its own ({status}).")
        if status < 400:
            raise BadPayload(f"{self.host} redirects ({status}), which is not followed. Correct its address.")
        raise BadPayload(f"{self.host} does not understand our request ({status}).")


Open = Callable[[str], Http]  # An Http for a base address, which must be a host of the manifest.
T = TypeVar("T")
A = TypeVar("A")
# A system that fails so often, and answers nothing, is not asked for the rest.
HOPELESS: Final = 3
# Kept for handing over what there is before the call's own end.
SETTLING_SECONDS: Final = 0.02


async def each(calls: Iterable[Awaitable[T]], at_once: int = 8) -> list[T]:
    """The results in order, for vendors that answer one thing per request. The first error ends the others."""
    gate = asyncio.Semaphore(at_once)

    async def one(call: Awaitable[T]) -> T:
        async with gate:
            return await call

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(call)) for call in calls]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def settled(ask: Callable[[A], Awaitable[T]], things: Sequence[A], at_once: int = 8) -> list[T | ConnectorError]:
    """For each thing, in order, what came of asking for it: its result or its error, which harms no other.

    What the time of the call does not suffice for is a DeadlinePassed. Where nothing at all has a result, the first
    error is raised; and a system of which the first few requests fail is not asked for the rest.
    """
    found: dict[int, T] = {}
    errors: dict[int, ConnectorError] = {}
    places = iter(range(len(things)))

    async def work() -> None:
        for place in places:
            try:
                found[place] = await ask(things[place])
            except ConnectorError as error:
                errors[place] = error
                if not found and len(errors) >= HOPELESS:
                    return

    late = await _in_time([work() for _ in range(min(at_once, len(things)))])
    rest = late or next(iter(errors.values()), None)
    if rest is None:
        return [found[place] for place in range(len(things))]
    if not found:
        raise errors[min(errors)] if errors else rest
    return [found[place] if place in found else errors.get(place, rest) for place in range(len(things))]


async def _in_time(works: Sequence[Coroutine[Any, Any, None]]) -> DeadlinePassed | None:
    """All of them at once, ended shortly before the call is, so that what there is can still be handed over."""
    left = seconds_left()
    try:
        async with asyncio.timeout(None if left is None else max(0.0, left - SETTLING_SECONDS)):
            async with asyncio.TaskGroup() as group:
                for work in works:
                    group.create_task(work)
    except TimeoutError:
        return DeadlinePassed("The time of the call was over before this one was answered.")
    except ExceptionGroup as raised:
        raise raised.exceptions[0] from None
    return None


class Token:
    """An access token: fetched when first needed, kept until a minute before its end, fetched again if refused."""

    def __init__(
        self, fetch: Callable[[], Awaitable[tuple[str, float]]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`fetch` gives the token and the seconds it lives."""
        self._fetch = fetch
        self._clock = clock
        self._token: str | None = None
        self._until = 0.0
        self._fetching = asyncio.Lock()

    async def use(self, call: Callable[[str], Awaitable[T]]) -> T:
        """`call` with a token. One that is refused before its time is renewed, once; a new one is not."""
        token, new = await self._current()
        try:
            return await call(token)
        except Unauthorized:
            if self._token == token:
                self._token = None
            if new:
                raise
        return await call((await self._current())[0])

    async def _current(self) -> tuple[str, bool]:
        async with self._fetching:
            if self._token is not None and self._clock() < self._until:
                return self._token, False
            self._token, seconds = await self._fetch()
            self._until = self._clock() + max(0.0, seconds - 60.0)
            return self._token, True
