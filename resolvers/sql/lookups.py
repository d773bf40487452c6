"""How root fields find their one row."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from db.tables import channels
from domain.errors import BadInput
from resolvers.batches import as_uuid
from resolvers.scope import Scope
from resolvers.sources import Row, Sql

Conditions = Sequence[sa.ColumnElement[bool]]


def by_id(row: Row, scope: Scope) -> sa.ColumnElement[bool]:
    return row.c.id == scope.bind(scope.argument("id"), sa.Uuid, as_uuid)


def text(scope: Scope, name: str) -> sa.ColumnElement[Any]:
    return scope.bind(scope.argument(name), sa.Text)


def order(row: Row, _parent: Row | None, scope: Scope) -> Conditions:
    """By id, or by number within a channel: numbers alone are not unique."""
    if scope.argument("id").present:
        return [by_id(row, scope)]
    if scope.argument("number").present and scope.argument("channel").present:
        return [row.c.number == text(scope, "number"), row.c.channel_id == channel_id(text(scope, "channel"))]
    raise BadInput("order(...) needs an id, or a number and a channel: numbers are unique only within a channel.")


def channel_id(code: Any) -> sa.ColumnElement[Any]:
    """`code` may be a parameter or a column of the rows around."""
    return sa.select(channels.c.id).where(channels.c.code == code).correlate_except(channels).scalar_subquery()


def shipment(row: Row, _parent: Row | None, scope: Scope) -> Conditions:
    """By id or tracking number; carriers reuse numbers, so the newest one is meant."""
    if scope.argument("id").present:
        return [by_id(row, scope)]
    if scope.argument("trackingNumber").present:
        return [row.c.tracking_number == text(scope, "trackingNumber")]
    raise BadInput("shipment(...) needs an id or a trackingNumber.")


def item(row: Row, _parent: Row | None, scope: Scope) -> Conditions:
    return [row.c.sku == text(scope, "sku")]


def location(row: Row, _parent: Row | None, scope: Scope) -> Conditions:
    if scope.argument("id").present:
        return [by_id(row, scope)]
    if scope.argument("code").present:
        return [row.c.code == text(scope, "code")]
    raise BadInput("location(...) needs an id or a code.")


def order_key(row: Row, given: Mapping[str, Sql]) -> sa.ColumnElement[bool]:
    """Federation's second key of an order."""
    return sa.and_(row.c.number == given["number"], row.c.channel_id == channel_id(given["channel.code"]))
