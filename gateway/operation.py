"""One operation on any streaming transport, from its start to its one end."""

import abc
import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import Final

import structlog

from domain.actor import Actor
from domain.errors import DeadlineExceeded, OrdergraphError
from events.sink import Ended
from gateway import errors
from gateway.connections import Connections
from gateway.http import KIND, GraphQLHttp, breakdown
from gateway.params import Params
from resolvers.answer import Answer, Failure, GraphQLRequest
from resolvers.streams import Running, Streams

log = structlog.get_logger()

LONGEST_CURSOR: Final = 1024
# The hub looks twice a second whose token expired, and ends what it knows of with a cursor; this is for the rest.
EXPIRY_GRACE_SECONDS: Final = 0.6


@dataclass(frozen=True, slots=True)
class Streaming:
    """What every transport works with; `http` is the endpoint whose rules for requests they all share."""

    streams: Streams
    http: GraphQLHttp
    connections: Connections

    async def actor(self, authorization: bytes | None) -> Actor:
        known = self.http.authenticator.known(authorization)
        return known if known is not None else await self.http.authenticator.actor(authorization)

    def ends_at(self, actor: Actor) -> float | None:
        """The loop time at which a connection of this caller has to end."""
        if actor.expires_at is None:
            return None
        left = actor.expires_at.timestamp() - self.http.authenticator.clock()
        return asyncio.get_running_loop().time() + max(left, 0.0) + EXPIRY_GRACE_SECONDS

    def asked(self, asked: Params, after: str | None = None) -> "Asked":
        """Refused as HTTP would refuse it; `extensions.cursor` wins over what the transport resumes from."""
        document, sha256 = self.http.document(asked)
        cursor = asked.extensions.get("cursor") if asked.extensions is not None else None
        if cursor is not None and (not isinstance(cursor, str) or len(cursor) > LONGEST_CURSOR):
            raise errors.MalformedRequest(f"extensions.cursor must be a string of at most {LONGEST_CURSOR} characters.")
        request = GraphQLRequest(document, asked.operation_name, asked.variables, asked.extensions)
        return Asked(request, sha256, cursor or after)


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation to start; `sha256` is what its document is kept under once it has been answered."""

    request: GraphQLRequest
    sha256: str | None
    after: str | None
    allow_mutation: bool = True


class Operation(abc.ABC):
    """A Sink, and the Running that fills it. Ends once: by `end` from above, by `refuse`, or by `stop` from below."""

    # `over` is set by any of the ends. `muted`: by the client, which is to get nothing more.
    __slots__ = ("muted", "over", "running", "task")
    transport: str

    def __init__(self) -> None:
        self.over = False
        self.muted = False
        self.running: Running | None = None
        self.task: asyncio.Task[None] | None = None

    def begin(self, streaming: Streaming, asked: Asked, actor: Actor) -> None:
        """A task, because whoever receives from the client must go on receiving; it lives until the start is made."""
        self.task = asyncio.get_running_loop().create_task(self.start(streaming, asked, actor))

    async def start(self, streaming: Streaming, asked: Asked, actor: Actor) -> None:
        started = time.perf_counter()
        outcome = "CANCELLED"
        try:
            outcome = await self.outcome(streaming, asked, actor)
        finally:
            self.task = None
            kind = KIND.match(asked.request.query)
            streaming.http.metrics.operation(
                kind[1] if kind else "query", self.transport, outcome, time.perf_counter() - started
            )

    async def outcome(self, streaming: Streaming, asked: Asked, actor: Actor) -> str:
        seconds = streaming.connections.options.start_seconds
        try:
            async with asyncio.timeout(seconds) as clock, streaming.http.admission:
                started = await streaming.streams.start(
                    asked.request, actor, self, after=asked.after, allow_mutation=asked.allow_mutation
                )
        except OrdergraphError as error:
            return self.refused(errors.body(error.message, error.code), error.code)
        except TimeoutError as error:
            if not clock.expired():
                return self.broken(error)
            late = DeadlineExceeded(f"The operation took longer than {seconds:g} s and was ended.")
            return self.refused(errors.body(late.message, late.code), late.code)
        except Exception as error:
            return self.broken(error)
        return self.started(streaming, asked, started)

    def started(self, streaming: Streaming, asked: Asked, started: Running | Answer) -> str:
        if isinstance(started, Answer):
            code = errors.FAILURE_CODE[started.failure or Failure.INTERNAL]
            return self.refused(started.body, code)
        if asked.sha256 is not None and streaming.http.persisted is not None:
            streaming.http.persisted.keep(asked.sha256, asked.request.query)
        if self.muted:
            started.close()
        elif not self.over:
            self.running = started
            self.opened()
        return "OK"

    def refused(self, body: bytes, code: str) -> str:
        if not self.over:
            self.over = True
            self.refuse(body, code)
        return code

    def broken(self, error: Exception) -> str:
        """Nothing of what went wrong is shown; the log has it under an id."""
        error_id = uuid.uuid4().hex
        log.error("operation_failed", error_id=error_id, transport=self.transport, exc_info=error)
        return self.refused(breakdown(error_id).body, "INTERNAL_ERROR")

    def stop(self) -> None:
        """The client asks no more, or is gone."""
        self.muted = True
        if self.over:
            return
        self.over = True
        if self.task is not None:
            self.task.cancel()
        if self.running is not None:
            running, self.running = self.running, None
            running.close()

    def opened(self) -> None:  # noqa: B027  (most transports have nothing to say then)
        """It runs."""

    @abc.abstractmethod
    def refuse(self, body: bytes, code: str) -> None:
        """It ended before it had data; `body` is a GraphQL response without data."""

    @abc.abstractmethod
    def push(self, payload: bytes, cursor: str | None) -> bool: ...

    @abc.abstractmethod
    async def drained(self) -> None: ...

    @abc.abstractmethod
    def end(self, reason: Ended, cursor: str | None) -> None: ...
