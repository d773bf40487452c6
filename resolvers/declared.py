"""Reads what `sources` declared back from the built GraphQL schema."""

from typing import Any

from graphql import GraphQLField, GraphQLNamedType, GraphQLObjectType

from resolvers.sources import METADATA, Column, Declaration, Expression, RowSet

BACKREF = "strawberry-definition"
NO_SCOPES: frozenset[str] = frozenset()


def declaration(field: GraphQLField) -> Declaration:
    """The source of a field; a field that declares none is the column of its Python name."""
    known = field.extensions.get(METADATA)
    if isinstance(known, Declaration):
        return known
    definition: Any = field.extensions[BACKREF]
    declared = definition.metadata.get(METADATA)
    if not isinstance(declared, Declaration):
        masked, scopes = declared or (None, NO_SCOPES)
        declared = Declaration(Column(named(definition.python_name), masked), scopes)
    field.extensions[METADATA] = declared
    return declared


def named(name: str) -> Expression:
    return lambda row, _: row.c[name]


def row_set(type_: GraphQLNamedType) -> RowSet:
    """The table behind an object type."""
    found = getattr(type_.extensions[BACKREF].origin, "__rows__", None)
    if not isinstance(found, RowSet):
        raise TypeError(f"{type_.name} has no table: decorate it with @sources.rows.")
    return found


def has_rows(type_: GraphQLObjectType) -> bool:
    return hasattr(getattr(type_.extensions.get(BACKREF), "origin", None), "__rows__")
