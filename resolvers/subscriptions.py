"""Starts operations on streaming transports: subscriptions join the hub, the rest is answered once."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from graphql import OperationType

from db.reader import Reader
from domain.actor import Actor
from domain.errors import BadInput, OrdergraphError, Unauthenticated
from events.cursor import Cursor, Signer
from events.group import Payload, Question, Shown
from events.hub import Hub
from events.sink import Ended, Sink
from events.subscriber import Subscriber
from resolvers.answer import Answer, Failure, GraphQLRequest
from resolvers.cache import Cache
from resolvers.coercion import VariableError
from resolvers.execute import Engine, failure, refusal, scope_of
from resolvers.live import LiveRun
from resolvers.plan import Operation, RequestError
from resolvers.scope import Rights
from resolvers.steps import Run
from resolvers.streams import Running
from resolvers.updates import CURSORS, IDS, OWN_ARGUMENTS, SKIPPED, UpdateCompiler, UpdatePlan
from resolvers.values import Variables

Cursors = Mapping[str, Any]
LATEST = "LATEST_PER_ENTITY"


class Done:
    """A query or mutation that has been answered already."""

    def close(self) -> None:
        """Nothing runs any more."""


class Subscriptions:
    """resolvers.streams.Streams on the engine and the hub."""

    def __init__(self, engine: Engine, hub: Hub, reader: Reader, signer: Signer) -> None:
        self.engine = engine
        self.hub = hub
        self.reader = reader
        self.signer = signer
        self.plans: Cache[UpdatePlan] = Cache(1000)

    async def start(
        self,
        request: GraphQLRequest,
        actor: Actor,
        sink: Sink,
        *,
        after: str | None = None,
        allow_mutation: bool = True,
    ) -> Running | Answer:
        try:
            self.check_access(actor)
            operation = self.engine.plans.operation(request.query, request.operation_name, Rights.of(actor))
            if operation.kind is not OperationType.SUBSCRIPTION:
                return await self.once(request, actor, sink, allow_mutation=allow_mutation)
            variables = operation.coerce(request.variables or {})
            return await self.subscribe(operation, variables, actor, sink, after)
        except RequestError as error:
            return failure(error.failure, *error.errors)
        except VariableError as error:
            return failure(Failure.VARIABLES, *error.errors)
        except OrdergraphError as error:
            return refusal(error)

    def check_access(self, actor: Actor) -> None:
        if self.hub.revocations.cover(actor):
            raise Unauthenticated("Your access was revoked. Ask for a new token.")

    async def once(
        self, request: GraphQLRequest, actor: Actor, sink: Sink, *, allow_mutation: bool
    ) -> Running | Answer:
        answer = await self.engine.answer(request, actor, allow_mutation=allow_mutation)
        if answer.later is not None:
            # Whoever has a stream subscribes instead of waiting here.
            answer = await answer.later.wait(0.0)
        if answer.failure is not None:
            return answer
        sink.push(answer.body, None)
        sink.end(Ended.COMPLETE, None)
        return Done()

    async def subscribe(
        self,
        operation: Operation,
        variables: Variables,
        actor: Actor,
        sink: Sink,
        after: str | None,
    ) -> Subscriber:
        plan = self.plan(operation, variables)
        given = {name: read(variables) for name, read in plan.arguments.items()}
        view = View(self, plan, variables, actor)
        # Read before the snapshot: what happens in between is told twice rather than never.
        start = self.hub.position
        asked = given.get("after") or after
        question = view.question(operation, given)
        cursor = self.signer.read(asked) if asked else None
        if cursor is not None and (plan.snapshot_sql is None or self.void(cursor, actor) is None):
            # A snapshot is for who has nothing: whoever comes back has what was there before its cursor.
            return self.resume(question, sink, cursor, actor)
        if plan.snapshot_sql is not None:
            if cursor is not None:
                self.tell_reset(question, sink, self.void(cursor, actor), start)
            await view.push_snapshot(sink, start)
            # From here to joining the hub nothing waits, so that no revocation falls between the two.
            self.check_access(actor)
        return self.hub.join(question, sink, start, actor=actor)

    def resume(self, question: Question, sink: Sink, cursor: Cursor, actor: Actor) -> Subscriber:
        """From a cursor, or from now after a Reset when the cursor's positions mean nothing here."""
        reason = self.void(cursor, actor)
        position = cursor.position if reason is None else self.hub.position
        self.tell_reset(question, sink, reason, position)
        return self.hub.join(question, sink, position, actor=actor)

    def tell_reset(self, question: Question, sink: Sink, reason: str | None, position: int) -> None:
        if reason is not None:
            payload = question.reset(reason, position)
            sink.push(payload.body, payload.cursor)

    def void(self, cursor: Cursor, actor: Actor) -> str | None:
        """Why a cursor's positions mean nothing here, if so."""
        if cursor.epoch != self.hub.epoch:
            return "EPOCH_CHANGED"
        if cursor.scope != scope_of(actor):
            return "SCOPE_CHANGED"
        return "RETENTION_PASSED" if cursor.position < self.hub.oldest else None

    def plan(self, operation: Operation, variables: Variables) -> UpdatePlan:
        key = (operation, operation.shape(variables))
        found = self.plans.get(key)
        if found is None:
            found = UpdateCompiler(operation, variables, self.engine.plans.checks.max_cost).plan()
            self.plans.put(key, found)
        return found


class View:
    """What one kind of subscriber sees of the log: a plan with variables and a caller."""

    def __init__(self, parent: Subscriptions, plan: UpdatePlan, variables: Variables, actor: Actor) -> None:
        self.parent = parent
        self.plan = plan
        self.variables = variables
        self.actor = actor
        self.scope = scope_of(actor)

    def question(self, operation: Operation, given: Mapping[str, Any]) -> Question:
        shared = {name: value for name, value in given.items() if name not in OWN_ARGUMENTS}
        key = (
            operation,
            orjson.dumps(shared, default=str, option=orjson.OPT_SORT_KEYS),
            self.other_variables(),
            self.scope,
        )
        return Question(
            key=key,
            topics=self.plan.source.topics(given, self.actor),
            render=self.render,
            checkpoint=self.checkpoint,
            reset=self.reset,
            latest_only=str(given.get("delivery")) == LATEST,
            entity=self.plan.source.entity,
        )

    def other_variables(self) -> bytes:
        """Variables that decide what is shown."""
        own = self.plan.own_variables
        deeper = {name: value for name, value in self.variables.items() if name not in own}
        return orjson.dumps(deeper, default=str, option=orjson.OPT_SORT_KEYS)

    def cursor(self, position: int) -> str:
        return self.parent.signer.text(Cursor(self.parent.hub.epoch, position, self.scope))

    def checkpoint(self, position: int) -> Payload:
        cursor = self.cursor(position)
        return Payload(self.plan.made(self.plan.checkpoint, {"cursor": cursor}), cursor)

    def reset(self, reason: str, position: int) -> Payload:
        cursor = self.cursor(position)
        return Payload(self.plan.made(self.plan.reset, {"reason": reason, "cursor": cursor}), cursor)

    async def render(self, shown: Sequence[Shown]) -> Sequence[Payload | None]:
        """One statement for the whole batch; None for events that this caller's question does not concern."""
        cursors = [self.cursor(one.event.position) for one in shown]
        payloads: list[Payload | None] = [None] * len(shown)
        for n, value in await self.rows(shown, cursors):
            payloads[n - 1] = Payload(await self.finished(value), cursors[n - 1])
        return payloads

    async def rows(self, shown: Sequence[Shown], cursors: Sequence[str]) -> Sequence[Any]:
        """Place in the batch from 1, JSON, and whatever else the plan's statement says of each event."""
        batch = {
            IDS: [one.event.journal_id for one in shown],
            CURSORS: cursors,
            SKIPPED: [one.skipped for one in shown],
        }
        variables = {**self.variables, **batch}
        return await self.parent.reader.rows(self.plan.sql, [get(variables, self.actor) for get in self.plan.getters])

    async def finished(self, value: bytes) -> bytes:
        """Computed and live fields are put in; without any, the database's bytes go out as they are."""
        if not self.plan.steps:
            return self.plan.payload(value)
        run = Run(self.variables, dt.datetime.now(dt.UTC), LiveRun(self.parent.engine.fetchers))
        data = {self.plan.name: orjson.loads(value)}
        for step in self.plan.steps:
            await step.apply(data, run)
        return self.plan.payload(orjson.dumps(data[self.plan.name]))

    async def push_snapshot(self, sink: Sink, position: int) -> None:
        """What is there now, each as an event of type SNAPSHOT with the cursor from which to go on."""
        assert self.plan.snapshot_sql is not None, "only called with a snapshot"
        cursor = self.cursor(position)
        variables = {**self.variables, CURSORS: cursor}
        parameters = [getter(variables, self.actor) for getter in self.plan.snapshot_getters]
        rows = await self.parent.reader.rows(self.plan.snapshot_sql, parameters)
        if len(rows) > MOST_SNAPSHOT:
            raise BadInput(
                f"The snapshot has more than {MOST_SNAPSHOT} entries. Narrow the filter, or page through a query "
                "and subscribe with `after:` its cursor."
            )
        for _, value in rows:
            if not sink.push(await self.finished(value), cursor):
                await sink.drained()


MOST_SNAPSHOT = 500
