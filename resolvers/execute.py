"""The engine: a request and an actor in, a complete GraphQL response out."""

import datetime as dt
import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import orjson
import structlog
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationType

from db.reader import Reader
from domain.actor import Actor
from domain.errors import (
    Conflict,
    DeadlineExceeded,
    Forbidden,
    NotFound,
    OrdergraphError,
    Overloaded,
    QueryTooComplex,
    Unauthenticated,
    Unavailable,
)
from events.cursor import Cursor, Signer
from resolvers.answer import Answer, Failure, GraphQLRequest, Later
from resolvers.coercion import VariableError
from resolvers.fallback import Printer
from resolvers.idempotency import InProgress, KeyRequired, KeyReused
from resolvers.live import LiveRun
from resolvers.mutations import Mutations, ReadBack
from resolvers.plan import Checks, Operation, Plan, Plans, RequestError
from resolvers.scope import Rights
from resolvers.sources import LiveFetch
from resolvers.steps import Run, apply

log = structlog.get_logger(__name__)

CODES = {
    Failure.SYNTAX: "GRAPHQL_PARSE_FAILED",
    Failure.VALIDATION: "GRAPHQL_VALIDATION_FAILED",
    Failure.OPERATION: "OPERATION_RESOLUTION_FAILURE",
    Failure.VARIABLES: "BAD_USER_INPUT",
    Failure.METHOD: "METHOD_NOT_ALLOWED",
}


class Polling(Protocol):
    def begin(self, operation: Operation, variables: Mapping[str, Any], actor: Actor) -> Later: ...


class Engine:
    """Answers operations. Holds no state of any caller; many run at once."""

    def __init__(
        self,
        schema: GraphQLSchema,
        reader: Reader,
        checks: Checks,
        signer: Signer,
        *,
        epoch: Callable[[], str],
        fetchers: Mapping[str, LiveFetch] | None = None,
        mutations: Mutations | None = None,
    ) -> None:
        self.schema = schema
        self.reader = reader
        self.plans = Plans(schema, checks)
        self.signer = signer
        self.epoch = epoch
        self.fetchers = fetchers or {}
        self.mutations = mutations
        self.printer = Printer(schema)
        # Given by who follows the log.
        self.polls: Polling | None = None

    async def answer(self, request: GraphQLRequest, actor: Actor, *, allow_mutation: bool = True) -> Answer:
        """Never raises for what a request does wrong; what it raises is a defect of ours."""
        try:
            operation = self.plans.operation(request.query, request.operation_name, Rights.of(actor))
            refuse_kind(operation, allow_mutation)
            variables = operation.coerce(request.variables or {})
            if operation.kind is OperationType.MUTATION:
                return await self.mutate(operation, variables, request, actor)
            return await self.run(operation, variables, request.variables or {}, actor)
        except RequestError as error:
            return failure(error.failure, *error.errors)
        except VariableError as error:
            return failure(Failure.VARIABLES, *error.errors)
        except OrdergraphError as error:
            return refusal(error)

    async def run(
        self, operation: Operation, variables: Mapping[str, Any], sent: Mapping[str, Any], actor: Actor
    ) -> Answer:
        plan = self.plans.plan(operation, variables)
        if plan.polls:
            return self.poll(operation, variables, actor)
        if plan.sql is None:
            return printed(self.printer.answer(operation, {}, sent), [], b"")
        data, position, as_of = await self.reader.row(plan.sql, plan.parameters(variables, actor))
        cursor = self.signer.text(Cursor(self.epoch(), position, scope_of(actor)))
        facts = b'"cursor":"%b","asOf":"%b"' % (cursor.encode(), as_of.encode())
        if not plan.steps and not plan.meta:
            return Answer(b'{"data":%b%b%b,"extensions":{%b}}' % (plan.head, data, plan.tail, facts))
        made, run = await self.stepped(plan, data, variables, as_of)
        if run.live.report:
            facts += b',"sources":%b' % orjson.dumps(run.live.report)
        if plan.meta:
            return printed(self.printer.answer(operation, made, sent), run.errors, facts)
        errors = b'"errors":%b,' % orjson.dumps([error.formatted for error in run.errors]) if run.errors else b""
        body = b'{%b"data":%b,"extensions":{%b}}' % (errors, orjson.dumps(made), facts)
        return Answer(body, has_errors=bool(run.errors))

    def poll(self, operation: Operation, variables: Mapping[str, Any], actor: Actor) -> Answer:
        if self.polls is None:
            raise Unavailable("This process does not follow the event log. Send polls to one that does.")
        return Answer(b"", later=self.polls.begin(operation, variables, actor))

    async def mutate(
        self, operation: Operation, variables: Mapping[str, Any], request: GraphQLRequest, actor: Actor
    ) -> Answer:
        if self.mutations is None:
            raise Unavailable("This process only reads. Send mutations to one that writes.")
        return await self.mutations.answer(operation, variables, request, actor, self.read_back)

    async def read_back(
        self, plan: Plan, variables: Mapping[str, Any], actor: Actor
    ) -> tuple[dict[str, Any], ReadBack]:
        """What a mutation touched, as its caller sees it after all its commands."""
        data, position, as_of = await self.reader.row(plan.sql or "", plan.parameters(variables, actor))
        cursor = self.signer.text(Cursor(self.epoch(), position, scope_of(actor)))
        made, run = await self.stepped(plan, data, variables, as_of)
        facts = b'"cursor":"%b","asOf":"%b"' % (cursor.encode(), as_of.encode())
        return made, ReadBack(run.errors, facts)

    async def stepped(
        self, plan: Plan, data: bytes, variables: Mapping[str, Any], as_of: str
    ) -> tuple[dict[str, Any], Run]:
        """Computed and live values are put in; everything else stays as the database wrote it."""
        run = Run(variables, dt.datetime.fromisoformat(as_of), LiveRun(self.fetchers))
        made: dict[str, Any] = orjson.loads(plan.head + data + plan.tail)
        await apply(plan.steps, made, run)
        return made, run


def printed(result: ExecutionResult, more: Sequence[GraphQLError], facts: bytes) -> Answer:
    """What graphql-core made of our data, with the errors that were there before."""
    errors = [error.formatted for error in (*more, *(result.errors or ()))]
    body: dict[str, Any] = {"errors": errors} if errors else {}
    body["data"] = result.data
    if facts:
        body["extensions"] = orjson.Fragment(b"{%b}" % facts)
    return Answer(orjson.dumps(body), has_errors=bool(errors))


def refuse_kind(operation: Operation, allow_mutation: bool) -> None:
    if operation.kind is OperationType.MUTATION and not allow_mutation:
        raise RequestError(Failure.METHOD, GraphQLError("A mutation is sent by POST."))
    if operation.kind is OperationType.SUBSCRIPTION:
        raise RequestError(Failure.OPERATION, GraphQLError("A subscription needs a streaming transport."))


@functools.lru_cache(maxsize=4096)
def scope_of(actor: Actor) -> str:
    """Whose view a cursor belongs to, without naming a person."""
    view = f"{actor.order_rows}|{actor.customer_id}|{actor.source}|{sorted(actor.channels or ())}"
    return hashlib.sha256(view.encode()).hexdigest()[:12]


def failure_of(error: OrdergraphError) -> Failure:
    kinds: dict[type[OrdergraphError], Failure] = {
        QueryTooComplex: Failure.TOO_COMPLEX,
        Unauthenticated: Failure.UNAUTHENTICATED,
        Forbidden: Failure.FORBIDDEN,
        NotFound: Failure.NOT_FOUND,
        Conflict: Failure.CONFLICT,
        DeadlineExceeded: Failure.DEADLINE,
        Overloaded: Failure.OVERLOADED,
        Unavailable: Failure.UNAVAILABLE,
        KeyRequired: Failure.KEY_REQUIRED,
        KeyReused: Failure.KEY_REUSED,
        InProgress: Failure.IN_PROGRESS,
    }
    return kinds.get(type(error), Failure.VARIABLES)


def refusal(error: OrdergraphError) -> Answer:
    return failure(failure_of(error), GraphQLError(str(error), extensions={"code": error.code}))


def failure(kind: Failure, *errors: GraphQLError) -> Answer:
    """A response without data; every error has a code."""
    formatted = []
    for error in errors:
        entry: dict[str, Any] = dict(error.formatted)
        entry["extensions"] = {"code": CODES.get(kind, kind.value), **(error.extensions or {})}
        formatted.append(entry)
    return Answer(orjson.dumps({"errors": formatted}), failure=kind)
