"""What live fields need of their rows: what to ask for, and what is stored in case nobody answers."""

from collections.abc import Mapping

import sqlalchemy as sa

from db.tables import channels, items, locations, orders
from resolvers.json_sql import printed
from resolvers.scope import Scope
from resolvers.sources import Row, Sql


def shipment(row: Row, _: Scope) -> Mapping[str, Sql]:
    return {
        "carrier": row.c.carrier,
        "trackingNumber": row.c.tracking_number,
        "source": row.c.source,
        "fetchedAt": printed(row.c.updated_at),
        "status": row.c.status,
        "lastEventAt": printed(row.c.last_event_at),
        "estimatedDeliveryAt": printed(row.c.estimated_delivery_at),
    }


def stock_level(row: Row, _: Scope) -> Mapping[str, Sql]:
    return {
        "sku": _text_of(items.c.sku, row, "item_id"),
        "location": _text_of(locations.c.code, row, "location_id"),
        "source": row.c.source,
        "fetchedAt": printed(row.c.updated_at),
        "onHand": row.c.on_hand,
        "countedAt": printed(row.c.counted_at),
    }


def order(row: Row, _: Scope) -> Mapping[str, Sql]:
    observed = sa.func.coalesce(row.c.source_observed_at, row.c.updated_at, type_=row.c.updated_at.type)
    return {
        "system": row.c.source,
        "channel": _text_of(channels.c.code, row, "channel_id"),
        "number": row.c.number,
        "source": row.c.source,
        "fetchedAt": printed(observed),
        "status": row.c.status,
        "sourceStatus": row.c.source_status,
        "changedAt": printed(row.c.updated_at),
    }


def fulfillment(row: Row, _: Scope) -> Mapping[str, Sql]:
    """The way that its parcels would go. Nothing of an estimate is stored."""
    return {
        "fromCountry": _text_of(locations.c.country, row, "location_id"),
        "fromPostalCode": _text_of(locations.c.postal_code, row, "location_id"),
        "toCountry": _text_of(orders.c.ship_country, row, "order_id"),
        "toPostalCode": _text_of(orders.c.ship_postal_code, row, "order_id"),
        "fulfillAt": printed(row.c.fulfill_at),
        "source": row.c.source,
        "fetchedAt": printed(row.c.updated_at),
    }


def _text_of(wanted: "sa.Column[str]", row: Row, key: str) -> Sql:
    other = wanted.table.alias()
    return sa.select(other.c[wanted.name]).where(other.c.id == row.c[key]).correlate(row).scalar_subquery()
