"""One socket that speaks graphql-transport-ws: its operations, its limits, and how it ends."""

import asyncio
import random
from typing import TYPE_CHECKING, Any, Final

import structlog
from starlette.types import Receive, Send

from domain.actor import Actor
from domain.errors import OrdergraphError, Unauthenticated
from events.sink import Ended
from gateway import errors, params
from gateway import websocket_messages as words
from gateway.operation import Streaming
from gateway.pipe import Pipe, abort
from gateway.websocket_messages import Code, Violation
from gateway.websocket_operation import SocketOperation
from gateway.wheel import NEVER
from gateway.wire import wire_of

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger()

PING: Final = '{"type":"ping"}'
PINGS_UNANSWERED: Final = 2
# Between what ends one operation and the close: the others on the socket get their checkpoints first.
LINGER_SECONDS: Final = 0.05


class Connection:
    """A Stream, and Timed by the wheel. Everything a client sends is handled in order by the task of its socket."""

    __slots__ = (
        "actor", "address", "authorization", "caller", "closing", "credit", "credited_at", "expires_at", "farewell",
        "greeted", "heard", "leave_at", "operations", "ping_at", "pipe", "receive", "slot", "streaming",
    )  # fmt: skip
    transport = "websocket"

    def __init__(
        self, streaming: Streaming, receive: Receive, send: Send, authorization: bytes | None, address: str
    ) -> None:
        options = streaming.connections.options
        self.streaming = streaming
        self.receive = receive
        self.pipe = Pipe(send, options.bounds, wire_of(receive))
        self.authorization = authorization
        self.address = address
        self.operations: dict[str, SocketOperation] = {}
        self.actor: Actor | None = None
        self.caller: str | None = None
        self.slot = NEVER
        self.closing: str | None = None
        self.heard = self.credited_at = now = asyncio.get_running_loop().time()
        self.credit = float(options.messages_per_minute)
        # Loop times of what is due; the first ping is that of the initialisation.
        self.expires_at: float | None = None
        self.leave_at: float | None = None
        self.ping_at = now + options.init_seconds
        self.greeted = False
        # The cursor to leave with.
        self.farewell: str | None = None

    async def run(self) -> None:
        """Until the client or we have closed it."""
        connections = self.streaming.connections
        connections.enter(self)
        connections.wheel.put(self, self.ping_at)
        code = "1006"
        try:
            while (message := await self.receive())["type"] != "websocket.disconnect":
                if self.closing is None:
                    await self.hear(message.get("text"))
            code = str(message.get("code", code))
        finally:
            self.forget(code)

    def forget(self, code: str) -> None:
        """What we closed stays on the wheel, because the server goes on writing until the client has read all."""
        connections = self.streaming.connections
        if self.closing is None:
            connections.wheel.remove(self)
            if self.pipe.lagging:
                self.drop()
        connections.exit(self, self.closing or code)
        if self.caller is not None:
            connections.release(self.caller)
            self.caller = None
        self.stop_all()
        self.pipe.abandon()

    async def hear(self, text: str | None) -> None:
        try:
            self.count()
            if text is None:
                raise words.bad("Messages are text, not binary")
            message = words.parse(text)
            handler = HANDLERS.get(message["type"])
            if handler is None:
                raise words.bad(f"Unknown message type '{message['type']}'")
            answer = handler(self, message)
            if answer is not None:
                await answer
        except Violation as violation:
            self.close(violation.code, violation.reason)
        except Exception:
            log.exception("socket_failed")
            self.close(Code.INTERNAL)

    def count(self) -> None:
        """A bucket that holds the messages of a minute and fills evenly."""
        most = self.streaming.connections.options.messages_per_minute
        self.heard = now = asyncio.get_running_loop().time()
        self.credit = min(most, self.credit + (now - self.credited_at) * most / 60) - 1
        self.credited_at = now
        if self.credit < 0:
            raise Violation(Code.TRY_LATER, f"More than {most} messages per minute")

    async def connection_init(self, message: dict[str, Any]) -> None:
        if self.greeted:
            raise Violation(Code.TOO_MANY_INITS)
        connections = self.streaming.connections
        # From here on the client waits for us.
        self.greeted = True
        self.ping_at = self.heard + connections.options.ping_seconds
        try:
            actor = await self.streaming.actor(words.authorization(words.payload(message), self.authorization))
            self.caller = connections.hold(actor, self.address)
        except Unauthenticated as error:
            self.streaming.http.metrics.refused.labels(error.code).inc()
            raise Violation(Code.FORBIDDEN) from None
        except OrdergraphError as error:
            self.streaming.http.metrics.refused.labels(error.code).inc()
            raise Violation(Code.TRY_LATER) from None
        self.accept(actor)

    def accept(self, actor: Actor) -> None:
        ping = self.streaming.connections.options.ping_seconds
        loop = asyncio.get_running_loop()
        self.actor = actor
        self.authorization = None
        self.expires_at = self.streaming.ends_at(actor)
        # Not at the same time for all that came at the same time.
        self.ping_at = loop.time() + ping * random.uniform(0.5, 1.0)  # noqa: S311
        self.say(words.acknowledged({"keepalive": int(ping * 1000)}))
        self.rest()

    def subscribe(self, message: dict[str, Any]) -> None:
        identifier = words.operation_id(message)
        given = words.operation(message)
        if self.actor is None:
            raise Violation(Code.UNAUTHORIZED)
        if identifier in self.operations:
            raise Violation(Code.SUBSCRIBER_EXISTS, f"Subscriber for {identifier} already exists")
        operation = SocketOperation(self, identifier)
        self.operations[identifier] = operation
        most = self.streaming.connections.options.operations_per_socket
        if len(self.operations) > most:
            operation.refused(
                errors.body(f"{most} operations run on this socket. Complete one first.", Ended.LIMIT.value),
                Ended.LIMIT.value,
            )
            return
        try:
            asked = self.streaming.asked(params.checked(*map(given.get, params.NAMES)))
        except OrdergraphError as error:
            self.streaming.http.metrics.refused.labels(error.code).inc()
            operation.refused(errors.body(error.message, error.code), error.code)
            return
        operation.begin(self.streaming, asked, self.actor)

    def complete(self, message: dict[str, Any]) -> None:
        operation = self.operations.pop(words.operation_id(message), None)
        if operation is not None:
            operation.stop()

    def ping(self, message: dict[str, Any]) -> None:
        self.say(words.pong(words.payload(message)))

    def pong(self, message: dict[str, Any]) -> None:
        words.payload(message)

    def say(self, text: str) -> None:
        if not self.pipe.write({"type": "websocket.send", "text": text}, len(text)):
            # It asks and does not read the answers.
            self.close(Code.SLOW)

    def tick(self, now: float) -> float | None:
        if self.closing is not None:
            self.drop()
            return None
        if self.leave_at is not None and now >= self.leave_at:
            self.leave()
        elif self.expires_at is not None and now >= self.expires_at:
            self.close(Code.FORBIDDEN, words.EXPIRED)
        elif now >= self.ping_at:
            self.ping_now(now)
        return self.next_due()

    def ping_now(self, now: float) -> None:
        if not self.greeted:
            self.close(Code.INIT_TIMEOUT)
            return
        seconds = self.streaming.connections.options.ping_seconds
        if now - self.heard >= PINGS_UNANSWERED * seconds:
            self.close(Code.PING_TIMEOUT)
            return
        if self.pipe.stalled(now):
            self.close(Code.SLOW)
            return
        self.ping_at = now + seconds
        if not self.pipe.lagging:
            self.say(PING)

    def next_due(self) -> float | None:
        """None once it is closed: then it is on the wheel to be dropped."""
        if self.closing is not None:
            return None
        return min(due for due in (self.ping_at, self.expires_at, self.leave_at) if due is not None)

    def rest(self) -> None:
        due = self.next_due()
        if due is not None:
            self.streaming.connections.wheel.put(self, due)

    def end_soon(self, code: Code, reason: str | None = None, cursor: str | None = None) -> None:
        asyncio.get_running_loop().call_later(LINGER_SECONDS, self.close, code, reason, cursor)

    def leave_soon(self, cursor: str | None) -> None:
        """The server ends; the waves of `Connections.drain` may come before this does."""
        if self.leave_at is None:
            self.farewell = cursor
            now = asyncio.get_running_loop().time()
            jitter = self.streaming.connections.options.restart_jitter_seconds
            self.leave_at = now + random.uniform(0.0, jitter)  # noqa: S311
            self.rest()

    def revoke(self) -> None:
        """An `error` first for each operation, so that clients do not come back by themselves with the same token."""
        for operation in list(self.operations.values()):
            # Those that the hub did not know yet.
            operation.end(Ended.REVOKED, None)
        self.end_soon(Code.FORBIDDEN, words.REVOKED)

    def leave(self) -> None:
        self.close(Code.RESTART, cursor=self.farewell)

    def close(self, code: Code, reason: str | None = None, cursor: str | None = None) -> None:
        """What the client has not read yet is dropped with it, and then a cursor would lead past that."""
        if self.closing is not None:
            return
        self.closing = str(int(code))
        self.stop_all()
        reason = words.with_cursor(words.clipped(reason or words.REASONS[code]), None if self.pipe.queue else cursor)
        self.pipe.last({"type": "websocket.close", "code": int(code), "reason": reason}, drop=True)
        seconds = self.streaming.connections.options.close_seconds
        self.streaming.connections.wheel.put(self, asyncio.get_running_loop().time() + seconds)

    def drop(self) -> None:
        abort(self.receive)

    def stop_all(self) -> None:
        operations, self.operations = self.operations, {}
        for operation in operations.values():
            operation.stop()


HANDLERS: "Final[dict[str, Callable[[Connection, dict[str, Any]], Any]]]" = {
    "connection_init": Connection.connection_init,
    "subscribe": Connection.subscribe,
    "complete": Connection.complete,
    "ping": Connection.ping,
    "pong": Connection.pong,
}
