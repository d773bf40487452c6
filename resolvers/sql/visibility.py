"""Which rows a caller may see, as conditions inside the statement."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from db.tables import channels, orders
from db.tables.base import TextArray
from domain.actor import RowScope
from resolvers.scope import Scope
from resolvers.sources import Row

Conditions = Sequence[sa.ColumnElement[bool]]


def order(row: Row, scope: Scope) -> Conditions:
    """Orders of the caller's customer, source and channels, as the role says."""
    found: list[sa.ColumnElement[bool]] = []
    match scope.rights.rows:
        case RowScope.NONE:
            return [sa.false()]
        case RowScope.OWN_CUSTOMER:
            found.append(row.c.customer_id == scope.actor(lambda actor: actor.customer_id, sa.Text))
        case RowScope.OWN_SOURCE:
            found.append(row.c.source == scope.actor(lambda actor: actor.source, sa.Text))
        case RowScope.ALL:
            pass
    if scope.rights.some_channels:
        codes = scope.actor(lambda actor: sorted(actor.channels or ()), TextArray)
        found.append(row.c.channel_id.in_(sa.select(channels.c.id).where(channels.c.code == sa.any_(codes))))
    return found


def of_order(row: Row, scope: Scope) -> Conditions:
    """Rows that belong to an order are seen with it."""
    owner = orders.alias()
    conditions = order(owner, scope)
    if not conditions:
        return []
    return [sa.exists().where(owner.c.id == row.c.order_id, *conditions).correlate(row)]


def needs(right: str) -> Callable[[Row, Scope], Conditions]:
    """Rows that anybody with `right` may see."""

    def visible(_row: Row, scope: Scope) -> Conditions:
        return [] if right in scope.rights.scopes else [sa.false()]

    return visible
