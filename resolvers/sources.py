"""Where a field's data comes from, declared beside its type.

A type names the table its rows live in (`rows`); each field is then one of
  column     a column of that row, or an SQL expression over it
  embedded   an object made of the same row
  one, many  rows of another table
  page       a Relay connection over another table
  computed   a pure function of SQL inputs read in the same statement
  live       a batched call to an outside system, falling back to the stored value
  command    a change of state (fields of a mutation)
A field without a declaration is the column of its own (Python) name.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.federation.schema_directives import ListSize, RequiresScopes
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.unset import UNSET

from domain.actor import Actor
from events.inbox import Inbox

if TYPE_CHECKING:
    from resolvers.scope import Scope

Row = sa.FromClause
Sql = sa.ColumnElement[Any]
Expression = Callable[[Row, "Scope"], Sql]
Condition = Callable[[Row, Row | None, "Scope"], Sequence[sa.ColumnElement[bool]]]
Rows = Callable[["Scope", Row | None], Row]

METADATA = "ordergraph"


@dataclass(frozen=True, slots=True)
class Column:
    """`sql` gives the value; `masked` replaces it for callers without `pii:read`."""

    sql: Expression
    masked: Expression | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """An object made of the row it stands in; null where `present` is false.

    `fields` gives the SQL of its fields by their GraphQL names where their own declaration does not.
    """

    present: Expression | None = None
    fields: Mapping[str, Column] | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows of the field's type. `on` joins them to the parent; `inherits` says the parent's visibility covers them."""

    on: Condition
    many: bool
    order_by: Callable[[Row, "Scope"], Sequence[Any]] | None = None
    rows: Rows | None = None
    inherits: bool = True
    assumed_size: int = 1


@dataclass(frozen=True, slots=True)
class Order:
    """A total order for pages: the SQL keys, last one unique, and their direction."""

    keys: Callable[[Row], Sequence[Sql]]
    types: Sequence[Callable[[str], object]]
    descending: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A connection: edges, nodes, pageInfo, totalCount over rows of the node type."""

    on: Condition
    orders: Mapping[str, Order]
    node: str
    inherits: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a computed field gets: its SQL inputs as parsed JSON, its arguments, and the statement's instant."""

    values: Mapping[str, Any]
    arguments: Mapping[str, Any]
    now: dt.datetime


@dataclass(frozen=True, slots=True)
class Computed:
    """`compute` is pure; it returns plain dicts and lists keyed by GraphQL field names."""

    needs: Callable[[Row | None, "Scope"], Mapping[str, Sql]]
    compute: Callable[[Inputs], object]
    assumed_size: int = 1


@dataclass(frozen=True, slots=True)
class LiveCall:
    """One request of a live batch: the keys its row gave and the field's arguments."""

    keys: Mapping[str, Any]
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LiveResult:
    """A value of plain dicts, or the reason there is none. `fetched_at` is when the outside system said so."""

    value: object = None
    fetched_at: dt.datetime | None = None
    reason: str | None = None
    latency_ms: float | None = None


LiveFetch = Callable[[Sequence[LiveCall], float], Awaitable[Sequence[LiveResult]]]


@dataclass(frozen=True, slots=True)
class Live:
    """One batched call per source and field in an operation, within `timeout` seconds.

    `merge(stored, result)` makes the field's value from the stored inputs and what came back (or did not).
    """

    source: str
    keys: Callable[[Row, "Scope"], Mapping[str, Sql]]
    merge: Callable[[Mapping[str, Any], LiveResult], object]
    timeout: float = 2.0


@dataclass(frozen=True, slots=True)
class Constant:
    """The same JSON for everybody, such as the service's SDL."""

    value: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Special:
    """A root field that the compiler handles by name (`_entities`, `node`, `nodes`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Stream:
    """A subscription: which changes concern it, and what a client that asks for a snapshot gets first.

    `event` is the member of the field's union that carries a change. `on` gives the conditions on a journal row;
    `topics` what the hub looks for in an event, from the arguments' values; `snapshot` rows in the form of journal
    rows that stand for what is there now.
    """

    event: str
    on: Callable[[Row, "Scope"], Sequence[sa.ColumnElement[bool]]]
    topics: Callable[[Mapping[str, Any], Actor], frozenset[tuple[str, str]]]
    snapshot: Callable[["Scope"], Row] | None = None


@dataclass(frozen=True, slots=True)
class CommandContext:
    """Who gives a command, with which arguments, through which inbox; `field` is its response name."""

    actor: Actor
    arguments: Mapping[str, Any]
    inbox: Inbox
    now: dt.datetime
    field: str

    @property
    def items(self) -> int:
        return len(self.arguments["items"])


@dataclass(frozen=True, slots=True)
class Command:
    """A field of a mutation, for callers with any of `scopes`. `run` returns plain dicts keyed by GraphQL names, in
    which a field of a type with rows holds that row's primary key; `check` refuses a request before anything runs,
    and knows whether it came with an idempotency key.
    """

    run: Callable[[CommandContext], Awaitable[Mapping[str, Any]]]
    check: Callable[[CommandContext, bool], None]
    scopes: frozenset[str]


Source = Column | Embedded | Relation | Page | Computed | Live | Constant | Special | Stream | Command


@dataclass(frozen=True, slots=True)
class Declaration:
    source: Source
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RowSet:
    """The table behind a type, and which of its rows a caller may see."""

    table: sa.Table
    visible: Callable[[Row, "Scope"], Sequence[sa.ColumnElement[bool]]] | None = None
    keys: Mapping[tuple[str, ...], Callable[[Row, Mapping[str, Sql]], sa.ColumnElement[bool]]] = field(
        default_factory=dict
    )


T = TypeVar("T")


def rows(
    table: sa.Table,
    *,
    visible: Callable[[Row, "Scope"], Sequence[sa.ColumnElement[bool]]] | None = None,
    keys: Mapping[tuple[str, ...], Callable[[Row, Mapping[str, Sql]], sa.ColumnElement[bool]]] | None = None,
) -> Callable[[type[T]], type[T]]:
    """Say which table holds the rows of a Strawberry type, and how its federation keys find them."""

    def attach(cls: type[T]) -> type[T]:
        cls.__rows__ = RowSet(table, visible, keys or {})  # type: ignore[attr-defined]  # read back by `row_set`
        return cls

    return attach


def argument(name: str, annotation: object, description: str, *, default: object = UNSET) -> StrawberryArgument:
    return StrawberryArgument(name, None, StrawberryAnnotation(annotation), description=description, default=default)


def declare(
    description: str,
    source: Source,
    *,
    scopes: Sequence[str] = (),
    arguments: Sequence[StrawberryArgument] = (),
    name: str | None = None,
    size: ListSize | None = None,
    deprecated: str | None = None,
) -> Any:
    """A Strawberry field with its source. `scopes` become `@requiresScopes` and are enforced at plan time."""
    directives: list[object] = [RequiresScopes(scopes=[list(scopes)])] if scopes else []
    if size:
        directives.append(size)
    made = strawberry.field(
        name=name,
        description=description,
        directives=directives,
        deprecation_reason=deprecated,
        metadata={METADATA: Declaration(source, frozenset(scopes))},
    )
    made.arguments = list(arguments)
    return made


def column(
    description: str,
    sql: "sa.Column[Any] | Expression | None" = None,
    *,
    masked: Expression | None = None,
    scopes: Sequence[str] = (),
    name: str | None = None,
) -> Any:
    """A value of the row. Without `sql` it is the column named as the field."""
    if sql is None:
        return strawberry.field(
            name=name,
            description=description,
            directives=[RequiresScopes(scopes=[list(scopes)])] if scopes else [],
            metadata={METADATA: (masked, frozenset(scopes))},
        )
    if isinstance(sql, sa.Column):
        column_name = sql.name
        return declare(description, Column(lambda row, _: row.c[column_name], masked), scopes=scopes, name=name)
    return declare(description, Column(sql, masked), scopes=scopes, name=name)


def joined(child: str, parent: str) -> Condition:
    """Rows whose column `child` equals the parent row's column `parent`."""

    def on(row: Row, around: Row | None, _scope: "Scope") -> Sequence[sa.ColumnElement[bool]]:
        assert around is not None, "a join needs the row it starts from"
        return [row.c[child] == around.c[parent]]

    return on


def embedded(
    description: str,
    *,
    present: Expression | None = None,
    fields: Mapping[str, Column] | None = None,
    scopes: Sequence[str] = (),
) -> Any:
    """An object that is a view of the same row, such as an address or an amount with its currency."""
    return declare(description, Embedded(present, fields), scopes=scopes)


def one(
    description: str,
    on: Condition,
    *,
    inherits: bool = True,
    rows: Rows | None = None,
    scopes: Sequence[str] = (),
    arguments: Sequence[StrawberryArgument] = (),
    order_by: Callable[[Row, "Scope"], Sequence[Any]] | None = None,
) -> Any:
    """At most one row of the field's type."""
    relation = Relation(on, many=False, rows=rows, inherits=inherits, order_by=order_by)
    return declare(description, relation, scopes=scopes, arguments=arguments)


def many(
    description: str,
    on: Condition,
    *,
    order_by: Callable[[Row, "Scope"], Sequence[Any]] | None = None,
    inherits: bool = True,
    rows: Rows | None = None,
    size: int = 5,
    scopes: Sequence[str] = (),
    arguments: Sequence[StrawberryArgument] = (),
) -> Any:
    """All rows of the field's type that belong to the parent. `size` is what the cost counts for it."""
    relation = Relation(on, True, order_by, rows, inherits, size)
    return declare(
        description,
        relation,
        scopes=scopes,
        arguments=arguments,
        size=ListSize(assumed_size=size, slicing_arguments=None, sized_fields=None, require_one_slicing_argument=False),
    )


def page(
    description: str,
    on: Condition,
    *,
    node: str,
    orders: Mapping[str, Order],
    inherits: bool = False,
    scopes: Sequence[str] = (),
    arguments: Sequence[StrawberryArgument] = (),
) -> Any:
    """A connection; `first` and `after` are added to `arguments`."""
    paging = [
        argument("first", int, "How many, 1 to 100.", default=20),
        argument("after", str | None, "The `endCursor` of the page before.", default=None),
    ]
    return declare(
        description,
        Page(on, orders, node, inherits),
        scopes=scopes,
        arguments=[*arguments, *paging],
        size=ListSize(
            assumed_size=None,
            slicing_arguments=["first"],
            sized_fields=["edges", "nodes"],
            require_one_slicing_argument=False,
        ),
    )


def computed(
    description: str,
    needs: Callable[[Row | None, "Scope"], Mapping[str, Sql]],
    compute: Callable[[Inputs], object],
    *,
    scopes: Sequence[str] = (),
    arguments: Sequence[StrawberryArgument] = (),
    size: int = 1,
) -> Any:
    """A pure function of inputs that the same statement reads, so it agrees with everything beside it."""
    return declare(description, Computed(needs, compute, size), scopes=scopes, arguments=arguments)


def live(
    description: str,
    source: str,
    keys: Callable[[Row, "Scope"], Mapping[str, Sql]],
    merge: Callable[[Mapping[str, Any], LiveResult], object],
    *,
    timeout: float = 2.0,
    scopes: Sequence[str] = (),
    arguments: Sequence[StrawberryArgument] = (),
) -> Any:
    """A value of an outside system, asked for at most once per operation for all rows together."""
    return declare(description, Live(source, keys, merge, timeout), scopes=scopes, arguments=arguments)


def command(
    description: str,
    run: Callable[[CommandContext], Awaitable[Mapping[str, Any]]],
    check: Callable[[CommandContext, bool], None],
    *,
    scopes: Sequence[str],
    arguments: Sequence[StrawberryArgument],
) -> Any:
    """A field of a mutation for callers that have any of `scopes`."""
    made = strawberry.field(
        description=description,
        directives=[RequiresScopes(scopes=[[scope] for scope in scopes])],
        metadata={METADATA: Declaration(Command(run, check, frozenset(scopes)))},
    )
    made.arguments = list(arguments)
    return made
