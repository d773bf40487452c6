"""From a subscription to one statement that renders a whole batch of events.

The events come as arrays: journal ids, their cursors, how many older ones are folded into each. The statement gives one
row per event that concerns the caller, as finished JSON, so nothing is parsed on the way to a thousand subscribers.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from graphql import GraphQLObjectType
from graphql.language import SKIP, Visitor, VisitorAction, ast, visit
from sqlalchemy.dialects.postgresql import ARRAY

from db.tables import journal
from domain.errors import QueryTooComplex
from resolvers.compiler import Compiler, Place
from resolvers.declared import declaration
from resolvers.json_sql import as_object
from resolvers.plan import Operation, render
from resolvers.scope import Getter, Scope
from resolvers.selection import Collector
from resolvers.sources import Row, Stream
from resolvers.steps import Project, Step
from resolvers.values import Read, Variables, arguments_of

# Names of what the hub gives, beside the client's variables; a GraphQL name cannot contain a space.
IDS, CURSORS, SKIPPED = "journal ids", "cursors", "skipped"
# Where a client begins and how much it takes is its own business; two that differ only in this share a group.
OWN_ARGUMENTS = frozenset({"after", "snapshot", "first", "wait"})


@dataclass(frozen=True, slots=True)
class UpdatePlan:
    """How one subscription is answered. `sql` takes arrays of events, `snapshot_sql` none."""

    name: str
    source: Stream
    arguments: dict[str, Read]
    # Variables that say only where a client begins, or how much it takes.
    own_variables: frozenset[str]
    sql: str
    getters: tuple[Getter, ...]
    snapshot_sql: str | None
    snapshot_getters: tuple[Getter, ...]
    steps: tuple[Step, ...]
    checkpoint: Project
    reset: Project
    # What stands around an event in its payload.
    head: bytes
    tail: bytes

    def payload(self, value: bytes) -> bytes:
        return b"%b%b%b" % (self.head, value, self.tail)

    def made(self, project: Project, value: dict[str, Any]) -> bytes:
        return self.payload(orjson.dumps(project(value)))


class Uses(Visitor):
    """Counts where variables are used."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()

    def enter_variable_definition(self, *_: Any) -> VisitorAction:
        return SKIP

    def enter_variable(self, node: ast.VariableNode, *_: Any) -> None:
        self.count[node.name.value] += 1


class UpdateCompiler:
    """Compiles the one root field of a subscription for variables of one shape."""

    tail = b"}}"

    def __init__(self, operation: Operation, variables: Variables, max_cost: int) -> None:
        schema = operation.schema
        self.collector = Collector(schema, operation.fragments, variables)
        self.compiler = Compiler(schema, self.collector, operation.rights, variables)
        self.max_cost = max_cost
        root = schema.get_root_type(operation.kind)
        assert root is not None, "validation found the field"
        self.operation = operation
        self.fields = self.collector.root(root, operation.node)
        (self.key, self.asked), *_ = self.fields.items()
        self.field = root.fields[self.asked[0].name.value]
        self.root = root
        self.nodes = self.events()
        declared = declaration(self.field).source
        assert isinstance(declared, Stream), "subscription fields are streams"
        self.source = declared
        given = arguments_of(self.field.args, self.asked[0], variables)
        self.scope = Scope(operation.rights, self.compiler.binds, given)

    def events(self) -> list[ast.FieldNode]:
        """The fields whose selection is of an event."""
        return self.asked

    def plan(self) -> UpdatePlan:
        self.compiler.check(self.root, self.asked[0].name.value, self.field)
        statement = self.of_events(self.changes())
        steps = tuple(self.compiler.steps)
        self.compiler.refuse_denied()
        self.check_cost()
        sql, getters = render(statement, self.compiler.binds)
        snapshot_sql, snapshot_getters = self.of_snapshot()
        return UpdatePlan(
            name=self.key,
            source=self.source,
            arguments={name: value.read for name, value in self.scope.arguments.items()},
            own_variables=self.own_variables(),
            sql=sql,
            getters=getters,
            snapshot_sql=snapshot_sql,
            snapshot_getters=snapshot_getters,
            steps=steps,
            checkpoint=self.project("Checkpoint"),
            reset=self.project("Reset"),
            head=self.head(),
            tail=self.tail,
        )

    def head(self) -> bytes:
        return b'{"data":{"%b":' % self.key.encode()

    def own_variables(self) -> frozenset[str]:
        """Two clients that differ in nothing else may share payloads. What also stands elsewhere is not only theirs."""
        given = {argument.name.value: argument.value for argument in self.asked[0].arguments or ()}
        named = [given[name] for name in OWN_ARGUMENTS if name in given]
        uses = Uses()
        for node in (self.operation.node, *self.operation.fragments.values()):
            visit(node, uses)
        names = (node.name.value for node in named if isinstance(node, ast.VariableNode))
        return frozenset(name for name in names if uses.count[name] == 1)

    def check_cost(self) -> None:
        if self.compiler.cost > self.max_cost:
            raise QueryTooComplex(
                f"Each event may return about {self.compiler.cost} objects; at most {self.max_cost} are allowed."
            )

    def type(self, name: str) -> GraphQLObjectType:
        found = self.compiler.schema.type_map[name]
        assert isinstance(found, GraphQLObjectType), f"{name} is an object type"
        return found

    def project(self, name: str) -> Project:
        """Checkpoint and Reset are made without SQL, in the selection the client gave them."""
        type_ = self.type(name)
        parts = [(key, same[0].name.value) for key, same in self.collector.fields(type_, self.nodes).items()]
        return lambda value: {key: name if field == "__typename" else value.get(field) for key, field in parts}

    def changes(self) -> Row:
        """The journal rows of a batch, with what the hub says of each."""
        arrays = [
            self.compiler.binds.add(lambda variables, _: variables[IDS], ARRAY(sa.BigInteger)),
            self.compiler.binds.add(lambda variables, _: variables[CURSORS], ARRAY(sa.Text)),
            self.compiler.binds.add(lambda variables, _: variables[SKIPPED], ARRAY(sa.Integer)),
        ]
        keys = (
            sa.func.unnest(*arrays)
            .table_valued(
                sa.column("journal_id", sa.BigInteger),
                sa.column("cursor", sa.Text),
                sa.column("skipped", sa.Integer),
                with_ordinality="n",
            )
            .render_derived()
        )
        entry = journal.alias()
        columns = [keys.c.n, keys.c.cursor, keys.c.skipped, *entry.c]
        return sa.select(*columns).select_from(keys.join(entry, entry.c.id == keys.c.journal_id)).subquery()

    def of_events(self, events: Row) -> sa.Select[Any]:
        place = Place((self.key,)).inside(events)
        record = self.compiler.columns(
            self.type(self.source.event),
            self.collector.fields(self.type(self.source.event), self.nodes),
            events,
            place,
        )
        made = as_object(sa.select(*record).correlate(events))
        return (
            sa.select(
                events.c.n,
                sa.func.convert_to(sa.cast(made, sa.Text), sa.literal_column("'UTF8'")),
                *self.beside(events),
            )
            .select_from(events)
            .where(*self.source.on(events, self.scope))
            .order_by(events.c.n)
        )

    def beside(self, _events: Row) -> list[sa.ColumnElement[Any]]:
        """What else is to be known of an event, whatever the client selects."""
        return []

    def of_snapshot(self) -> tuple[str | None, tuple[Getter, ...]]:
        if self.source.snapshot is None or not self.scope.argument("snapshot").sample:
            return None, ()
        return render(self.of_events(self.source.snapshot(self.scope)), self.compiler.binds)
