"""Events that wait, for those who may know of them."""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from domain.actor import Role
from resolvers.scope import Scope
from resolvers.sources import Order, Row

OLDEST_FIRST = Order(
    lambda row: (row.c.received_at, row.c.source, row.c.event_id),
    (dt.datetime.fromisoformat, str, str),
    descending=False,
)


def visible(row: Row, scope: Scope) -> Sequence[sa.ColumnElement[bool]]:
    """Only those not applied; an integrator's own, everybody's for an admin, none for others."""
    waiting = row.c.state.in_([sa.literal_column("'PARKED'"), sa.literal_column("'DEAD'")])
    own = scope.actor(lambda actor: actor.source if actor.role is Role.INTEGRATOR else None, sa.Text)
    everybody: sa.ColumnClause[bool] = sa.literal_column("true" if "admin:write" in scope.rights.scopes else "false")
    return [waiting, sa.or_(everybody, row.c.source == own)]


def of_source(row: Row, _parent: Row | None, scope: Scope) -> Sequence[sa.ColumnElement[bool]]:
    source = scope.argument("source")
    return [row.c.source == scope.bind(source, sa.Text)] if source.present else []
