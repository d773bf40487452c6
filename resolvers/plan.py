"""From a document to plans: parse, limits, validation and SQL happen once, then the plan is found in a cache.

Two caches. The first knows documents: (text, operation name, rights) -> Operation. The second knows plans: an operation
and the shape of its variables -> Plan, because which filters are set and which fields are skipped changes the SQL.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
    Undefined,
    parse,
    validate,
)
from graphql.language import ast
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.dialects.postgresql import asyncpg as dialect

from domain.actor import Actor
from domain.errors import QueryTooComplex
from resolvers.answer import Failure
from resolvers.cache import Cache
from resolvers.coercion import Coercion
from resolvers.compiler import Compiler
from resolvers.declared import declaration
from resolvers.json_sql import NULL, as_record
from resolvers.scope import Binds, Getter, Rights
from resolvers.selection import Collector, Fields
from resolvers.sources import Stream
from resolvers.steps import Step
from resolvers.values import Shape, Variables, batch_bound, shape_of

DIALECT = dialect.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy does not annotate dialect constructors
POSITION = "(SELECT last_pos FROM stream_meta)"
AS_OF = """to_char(statement_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
META = frozenset({"__schema", "__type"})


class RequestError(Exception):
    """A request that ends before it has data."""

    def __init__(self, failure: Failure, *errors: GraphQLError) -> None:
        super().__init__(failure, errors)
        self.failure = failure
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Checks:
    """What a document must pass: `source` before it is parsed, `document` before it is validated, then its cost."""

    source: Callable[[str], None]
    document: Callable[[DocumentNode], None]
    max_cost: int = 50_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement with parameters $1.., how to get them, and what to do with its JSON afterwards."""

    sql: str | None
    getters: tuple[Getter, ...]
    steps: tuple[Step, ...]
    cost: int
    meta: tuple[str, ...] = ()
    # What stands around the statement's JSON in the response: `{"order":` and `}` when it is the only root field.
    head: bytes = b""
    tail: bytes = b""
    # The operation is a poll: resolvers.polls answers it.
    polls: bool = False

    def parameters(self, variables: Variables, actor: Actor) -> list[Any]:
        return [getter(variables, actor) for getter in self.getters]


class Operation:
    """One operation of a valid document, for callers with equal rights."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, node: ast.OperationDefinitionNode, rights: Rights
    ) -> None:
        self.schema = schema
        self.document = document
        self.node = node
        self.rights = rights
        self.fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, ast.FragmentDefinitionNode)
        }
        self.coerce = Coercion(schema, node.variable_definitions or ())
        self.shapes = self.find_shapes()

    @property
    def name(self) -> str | None:
        return self.node.name.value if self.node.name else None

    @property
    def kind(self) -> OperationType:
        return self.node.operation

    def find_shapes(self) -> tuple[tuple[str, Shape], ...]:
        sizes = size_variables(self.document)
        return tuple(
            (name, sized(shape_of(type_)) if name in sizes else shape_of(type_))
            for name, type_ in self.coerce.types.items()
        )

    def shape(self, variables: Variables) -> tuple[object, ...]:
        return tuple([shape(variables[name]) if name in variables else Undefined for name, shape in self.shapes])

    def compile(self, variables: Variables, max_cost: int, *, typenames: bool = False) -> Plan:
        """The plan for variables of this shape. Raises QueryTooComplex, Forbidden, Unauthenticated, BadInput.

        With `typenames`, or beside introspection, abstract values say their type, for graphql-core prints them.
        """
        collector = Collector(self.schema, self.fragments, variables)
        type_ = self.schema.query_type
        assert type_ is not None, "a schema has a query type"
        fields = collector.root(type_, self.node)
        data, meta = split_meta(fields)
        if not data:
            return Plan(None, (), (), 0, meta)
        if any(is_stream(type_, nodes[0].name.value) for nodes in data.values()):
            return Plan(None, (), (), 0, polls=True)
        compiler = Compiler(self.schema, collector, self.rights, variables, typenames=typenames or bool(meta))
        columns = compiler.root(type_, data)
        if compiler.cost > max_cost:
            raise QueryTooComplex(
                f"The operation may return about {compiler.cost} objects; at most {max_cost} are allowed. "
                "Ask for smaller pages (`first`) or fewer nested lists."
            )
        steps = tuple(compiler.steps)
        if len(columns) > 1 or not isinstance(columns[0].type, JSON):
            sql, getters = render(as_record(columns), compiler.binds)
            return Plan(as_answer(sql), getters, steps, compiler.cost, meta)
        # Each object around a large answer would be one more copy of it.
        sql, getters = render(sa.select(sa.func.coalesce(columns[0].element, NULL, type_=JSON)), compiler.binds)
        return Plan(as_answer(sql), getters, steps, compiler.cost, meta, b'{"%b":' % columns[0].name.encode(), b"}")


def split_meta(fields: Fields) -> tuple[Fields, tuple[str, ...]]:
    """Introspection is graphql-core's; the rest is ours."""
    meta = tuple(key for key, nodes in fields.items() if nodes[0].name.value in META)
    return {key: nodes for key, nodes in fields.items() if key not in meta}, meta


def is_stream(type_: GraphQLObjectType, name: str) -> bool:
    return name != "__typename" and isinstance(declaration(type_.fields[name]).source, Stream)


SIZES = frozenset({"first", "ids", "representations"})


def size_variables(document: DocumentNode) -> frozenset[str]:
    """Variables that say how much comes back: their size is part of the shape, because the cost depends on it."""
    found: set[str] = set()

    def walk(node: ast.SelectionSetNode | None) -> None:
        for selection in node.selections if node else ():
            if isinstance(selection, ast.FieldNode):
                for argument in selection.arguments or ():
                    if argument.name.value in SIZES and isinstance(argument.value, ast.VariableNode):
                        found.add(argument.value.name.value)
            if isinstance(selection, ast.FieldNode | ast.InlineFragmentNode):
                walk(selection.selection_set)

    for definition in document.definitions:
        if isinstance(definition, ast.OperationDefinitionNode | ast.FragmentDefinitionNode):
            walk(definition.selection_set)
    return frozenset(found)


def sized(shape: Shape) -> Shape:
    """A number of rows as it is, a batch of keys by its bound; both beside their own shape."""

    def with_size(value: Any) -> object:
        return shape(value), batch_bound(len(value)) if isinstance(value, list) else value

    return with_size


def render(statement: sa.Select[Any], binds: Binds) -> tuple[str, tuple[Getter, ...]]:
    """The text of a statement, and how to get its parameters in the order of their numbers."""
    compiled = statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
    getters = [binds.getters.get(name) or constant(compiled.params[name]) for name in compiled.positiontup or ()]
    return str(compiled), tuple(getters)


def as_answer(sql: str) -> str:
    """The one row of a query's answer: JSON bytes, the log position they are at least as new as, and their instant."""
    return f"SELECT json_send(({sql})), {POSITION}, {AS_OF}"


def constant(value: Any) -> Getter:
    """SQLAlchemy binds what an expression names as a plain value, such as a limit."""
    return lambda _variables, _actor: value


class Plans:
    """All plans of a process. Nothing here knows a caller, only rights."""

    def __init__(self, schema: GraphQLSchema, checks: Checks, *, documents: int = 1000, plans: int = 1000) -> None:
        self.schema = schema
        self.checks = checks
        self.operations: Cache[Operation] = Cache(documents)
        self.plans: Cache[Plan] = Cache(plans)

    def operation(self, text: str, name: str | None, rights: Rights) -> Operation:
        """The operation, valid and chosen. Raises RequestError and QueryTooComplex."""
        key = (text, name, rights)
        found = self.operations.get(key)
        if found is None:
            document = self.document(text)
            found = Operation(self.schema, document, choose(document, name), rights)
            self.operations.put(key, found)
        return found

    def plan(self, operation: Operation, variables: Variables) -> Plan:
        key = (operation, operation.shape(variables))
        found = self.plans.get(key)
        if found is None:
            found = operation.compile(variables, self.checks.max_cost)
            self.plans.put(key, found)
        return found

    def document(self, text: str) -> DocumentNode:
        self.checks.source(text)
        try:
            document = parse(text, no_location=False)
        except GraphQLError as error:
            raise RequestError(Failure.SYNTAX, error) from None
        self.checks.document(document)
        errors = validate(self.schema, document, max_errors=10, hide_suggestions=True)
        if errors:
            raise RequestError(Failure.VALIDATION, *errors)
        return document

    def counters(self) -> Mapping[str, int]:
        """Hits and misses since start, for metrics."""
        return {
            "document_hits": self.operations.hits,
            "document_misses": self.operations.misses,
            "plan_hits": self.plans.hits,
            "plan_misses": self.plans.misses,
        }


def choose(document: DocumentNode, name: str | None) -> ast.OperationDefinitionNode:
    operations = [node for node in document.definitions if isinstance(node, ast.OperationDefinitionNode)]
    if name is None:
        if len(operations) == 1:
            return operations[0]
        found = f"{len(operations)} operations" if operations else "no operation"
        raise RequestError(
            Failure.OPERATION, GraphQLError(f"The document has {found}; send operationName to say which one to run.")
        )
    for node in operations:
        if node.name and node.name.value == name:
            return node
    raise RequestError(Failure.OPERATION, GraphQLError("operationName names no operation of the document."))
