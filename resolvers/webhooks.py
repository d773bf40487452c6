"""What a webhook endpoint is told: its own subscription or a thin one, answered with the rights its owner has now.

A notice is an envelope of Standard Webhooks (type, timestamp, data) and a cursor to go on from by any other way.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import sqlalchemy as sa
from graphql import OperationType

from domain.actor import Actor
from domain.errors import BadInput, Forbidden, QueryTooComplex, Unauthenticated
from domain.webhook import DisabledReason
from events.event import Event, Topic
from events.group import Shown
from events.webhooks.notice import Notice, Stopped
from resolvers.cache import Cache
from resolvers.coercion import VariableError
from resolvers.json_sql import printed
from resolvers.plan import RequestError
from resolvers.scope import Rights, storable
from resolvers.sources import Row
from resolvers.steps import instant
from resolvers.subscriptions import Subscriptions, View
from resolvers.updates import UpdateCompiler, UpdatePlan
from resolvers.values import Variables

LONGEST_DOCUMENT: Final = 8192
THIN: Final = """subscription {
  orderUpdates {
    ... on OrderChanged { id type entity entityId version changed source occurredAt recordedAt order { id number } }
  }
}"""
# Where an endpoint begins is kept with the endpoint, and it gets every event.
NOT_HERE: Final = ("after", "snapshot", "delivery")


class NoticeCompiler(UpdateCompiler):
    """The data of a notice is a bare event; what stands in its envelope is read whatever the client selects."""

    tail = b""

    def head(self) -> bytes:
        return b""

    def beside(self, events: Row) -> list[sa.ColumnElement[Any]]:
        return [events.c.event_id, events.c.entity, events.c.type, printed(events.c.occurred_at)]


@dataclass(frozen=True, slots=True)
class NoticePlan:
    updates: UpdatePlan
    variables: Variables


Owner = Callable[[Mapping[str, Any]], Awaitable[Actor]]
"""The owner as stored to the actor it is now. Raises Forbidden or Unauthenticated when it may nothing any more."""


class Teller:
    """Answers documents of endpoints. Raises nothing of a client's doing after `check` has passed it."""

    def __init__(self, subscriptions: Subscriptions, owner: Owner) -> None:
        self.subscriptions = subscriptions
        self.owner = owner
        self.plans: Cache[NoticePlan] = Cache(500)

    async def tell(self, owner: Mapping[str, Any], document: str | None) -> "Telling":
        """events.webhooks.notice.Tell."""
        try:
            actor = await self.owner(owner)
        except (Forbidden, Unauthenticated):
            raise Stopped(DisabledReason.ACCESS_REVOKED) from None
        try:
            return self.telling(document, actor)
        except (Forbidden, Unauthenticated):
            raise Stopped(DisabledReason.ACCESS_REVOKED) from None
        except (BadInput, QueryTooComplex):
            # It was good when the endpoint was made: the schema or the limits have changed.
            raise Stopped(DisabledReason.DOCUMENT_INVALID) from None

    def check(self, document: str | None, actor: Actor) -> None:
        """BadInput, QueryTooComplex or Forbidden say what is wrong with it."""
        if document is not None and (len(document) > LONGEST_DOCUMENT or storable(document) is None):
            raise BadInput(f"document is longer than {LONGEST_DOCUMENT} characters or cannot be stored.")
        self.telling(document, actor)

    def telling(self, document: str | None, actor: Actor) -> "Telling":
        plan = self.plan(document or THIN, Rights.of(actor))
        return Telling(View(self.subscriptions, plan.updates, plan.variables, actor))

    def plan(self, document: str, rights: Rights) -> NoticePlan:
        found = self.plans.get((document, rights))
        if found is None:
            found = self.compiled(document, rights)
            self.plans.put((document, rights), found)
        return found

    def compiled(self, document: str, rights: Rights) -> NoticePlan:
        plans = self.subscriptions.engine.plans
        try:
            operation = plans.operation(document, None, rights)
            if operation.kind is not OperationType.SUBSCRIPTION:
                raise BadInput("document must be a subscription: it is answered for every event.")
            variables = operation.coerce({})
        except RequestError as error:
            raise BadInput(f"document: {error.errors[0].message}") from None
        except VariableError as error:
            raise BadInput(f"document can have no variables: {error.errors[0].message}") from None
        compiler = NoticeCompiler(operation, variables, plans.checks.max_cost)
        given = {argument.name.value for argument in compiler.asked[0].arguments or ()}
        if unfit := given & set(NOT_HERE):
            raise BadInput(f"document: {', '.join(sorted(unfit))} has no meaning for a webhook. Leave it out.")
        return NoticePlan(compiler.plan(), variables)


class Telling:
    """events.webhooks.notice.Told."""

    def __init__(self, view: View) -> None:
        self.view = view

    @property
    def actor(self) -> Actor:
        return self.view.actor

    @property
    def topics(self) -> frozenset[Topic]:
        plan = self.view.plan
        given = {name: read(self.view.variables) for name, read in plan.arguments.items()}
        return plan.source.topics(given, self.view.actor)

    async def notices(self, events: Sequence[Event]) -> Sequence[Notice | None]:
        shown = [Shown(event) for event in events]
        cursors = [self.view.cursor(event.position) for event in events]
        made: list[Notice | None] = [None] * len(events)
        for n, value, event_id, entity, type_, occurred_at in await self.view.rows(shown, cursors):
            name = f"{entity}.{type_}".lower()
            body = envelope(name, occurred_at, await self.view.finished(value), cursors[n - 1])
            event = events[n - 1]
            made[n - 1] = Notice(f"evt_{event_id.hex}", body, event.position, event.journal_id)
        return made

    def reset(self, reason: str, position: int) -> Notice:
        cursor = self.view.cursor(position)
        data = orjson.dumps({"reason": reason, "cursor": cursor})
        body = envelope("reset", instant(dt.datetime.now(dt.UTC)), data, cursor)
        return Notice(f"reset_{self.view.parent.hub.epoch}_{position}", body, position, None)


def envelope(name: str, timestamp: str, data: bytes, cursor: str) -> bytes:
    """Of what the database wrote, nothing is parsed again."""
    head = (orjson.dumps(name), orjson.dumps(timestamp), orjson.dumps(cursor))
    return b'{"type":%b,"timestamp":%b,"cursor":%b,"data":%b}' % (*head, data)
