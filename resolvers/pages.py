"""Relay connections with keyset cursors, in SQL.

A cursor is the sort key of its edge, so a page costs the same wherever it stands, and rows that come or go between two
pages neither repeat nor hide others.
"""

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from graphql import GraphQLField, GraphQLObjectType, get_named_type
from graphql.language import ast
from sqlalchemy.dialects.postgresql import JSON, aggregate_order_by

from domain.errors import BadInput
from resolvers.cursors import cursor_decoder, encode_cursor
from resolvers.declared import row_set
from resolvers.json_sql import EMPTY_LIST, as_object, build_object, correlated, int_constant, text_constant
from resolvers.scope import Scope
from resolvers.sources import Page, Row, Sql

if TYPE_CHECKING:
    from resolvers.compiler import Compiler, Place

MAX_FIRST = 100


def page_size(value: object) -> int:
    if not isinstance(value, int) or not 1 <= value <= MAX_FIRST:
        raise BadInput(f"`first` is {value}; ask for 1 to {MAX_FIRST} and follow `pageInfo.endCursor`.")
    return value


def connection(
    compiler: "Compiler",
    source: Page,
    field: GraphQLField,
    nodes: list[ast.FieldNode],
    row: Row | None,
    scope: Scope,
    at: "Place",
) -> Sql:
    return Connection(compiler, source, field, nodes, row, scope, at).sql()


class Connection:
    """One connection while it is compiled; its selection is taken field by field."""

    def __init__(
        self,
        compiler: "Compiler",
        source: Page,
        field: GraphQLField,
        nodes: list[ast.FieldNode],
        row: Row | None,
        scope: Scope,
        at: "Place",
    ) -> None:
        self.compiler = compiler
        self.source = source
        self.row = row
        self.scope = scope
        self.at = at
        self.type = object_type(get_named_type(field.type))
        self.node_type = object_type(compiler.schema.type_map[source.node])
        self.selected = compiler.collector.fields(self.type, nodes)
        chosen = scope.argument("orderBy").sample
        self.order_name = "" if chosen is None else str(chosen)
        self.order = source.orders[self.order_name]
        self.size = page_size(scope.argument("first").sample)
        # Part of the text, as it is part of the shape: with a limit it does not know PostgreSQL plans every time anew.
        self.first = int_constant(self.size)
        self.rows = self.numbered()

    def sql(self) -> Sql:
        columns = [self.part(key, same).label(key) for key, same in self.selected.items()]
        # Without `having` a selection of nothing but `totalCount` would give one object per row of the page.
        page = sa.select(*columns).select_from(self.rows).having(sa.true())
        return as_object(correlated(page, self.at.rows))

    def part(self, key: str, nodes: list[ast.FieldNode]) -> Sql:
        at = self.at.field(key)
        match nodes[0].name.value:
            case "__typename":
                return text_constant(self.type.name)
            case "nodes":
                return self.gather(self.node(nodes, at))
            case "edges":
                return self.gather(self.edge(nodes, at))
            case "pageInfo":
                return self.page_info(nodes)
            case _:
                return self.total_count()

    def conditions(self, base: Row) -> list[sa.ColumnElement[bool]]:
        found = [*self.source.on(base, self.row, self.scope)]
        if not self.source.inherits:
            found += self.compiler.visible(self.node_type, base)
        return found

    def numbered(self) -> Row:
        """The rows of the page, numbered from 1, with one more than asked for when somebody asks if there is more."""
        base = row_set(self.node_type).table.alias()
        keys = self.order.keys(base)
        where = self.conditions(base)
        after = self.scope.argument("after")
        if after.present:
            where.append(self.beyond(base))
        sorting = [key.desc() if self.order.descending else key.asc() for key in keys]
        place = sa.func.row_number().over(order_by=sorting).label("ordergraph_n")
        cursor = encode_cursor(self.order_name, keys).label("ordergraph_cursor")
        chosen = sa.select(*base.c, place, cursor).where(*where).order_by(*sorting)
        chosen = chosen.limit(int_constant(self.size + 1) if self.wants_more() else self.first)
        return correlated(chosen, self.at.rows).subquery()

    def beyond(self, base: Row) -> sa.ColumnElement[bool]:
        after = self.scope.argument("after")
        keys = self.order.keys(base)
        decode = cursor_decoder(self.order_name, self.order)
        given = [
            self.scope.bind(after, key.type, lambda text, place=place: decode(text)[place])  # type: ignore[misc]  # bound now
            for place, key in enumerate(keys)
        ]
        left, right = sa.tuple_(*keys), sa.tuple_(*given)
        return left < right if self.order.descending else left > right

    def wants_more(self) -> bool:
        return any(nodes[0].name.value == "pageInfo" for nodes in self.selected.values())

    def gather(self, each: Sql) -> Sql:
        if not self.wants_more():
            return sa.func.coalesce(sa.func.json_agg(each), EMPTY_LIST, type_=JSON)
        inside = self.rows.c.ordergraph_n <= self.first
        # PostgreSQL 16 sorts once for all ordered aggregates, such as that of `endCursor`: say which order is meant.
        listed = sa.func.json_agg(aggregate_order_by(each, self.rows.c.ordergraph_n))
        return sa.func.coalesce(listed.filter(inside), EMPTY_LIST, type_=JSON)

    def node(self, nodes: list[ast.FieldNode], at: "Place") -> Sql:
        place = at.inside(self.rows, self.size)
        columns = self.compiler.columns(
            self.node_type, self.compiler.collector.fields(self.node_type, nodes), self.rows, place
        )
        return as_object(sa.select(*columns).correlate(*place.rows))

    def edge(self, nodes: list[ast.FieldNode], at: "Place") -> Sql:
        edge_type = object_type(get_named_type(self.type.fields["edges"].type))
        parts: dict[str, Sql] = {}
        for key, same in self.compiler.collector.fields(edge_type, nodes).items():
            match same[0].name.value:
                case "__typename":
                    parts[key] = text_constant(edge_type.name)
                case "cursor":
                    parts[key] = self.rows.c.ordergraph_cursor
                case _:
                    parts[key] = self.node(same, at.field(key))
        return build_object(parts)

    def page_info(self, nodes: list[ast.FieldNode]) -> Sql:
        place, cursor = self.rows.c.ordergraph_n, self.rows.c.ordergraph_cursor
        inside = place <= self.first
        ends = {
            "hasNextPage": sa.func.count() > self.first,
            "hasPreviousPage": sa.literal_column("true" if self.scope.argument("after").present else "false"),
            "startCursor": sa.func.min(cursor).filter(place == int_constant(1)),
            "endCursor": first_of(sa.func.array_agg(aggregate_order_by(cursor, place.desc())).filter(inside)),
        }
        info = object_type(get_named_type(self.type.fields["pageInfo"].type))
        return build_object(
            {
                key: text_constant(info.name) if name == "__typename" else ends[name]
                for key, same in self.compiler.collector.fields(info, nodes).items()
                for name in (same[0].name.value,)
            }
        )

    def total_count(self) -> Sql:
        base = row_set(self.node_type).table.alias()
        counted = sa.select(sa.func.count()).select_from(base).where(*self.conditions(base))
        return correlated(counted, self.at.rows).scalar_subquery()


def object_type(type_: Any) -> GraphQLObjectType:
    assert isinstance(type_, GraphQLObjectType), f"{type_} is not an object type"
    return type_


def first_of(array: Any) -> Sql:
    element: Sql = sa.type_coerce(array, sa.ARRAY(sa.Text))[1]
    return element
