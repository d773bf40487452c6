"""Entries of outside systems that could not be read."""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from resolvers.scope import Scope
from resolvers.sources import Order, Row, Sql

OLDEST_FIRST = Order(
    lambda row: (row.c.found_at, row.c.instance, row.c.capability, row.c.reference),
    (dt.datetime.fromisoformat, str, str, str),
    descending=False,
)


def of_connector(row: Row, _parent: Row | None, scope: Scope) -> Sequence[sa.ColumnElement[bool]]:
    name = scope.argument("connector")
    return [row.c.instance == scope.bind(name, sa.Text)] if name.present else []


def pulled(row: Row, _scope: Scope) -> Sql:
    """In the words of the schema; the store has those of the command line."""
    return sa.func.upper(row.c.capability)
