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
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from domain.actor import Actor
from events.inbox import Inbox

if TYPE_CHECKING:
    from resolvers.commands.fulfillment_requests import Desk
    from resolvers.commands.webhooks import Office
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
    """A value of plain dicts, or the reason there is none. `fetched_at` is when the outside system `source` said so."""

    value: object = None
    fetched_at: dt.datetime | None = None
    reason: str | None = None
    latency_ms: float | None = None
    source: str | None = None


LiveFetch = Callable[[Sequence[LiveCall], float], Awaitable[Sequence[LiveResult]]]


@dataclass(frozen=True, slots=True)
class Live:
    """One batched call per source and field in an operation, within `timeout` seconds.

    `merge(stored, result)` makes the field's value from the stored inputs and what came back (or did not). `cost` is
    what a row counts for.
    """

    source: str
    keys: Callable[[Row, "Scope"], Mapping[str, Sql]]
    merge: Callable[[Mapping[str, Any], LiveResult], object]
    timeout: float = 2.0
    cost: int = 1


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
    rows that stand for what is there now. With `entity` only changes of this kind of thing are looked at, and the
    latest of each is that of the thing itself, not of its order.
    """

    event: str
    on: Callable[[Row, "Scope"], Sequence[sa.ColumnElement[bool]]]
    topics: Callable[[Mapping[str, Any], Actor], frozenset[tuple[str, str]]]
    snapshot: Callable[["Scope"], Row] | None = None
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class CommandContext:
    """Who gives a command, with which arguments, through which inbox; `field` is its response name. `office` is for
    commands on webhooks, `desk` for those that ask outside systems; None where there are none."""

    actor: Actor
    arguments: Mapping[str, Any]
    inbox: Inbox
    now: dt.datetime
    field: str
    office: "Office | None" = None
    desk: "Desk | None" = None

    @property
    def items(self) -> int:
        return len(self.arguments.get("items", ()))


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
