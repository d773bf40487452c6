"""Which of the stored promises is meant."""

from collections.abc import Sequence

import sqlalchemy as sa

from resolvers.scope import Scope
from resolvers.sources import Condition, Row


def of_order(kind: str) -> Condition:
    """The promise for the order as a whole."""

    def on(promise: Row, order: Row | None, _scope: Scope) -> Sequence[sa.ColumnElement[bool]]:
        assert order is not None, "a promise belongs to an order"
        return [
            promise.c.order_id == order.c.id,
            promise.c.line_id.is_(None),
            promise.c.kind == sa.literal_column(f"'{kind}'"),
        ]

    return on


def of_line(kind: str) -> Condition:
    """The promise for one line."""

    def on(promise: Row, line: Row | None, _scope: Scope) -> Sequence[sa.ColumnElement[bool]]:
        assert line is not None, "a line's promise belongs to a line"
        mine = sa.and_(promise.c.order_id == line.c.order_id, promise.c.line_id == line.c.id)
        return [mine, promise.c.kind == sa.literal_column(f"'{kind}'")]

    return on
