"""GraphQL over HTTP: POST and GET on one path, on bare ASGI, because this is the path that every answer pays for."""

import asyncio
import hashlib
import re
import time
import uuid
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from starlette.types import Receive, Scope, Send

from domain.actor import Actor
from domain.errors import DeadlineExceeded, OrdergraphError
from gateway import errors, negotiation, params, persisted
from gateway.admission import Admission
from gateway.auth import Authenticator
from gateway.connections import Connections
from gateway.cors import NO_OTHER_SITE, Cors
from gateway.errors import Headers, StatusStyle
from gateway.exchange import GONE, ClientGone, Exchange, Patrol, read_body, read_headers
from gateway.negotiation import Media
from gateway.params import Params
from gateway.persisted import PersistedQueries
from gateway.telemetry import Metrics
from resolvers.answer import Answer, GraphQLRequest, Later

log = structlog.get_logger()

METHODS: Final = b"GET, POST, OPTIONS"
# Answers hold what one caller may see now: no cache may keep them, no browser may guess at their type.
ALWAYS: Final[Headers] = (
    (b"cache-control", b"no-store"),
    (b"vary", b"accept, origin"),
    (b"x-content-type-options", b"nosniff"),
)
# For metrics only: the first operation of a document, comments aside.
KIND: Final = re.compile(r"[\s,]*(mutation|subscription)\b")


class Engine(Protocol):
    async def answer(self, request: GraphQLRequest, actor: Actor, *, allow_mutation: bool = True) -> Answer: ...


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Sizes in bytes, times in seconds. `page` is what a browser that opens the same path gets to see."""

    style: StatusStyle = StatusStyle.DEPLOYED
    cors: Cors = NO_OTHER_SITE
    persisted_queries: bool = True
    longest_body: int = 1024 * 1024
    longest_query_string: int = 64 * 1024
    body_seconds: float = 10.0
    operation_seconds: float = 5.0
    page: "Reply | None" = None


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    headers: Headers = ()


class GraphQLHttp:
    """The ASGI app behind `/graphql`; everything it needs is handed to it."""

    def __init__(
        self,
        engine: Engine,
        authenticator: Authenticator,
        admission: Admission,
        metrics: Metrics,
        options: HttpOptions,
        connections: Connections | None = None,
    ) -> None:
        self.engine = engine
        self.authenticator = authenticator
        self.admission = admission
        self.metrics = metrics
        self.options = options
        self.connections = connections or Connections()
        self.persisted = PersistedQueries() if options.persisted_queries else None
        self.patrol = Patrol()
        self.failure_statuses = errors.failure_statuses(options.style)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = read_headers(scope["headers"])
        page = self.options.page is not None and scope["method"] == "GET"
        media = negotiation.accepted(headers.get(b"accept"), html=page)
        try:
            reply = await self.reply(scope, headers, media, receive)
        except ClientGone:
            return
        except OrdergraphError as error:
            reply = self.refusal(error)
        except Exception:
            error_id = uuid.uuid4().hex
            log.exception("request_failed", error_id=error_id)
            reply = breakdown(error_id)
        await send({"type": "http.response.start", "status": reply.status, "headers": self.head(reply, headers, media)})
        await send({"type": "http.response.body", "body": reply.body})

    async def reply(self, scope: Scope, headers: dict[bytes, bytes], media: Media | None, receive: Receive) -> Reply:
        method = scope["method"]
        if method == "OPTIONS":
            return self.preflight(headers)
        if method not in ("POST", "GET"):
            raise errors.MethodNotAllowed("Operations are sent by POST, queries also by GET.", METHODS)
        if media is None:
            raise errors.NotAcceptable(f"Accept one of: {negotiation.GRAPHQL}, {negotiation.JSON}.")
        if media is Media.HTML and self.options.page is not None:
            return self.options.page
        if method == "POST":
            self.check_content(headers)
        elif self.options.cors.refuses(headers):
            raise errors.CrossSite("A page of another site sent this, and ORDERGRAPH_CORS_ORIGINS does not list it.")
        return await self.operation(scope, headers, media, receive)

    def check_content(self, headers: dict[bytes, bytes]) -> None:
        """JSON only: a browser asks first before it sends that for a page of another site."""
        if not negotiation.is_json(headers.get(b"content-type", b"")):
            raise errors.UnsupportedMediaType("Send the body as application/json in UTF-8.")
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise errors.UnsupportedMediaType("Send the body uncompressed.")

    async def operation(self, scope: Scope, headers: dict[bytes, bytes], media: Media, receive: Receive) -> Reply:
        asked: Params | None = None
        exchange = self.patrol.begin(receive, self.options.body_seconds)
        try:
            asked = await self.read(scope, headers, receive)
            exchange.due = asyncio.get_running_loop().time() + self.options.operation_seconds
            exchange.heard = True
            return await self.answer(asked, headers, media, exchange, scope)
        except asyncio.CancelledError:
            if not exchange.own_cancellation():
                raise
            if exchange.ended == GONE:
                raise ClientGone from None
            if asked is None:
                raise errors.SlowBody(f"The body did not arrive within {self.options.body_seconds:g} s.") from None
            raise DeadlineExceeded(
                f"The operation took longer than {self.options.operation_seconds:g} s and was ended."
            ) from None
        finally:
            self.patrol.finish(exchange)

    async def read(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Params:
        if scope["method"] == "POST":
            return params.from_body(await read_body(receive, headers.get(b"content-length"), self.options.longest_body))
        if len(scope["query_string"]) > self.options.longest_query_string:
            raise errors.UriTooLong(
                f"The query string is longer than {self.options.longest_query_string} bytes. Send it by POST."
            )
        return params.from_query_string(scope["query_string"])

    async def answer(
        self, asked: Params, headers: dict[bytes, bytes], media: Media, exchange: Exchange, scope: Scope
    ) -> Reply:
        started = time.perf_counter()
        method, polls = scope["method"], False
        document, sha256 = self.document(asked)
        extensions = params.with_key(asked.extensions, headers.get(b"idempotency-key"))
        request = GraphQLRequest(document, asked.operation_name, asked.variables, extensions)
        authorization = headers.get(b"authorization")
        actor = self.authenticator.known(authorization)
        if actor is None:
            actor = await self.authenticator.actor(authorization)
        outcome = "INTERNAL_ERROR"
        try:
            async with self.admission:
                answer = await self.engine.answer(request, actor, allow_mutation=method == "POST")
            if answer.later is not None:
                polls = True
                answer = await self.waited(answer.later, actor, exchange, scope)
            outcome = self.outcome(answer)
        except asyncio.CancelledError:
            outcome = exchange.ended or "CANCELLED"
            raise
        except OrdergraphError as error:
            outcome = error.code
            raise
        except Exception:
            # For the log entry of this request; its task has a context of its own.
            digest = hashlib.sha256(document.encode()).hexdigest()
            structlog.contextvars.bind_contextvars(operation_name=asked.operation_name, document_sha256=digest)
            raise
        finally:
            kind = KIND.match(document)
            name = "poll" if polls else kind[1] if kind else "query"
            self.metrics.operation(name, method, outcome, time.perf_counter() - started)
        if sha256 is not None and answer.failure is None and self.persisted is not None:
            self.persisted.keep(sha256, document)
        return self.reply_with(answer, media)

    async def waited(self, later: Later, actor: Actor, exchange: Exchange, scope: Scope) -> Answer:
        """While it waits a poll takes no place of those that work, and its deadline is later by what it may wait."""
        with self.connections.polling(actor, address(scope)):
            exchange.due += later.seconds
            return await later.wait(0.0 if self.connections.draining else later.seconds)

    def document(self, asked: Params) -> tuple[str, str | None]:
        """The document and, when it is to be kept once it has been answered, its hash."""
        extension = asked.extensions.get("persistedQuery") if asked.extensions is not None else None
        if extension is not None:
            return persisted.resolve(asked.query, extension, self.persisted)
        if asked.query is None:
            raise errors.MalformedRequest("The parameter query is missing: it holds the GraphQL document.")
        return asked.query, None

    def outcome(self, answer: Answer) -> str:
        if answer.failure is not None:
            return errors.FAILURE_CODE[answer.failure]
        return "PARTIAL" if answer.has_errors else "OK"

    def reply_with(self, answer: Answer, media: Media) -> Reply:
        if answer.failure is not None:
            status = self.failure_statuses[answer.failure]
            return Reply(status, answer.body, errors.STATUS_HEADERS.get(status, ()))
        if answer.has_errors and media is Media.GRAPHQL:
            return Reply(errors.PARTIAL[self.options.style], answer.body)
        return Reply(200, answer.body)

    def refusal(self, error: OrdergraphError) -> Reply:
        self.metrics.refused.labels(error.code).inc()
        status = errors.status(error.code, self.options.style)
        own: Headers = getattr(error, "headers", ())
        merged = dict(errors.STATUS_HEADERS.get(status, ())) | dict(own)
        return Reply(status, errors.body(error.message, error.code), tuple(merged.items()))

    def preflight(self, headers: dict[bytes, bytes]) -> Reply:
        origin, method = headers.get(b"origin"), headers.get(b"access-control-request-method")
        allowed = self.options.cors.preflight(origin) if origin is not None and method is not None else ()
        vary = (b"vary", b"origin, access-control-request-method, access-control-request-headers")
        return Reply(204, b"", ((b"allow", METHODS), vary, *allowed))

    def head(self, reply: Reply, headers: dict[bytes, bytes], media: Media | None) -> list[tuple[bytes, bytes]]:
        head = list(ALWAYS if not reply.headers else (dict(ALWAYS) | dict(reply.headers)).items())
        if reply.status != 204:
            head.append((b"content-type", (media or Media.JSON).value))
            head.append((b"content-length", str(len(reply.body)).encode()))
            origin = headers.get(b"origin")
            if origin is not None:
                head += self.options.cors.headers(origin)
        return head


def address(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else ""


def breakdown(error_id: str) -> Reply:
    """Nothing of what went wrong is shown; the log has it under this id."""
    message = f"Something is wrong here, not with the request. Whoever runs this finds it as {error_id}."
    return Reply(500, errors.body(message, "INTERNAL_ERROR", errorId=error_id))
