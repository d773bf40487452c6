"""Derived values of an order."""

import sqlalchemy as sa

from db.tables import shipments, source_claims
from domain.status import ShipmentStatus
from resolvers.cursors import instant_key, number_key
from resolvers.scope import Scope
from resolvers.sources import Order, Row, Sql
from resolvers.sql.words import word

ARRIVED = (ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED, ShipmentStatus.LOST, ShipmentStatus.CANCELLED)

BY_TIME = Order(lambda row: (row.c.occurred_at, row.c.id), (instant_key, number_key), descending=False)


def carrier_estimate(order: Row, _scope: Scope) -> Sql:
    parcel = shipments.alias()
    latest = sa.select(sa.func.max(parcel.c.estimated_delivery_at, type_=sa.DateTime(timezone=True)))
    under_way = parcel.c.status.not_in([word(status) for status in ARRIVED])
    return latest.where(parcel.c.order_id == order.c.id, under_way).correlate(order).scalar_subquery()


def claim_conflicts(claim: Row, _scope: Scope) -> Sql:
    winner = source_claims.alias()
    differs = sa.and_(
        winner.c.order_id == claim.c.order_id,
        winner.c.field == claim.c.field,
        winner.c.wins,
        winner.c.value.is_distinct_from(claim.c.value),
    )
    return sa.exists().where(differs).correlate(claim)


def has_customer(order: Row, _scope: Scope) -> Sql:
    return sa.func.num_nonnulls(order.c.customer_id, order.c.customer_email, order.c.customer_name) > 0


def has_address(order: Row, _scope: Scope) -> Sql:
    return (
        sa.func.num_nonnulls(order.c.ship_line1, order.c.ship_city, order.c.ship_postal_code, order.c.ship_country) > 0
    )


def has_source_status(order: Row, _scope: Scope) -> Sql:
    return order.c.source_status.is_not(None)
