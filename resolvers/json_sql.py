"""JSON made by PostgreSQL: rows whose column names are response names."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON

from resolvers.sources import Row, Sql

NULL: sa.ColumnClause[Any] = sa.literal_column("'null'::json")
EMPTY_LIST: sa.ColumnClause[Any] = sa.literal_column("'[]'::json")
ROW = "@"
"""The alias of a row that becomes JSON. No response name is spelled so; `row_to_json(r)` would mean a column `r`."""
WHOLE_ROW: sa.ColumnClause[Any] = sa.literal_column('"@"')
TYPE_KEY = "__ordergraph_type"
"""Where graphql-core finds the type of an abstract value, when it prints."""
MAX_PARTS = 50
"""PostgreSQL passes at most 100 arguments to a function: a name and a value for each part."""

INSTANT: sa.ColumnClause[Any] = sa.literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'""")


def text_constant(value: str) -> Sql:
    """A word of the schema; it is a GraphQL name, so it needs no escaping."""
    return sa.literal_column(f"'{value}'::text", sa.Text)


def int_constant(value: int) -> Sql:
    """A number of ours in the text, so that the planner knows it: of an unknown limit it would think a tenth."""
    return sa.literal_column(str(value), sa.Integer)


def build_object(parts: Mapping[str, Sql]) -> Sql:
    names = list(parts)
    chunks = [names[start : start + MAX_PARTS] for start in range(0, len(names), MAX_PARTS)] or [[]]
    made = [build_chunk({name: parts[name] for name in chunk}) for chunk in chunks]
    return made[0] if len(made) == 1 else joined_objects(made)


def build_chunk(parts: Mapping[str, Sql]) -> Sql:
    flat: list[Any] = []
    for name, part in parts.items():
        flat += [text_constant(name), part]
    return sa.func.json_build_object(*flat, type_=JSON)


def joined_objects(objects: Sequence[Sql]) -> Sql:
    """Several JSON objects, none of them empty, as one: their braces are cut off, commas put between."""
    inner = [sa.func.substr(sa.cast(each, sa.Text), 2, sa.func.length(sa.cast(each, sa.Text)) - 2) for each in objects]
    comma, opening, closing = (sa.literal_column(f"'{sign}'", sa.Text) for sign in ",{}")
    return sa.cast(sa.func.concat(opening, sa.func.concat_ws(comma, *inner), closing), JSON)


def as_record(columns: Sequence[sa.Label[Any]]) -> sa.Select[Any]:
    return row_of(sa.select(*columns))


def as_object(inner: sa.Select[Any]) -> Sql:
    return row_of(inner).scalar_subquery()


def as_list(inner: sa.Select[Any]) -> Sql:
    made = sa.func.coalesce(sa.func.json_agg(WHOLE_ROW), EMPTY_LIST, type_=JSON)
    return sa.select(made).select_from(inner.subquery(ROW)).scalar_subquery()


def row_of(inner: sa.Select[Any]) -> sa.Select[Any]:
    return sa.select(sa.func.row_to_json(WHOLE_ROW, type_=JSON)).select_from(inner.subquery(ROW))


def correlated(select: sa.Select[Any], around: Sequence[Row]) -> sa.Select[Any]:
    """Say outright which rows come from outside; without any, nothing is guessed."""
    return select.correlate(*around) if around else select.correlate(None)


def printed(value: Sql) -> Sql:
    """Instants have one form everywhere: RFC 3339 in UTC with milliseconds. Sessions are in UTC."""
    if isinstance(value.type, sa.DateTime):
        return sa.func.to_char(value, INSTANT, type_=sa.Text)
    return value
