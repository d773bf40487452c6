"""JSON made by PostgreSQL: rows whose column names are response names."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON

from resolvers.sources import Row, Sql

EMPTY_LIST: sa.ColumnClause[Any] = sa.literal_column("'[]'::json")


def text_constant(value: str) -> Sql:
    """A word of the schema; it is a GraphQL name, so it needs no escaping."""
    return sa.literal_column(f"'{value}'::text", sa.Text)


def build_object(parts: Mapping[str, Sql]) -> Sql:
    flat: list[Any] = []
    for name, part in parts.items():
        flat += [text_constant(name), part]
    return sa.func.json_build_object(*flat, type_=JSON)


def as_record(columns: Sequence[sa.Label[Any]]) -> sa.Select[Any]:
    inner = sa.select(*columns).subquery("r")
    return sa.select(sa.func.row_to_json(sa.literal_column("r"), type_=JSON)).select_from(inner)


def as_object(inner: sa.Select[Any]) -> Sql:
    made = sa.func.row_to_json(sa.literal_column("r"), type_=JSON)
    return sa.select(made).select_from(inner.subquery("r")).scalar_subquery()


def as_list(inner: sa.Select[Any]) -> Sql:
    made = sa.func.coalesce(sa.func.json_agg(sa.literal_column("r")), EMPTY_LIST, type_=JSON)
    return sa.select(made).select_from(inner.subquery("r")).scalar_subquery()


def correlated(select: sa.Select[Any], around: Sequence[Row]) -> sa.Select[Any]:
    """Say outright which rows come from outside; without any, nothing is guessed."""
    return select.correlate(*around) if around else select.correlate(None)
