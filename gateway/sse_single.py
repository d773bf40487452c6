"""GraphQL over server-sent events, single connection: one stream that carries the events of many operations.

PUT reserves a stream and answers with its token, GET with the token opens it, POST starts an operation on it, DELETE
stops one. For clients on HTTP/1.1, where a browser opens six connections to a site at most.
"""

import secrets
import urllib.parse
from typing import Final

import orjson
from starlette.types import Receive, Send

from domain.actor import Actor
from domain.errors import BadInput, Conflict, NotFound, OrdergraphError, Overloaded
from events.sink import Ended
from gateway import endings, errors
from gateway.errors import Headers
from gateway.operation import Operation, Streaming
from gateway.params import Params
from gateway.sse import EventStream
from gateway.wheel import NEVER

TOKEN_HEADER: Final = b"x-graphql-event-stream-token"
LONGEST_ID: Final = 256


def event(name: bytes, quoted_id: bytes, payload: bytes | None = None) -> bytes:
    inner = b"" if payload is None else b',"payload":' + payload.replace(b"\n", b" ").replace(b"\r", b" ")
    return b"event: " + name + b'\ndata: {"id":' + quoted_id + inner + b"}\n\n"


class SharedStream(EventStream):
    """The stream of a reservation. It has no operation of its own."""

    __slots__ = ("operations",)
    transport = "sse_single"

    def __init__(self, streaming: Streaming, receive: Receive, send: Send, headers: Headers) -> None:
        super().__init__(streaming, receive, send, headers)
        self.operations: dict[str, SharedOperation] = {}

    async def serve(self, actor: Actor, address: str) -> None:
        self.enter(actor, address)
        try:
            if not self.over:
                self.greet()
            await self.wait()
        finally:
            self.forget()

    def forget(self) -> None:
        self.stop_all()
        super().forget()

    def stop_all(self) -> None:
        operations, self.operations = self.operations, {}
        for operation in operations.values():
            operation.stop()

    def conclude(self, reason: Ended, cursor: str | None) -> None:
        """All of its operations end with it, each told so."""
        told = (
            b"" if reason is Ended.SHUTDOWN else b"".join(one.ending(reason, None) for one in self.operations.values())
        )
        self.stop_all()
        if reason is Ended.SHUTDOWN:
            super().conclude(reason, cursor)
        else:
            self.finish(told, reason.value, drop=reason is Ended.SLOW)


class SharedOperation(Operation):
    __slots__ = ("identifier", "quoted_id", "stream")
    transport = "sse_single"

    def __init__(self, stream: SharedStream, identifier: str) -> None:
        super().__init__()
        self.stream = stream
        self.identifier = identifier
        self.quoted_id = orjson.dumps(identifier)

    def push(self, payload: bytes, cursor: str | None) -> bool:
        return True if self.over else self.write(event(b"next", self.quoted_id, payload))

    def write(self, data: bytes) -> bool:
        if self.stream.pipe.pass_on(data):
            return True
        message = {"type": "http.response.body", "body": data, "more_body": True}
        return self.stream.pipe.write(message, len(data), self)

    async def drained(self) -> None:
        await self.stream.pipe.drained()

    def ending(self, reason: Ended, cursor: str | None) -> bytes:
        told = b"" if reason is Ended.COMPLETE else event(b"next", self.quoted_id, endings.response(reason, cursor))
        return told + event(b"complete", self.quoted_id)

    def end(self, reason: Ended, cursor: str | None) -> None:
        if self.over:
            return
        if reason is Ended.SHUTDOWN:
            self.over = True
            self.running = None
            # A cursor is one operation's, and the stream is that of many.
            self.stream.end(reason, None)
            return
        self.write(self.ending(reason, cursor))
        self.over = True
        self.running = None
        self.free()
        if reason is Ended.SLOW:
            self.stream.cut(reason)

    def refuse(self, body: bytes, code: str) -> None:
        self.write(event(b"next", self.quoted_id, body) + event(b"complete", self.quoted_id))
        self.free()

    def free(self) -> None:
        if self.stream.operations.get(self.identifier) is self:
            del self.stream.operations[self.identifier]


class Reservation:
    """Timed by the wheel until its stream is opened."""

    __slots__ = ("actor", "reservations", "slot", "stream", "token")

    def __init__(self, reservations: "Reservations", token: str, actor: Actor) -> None:
        self.reservations = reservations
        self.token = token
        self.actor = actor
        self.stream: SharedStream | None = None
        self.slot = NEVER

    def tick(self, now: float) -> None:
        self.reservations.held.pop(self.token, None)


class Reservations:
    def __init__(self, streaming: Streaming) -> None:
        self.streaming = streaming
        self.held: dict[str, Reservation] = {}

    def reserve(self, actor: Actor, now: float) -> str:
        options = self.streaming.connections.options
        if len(self.held) >= options.reservations:
            raise Overloaded(f"{options.reservations} event streams are reserved. Try again later.")
        token = secrets.token_urlsafe(32)
        self.held[token] = reservation = Reservation(self, token, actor)
        self.streaming.connections.wheel.put(reservation, now + options.reservation_seconds)
        return token

    def of(self, token: str, actor: Actor) -> Reservation:
        """Somebody else's reservation looks the same as none."""
        held = self.held.get(token)
        if held is None or held.actor != actor:
            raise NotFound("No event stream is reserved under this token. Reserve one by PUT and open it at once.")
        return held

    async def open(
        self, reservation: Reservation, receive: Receive, send: Send, headers: Headers, address: str
    ) -> None:
        if reservation.stream is not None:
            raise Conflict("The event stream of this token is open already. Reserve another by PUT.")
        reservation.stream = SharedStream(self.streaming, receive, send, headers)
        self.streaming.connections.wheel.remove(reservation)
        try:
            await reservation.stream.serve(reservation.actor, address)
        finally:
            self.held.pop(reservation.token, None)

    def start(self, reservation: Reservation, asked: Params) -> None:
        stream = reservation.stream
        if stream is None:
            raise Conflict("The event stream of this token is not open yet. Open it by GET first.")
        identifier = asked.extensions.get("operationId") if asked.extensions is not None else None
        if not isinstance(identifier, str) or not 0 < len(identifier) <= LONGEST_ID:
            raise errors.MalformedRequest(
                f"extensions.operationId must be a string of 1 to {LONGEST_ID} characters: events carry it."
            )
        if identifier in stream.operations:
            raise Conflict("An operation with this extensions.operationId runs already.")
        most = self.streaming.connections.options.operations_per_socket
        if len(stream.operations) >= most:
            raise Overloaded(f"{most} operations run on this event stream. Stop one first.")
        stream.operations[identifier] = operation = SharedOperation(stream, identifier)
        try:
            prepared = self.streaming.asked(asked)
        except OrdergraphError as error:
            operation.refused(errors.body(error.message, error.code), error.code)
            return
        operation.begin(self.streaming, prepared, reservation.actor)

    def stop(self, reservation: Reservation, query_string: bytes) -> None:
        identifier = parameter(query_string, "operationId")
        if not identifier:
            raise BadInput("The parameter operationId is missing: it names the operation to stop.")
        operation = reservation.stream.operations.pop(identifier, None) if reservation.stream is not None else None
        if operation is not None:
            operation.stop()


def parameter(query_string: bytes, name: str) -> str | None:
    pairs = urllib.parse.parse_qs(query_string.decode("latin-1"), max_num_fields=None)
    return pairs[name][0] if name in pairs else None


def token_in(query_string: bytes) -> str | None:
    return parameter(query_string, "token") if b"token=" in query_string and len(query_string) < 4096 else None
