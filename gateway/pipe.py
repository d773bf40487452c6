"""Sending to one client: in order, without waiting, and without a task for as long as the client keeps up.

A message is sent by stepping the server's `send` by hand: with a client that reads, it finishes in that one step. When
it does not, a task carries on with it and what comes after it waits in a bounded queue.
"""

import asyncio
import collections
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from starlette.types import Message, Receive, Send

from gateway.wire import Wire

# Where the queue has drained enough to be filled again.
LOW: Final = 0.5


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far one client may lag: what waits beyond the server's 64 KiB, and how long it may read nothing."""

    queued_bytes: int = 1024 * 1024
    queued_messages: int = 1000
    stalled_seconds: float = 30.0


class Owner(Protocol):
    """Whose message it is; what waits for an owner that became `muted` is not sent any more."""

    @property
    def muted(self) -> bool: ...


class Resumed:
    """A coroutine that was stepped by hand until it had to wait, so that a task can carry on with it."""

    __slots__ = ("coroutine", "waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, None], waits_for: object) -> None:
        self.coroutine = coroutine
        self.waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            yield self.waits_for
        except BaseException:
            self.coroutine.close()
            raise
        yield from self.coroutine.__await__()


class Pipe:
    """Owned by one connection; used from the event loop only. No method raises because the client is gone."""

    __slots__ = ("bounds", "closed", "moved_at", "queue", "queued", "send", "sent", "waiters", "wire", "writer")

    def __init__(self, send: Send, bounds: Bounds, wire: Wire | None = None) -> None:
        self.wire = wire
        self.send = cast("Callable[[Message], Coroutine[Any, Any, None]]", send)
        self.bounds = bounds
        self.sent = 0
        # Of a client that lags: the loop time at which it last took something.
        self.moved_at = 0.0
        self.closed = False
        # All three are there only while the client lags: most never do.
        self.writer: asyncio.Task[None] | None = None
        self.queue: collections.deque[tuple[Message, int, Owner | None]] | None = None
        self.waiters: list[asyncio.Future[None]] | None = None
        self.queued = 0

    @property
    def lagging(self) -> bool:
        return self.writer is not None

    def stalled(self, now: float) -> bool:
        """Whether the client has taken nothing for too long, however little waits for it."""
        return self.writer is not None and now - self.moved_at >= self.bounds.stalled_seconds

    def write(self, message: Message, size: int, owner: Owner | None = None) -> bool:
        """False when the client lags so far that nothing more should be written; `size` is in bytes or characters."""
        if self.closed:
            return True
        if self.writer is None:
            self.step(message)
            return True
        if self.queue is None:
            self.queue = collections.deque()
        self.queue.append((message, size, owner))
        self.queued += size
        return not self.fuller_than(1.0)

    def pass_on(self, data: bytes) -> bool:
        """Written past the layers of the server, which most messages can be; False when it has to be a message."""
        if self.wire is None or self.writer is not None or self.closed or not self.wire.write(data):
            return False
        self.sent += 1
        return True

    def step(self, message: Message) -> None:
        """Only while there is no writer: it may have been woken and not have run yet, and would be overtaken."""
        coroutine = self.send(message)
        try:
            waits_for = coroutine.send(None)
        except StopIteration:
            self.sent += 1
        except Exception:
            # The client is gone, which whoever receives from it notices too.
            self.closed = True
        else:
            loop = asyncio.get_running_loop()
            self.moved_at = loop.time()
            self.writer = loop.create_task(self.carry_on(Resumed(coroutine, waits_for)))

    def last(self, *messages: Message, drop: bool = False) -> None:
        """Nothing is written after these; `drop` leaves out what still waits."""
        if self.closed:
            return
        if drop and self.queue is not None:
            self.queue.clear()
            self.queued = 0
        for message in messages:
            self.write(message, 0)
        self.closed = True
        self.wake()

    async def carry_on(self, first: Resumed) -> None:
        try:
            await first
            self.sent += 1
            clock = asyncio.get_running_loop().time
            self.moved_at = clock()
            while self.queue:
                message, size, owner = self.queue.popleft()
                self.queued -= size
                self.wake()
                if owner is None or not owner.muted:
                    await self.send(message)
                    self.sent += 1
                    self.moved_at = clock()
        except Exception:
            self.closed = True
        finally:
            self.queue, self.queued, self.writer = None, 0, None
            self.wake()

    def fuller_than(self, part: float) -> bool:
        return self.queued >= self.bounds.queued_bytes * part or (
            self.queue is not None and len(self.queue) >= self.bounds.queued_messages * part
        )

    def wake(self) -> None:
        if self.waiters is not None and (self.closed or not self.fuller_than(LOW)):
            waiters, self.waiters = self.waiters, None
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    async def drained(self) -> None:
        """Returns when half of the queue is free. TimeoutError when the client reads nothing for too long."""
        while not self.closed and self.fuller_than(LOW):
            before = self.sent
            waiter = asyncio.get_running_loop().create_future()
            self.waiters = [*(self.waiters or ()), waiter]
            try:
                async with asyncio.timeout(self.bounds.stalled_seconds):
                    await waiter
            except TimeoutError:
                if self.sent == before:
                    raise
            finally:
                self.waiters = [one for one in self.waiters or () if one is not waiter] or None

    def abandon(self) -> None:
        """The connection is over: nothing waits for it any more."""
        self.closed = True
        if self.writer is not None:
            self.writer.cancel()
        self.wake()


def abort(receive: Receive) -> None:
    """Drop the connection although the client reads nothing, which ASGI has no word for.

    uvicorn's close waits until all that was written has been read, so a client that never reads would hold its buffers
    for as long as it likes. `receive` is a method of uvicorn's protocol object, which knows its transport.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()
