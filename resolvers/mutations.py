"""How a mutation is answered: its commands one after the other, then one statement that reads back what they touched.

A command returns plain dicts keyed by GraphQL names, in which a field of a type with rows holds that row's primary key.
The selections of these fields are compiled like any question, for all items at once, with the caller's visibility.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema, get_named_type
from graphql.language import ast
from sqlalchemy.dialects.postgresql import ARRAY

from db.pool import Pool
from domain.actor import Actor
from domain.errors import BadInput, Forbidden, QueryTooComplex, Unauthenticated
from events.inbox import Inbox, Kind
from resolvers import idempotency
from resolvers.answer import Answer, GraphQLRequest
from resolvers.batches import in_order
from resolvers.cache import Cache
from resolvers.commands.fulfillment_requests import Desk
from resolvers.commands.webhooks import Office
from resolvers.compiler import Compiler, Place
from resolvers.declared import declaration, has_rows, row_set
from resolvers.json_sql import as_object, as_record
from resolvers.plan import Operation, Plan, as_answer, render
from resolvers.scope import Rights
from resolvers.selection import Collector
from resolvers.sources import Command, CommandContext
from resolvers.steps import leaf_projector
from resolvers.values import Read, Variables, arguments_of

DIRECTIVE = "idempotent"
NOTHING = Plan(as_answer("SELECT '{}'::json"), (), (), 0)
Part = Callable[[Any, "Found"], Any]
Keys = tuple[Any, ...]


@dataclass(slots=True)
class Found:
    """One pass over a result: the keys of its entities while they are gathered, their JSON when they are put in."""

    keys: list[list[Keys | None]]
    rows: Sequence[Any] | None = None

    def take(self, number: int, key: Any) -> Any:
        if self.rows is None:
            self.keys[number].append(None if key is None else key if isinstance(key, tuple) else (key,))
            return None
        return next(self.rows[number])


@dataclass(frozen=True, slots=True)
class Step:
    """One root field: its command, how to read its arguments, and how its result is printed."""

    key: str
    command: Command
    reads: Mapping[str, Read]
    part: Part


@dataclass(frozen=True, slots=True)
class MutationPlan:
    steps: tuple[Step, ...]
    typenames: tuple[str, ...]
    order: tuple[str, ...]
    # Columns in the primary key of each entity that is read back.
    entities: tuple[int, ...]
    read: Plan
    key: Read | None


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Errors of the statement that read back, and what `extensions` say of it."""

    errors: Sequence[GraphQLError]
    facts: bytes


Reading = Callable[[Plan, Variables, Actor], Awaitable[tuple[dict[str, Any], ReadBack]]]


class Mutations:
    """Runs the commands of mutations; `kinds` are the events that wait in the inbox."""

    def __init__(self, schema: GraphQLSchema, pool: Pool, kinds: Mapping[str, Kind], *, max_cost: int) -> None:
        self.schema = schema
        self.pool = pool
        self.inbox = Inbox(pool, kinds)
        self.max_cost = max_cost
        self.plans: Cache[MutationPlan] = Cache(500)
        # Given by who delivers webhooks.
        self.office: Office | None = None
        # Given by who calls connectors.
        self.desk: Desk | None = None

    def plan(self, operation: Operation, variables: Variables) -> MutationPlan:
        key = (operation, operation.shape(variables))
        found = self.plans.get(key)
        if found is None:
            found = Planner(self.schema, operation, variables).plan()
            self.plans.put(key, found)
        return found

    async def answer(
        self,
        operation: Operation,
        variables: Variables,
        request: GraphQLRequest,
        actor: Actor,
        reading: Reading,
    ) -> Answer:
        """Everything a caller can do wrong with the request as a whole is found before the first command runs."""
        plan = self.plan(operation, variables)
        contexts = [self.context(step, variables, actor) for step in plan.steps]
        self.check_cost(plan, contexts)
        text = key_text(plan, request, variables)
        for step, context in zip(plan.steps, contexts, strict=True):
            step.command.check(context, text is not None)

        async def run() -> Answer:
            return await self.run(plan, contexts, variables, actor, reading)

        if text is None:
            return await run()
        return await idempotency.once(self.pool, idempotency.key_of(text, request, actor), run)

    def context(self, step: Step, variables: Variables, actor: Actor) -> CommandContext:
        arguments = {name: read(variables) for name, read in step.reads.items()}
        return CommandContext(actor, arguments, self.inbox, dt.datetime.now(dt.UTC), step.key, self.office, self.desk)

    def check_cost(self, plan: MutationPlan, contexts: Sequence[CommandContext]) -> None:
        items = sum(context.items for context in contexts)
        if plan.read.cost * max(1, items) > self.max_cost:
            raise QueryTooComplex(
                f"Reading back {items} items would return about {plan.read.cost * items} objects; at most "
                f"{self.max_cost} are allowed. Select less, or send fewer items at once."
            )

    async def run(
        self,
        plan: MutationPlan,
        contexts: Sequence[CommandContext],
        variables: Variables,
        actor: Actor,
        reading: Reading,
    ) -> Answer:
        results = [await step.command.run(context) for step, context in zip(plan.steps, contexts, strict=True)]
        found = Found([[] for _ in plan.entities])
        for step, result in zip(plan.steps, results, strict=True):
            step.part(result, found)
        rows, read = await reading(plan.read, with_keys(variables, plan.entities, found), actor)
        data = orjson.dumps(printed(plan, found, results, rows))
        errors = b'"errors":%b,' % orjson.dumps([error.formatted for error in read.errors]) if read.errors else b""
        return Answer(b'{%b"data":%b,"extensions":{%b}}' % (errors, data, read.facts), has_errors=bool(read.errors))


def printed(plan: MutationPlan, found: Found, results: Sequence[Any], rows: Mapping[str, list[Any]]) -> dict[str, Any]:
    """The data of the response, in the order of the selection."""
    put = Found(found.keys, [iter(rows[str(number)]) for number in range(len(plan.entities))])
    made: dict[str, Any] = dict.fromkeys(plan.typenames, "Mutation")
    made |= {step.key: step.part(result, put) for step, result in zip(plan.steps, results, strict=True)}
    return {key: made[key] for key in plan.order}


def said(word: str) -> Part:
    return lambda _value, _found: word


def with_keys(variables: Variables, widths: Sequence[int], found: Found) -> dict[str, Any]:
    """The keys travel beside the variables, under names that no variable can have."""
    extra = {}
    for number, (width, keys) in enumerate(zip(widths, found.keys, strict=True)):
        for place in range(width):
            extra[f"#{number}.{place}"] = [key[place] if key else None for key in keys]
    return {**variables, **extra}


def key_text(plan: MutationPlan, request: GraphQLRequest, variables: Variables) -> str | None:
    """The idempotency key of a request: of its header, or of the directive on its only field."""
    given = (request.extensions or {}).get("idempotencyKey")
    if given is not None and not isinstance(given, str):
        raise BadInput("extensions.idempotencyKey is a string.")
    directed = plan.key(variables) if plan.key is not None else None
    if given is not None and directed is not None and given != directed:
        raise BadInput("The header Idempotency-Key and @idempotent name different keys. Use one of them.")
    return given if given is not None else directed


class Planner:
    """Compiles one mutation for callers of equal rights."""

    def __init__(self, schema: GraphQLSchema, operation: Operation, variables: Variables) -> None:
        self.schema = schema
        self.operation = operation
        self.variables = variables
        self.rights: Rights = operation.rights
        self.collector = Collector(schema, operation.fragments, variables)
        self.compiler = Compiler(schema, self.collector, operation.rights, variables)
        self.columns: list[sa.Label[Any]] = []
        self.widths: list[int] = []

    def plan(self) -> MutationPlan:
        type_ = self.schema.mutation_type
        assert type_ is not None, "validation has found a mutation type"
        fields = self.collector.root(type_, self.operation.node)
        typenames = tuple(key for key, nodes in fields.items() if nodes[0].name.value == "__typename")
        steps = tuple(self.step(type_, key, nodes) for key, nodes in fields.items() if key not in typenames)
        self.compiler.refuse_denied()
        read = NOTHING
        if self.columns:
            sql, getters = render(as_record(self.columns), self.compiler.binds)
            read = Plan(as_answer(sql), getters, tuple(self.compiler.steps), self.compiler.cost)
        return MutationPlan(steps, typenames, tuple(fields), tuple(self.widths), read, self.key(list(fields.values())))

    def step(self, type_: GraphQLObjectType, key: str, nodes: list[ast.FieldNode]) -> Step:
        name = nodes[0].name.value
        field = type_.fields[name]
        source = declaration(field).source
        assert isinstance(source, Command), "fields of a mutation are commands"
        if not source.scopes & self.rights.scopes:
            words = f"{type_.name}.{name} needs {' or '.join(sorted(source.scopes))}."
            if self.rights.anonymous:
                raise Unauthenticated(f"{words} Send a bearer token that has it.")
            raise Forbidden(f"{words} Your token does not have it; ask for one that has.")
        reads = {name: value.read for name, value in arguments_of(field.args, nodes[0], self.variables).items()}
        return Step(key, source, reads, self.part(field.type, nodes))

    def part(self, type_: Any, nodes: Sequence[ast.FieldNode]) -> Part:
        """How a value is printed; entities on the way become columns of the statement that reads them back."""
        named = get_named_type(type_)
        if not isinstance(named, GraphQLObjectType):
            project = leaf_projector(named.name)
            return lambda value, _: project(value)
        if has_rows(named):
            return self.entity(named, nodes)
        parts: list[tuple[str, str, Part]] = []
        for key, same in self.collector.fields(named, nodes).items():
            name = same[0].name.value
            if name == "__typename":
                parts.append((key, name, said(named.name)))
            else:
                self.compiler.check(named, name, named.fields[name])
                parts.append((key, name, self.part(named.fields[name].type, same)))

        def walk(value: Any, found: Found) -> Any:
            if value is None:
                return None
            if isinstance(value, list):
                return [walk(item, found) for item in value]
            return {key: part(value.get(name), found) for key, name, part in parts}

        return walk

    def entity(self, named: GraphQLObjectType, nodes: Sequence[ast.FieldNode]) -> Part:
        number = len(self.columns)
        row = row_set(named).table.alias()
        primary = [column.name for column in row_set(named).table.primary_key.columns]
        self.widths.append(len(primary))
        arrays = [
            self.compiler.binds.add(lambda variables, _, name=f"#{number}.{place}": variables[name], ARRAY(sa.Uuid))  # type: ignore[misc]  # bound now
            for place in range(len(primary))
        ]
        columns = [sa.column(f"k{place}", sa.Uuid) for place in range(len(primary))]
        keys = sa.func.unnest(*arrays).table_valued(*columns, with_ordinality="n").render_derived()
        place = Place().field(str(number)).inside(keys).inside(row)
        matches = [row.c[name] == keys.c[f"k{place_}"] for place_, name in enumerate(primary)]
        record = self.compiler.record(named, nodes, row, place).where(*matches, *self.compiler.visible(named, row))
        self.columns.append(in_order(keys, as_object(record.limit(1))).label(str(number)))
        return lambda value, found: found.take(number, value)

    def key(self, fields: Sequence[Sequence[ast.FieldNode]]) -> Read | None:
        """How to read the key of `@idempotent`; one request has one key, because it has one answer."""
        marked = [d for nodes in fields for node in nodes for d in node.directives or () if d.name.value == DIRECTIVE]
        if not marked:
            return None
        if len(fields) > 1:
            raise BadInput(
                "@idempotent stands on the only field of a mutation: send the others as requests of their own."
            )
        (argument,) = marked[0].arguments or ()
        value = argument.value
        if isinstance(value, ast.VariableNode):
            name = value.name.value
            return lambda variables: variables[name]
        assert isinstance(value, ast.StringValueNode), "validation has seen to it"
        text = value.value
        return lambda _: text
