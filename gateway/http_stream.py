"""One operation as an HTTP response that goes on: what SSE and multipart have in common."""

import asyncio
import random
from typing import ClassVar, Final

from starlette.types import Receive, Send

from domain.actor import Actor
from events.sink import Ended
from gateway import errors
from gateway.connections import TooManyStreams
from gateway.errors import Headers
from gateway.operation import Asked, Operation, Streaming
from gateway.pipe import Pipe, abort
from gateway.wheel import NEVER
from gateway.wire import wire_of

# Proxies must pass each part on at once and change nothing.
STREAM_HEADERS: Final[Headers] = (
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"vary", b"accept, origin"),
    (b"x-content-type-options", b"nosniff"),
)


class HttpStream(Operation):
    """A Sink, a Stream and Timed by the wheel; its own task only waits for the client to hang up."""

    __slots__ = (
        "actor", "beat_at", "caller", "code", "cursor", "expires_at", "headers", "leave_at", "pipe", "receive", "slot",
        "started_response", "streaming",
    )  # fmt: skip
    content_type: ClassVar[bytes]

    def __init__(self, streaming: Streaming, receive: Receive, send: Send, headers: Headers = ()) -> None:
        super().__init__()
        self.streaming = streaming
        self.receive = receive
        # Those of CORS.
        self.headers = headers
        self.pipe = Pipe(send, streaming.connections.options.bounds, wire_of(receive))
        self.actor: Actor | None = None
        self.caller: str | None = None
        self.code = "1006"
        self.slot = NEVER
        self.started_response = False
        self.beat_at = asyncio.get_running_loop().time() + self.heartbeat_seconds()
        self.expires_at: float | None = None
        self.leave_at: float | None = None
        self.cursor: str | None = None

    async def run(self, asked: Asked, actor: Actor, address: str) -> None:
        """Until the operation has ended and all is sent, or the client has hung up."""
        self.enter(actor, address)
        try:
            if not self.over:
                self.greet()
                self.begin(self.streaming, asked, actor)
            await self.wait()
        finally:
            self.forget()

    def enter(self, actor: Actor, address: str) -> None:
        connections = self.streaming.connections
        connections.enter(self)
        self.actor = actor
        self.expires_at = self.streaming.ends_at(actor)
        connections.wheel.put(self, self.beat_at if self.expires_at is None else min(self.beat_at, self.expires_at))
        try:
            self.caller = connections.hold(actor, address)
        except TooManyStreams as error:
            self.refused(errors.body(error.message, error.code), error.code)

    async def wait(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass

    def forget(self) -> None:
        connections = self.streaming.connections
        connections.wheel.remove(self)
        connections.exit(self, self.code)
        if self.caller is not None:
            connections.release(self.caller)
        if self.pipe.lagging:
            abort(self.receive)
        self.stop()
        self.pipe.abandon()

    def open(self, status: int = 200) -> None:
        self.started_response = True
        head = [(b"content-type", self.content_type), *STREAM_HEADERS, *self.headers]
        self.pipe.write({"type": "http.response.start", "status": status, "headers": head}, 0)

    def write(self, data: bytes) -> bool:
        if not self.started_response:
            self.open()
        if self.pipe.pass_on(data):
            return True
        return self.pipe.write({"type": "http.response.body", "body": data, "more_body": True}, len(data), self)

    def finish(self, data: bytes, code: str, *, drop: bool = False) -> None:
        """The last bytes; a client that does not take them in time is dropped."""
        if not self.started_response:
            self.open()
        self.code = code
        self.pipe.last({"type": "http.response.body", "body": data, "more_body": False}, drop=drop)
        options = self.streaming.connections.options
        seconds = options.close_seconds if drop else options.bounds.stalled_seconds
        self.streaming.connections.wheel.put(self, asyncio.get_running_loop().time() + seconds)

    def tick(self, now: float) -> float | None:
        if self.pipe.closed:
            self.drop()
            return None
        if self.leave_at is not None and now >= self.leave_at:
            self.leave()
        elif self.expires_at is not None and now >= self.expires_at:
            self.cut(Ended.TOKEN_EXPIRED)
        elif now >= self.beat_at:
            self.beat_at = now + self.heartbeat_seconds()
            if self.pipe.stalled(now):
                self.cut(Ended.SLOW)
            elif not self.pipe.lagging:
                self.beat()
        return self.next_due()

    def next_due(self) -> float | None:
        """None once it is finished: then it is on the wheel to be dropped."""
        if self.pipe.closed:
            return None
        return min(due for due in (self.beat_at, self.expires_at, self.leave_at) if due is not None)

    async def drained(self) -> None:
        await self.pipe.drained()

    def end(self, reason: Ended, cursor: str | None) -> None:
        if self.over:
            return
        self.over = True
        self.running = None
        if reason is Ended.SHUTDOWN:
            # The waves of `Connections.drain` may come before this does.
            self.cursor = cursor
            now = asyncio.get_running_loop().time()
            self.leave_at = now + random.uniform(0.0, self.streaming.connections.options.restart_jitter_seconds)  # noqa: S311
            self.streaming.connections.wheel.put(self, self.leave_at)
        else:
            self.conclude(reason, cursor)

    def cut(self, reason: Ended) -> None:
        """End it from here, because nobody above did."""
        if reason is Ended.SLOW:
            # It would lead past what the client has not read.
            self.cursor = None
        running, self.running = self.running, None
        if not self.over:
            self.over = True
            if self.task is not None:
                self.task.cancel()
            if running is not None:
                running.close()
        if not self.pipe.closed:
            self.conclude(reason, self.cursor)

    def leave(self) -> None:
        self.cut(Ended.SHUTDOWN)

    def revoke(self) -> None:
        self.cut(Ended.REVOKED)

    def drop(self) -> None:
        abort(self.receive)

    def heartbeat_seconds(self) -> float:
        raise NotImplementedError

    def greet(self) -> None:
        """Before the operation is started."""

    def beat(self) -> None:
        raise NotImplementedError

    def conclude(self, reason: Ended, cursor: str | None) -> None:
        """Tell why it ends, and `finish`."""
        raise NotImplementedError
