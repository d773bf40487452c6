"""Amounts as SQL: minor units of a column, and the currency of the order."""

from collections.abc import Mapping

import sqlalchemy as sa

from db.tables import orders
from resolvers.scope import Scope
from resolvers.sources import Column, Row, Sql


def of_order(column: str) -> Mapping[str, Column]:
    return {
        "amount": Column(lambda row, _: row.c[column]),
        "currency": Column(lambda row, _: row.c.currency),
    }


def of_line(column: str) -> Mapping[str, Column]:
    return {"amount": Column(lambda row, _: row.c[column]), "currency": Column(currency_of_order)}


def currency_of_order(line: Row, scope: Scope) -> Sql:
    """Of the order around the line, which is its own; elsewhere, as in a parcel, the order is looked up."""
    if scope.around is not None and "currency" in scope.around.c:
        found: Sql = scope.around.c.currency
        if found.shares_lineage(orders.c.currency):
            return found
    owner = orders.alias()
    return sa.select(owner.c.currency).where(owner.c.id == line.c.order_id).correlate(line).scalar_subquery()
