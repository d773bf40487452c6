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
        b"origin",
        b"sec-fetch-site",
    }
)
# A watch costs a task, so only operations that last get one.
WATCH_AFTER_SECONDS: Final = 0.05


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


class HangUp:
    """Cancels the current task when its client hangs up. Begin it once the body is read, and always `end` it."""

    __slots__ = ("gone", "receive", "task", "timer", "watch")

    def __init__(self, receive: Receive, task: asyncio.Task[object]) -> None:
        self.receive = receive
        self.task = task
        self.gone = False
        self.watch: asyncio.Task[None] | None = None
        self.timer = task.get_loop().call_later(WATCH_AFTER_SECONDS, self.begin)

    def begin(self) -> None:
        self.watch = self.task.get_loop().create_task(self.wait())

    async def wait(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self.task.cancel()

    def end(self) -> None:
        self.timer.cancel()
        if self.watch is not None:
            self.watch.cancel()
