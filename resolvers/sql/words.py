"""Rules of the domain as SQL, generated from the domain's own tables so that they cannot drift."""

import enum
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON, array

import domain.status
from db.tables.orders import STAGES
from domain.attention import Attention
from domain.line import HEADLINE_ORDER
from domain.status import OrderLineStatus
from resolvers.scope import Scope
from resolvers.sources import Expression, Row, Sql

DEADLINES = {
    Attention.LATE_RISK: "at_risk_at",
    Attention.LATE: "late_at",
    Attention.STALE_TRACKING: "stale_at",
}


def word(value: enum.StrEnum) -> sa.ColumnElement[str]:
    """A word of the domain as a literal: it comes from an enum, never from a caller."""
    return sa.literal_column(f"'{value.value}'", sa.Text)


def next_statuses(kind: type[Any]) -> Expression:
    """The legal next words for the row's `status`, as a JSON list in the domain's order."""
    lists = {status: orjson.dumps(list(domain.status.next_statuses(status))).decode() for status in kind}

    def sql(row: Row, _scope: Scope) -> Sql:
        whens: list[Any] = [
            (row.c.status == word(status), sa.literal_column(f"'{after}'::json")) for status, after in lists.items()
        ]
        return sa.type_coerce(sa.case(*whens), JSON)

    return sql


def headline(line: Row, _scope: Scope) -> Sql:
    """domain.line.LineQuantities.headline"""
    return sa.case(*((line.c[status.value.lower()] > 0, word(status)) for status in HEADLINE_ORDER))


def breakdown(_scope: Scope, line: Row | None) -> Row:
    """One row per stage of a line, in the order of its life."""
    assert line is not None, "a breakdown belongs to a line"
    names = array([word(status) for status in OrderLineStatus])
    quantities = array([line.c[stage] for stage in STAGES])
    stages = sa.func.unnest(names, quantities).table_valued(
        sa.column("status", sa.Text), sa.column("quantity", sa.Integer), with_ordinality="position"
    )
    return stages.render_derived()


def due(column: str) -> Expression:
    """True once a stored deadline has passed."""
    return lambda row, _: sa.func.coalesce(row.c[column] <= sa.func.statement_timestamp(), sa.literal_column("false"))


def attention(order: Row, scope: Scope) -> Sql:
    """domain.attention.flags_at: the stored flags, and those whose deadline has passed."""
    flags: list[Any] = [sa.case((raised(flag, order, scope), word(flag))) for flag in Attention]
    return sa.func.to_json(sa.func.array_remove(array(flags, type_=sa.Text()), sa.null()), type_=JSON)


def raised(flag: Attention, order: Row, scope: Scope) -> sa.ColumnElement[bool]:
    stored = word(flag) == sa.any_(order.c.attention)
    return sa.or_(stored, due(DEADLINES[flag])(order, scope)) if flag in DEADLINES else stored
