"""Which changes a subscription is about: conditions on journal rows, and the topics that find them in the hub."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from db.tables import items, journal, locations, orders, shipments
from db.tables.base import TextArray
from domain.actor import Actor, RowScope
from resolvers.batches import as_uuids, bounded
from resolvers.scope import Scope
from resolvers.sources import Expression, Row, Sql
from resolvers.sql import order_filter, stock, visibility
from resolvers.sql.lookups import text
from resolvers.updates import CURSORS

Bool = sa.ColumnElement[bool]
Topics = frozenset[tuple[str, str]]
SNAPSHOT_LIMIT: Sql = sa.literal_column("501")


def filtered(order: Row, scope: Scope) -> list[Bool]:
    """The caller's orders that match the subscription's filter, as they are now."""
    given = scope.argument("filter")
    found = [*visibility.order(order, scope)]
    found += [make(given[name], order, scope) for name, make in order_filter.FILTERS.items() if given[name].present]
    if given["ids"].present:
        found.append(order.c.id == sa.any_(scope.bind(given["ids"], ARRAY(sa.Uuid), as_uuids)))
    if given["numbers"].present:
        found.append(order.c.number == sa.any_(scope.bind(given["numbers"], TextArray, order_filter.strings)))
    return found


def of_orders(event: Row, scope: Scope) -> Sequence[Bool]:
    order = orders.alias()
    return [sa.exists().where(order.c.id == event.c.order_id, *filtered(order, scope)).correlate(event)]


def of_shipments(event: Row, scope: Scope) -> Sequence[Bool]:
    found: list[Bool] = [event.c.entity == sa.literal_column("'SHIPMENT'"), *of_orders(event, scope)]
    wanted = scope.argument("trackingNumbers")
    if wanted.present:
        parcel = shipments.alias()
        numbers = parcel.c.tracking_number == sa.any_(scope.bind(wanted, TextArray, order_filter.strings))
        found.append(sa.exists().where(parcel.c.id == event.c.entity_id, numbers).correlate(event))
    return found


def of_promises(event: Row, scope: Scope) -> Sequence[Bool]:
    """Changes of a commitment; `materialOnly` leaves out those that do not move its last day, `data.promise`."""
    promise: Sql = sa.literal_column("'promise'")
    found: list[Bool] = [promise == sa.any_(event.c.changed), *of_orders(event, scope)]
    if scope.argument("materialOnly").sample:
        days = sa.type_coerce(event.c.data, JSONB)["promise"]
        found.append(days["from"].is_distinct_from(days["to"]))
    return found


def of_stock(event: Row, scope: Scope) -> Sequence[Bool]:
    """Changes of the items at locations that sell to the channel and ship to the destination, where these are given."""
    item, place = items.alias(), locations.alias()
    wanted = item.c.sku == sa.any_(scope.bind(scope.argument("skus"), TextArray, order_filter.strings))
    found: list[Bool] = [
        event.c.entity == sa.literal_column("'STOCK'"),
        sa.exists().where(item.c.id == event.c.entity_id, wanted).correlate(event),
    ]
    if scope.argument("channel").present or scope.argument("destination").present:
        here = place.c.code == sa.type_coerce(event.c.data, JSONB)["location"].astext
        found.append(sa.exists().where(here, *stock.eligible(place, scope)).correlate(event))
    return found


def counts(column: str, hidden: str) -> Expression:
    """A column that tells of counts at locations; `hidden` stands there for who may only know what is for sale."""
    return lambda event, scope: event.c[column] if "stock:read" in scope.rights.scopes else sa.literal_column(hidden)


def teller(event: Row, scope: Scope) -> Sql:
    """Who counted: by name for who may see counts, by role for others."""
    if "stock:read" in scope.rights.scopes:
        return event.c.actor
    return sa.func.split_part(event.c.actor, sa.literal_column("':'"), sa.literal_column("1"))


def of_timeline(event: Row, scope: Scope) -> Sequence[Bool]:
    order = orders.alias()
    mine = sa.exists().where(order.c.id == event.c.order_id, *visibility.order(order, scope))
    return [sa.cast(event.c.order_id, sa.Text) == text(scope, "orderId"), mine.correlate(event)]


def order_topics(given: Mapping[str, Any], actor: Actor) -> Topics:
    """The narrowest things that find every event that may concern the question."""
    asked = given.get("filter") or {}
    if asked.get("ids"):
        return frozenset(("order", str(value).lower()) for value in asked["ids"])
    if actor.order_rows is RowScope.OWN_CUSTOMER:
        return frozenset({("customer", str(actor.customer_id))})
    if asked.get("customerId"):
        return frozenset({("customer", str(asked["customerId"]))})
    return frozenset({("orders", "")})


def stock_topics(given: Mapping[str, Any], _actor: Actor) -> Topics:
    return frozenset(("sku", str(sku)) for sku in bounded(given["skus"]))


def timeline_topics(given: Mapping[str, Any], _actor: Actor) -> Topics:
    return frozenset({("order", str(given["orderId"]).lower())})


def snapshot_of_orders(scope: Scope) -> Row:
    """Matching orders in the form of journal rows: what is there now, as events of type SNAPSHOT."""
    order = orders.alias()
    cursor = scope.binds.add(lambda variables, _: variables[CURSORS], sa.Text)
    nothing: Sql = sa.null()
    stand_in = {
        "id": sa.cast(nothing, sa.BigInteger),
        "event_id": order.c.id,
        "entity": sa.literal_column("'ORDER'", sa.Text),
        "entity_id": order.c.id,
        "order_id": order.c.id,
        "version": order.c.version,
        "type": sa.literal_column("'SNAPSHOT'", sa.Text),
        "changed": sa.literal_column("'{}'::text[]", TextArray),
        "data": sa.literal_column("'{}'::jsonb", JSONB),
        "source": order.c.source,
        "source_event_id": sa.cast(nothing, sa.Text),
        "actor": sa.literal_column("'system'", sa.Text),
        "occurred_at": order.c.updated_at,
        "recorded_at": order.c.updated_at,
    }
    columns = [stand_in[column.name].label(column.name) for column in journal.c]
    number = sa.func.row_number().over(order_by=(order.c.placed_at, order.c.id)).label("n")
    chosen = sa.select(number, cursor.label("cursor"), sa.literal_column("0").label("skipped"), *columns)
    return chosen.where(*filtered(order, scope)).limit(SNAPSHOT_LIMIT).subquery()


def event_id(event: Row, _scope: Scope) -> Sql:
    return event.c.event_id


def first_of_status(event: Row, _scope: Scope) -> Sql:
    """Whether the order reached this status for the first time: what a message to a customer hangs on."""
    before = journal.alias()
    status = ("status", "to")
    reached = event.c.data[status].astext
    earlier = sa.exists().where(
        before.c.order_id == event.c.order_id,
        before.c.entity == event.c.entity,
        before.c.entity_id == event.c.entity_id,
        before.c.id < event.c.id,
        before.c.data[status].astext == reached,
    )
    return sa.and_(reached.is_not(None), ~earlier.correlate(event))
