"""Webhook endpoints, for whoever made them and for who manages everything."""

import datetime as dt
import uuid
from collections.abc import Sequence

import sqlalchemy as sa

from db.tables import stream_meta, webhook_endpoints
from resolvers.scope import Scope
from resolvers.sources import Order, Row, Sql
from resolvers.sql import lookups

OLDEST_FIRST = Order(lambda row: (row.c.created_at, row.c.id), (dt.datetime.fromisoformat, uuid.UUID), descending=False)
LETTERS_OLDEST_FIRST = Order(
    lambda row: (row.c.died_at, row.c.id), (dt.datetime.fromisoformat, uuid.UUID), descending=False
)


def visible(row: Row, scope: Scope) -> Sequence[sa.ColumnElement[bool]]:
    if "admin:write" in scope.rights.scopes:
        return []
    return [row.c.owner_name == scope.actor(lambda actor: f"{actor.role}:{actor.subject}", sa.Text)]


def letters(row: Row, scope: Scope) -> Sequence[sa.ColumnElement[bool]]:
    endpoint = webhook_endpoints.alias()
    conditions = visible(endpoint, scope)
    if not conditions:
        return []
    return [sa.exists().where(endpoint.c.id == row.c.endpoint_id, *conditions).correlate(row)]


def everything(_row: Row, _parent: Row | None, _scope: Scope) -> Sequence[sa.ColumnElement[bool]]:
    return []


def by_id(row: Row, _parent: Row | None, scope: Scope) -> Sequence[sa.ColumnElement[bool]]:
    return [lookups.by_id(row, scope)]


def of_endpoint(row: Row, parent: Row | None, _scope: Scope) -> Sequence[sa.ColumnElement[bool]]:
    assert parent is not None, "dead letters hang from an endpoint"
    return [row.c.endpoint_id == parent.c.id]


def behind(row: Row, _scope: Scope) -> Sql:
    """GraphQL's integers end at two milliards; nobody is further behind than that and still of interest."""
    meta = stream_meta.alias()
    last = sa.select(meta.c.last_pos).scalar_subquery()
    return sa.cast(sa.func.least(sa.func.greatest(last - row.c.position, 0), 2**31 - 1), sa.Integer)


def delivered(row: Row, _scope: Scope) -> Sql:
    return sa.cast(sa.func.least(row.c.delivered, 2**31 - 1), sa.Integer)
