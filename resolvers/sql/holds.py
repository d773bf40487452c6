"""Whether a hold blocks now."""

import sqlalchemy as sa

from resolvers.scope import Scope
from resolvers.sources import Row, Sql


def active(hold: Row, _scope: Scope) -> Sql:
    return hold.c.released_at.is_(None)


def overdue(hold: Row, scope: Scope) -> Sql:
    late = sa.func.coalesce(hold.c.expected_release_at < sa.func.statement_timestamp(), sa.literal_column("false"))
    return active(hold, scope) & late


def hidden(_hold: Row, _scope: Scope) -> Sql:
    """Free text may name people, so without `pii:read` nothing of it is shown."""
    return sa.null()


def of_order(child: Row, parent: Row | None, scope: Scope) -> list[sa.ColumnElement[bool]]:
    assert parent is not None, "holds belong to an order"
    found = [child.c.order_id == parent.c.id]
    if scope.argument("activeOnly").sample:
        found.append(child.c.released_at.is_(None))
    return found
