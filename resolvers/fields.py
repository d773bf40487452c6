"""Declares fields beside their types: each helper makes a Strawberry field that carries its source and its rights."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.federation.schema_directives import ListSize, RequiresScopes
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.unset import UNSET

from resolvers.sources import (
    METADATA,
    Column,
    Command,
    CommandContext,
    Computed,
    Condition,
    Declaration,
    Embedded,
    Expression,
    Inputs,
    Live,
    LiveResult,
    Order,
    Page,
    Relation,
    Row,
    Rows,
    RowSet,
    Source,
    Sql,
)

if TYPE_CHECKING:
    from resolvers.scope import Scope

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
        size=list_size(assumed_size=size),
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
        size=list_size(slicing_arguments=["first"], sized_fields=["edges", "nodes"]),
    )


def list_size(**said: Any) -> ListSize:
    """`@listSize` with what is said of it only: composers take a null argument for a wrong one."""
    unsaid = dict.fromkeys(("assumed_size", "slicing_arguments", "sized_fields"), UNSET)
    return ListSize(**(unsaid | said), require_one_slicing_argument=False)


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
    cost: int = 1,
    scopes: Sequence[str] = (),
    arguments: Sequence[StrawberryArgument] = (),
) -> Any:
    """A value of an outside system, asked for at most once per operation for all rows together."""
    return declare(description, Live(source, keys, merge, timeout, cost), scopes=scopes, arguments=arguments)


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
