"""Filters and orders of `orders(...)`. Which keys are set is part of a plan's shape: only these are in its SQL."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from db.tables import channels, fulfillments, locations, order_lines, orders, shipments
from domain.attention import Attention
from domain.errors import BadInput
from resolvers.cursors import id_key, instant_key
from resolvers.scope import Scope
from resolvers.sources import Order, Row
from resolvers.sql import words
from resolvers.values import Value

Bool = sa.ColumnElement[bool]
Texts = ARRAY(sa.Text)


def strings(values: Any) -> list[str]:
    return [str(value) for value in values]


def instant(value: Any) -> dt.datetime:
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise BadInput(f"{value} has no time zone. Give an instant with an offset, such as 2026-11-23T12:00:00Z.")
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        raise BadInput(f"{value} is in no year from 1 to 9999 in UTC.") from None


def lower(value: Any) -> str:
    return str(value).strip().lower()


def plain(value: Any) -> str:
    return str(value).strip()


def ids(select: sa.Select[Any], row: Row) -> Bool:
    return row.c.id.in_(select.correlate(None))


def status(value: Value, row: Row, scope: Scope) -> Bool:
    return row.c.status == sa.any_(scope.bind(value, Texts, strings))


def attention(value: Value, row: Row, scope: Scope) -> Bool:
    """Stored flags by the array's index, time-dependent ones by the index of their deadline.

    As one array of ids, because nobody tells PostgreSQL how rare a flag is: it would rather walk through all orders in
    the order of the page until it has met enough of them.
    """
    flags = [Attention(str(flag)) for flag in value.sample]
    other = orders.alias()
    due = [
        sa.select(other.c.id).where(other.c[column] <= sa.func.statement_timestamp())
        for flag, column in words.DEADLINES.items()
        if flag in flags
    ]
    stored = sa.select(other.c.id).where(other.c.attention.overlap(scope.bind(value, Texts, strings)))
    return row.c.id == sa.any_(sa.func.array(sa.union_all(stored, *due).scalar_subquery(), type_=ARRAY(sa.Uuid)))


def channel(value: Value, row: Row, scope: Scope) -> Bool:
    return row.c.channel_id.in_(
        sa.select(channels.c.id).where(channels.c.code == sa.any_(scope.bind(value, Texts, strings))).correlate(None)
    )


def sku(value: Value, row: Row, scope: Scope) -> Bool:
    return ids(sa.select(order_lines.c.order_id).where(order_lines.c.sku == scope.bind(value, sa.Text, plain)), row)


def tracking_number(value: Value, row: Row, scope: Scope) -> Bool:
    wanted = scope.bind(value, sa.Text, plain)
    return ids(sa.select(shipments.c.order_id).where(shipments.c.tracking_number == wanted), row)


def location(value: Value, row: Row, scope: Scope) -> Bool:
    """Orders with work at the node."""
    node = sa.select(locations.c.id).where(locations.c.code == scope.bind(value, sa.Text, plain)).scalar_subquery()
    return ids(sa.select(fulfillments.c.order_id).where(fulfillments.c.location_id == node), row)


def search(value: Value, row: Row, scope: Scope) -> Bool:
    """Order number, e-mail or tracking number; each found by its own index."""
    exact, folded = scope.bind(value, sa.Text, plain), scope.bind(value, sa.Text, lower)
    other = orders.alias()
    found = sa.union_all(
        sa.select(other.c.id).where(other.c.number == exact),
        sa.select(other.c.id).where(sa.func.lower(other.c.customer_email) == folded),
        sa.select(shipments.c.order_id).where(shipments.c.tracking_number == exact),
    )
    return row.c.id.in_(found)


def compare(column: str, operator: Callable[[Any, Any], Bool]) -> Callable[[Value, Row, Scope], Bool]:
    return lambda value, row, scope: operator(row.c[column], scope.bind(value, sa.DateTime(timezone=True), instant))


FILTERS: Mapping[str, Callable[[Value, Row, Scope], Bool]] = {
    "status": status,
    "attention": attention,
    "channel": channel,
    "placedFrom": compare("placed_at", lambda column, value: column >= value),
    "placedUntil": compare("placed_at", lambda column, value: column < value),
    "updatedFrom": compare("updated_at", lambda column, value: column >= value),
    "customerId": lambda value, row, scope: row.c.customer_id == scope.bind(value, sa.Text, plain),
    "customerEmail": lambda value, row, scope: sa.func.lower(row.c.customer_email) == scope.bind(value, sa.Text, lower),
    "sku": sku,
    "trackingNumber": tracking_number,
    "location": location,
    "search": search,
}


def conditions(row: Row, _parent: Row | None, scope: Scope) -> list[Bool]:
    given = scope.argument("filter")
    return [make(given[name], row, scope) for name, make in FILTERS.items() if given[name].present]


def by(column: str, *, descending: bool) -> Order:
    return Order(lambda row: (row.c[column], row.c.id), (instant_key, id_key), descending)
