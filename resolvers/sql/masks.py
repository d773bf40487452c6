"""Personal data for callers without `pii:read`: recognisable to who knows it, useless to who does not."""

import sqlalchemy as sa

from resolvers.scope import Scope
from resolvers.sources import Expression, Row, Sql


def email(column: str) -> Expression:
    """`maria@example.com` -> `m***@e***.com`; what is no address is masked as any other text."""
    pattern: Sql = sa.literal_column(r"'^(.)[^@]*@(.)[^@]*?(\.[^.@]*)?$'")
    masked: Sql = sa.literal_column(r"'\1***@\2***\3'")

    def sql(row: Row, scope: Scope) -> Sql:
        address = row.c[column]
        matches = address.op("~")(pattern)
        return sa.case((matches, sa.func.regexp_replace(address, pattern, masked)), else_=text(column)(row, scope))

    return sql


def text(column: str) -> Expression:
    """`Maria Silva` -> `M***`"""
    return shortened(column, 1)


def postal_code(column: str) -> Expression:
    """The region stays visible: `20095` -> `20***`"""
    return shortened(column, 2)


def shortened(column: str, kept: int) -> Expression:
    hidden: Sql = sa.literal_column("'***'", sa.Text)
    return lambda row, _: sa.func.left(row.c[column], kept, type_=sa.Text).concat(hidden)
