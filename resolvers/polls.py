"""Long polls: subscriptions that end with the first news, for clients that can only ask.

While it waits, a poll is a subscriber like all others: the process's one reader of the log wakes it, and polls that ask
the same with the same rights share one execution. A page ends where its cursor says; nothing after it was dropped.
"""

import asyncio
import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from graphql import GraphQLObjectType, get_named_type
from graphql.language import ast

from domain.actor import Actor
from domain.errors import BadInput, Forbidden, OrdergraphError, QueryTooComplex, Unauthenticated, Unavailable
from events.cursor import Cursor
from events.group import Payload, Question
from events.sink import Ended
from events.subscriber import Subscriber
from resolvers.answer import Answer, Later
from resolvers.cache import Cache
from resolvers.execute import refusal
from resolvers.pages import page_size
from resolvers.plan import Operation
from resolvers.subscriptions import Subscriptions, View
from resolvers.updates import UpdateCompiler, UpdatePlan
from resolvers.values import Variables

WAIT: Final = re.compile(r"(\d{1,6})(ms|s)")
# Proxies and load balancers commonly end requests after a minute.
MOST_SECONDS: Final = 60.0
# Who does not want to wait is still looked for in the log that long, in which a million events may be somebody else's.
LOOK_SECONDS: Final = 2.0
ONE_FIELD = "A poll waits, so it stands alone: ask for the other fields in an operation of their own."


def seconds_of(text: object) -> float:
    found = WAIT.fullmatch(str(text))
    if found is None:
        raise BadInput('`wait` is a number and a unit, such as "30s" or "500ms".')
    seconds = int(found[1]) / (1000 if found[2] == "ms" else 1)
    if seconds > MOST_SECONDS:
        raise BadInput(f"`wait` is at most {MOST_SECONDS:g}s. Ask again with the cursor you got.")
    return seconds


@dataclass(frozen=True, slots=True)
class PollPlan:
    """`parts` are the response names of the page with their fields, in the order of the selection."""

    updates: UpdatePlan
    parts: tuple[tuple[str, str], ...]
    type_name: str


class PollCompiler(UpdateCompiler):
    """Compiles `nodes` of a page as a subscription's field is compiled; a payload is a bare event."""

    tail = b""

    def head(self) -> bytes:
        return b""

    def events(self) -> list[ast.FieldNode]:
        if len(self.fields) > 1 or len(self.operation.node.selection_set.selections) > 1:
            raise BadInput(ONE_FIELD)
        type_ = get_named_type(self.field.type)
        assert isinstance(type_, GraphQLObjectType), "a poll returns a page"
        selected = self.collector.fields(type_, self.asked)
        self.parts = tuple((key, nodes[0].name.value) for key, nodes in selected.items())
        found = [nodes for nodes in selected.values() if nodes[0].name.value == "nodes"]
        if len(found) > 1:
            raise BadInput("Select `nodes` once.")
        return found[0] if found else [TYPENAME_ONLY]

    def check_cost(self) -> None:
        cost = self.compiler.cost * page_size(self.scope.argument("first").sample)
        if cost > self.max_cost:
            raise QueryTooComplex(
                f"The page may have about {cost} objects; at most {self.max_cost} are allowed. Ask for fewer (`first`)."
            )


# Somebody who wants the cursor only.
TYPENAME_ONLY = ast.FieldNode(
    name=ast.NameNode(value="nodes"),
    selection_set=ast.SelectionSetNode(selections=(ast.FieldNode(name=ast.NameNode(value="__typename")),)),
)


class Polls:
    """Answers operations whose only field is a stream."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self.subscriptions = subscriptions
        self.plans: Cache[PollPlan] = Cache(500)

    def begin(self, operation: Operation, variables: Variables, actor: Actor) -> Later:
        """Raises what is wrong with the request; nothing is held before somebody waits."""
        plan = self.plan(operation, variables)
        given = {name: read(variables) for name, read in plan.updates.arguments.items()}
        size, seconds = page_size(given["first"]), seconds_of(given["wait"])
        view = View(self.subscriptions, plan.updates, variables, actor)
        question = bare(view.question(operation, given))
        after = given["after"]
        cursor = self.subscriptions.signer.read(after) if after is not None else None

        async def wait(patience: float) -> Answer:
            try:
                page = await self.page(question, cursor, actor, size, min(seconds, patience))
                return answer(plan, view, page)
            except OrdergraphError as error:
                return refusal(error)

        return Later(seconds, wait)

    def plan(self, operation: Operation, variables: Variables) -> PollPlan:
        key = (operation, operation.shape(variables))
        found = self.plans.get(key)
        if found is None:
            compiler = PollCompiler(operation, variables, self.subscriptions.engine.plans.checks.max_cost)
            type_name = get_named_type(compiler.field.type).name
            found = PollPlan(compiler.plan(), compiler.parts, type_name)
            self.plans.put(key, found)
        return found

    async def page(self, question: Question, after: Cursor | None, actor: Actor, size: int, seconds: float) -> "Page":
        hub = self.subscriptions.hub
        page = Page(size)
        if after is None:
            page.position = hub.position
            return page
        subscriber = self.subscriptions.resume(question, page, after, actor)
        page.subscriber = subscriber
        try:
            await waited(page, subscriber, seconds)
        finally:
            page.close()
        return page


def bare(question: Question) -> Question:
    """A page says by itself how far it reaches: its checkpoints are of no use to anybody."""
    return dataclasses.replace(question, checkpoint=lambda _: NOTHING)


NOTHING = Payload(b"", "")


async def waited(page: "Page", subscriber: Subscriber, seconds: float) -> None:
    """Until there is something, or nothing for so long; what the log has already is looked for in any case."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    catching_up = subscriber.task
    if catching_up is not None:
        patience = max(seconds, LOOK_SECONDS)
        await asyncio.wait((page.done, catching_up), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
    left = until - loop.time()
    if left > 0 and not page.done.done():
        await asyncio.wait((page.done,), timeout=left)


class Page:
    """events.sink.Sink for one poll: takes what comes in one go, up to `size`, and is done."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.nodes: list[bytes] = []
        self.position = 0
        self.has_more = False
        self.ended: Ended | None = None
        self.subscriber: Subscriber | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def push(self, payload: bytes, _cursor: str | None) -> bool:
        if not payload:
            return True
        if not self.nodes:
            # What is pushed in the same step belongs to the page, too.
            self.done.get_loop().call_soon(self.close)
        self.nodes.append(payload)
        return len(self.nodes) < self.size

    async def drained(self) -> None:
        """A page with something in it takes no more; who closes it ends this wait."""
        if self.nodes:
            await self.done.get_loop().create_future()

    def end(self, reason: Ended, _cursor: str | None) -> None:
        self.ended = reason
        self.close()

    def close(self) -> None:
        """Idempotent. From here on the subscriber pushes nothing, so the cursor is where the page ends."""
        subscriber, self.subscriber = self.subscriber, None
        if subscriber is None:
            return
        self.position = subscriber.reached()
        self.has_more = self.position < subscriber.hub.position
        subscriber.close()
        if not self.done.done():
            self.done.set_result(None)


def answer(plan: PollPlan, view: View, page: Page) -> Answer:
    if page.ended is not None and not page.nodes:
        refuse_ended(page.ended)
    cursor = orjson.dumps(view.cursor(page.position))
    made: Mapping[str, bytes] = {
        "nodes": b"[" + b",".join(page.nodes) + b"]",
        "cursor": cursor,
        "hasMore": b"true" if page.has_more else b"false",
        "__typename": orjson.dumps(plan.type_name),
    }
    parts: Sequence[bytes] = [b'"%b":%b' % (key.encode(), made[field]) for key, field in plan.parts]
    name = plan.updates.name.encode()
    return Answer(b'{"data":{"%b":{%b}},"extensions":{"cursor":%b}}' % (name, b",".join(parts), cursor))


def refuse_ended(reason: Ended) -> None:
    """A server that ends is no error: the page is empty, and its cursor good elsewhere."""
    if reason is Ended.TOKEN_EXPIRED:
        raise Unauthenticated("The token expired while the poll waited. Get a new one and ask with the same cursor.")
    if reason is Ended.REVOKED:
        raise Forbidden("Access was withdrawn while the poll waited.")
    if reason is not Ended.SHUTDOWN:
        raise Unavailable("The event log cannot be read now. Ask again with the same cursor.")
