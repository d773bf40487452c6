"""Where orders come from and where stock is."""

import datetime as dt

import strawberry

from db import tables
from domain.reasons import ChannelKind, LocationKind
from resolvers.fields import column, joined, many, rows
from resolvers.sql import visibility
from schema.node import Node


@rows(tables.channels)
@strawberry.type(description="A place where orders come from: a web shop, a marketplace, a till.")
class Channel:
    id: strawberry.ID = column("Its id.")
    code: str = column("The short name used in filters.")
    name: str = column("The name people read.")
    kind: ChannelKind = column("What kind of place it is.")
    time_zone: str = column("IANA zone in which the channel counts days.")
    currency: str = column("ISO 4217 code of its prices.")


@rows(tables.location_cutoffs)
@strawberry.type(description="A weekday on which a location works.")
class Cutoff:
    weekday: int = column("ISO weekday: 1 is Monday.")
    cutoff: dt.time = column("Orders after this local time start on the next open day.")


@rows(tables.location_closures)
@strawberry.type(description="A single day on which a location does not work.")
class Closure:
    day: dt.date = column("The local day.")
    reason: str = column("Why, in words.")


@rows(
    tables.locations,
    visible=visibility.needs("locations:read"),
    keys={
        ("id",): lambda row, given: row.c.id == given["id"],
        ("code",): lambda row, given: row.c.code == given["code"],
    },
)
@strawberry.federation.type(
    keys=["id", "code"], description="A place that holds stock and ships: a warehouse, a store, a 3PL, a supplier."
)
class Location(Node):
    id: strawberry.ID = column("Its id.")
    code: str = column("The short name used in filters.")
    name: str = column("The name people read.")
    kind: LocationKind = column("What kind of place it is.")
    time_zone: str = column("IANA zone of its cut-offs and days.")
    country: str = column("ISO 3166 country.")
    region: str | None = column("State or province.")
    postal_code: str | None = column("Postal code.")
    city: str | None = column("City.")
    active: bool = column("Whether it takes part in availability and promises.")
    handling_days: int = column("Open days from order to hand-over.")
    lead_days: int = column("Open days before a supplier starts to work.")
    holiday_country: str | None = column("Whose public holidays close it.")
    holiday_subdivision: str | None = column("The part of that country.")
    cutoffs: list[Cutoff] = many(
        "The weekdays on which it works.",
        joined("location_id", "id"),
        order_by=lambda child, _: [child.c.weekday],
        size=7,
    )
    closures: list[Closure] = many(
        "Single days on which it does not.",
        joined("location_id", "id"),
        order_by=lambda child, _: [child.c.day],
    )
