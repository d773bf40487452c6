"""Streams that do what a test tells them, and the transports in front of them on a real server."""

import asyncio
import contextlib
import datetime
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close
from websockets.typing import Subprotocol

from domain.actor import Actor, Role
from events.sink import Ended, Sink
from gateway.callback import Callbacks
from gateway.cli import serve
from gateway.connections import Connections, StreamOptions
from gateway.endpoint import Endpoint
from gateway.http import HttpOptions
from gateway.operation import Streaming
from gateway.tokens import issue_token
from resolvers.answer import Answer, GraphQLRequest
from tests.gateway.serving import DATA, SECRET, FakeEngine, endpoint

SUBSCRIBE = "subscription { orderEvents }"
PROTOCOL = Subprotocol("graphql-transport-ws")
Behaviour = Answer | Exception | Callable[["FakeRunning"], Awaitable[None]]


@dataclass(eq=False)
class FakeRunning:
    """An operation that runs: the test pushes into its sink and sees how often it was closed."""

    request: GraphQLRequest
    actor: Actor
    sink: Sink
    after: str | None
    closes: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    def close(self) -> None:
        self.closes += 1
        self.closed.set()

    def push(self, data: object, cursor: str | None = None) -> bool:
        return self.sink.push(json.dumps({"data": data}, separators=(",", ":")).encode(), cursor)

    def end(self, reason: Ended = Ended.COMPLETE, cursor: str | None = None) -> None:
        self.sink.end(reason, cursor)


@dataclass
class FakeStreams:
    """Queries are answered with `DATA`, subscriptions run until the test ends them; `behaviour` by document."""

    behaviour: dict[str, Behaviour] = field(default_factory=dict)
    started: list[FakeRunning] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def start(
        self,
        request: GraphQLRequest,
        actor: Actor,
        sink: Sink,
        *,
        after: str | None = None,
        allow_mutation: bool = True,
    ) -> FakeRunning | Answer:
        running = FakeRunning(request, actor, sink, after)
        behaviour = self.behaviour.get(request.query)
        async with self.arrived:
            self.started.append(running)
            self.arrived.notify_all()
        if isinstance(behaviour, Answer):
            return behaviour
        if isinstance(behaviour, Exception):
            raise behaviour
        if behaviour is not None:
            await behaviour(running)
        elif not request.query.startswith("subscription"):
            sink.push(DATA.body, None)
            sink.end(Ended.COMPLETE, None)
        return running

    async def running(self, number: int = 0) -> FakeRunning:
        """The operation that was started as this one, once it is."""
        async with asyncio.timeout(5), self.arrived:
            await self.arrived.wait_for(lambda: len(self.started) > number)
        # Until its transport has it.
        await asyncio.sleep(0.01)
        return self.started[number]


@dataclass
class Stand:
    """A server with fake streams behind it."""

    url: str
    streams: FakeStreams
    endpoint: Endpoint
    engine: FakeEngine
    server: uvicorn.Server

    @property
    def connections(self) -> Connections:
        return self.endpoint.streaming.connections

    @property
    def closed(self) -> dict[tuple[str, str], int]:
        return dict(self.connections.closed)

    @contextlib.asynccontextmanager
    async def socket(self, **options: Any) -> AsyncIterator["Socket"]:
        """A socket that is open and has said nothing."""
        options.setdefault("subprotocols", [PROTOCOL])
        async with connect(
            self.url.replace("http", "ws") + "/graphql", compression=None, ping_interval=None, **options
        ) as opened:
            yield Socket(opened)

    @contextlib.asynccontextmanager
    async def acknowledged(self, payload: object = None, **options: Any) -> AsyncIterator["Socket"]:
        async with self.socket(**options) as socket:
            await socket.send({"type": "connection_init"} | ({} if payload is None else {"payload": payload}))
            assert (await socket.receive())["type"] == "connection_ack"
            yield socket


@dataclass
class Socket:
    """What a client sees of a socket, message by message."""

    opened: ClientConnection

    async def send(self, message: object) -> None:
        await self.opened.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def receive(self) -> Any:
        async with asyncio.timeout(5):
            return json.loads(await self.opened.recv())

    async def subscribe(self, identifier: str = "1", query: str = SUBSCRIBE, **payload: object) -> None:
        await self.send({"type": "subscribe", "id": identifier, "payload": {"query": query} | payload})

    async def close(self) -> tuple[int, str]:
        """The code and reason of the server, which must say nothing else before it."""
        async with asyncio.timeout(5):
            try:
                said = await self.opened.recv()
            except ConnectionClosed as closed:
                end = closed.rcvd
            else:
                raise AssertionError(f"not closed, but: {said!r}")
        assert isinstance(end, Close)
        return end.code, end.reason

    async def alive(self) -> None:
        """Nothing else has been said, and an operation is answered."""
        await self.send({"type": "ping", "payload": {"alive": True}})
        assert await self.receive() == {"type": "pong", "payload": {"alive": True}}
        await self.subscribe("alive", "{__typename}")
        assert await self.receive() == {"id": "alive", "type": "next", "payload": {"data": {"__typename": "Query"}}}
        assert await self.receive() == {"id": "alive", "type": "complete"}


@contextlib.asynccontextmanager
async def standing(options: StreamOptions | None = None, http: HttpOptions | None = None) -> AsyncIterator[Stand]:
    streams, engine = FakeStreams(), FakeEngine()
    connections = Connections(options or StreamOptions())
    streaming = Streaming(streams, endpoint(engine, http), connections)
    made = Endpoint(streaming, Callbacks(streaming))
    app = Starlette(routes=[Route("/graphql", made), WebSocketRoute("/graphql", made)])
    config = uvicorn.Config(app, port=0, **serve._uvicorn())
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Stand(f"http://127.0.0.1:{port}", streams, made, engine, server)
    finally:
        for listener in server.servers:
            listener.close()
        await connections.drain(0.3)
        await server.shutdown()


def token(role: Role = Role.OPERATOR, seconds: float = 600, **claims: Any) -> str:
    now = datetime.datetime.now(datetime.UTC)
    return issue_token(SECRET, role, ttl=datetime.timedelta(seconds=seconds), now=now, **claims)


def fresh(stand: Stand) -> Stand:
    """The same server with nothing left of the test before."""
    stand.streams.behaviour.clear()
    stand.streams.started.clear()
    stand.engine.asked.clear()
    for counts in (stand.connections.opened, stand.connections.closed, stand.connections.sent):
        counts.clear()
    if stand.endpoint.http.persisted is not None:
        stand.endpoint.http.persisted.documents.clear()
    return stand


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  (of things that have no event)
            await asyncio.sleep(0.01)
