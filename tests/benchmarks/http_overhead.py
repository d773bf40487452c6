"""CPU per request of the HTTP endpoint alone: ASGI in, an engine that answers at once, ASGI out.

.venv/bin/python -m tests.benchmarks.http_overhead
"""

import datetime
import time
from collections.abc import Callable
from typing import Any

import orjson
import uvloop
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Scope

from domain.actor import Actor, Role
from gateway.admission import Admission
from gateway.auth import Authenticator
from gateway.http import GraphQLHttp, HttpOptions
from gateway.telemetry import Metrics
from gateway.tokens import OwnTokens, issue_token
from resolvers.answer import Answer, GraphQLRequest

SECRET = "benchmark-" * 4
DOCUMENT = "query Order($id: ID!) { order(id: $id) { number status lines { sku quantity } shipments { status eta } } }"
BODY = orjson.dumps({"query": DOCUMENT, "operationName": "Order", "variables": {"id": "0190c7e2"}})
ANSWER = Answer(b'{"data":{"order":' + b'{"number":"1"}' * 40 + b"}}")
REQUESTS = 20_000


class InstantEngine:
    async def answer(self, request: GraphQLRequest, actor: Actor, *, allow_mutation: bool = True) -> Answer:
        return ANSWER


def endpoint() -> GraphQLHttp:
    authenticator = Authenticator(OwnTokens([SECRET]))
    return GraphQLHttp(InstantEngine(), authenticator, Admission(256, 256, 0.25), Metrics(), HttpOptions())


def scope(*extra: tuple[bytes, bytes]) -> Scope:
    headers = [
        (b"host", b"127.0.0.1:8000"),
        (b"user-agent", b"benchmark"),
        (b"accept", b"application/graphql-response+json, application/json;q=0.9"),
        (b"accept-encoding", b"gzip, deflate, br"),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(BODY)).encode()),
        *extra,
    ]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/graphql", "raw_path": b"/graphql", "query_string": b"", "root_path": "", "headers": headers,
    }  # fmt: skip


async def microseconds(app: ASGIApp, made: Callable[[], Scope]) -> float:
    async def receive() -> Message:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    sent: list[Message] = []
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(REQUESTS // 5):
            await app(made(), receive, send)
            assert sent[0]["status"] == 200
            sent.clear()
        best = min(best, (time.process_time() - began) / (REQUESTS // 5) * 1e6)
    return best


async def floor(scope: Scope, receive: Any, send: Any) -> None:
    """The least an endpoint can do: parse, answer."""
    message = await receive()
    asked = orjson.loads(message["body"])
    assert asked["query"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": ANSWER.body})


async def main() -> None:
    now = datetime.datetime.now(datetime.UTC)
    token = issue_token(SECRET, Role.SUPPORT, ttl=datetime.timedelta(hours=1), now=now)
    bearer = (b"authorization", f"Bearer {token}".encode())
    app = Starlette(routes=[Route("/graphql", endpoint())])
    cases: list[tuple[str, ASGIApp, Callable[[], Scope]]] = [
        ("floor: parse and answer", floor, scope),
        ("endpoint, anonymous", endpoint(), scope),
        ("endpoint, bearer token", endpoint(), lambda: scope(bearer)),
        ("endpoint, bearer token, other origin", endpoint(), lambda: scope(bearer, (b"origin", b"https://a.example"))),
        ("the same in Starlette", app, lambda: scope(bearer)),
    ]
    for name, one, made in cases:
        print(f"{name:40} {await microseconds(one, made):6.1f} µs CPU per request")


if __name__ == "__main__":
    uvloop.run(main())
