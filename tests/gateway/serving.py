"""An engine that says what a test tells it, and the HTTP endpoint in front of it on a real server."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from domain.actor import Actor
from gateway.admission import Admission
from gateway.auth import Authenticator
from gateway.http import Engine, GraphQLHttp, HttpOptions
from gateway.telemetry import Metrics
from gateway.tokens import OwnTokens
from resolvers.answer import Answer, GraphQLRequest

SECRET = "a-secret-for-tests-" * 2
DATA = Answer(b'{"data":{"__typename":"Query"}}')

Behaviour = Answer | Exception | Callable[[], Awaitable[Answer]]


@dataclass
class FakeEngine:
    """Answers each document as `behaviour` says, `DATA` by default, and keeps what it was asked."""

    behaviour: dict[str, Behaviour] = field(default_factory=dict)
    asked: list[tuple[GraphQLRequest, Actor, bool]] = field(default_factory=list)

    async def answer(self, request: GraphQLRequest, actor: Actor, *, allow_mutation: bool = True) -> Answer:
        self.asked.append((request, actor, allow_mutation))
        behaviour = self.behaviour.get(request.query, DATA)
        if isinstance(behaviour, Answer):
            return behaviour
        if isinstance(behaviour, Exception):
            raise behaviour
        return await behaviour()


def endpoint(
    engine: Engine,
    options: HttpOptions | None = None,
    admission: Admission | None = None,
    metrics: Metrics | None = None,
) -> GraphQLHttp:
    return GraphQLHttp(
        engine,
        Authenticator(OwnTokens([SECRET])),
        admission or Admission(256, 256, 0.25),
        metrics or Metrics(),
        options or HttpOptions(),
    )


def app_of(endpoint: GraphQLHttp) -> Starlette:
    return Starlette(routes=[Route("/graphql", endpoint)])


@contextlib.asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """The address of the app on a free port of this machine, under the server that runs it in production."""
    config = uvicorn.Config(app, port=0, log_config=None, http="httptools", lifespan="on", timeout_keep_alive=5)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # What `serve` does, without its loop that looks for signals every tenth of a second.
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await server.shutdown()
