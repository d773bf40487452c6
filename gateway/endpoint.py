"""What answers on `/graphql`: plain HTTP, or one of the streaming transports, chosen by what the client accepts."""

import asyncio
import dataclasses
import enum
import functools
import uuid

import structlog
from starlette.types import Message, Receive, Scope, Send

from domain.errors import OrdergraphError, Overloaded, Unavailable
from gateway import documents, errors, negotiation, params
from gateway.callback import Callbacks
from gateway.errors import Headers, PersistedQuery
from gateway.exchange import ClientGone, read_body, read_headers
from gateway.http import Reply, address, breakdown
from gateway.http_stream import STREAM_HEADERS
from gateway.multipart import MultipartStream
from gateway.negotiation import Media
from gateway.operation import Streaming
from gateway.params import Params
from gateway.sse import COMPLETE, EventStream, event
from gateway.sse_single import TOKEN_HEADER, Reservations, token_in
from gateway.websocket import WebSocketEndpoint

log = structlog.get_logger()


class Transport(enum.Enum):
    SSE = "sse"
    MULTIPART = "multipart"
    CALLBACK = "callback"


@functools.lru_cache(maxsize=256)
def accepted(accept: bytes) -> Transport | None:
    """The streaming transport an Accept header asks for; None for plain HTTP."""
    for part in accept[: negotiation.CACHED_LENGTH].decode("latin-1").lower().split(","):
        media_range, *pieces = (piece.strip() for piece in part.split(";"))
        named = (piece.replace('"', "").partition("=") for piece in pieces)
        parameters = {name.strip(): value.strip() for name, _, value in named}
        if parameters.get("q", "1").strip("0.") == "":
            continue
        if media_range == "text/event-stream":
            return Transport.SSE
        if media_range == "multipart/mixed" and parameters.get("subscriptionspec") in ("1.0", "1"):
            return Transport.MULTIPART
        if media_range == "application/json" and parameters.get("callbackspec") in ("1.0", "1"):
            return Transport.CALLBACK
    return None


def wanted(scope: Scope) -> tuple[bytes | None, str | None]:
    """The Accept header and the token of an event stream, found in one pass: plain requests pay for this too."""
    accept, token = None, None
    for name, value in scope["headers"]:
        if name == b"accept":
            accept = value if accept is None else accept + b", " + value
        elif name == TOKEN_HEADER:
            token = value.decode("latin-1")
    return accept, token if token is not None or not scope["query_string"] else token_in(scope["query_string"])


def last_event_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"last-event-id":
            return str(value.decode("latin-1")) or None
    return None


class Endpoint:
    """The ASGI app for HTTP and sockets on one path. What is no stream goes to `GraphQLHttp` as it came."""

    def __init__(self, streaming: Streaming, callbacks: Callbacks) -> None:
        self.streaming = streaming
        self.http = streaming.http
        self.callbacks = callbacks
        self.reservations = Reservations(streaming)
        self.websocket = WebSocketEndpoint(streaming)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.websocket(scope, receive, send)
            return
        accept, token = wanted(scope)
        transport = accepted(accept) if accept is not None and scope["method"] in ("POST", "GET") else None
        if transport is None and token is None and scope["method"] != "PUT":
            await self.http(scope, receive, send)
            return
        headers = read_headers(scope["headers"])
        try:
            if scope["method"] == "PUT" or (token is not None and (scope["method"] != "GET" or transport)):
                reply = await self.single(token, scope, headers, receive, send)
            elif transport is not None:
                reply = await self.stream(transport, scope, headers, receive, send)
            else:
                await self.http(scope, receive, send)
                return
        except ClientGone:
            return
        except OrdergraphError as error:
            reply = self.http.refusal(error)
        except Exception:
            error_id = uuid.uuid4().hex
            log.exception("stream_failed", error_id=error_id)
            reply = breakdown(error_id)
        if reply is not None:
            await respond(send, reply, self.http.head(reply, headers, Media.JSON))

    async def stream(
        self, transport: Transport, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> Reply | None:
        """None when a stream was the answer; else what the request is answered with instead."""
        asked, body = await self.read(scope, headers, receive)
        if plain(transport, asked, headers):
            await self.http(scope, receive if body is None else replayed(body, receive), send)
            return None
        self.check_open()
        try:
            prepared = self.streaming.asked(asked, last_event_id(scope))
        except PersistedQuery as error:
            # Its clients look for this in an answer, not in a status.
            if transport is not Transport.SSE:
                raise
            said = event(errors.body(error.message, error.code), None) + COMPLETE
            head = [(b"content-type", EventStream.content_type), *STREAM_HEADERS, *self.cors(headers)]
            await respond(send, Reply(200, said), head)
            return None
        if scope["method"] == "GET":
            if documents.is_mutation(prepared.request.query, prepared.request.operation_name):
                raise errors.MethodNotAllowed("A mutation is sent by POST.", b"POST")
            prepared = dataclasses.replace(prepared, allow_mutation=False)
        actor = await self.streaming.actor(headers.get(b"authorization"))
        if transport is Transport.CALLBACK:
            return await self.callbacks.subscribe(prepared, actor, address(scope))
        kind = EventStream if transport is Transport.SSE else MultipartStream
        await kind(self.streaming, receive, send, self.cors(headers)).run(prepared, actor, address(scope))
        return None

    async def read(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> tuple[Params, bytes | None]:
        """The operation, and the body it came in."""
        if scope["method"] == "GET":
            if self.http.options.cors.refuses(headers):
                raise errors.CrossSite(
                    "A page of another site sent this, and ORDERGRAPH_CORS_ORIGINS does not list it."
                )
            return await self.http.read(scope, headers, receive), None
        self.http.check_content(headers)
        seconds = self.http.options.body_seconds
        try:
            async with asyncio.timeout(seconds):
                body = await read_body(receive, headers.get(b"content-length"), self.http.options.longest_body)
        except TimeoutError:
            raise errors.SlowBody(f"The body did not arrive within {seconds:g} s.") from None
        asked = params.from_body(body)
        extensions = params.with_key(asked.extensions, headers.get(b"idempotency-key"))
        return dataclasses.replace(asked, extensions=extensions), body

    async def single(
        self, token: str | None, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> Reply | None:
        actor = await self.streaming.actor(headers.get(b"authorization"))
        method = scope["method"]
        if method == "PUT":
            self.check_open()
            reserved = self.reservations.reserve(actor, asyncio.get_running_loop().time())
            text = ((b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store"))
            await respond(send, Reply(201, reserved.encode()), [*text, *self.cors(headers)])
            return None
        reservation = self.reservations.of(token or "", actor)
        if method == "GET":
            self.check_open()
            await self.reservations.open(reservation, receive, send, self.cors(headers), address(scope))
            return None
        if method == "DELETE":
            self.reservations.stop(reservation, scope["query_string"])
            return Reply(200)
        asked, _ = await self.read(scope, headers, receive)
        self.reservations.start(reservation, asked)
        return Reply(202)

    def check_open(self) -> None:
        connections = self.streaming.connections
        if connections.draining:
            raise Unavailable("This server ends. Try again, and another one answers.")
        if connections.full:
            raise Overloaded(f"{connections.options.connections} streams are open. Try again later.")

    def cors(self, headers: dict[bytes, bytes]) -> Headers:
        origin = headers.get(b"origin")
        return self.http.options.cors.headers(origin) if origin is not None else ()


def plain(transport: Transport, asked: Params, headers: dict[bytes, bytes]) -> bool:
    """Whether to answer without a stream: many clients accept streams for everything they ask.

    A document without this word has no subscription; of one of which only the hash is known nobody can tell.
    """
    if asked.query is None or "subscription" in asked.query:
        return False
    return transport is Transport.CALLBACK or negotiation.accepted(headers.get(b"accept")) is not None


def replayed(body: bytes, receive: Receive) -> Receive:
    """A `receive` for who is to read the body once more."""
    first = [body]

    async def again() -> Message:
        if first:
            return {"type": "http.request", "body": first.pop(), "more_body": False}
        return await receive()

    return again


async def respond(send: Send, reply: Reply, head: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": head})
    await send({"type": "http.response.body", "body": reply.body})
