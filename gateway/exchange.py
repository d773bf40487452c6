"""One HTTP exchange on bare ASGI: the headers we read, the body within its limit, and a client that hangs up."""

import asyncio
from collections.abc import Iterable
from typing import Final

from starlette.types import Receive

from gateway.errors import PayloadTooLarge

READ: Final = frozenset(
    {
        b"accept",
        b"access-control-request-method",
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"idempotency-key",
        b"origin",
        b"sec-fetch-site",
    }
)
# How late a deadline may be, and how long a client is gone before anybody notices.
LOOK_SECONDS: Final = 0.05
# Why an exchange ended too early.
LATE: Final = "DEADLINE_EXCEEDED"
GONE: Final = "CLIENT_GONE"


class ClientGone(Exception):  # noqa: N818  (no error: there is nobody left to tell)
    """The client closed the connection before its answer was ready."""


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """A header that came twice is one list (RFC 9110 section 5.3), which two tokens or types can never be."""
    headers: dict[bytes, bytes] = {}
    for name, value in raw:
        if name in READ:
            headers[name] = value if name not in headers else headers[name] + b", " + value
    return headers


async def read_body(receive: Receive, declared: bytes | None, longest: int) -> bytes:
    """The whole body; refused as soon as its declared or its true length passes `longest` bytes."""
    if declared is not None and declared.isdigit() and int(declared[:20]) > longest:
        refuse_length(longest)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False) and len(body) <= longest:
        return body
    parts, length = [body], len(body)
    while length <= longest:
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        length += len(parts[-1])
    return refuse_length(longest)


def refuse_length(longest: int) -> bytes:
    raise PayloadTooLarge(f"The body is longer than {longest} bytes (ORDERGRAPH_LONGEST_BODY).")


class Exchange:
    """One request while it is served. What ends it too early cancels its task and stands in `ended`."""

    __slots__ = ("before", "due", "ended", "heard", "listening", "receive", "task")

    def __init__(self, receive: Receive, task: asyncio.Task[object], due: float) -> None:
        self.receive = receive
        self.task = task
        self.due = due
        self.before = task.cancelling()
        self.ended = ""
        # The body is read, so what comes next from the client can only be that it leaves.
        self.heard = False
        self.listening: asyncio.Task[None] | None = None

    def look(self, now: float) -> None:
        """Called from time to time; a request that is over soon never is, so it costs no task to listen."""
        if now >= self.due:
            self.end(LATE)
        elif self.heard and self.listening is None:
            self.listening = self.task.get_loop().create_task(self.listen())

    async def listen(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.end(GONE)

    def end(self, reason: str) -> None:
        if not self.ended:
            self.ended = reason
            self.task.cancel()

    def finish(self) -> None:
        if self.listening is not None:
            self.listening.cancel()

    def own_cancellation(self) -> bool:
        """Whether the task was cancelled from here and from nowhere else; takes the cancellation back."""
        return bool(self.ended) and self.task.uncancel() <= self.before


class Patrol:
    """Looks after all exchanges with one timer, because a timer for each costs more than the rest of its way in."""

    def __init__(self) -> None:
        self.exchanges: set[Exchange] = set()
        self.timer: asyncio.TimerHandle | None = None

    def begin(self, receive: Receive, seconds: float) -> Exchange:
        task = asyncio.current_task()
        assert task is not None, "requests are served in tasks"
        loop = task.get_loop()
        exchange = Exchange(receive, task, loop.time() + seconds)
        self.exchanges.add(exchange)
        if self.timer is None:
            self.timer = loop.call_later(LOOK_SECONDS, self.look, loop)
        return exchange

    def finish(self, exchange: Exchange) -> None:
        self.exchanges.discard(exchange)
        exchange.finish()

    def look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for exchange in tuple(self.exchanges):
            exchange.look(now)
        self.timer = loop.call_later(LOOK_SECONDS, self.look, loop) if self.exchanges else None
