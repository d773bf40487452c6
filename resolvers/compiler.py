"""From a selection to one SQL statement that returns finished JSON.

Every object of the response is a sub-select whose column names are the response names, turned to JSON as a row. So the
order of keys is the order of the selection, and no limit on the number of arguments of a function is met.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
import sqlalchemy as sa
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type
from graphql.language import ast
from sqlalchemy.dialects.postgresql import JSON

from domain.errors import Forbidden, Unauthenticated
from resolvers import pages, special
from resolvers.declared import declaration, row_set
from resolvers.json_sql import (
    TYPE_KEY,
    as_list,
    as_object,
    build_object,
    correlated,
    int_constant,
    printed,
    text_constant,
)
from resolvers.scope import Binds, Rights, Scope
from resolvers.selection import Collector, Fields
from resolvers.sources import (
    Column,
    Command,
    Computed,
    Constant,
    Embedded,
    Live,
    Page,
    Relation,
    Row,
    Source,
    Special,
    Sql,
    Stream,
)
from resolvers.steps import ComputedStep, LiveStep, Path, Step, projector
from resolvers.values import Variables, arguments_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the response the compiler stands: the path, how many objects to expect, and the rows around it."""

    path: Path = ()
    times: int = 1
    rows: tuple[Row, ...] = ()

    def field(self, key: str) -> "Place":
        return replace(self, path=(*self.path, key))

    def inside(self, row: Row, times: int = 1) -> "Place":
        return replace(self, rows=(*self.rows, row), times=self.times * times)


class Compiler:
    """Makes the SQL of one operation; afterwards `binds`, `steps` and `cost` say what it needs to run."""

    def __init__(
        self,
        schema: GraphQLSchema,
        collector: Collector,
        rights: Rights,
        variables: Variables,
        *,
        typenames: bool = False,
    ) -> None:
        self.schema = schema
        self.collector = collector
        self.rights = rights
        self.variables = variables
        self.typenames = typenames
        self.binds = Binds()
        self.steps: list[Step] = []
        self.cost = 0
        self.denied: dict[str, list[str]] = {}

    def root(self, type_: GraphQLObjectType, fields: Fields) -> list[sa.Label[Any]]:
        """One labelled expression per root field of the operation."""
        columns = self.columns(type_, fields, None, Place())
        self.refuse_denied()
        return columns

    def columns(
        self,
        type_: GraphQLObjectType,
        fields: Fields,
        row: Row | None,
        place: Place,
        given: Mapping[str, Column] | None = None,
    ) -> list[sa.Label[Any]]:
        """One labelled expression per response name; `given` overrides the sources of fields by name."""
        self.cost += place.times
        return [self.column(type_, key, nodes, row, place, given or {}) for key, nodes in fields.items()]

    def column(
        self,
        type_: GraphQLObjectType,
        key: str,
        nodes: list[ast.FieldNode],
        row: Row | None,
        place: Place,
        given: Mapping[str, Column],
    ) -> sa.Label[Any]:
        name = nodes[0].name.value
        if name == "__typename":
            return text_constant(type_.name).label(key)
        field = type_.fields[name]
        declared = declaration(field)
        self.check(type_, name, field)
        around = next((outer for outer in reversed(place.rows) if outer is not row), None)
        scope = Scope(self.rights, self.binds, arguments_of(field.args, nodes[0], self.variables), around)
        return self.value(given.get(name, declared.source), field, nodes, row, scope, place.field(key)).label(key)

    def check(self, type_: GraphQLObjectType, name: str, field: GraphQLField) -> None:
        missing = declaration(field).scopes - self.rights.scopes
        if missing:
            self.denied.setdefault(f"{type_.name}.{name}", sorted(missing))

    def refuse_denied(self) -> None:
        if not self.denied:
            return
        listed = "; ".join(f"{name} needs {', '.join(scopes)}" for name, scopes in list(self.denied.items())[:5])
        if self.rights.anonymous:
            raise Unauthenticated(f"{listed}. Send a bearer token that has it.")
        raise Forbidden(f"{listed}. Your token does not have it; leave the field out or ask for a wider token.")

    def value(
        self, source: Source, field: GraphQLField, nodes: list[ast.FieldNode], row: Row | None, scope: Scope, at: Place
    ) -> Sql:
        match source:
            case Column():
                assert row is not None, "a column needs a row"
                masked = source.masked is not None and not self.rights.pii
                return printed((source.masked if masked and source.masked else source.sql)(row, scope))
            case Relation():
                return self.relation(source, field, nodes, row, scope, at)
            case Embedded():
                return self.embedded(source, field, nodes, row, scope, at)
            case Page():
                return pages.connection(self, source, field, nodes, row, scope, at)
            case Computed():
                self.cost += at.times * source.assumed_size
                step = ComputedStep(
                    at.path, source, reads(scope), projector(self.collector, field.type, nodes, self.check)
                )
                self.steps.append(step)
                return build_object(source.needs(row, scope))
            case Live():
                assert row is not None, "a live field needs a row"
                self.cost += at.times * source.cost
                self.steps.append(
                    LiveStep(at.path, source, reads(scope), projector(self.collector, field.type, nodes, self.check))
                )
                return build_object(source.keys(row, scope))
            case Constant():
                return self.constant(projector(self.collector, field.type, nodes, self.check)(source.value()))
            case Stream() | Command():
                raise TypeError("streams are compiled by resolvers.updates, commands by resolvers.mutations")
            case Special():
                return special.root(self, source.name, field, nodes, scope, at)

    def relation(
        self,
        source: Relation,
        field: GraphQLField,
        nodes: list[ast.FieldNode],
        row: Row | None,
        scope: Scope,
        at: Place,
    ) -> Sql:
        type_ = get_named_type(field.type)
        assert isinstance(type_, GraphQLObjectType), "a relation leads to an object type"
        child = source.rows(scope, row) if source.rows else row_set(type_).table.alias()
        conditions = [*source.on(child, row, scope)]
        if not source.inherits:
            conditions += self.visible(type_, child)
        inner = self.record(type_, nodes, child, at.inside(child, source.assumed_size)).where(*conditions)
        if source.order_by:
            inner = inner.order_by(*source.order_by(child, scope))
        return as_list(inner) if source.many else as_object(inner.limit(int_constant(1)))

    def record(
        self, type_: GraphQLObjectType, nodes: Sequence[ast.FieldNode], row: Row, at: Place, *, abstract: bool = False
    ) -> sa.Select[Any]:
        """A select of one column per response name from `row`; the rows around it are correlated."""
        columns = self.columns(type_, self.collector.fields(type_, nodes), row, at)
        if abstract and self.typenames:
            columns.append(text_constant(type_.name).label(TYPE_KEY))
        around = [outer for outer in at.rows if outer is not row]
        return correlated(sa.select(*columns).select_from(row), around)

    def embedded(
        self,
        source: Embedded,
        field: GraphQLField,
        nodes: list[ast.FieldNode],
        row: Row | None,
        scope: Scope,
        at: Place,
    ) -> Sql:
        type_ = get_named_type(field.type)
        assert isinstance(type_, GraphQLObjectType), "an embedded object has an object type"
        fields = self.collector.fields(type_, nodes)
        columns = self.columns(type_, fields, row, at, source.fields)
        made = build_object({column.name: column.element for column in columns})
        if source.present is None:
            return made
        assert row is not None, "presence is a condition on a row"
        return sa.case((source.present(row, scope), made))

    def visible(self, type_: GraphQLObjectType, row: Row) -> Sequence[sa.ColumnElement[bool]]:
        condition = row_set(type_).visible
        return condition(row, Scope(self.rights, self.binds, {})) if condition else []

    def constant(self, value: object) -> Sql:
        encoded = orjson.dumps(value).decode()
        return sa.cast(self.binds.add(lambda _variables, _actor: encoded, sa.Text), JSON)


def reads(scope: Scope) -> dict[str, Any]:
    return {name: value.read for name, value in scope.arguments.items()}
