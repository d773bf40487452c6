"""Promises: as sold, as they stand, and for a cart."""

import datetime as dt

import strawberry

from db import tables
from domain.promise import Basis, Confidence, Step
from resolvers.fields import column, rows
from schema.scalars import Json


@rows(tables.promises)
@strawberry.type(description="Days that were committed to; they are never changed in place.")
class PromiseDates:
    ship_by: dt.date | None = column("The last day of hand-over to the carrier, at the location.")
    earliest: dt.date | None = column("The earliest day of delivery.")
    latest: dt.date = column("The last day of delivery that keeps the promise.")
    time_zone: str = column("IANA zone in which these days are meant.")
    basis: Basis = column("Where the units come from.")
    confidence: Confidence = column("How sure it was when it was made.")
    inputs: Json = column("What it was computed from.")
    computed_at: dt.datetime = column("When it was made.")


@strawberry.input(description="Units of an item somebody wants.")
class PromiseLineInput:
    sku: str = strawberry.field(description="The item.")
    quantity: int = strawberry.field(default=1, description="Units, 1 to 100000.")


@strawberry.input(description="Where it shall be delivered.")
class DestinationInput:
    country: str = strawberry.field(description="ISO 3166 country.")
    postal_code: str | None = strawberry.field(default=None, description="Postal code; the more of it, the surer.")
    region: str | None = strawberry.field(default=None, description="ISO 3166-2 subdivision without the country.")
    time_zone: str | None = strawberry.field(
        default=None, description="IANA zone of the place; without it, the zone of the location that ships."
    )


@strawberry.type(description="One step on the way to the promised days.")
class PromiseReason:
    step: Step = strawberry.field(description="What kind of step.")
    text: str = strawberry.field(description="The step in words.")
    day: dt.date | None = strawberry.field(description="The day it leads to.")


@strawberry.type(description="Units of a line in a group.")
class PromisedLine:
    sku: str = strawberry.field(description="The item.")
    quantity: int = strawberry.field(description="Units.")


@strawberry.type(description="Units that leave together, with the days they are promised for.")
class PromiseGroup:
    lines: list[PromisedLine] = strawberry.field(description="What is in it.")
    available: bool = strawberry.field(description="False when nothing can be promised; `problem` says why.")
    problem: str | None = strawberry.field(description="Why nothing can be promised.")
    location_id: strawberry.ID | None = strawberry.field(description="The location that ships.")
    location_code: str | None = strawberry.field(description="Its short name.")
    carrier: str | None = strawberry.field(description="Who carries it.")
    service: str | None = strawberry.field(description="The carrier's product.")
    ship_by: dt.date | None = strawberry.field(description="The day of hand-over, at the location.")
    earliest: dt.date | None = strawberry.field(description="The earliest day of delivery.")
    latest: dt.date | None = strawberry.field(description="The last day of delivery.")
    time_zone: str | None = strawberry.field(description="IANA zone in which these days are meant.")
    basis: Basis | None = strawberry.field(description="Where the units come from.")
    confidence: Confidence | None = strawberry.field(description="How sure it is.")
    reasons: list[PromiseReason] = strawberry.field(description="How the days came about, step by step.")


@strawberry.type(description="When a cart can be delivered.")
class CartPromise:
    earliest: dt.date | None = strawberry.field(description="The earliest day on which everything can be there.")
    latest: dt.date | None = strawberry.field(description="The day by which everything is there.")
    complete: bool = strawberry.field(description="Whether every line can be promised.")
    groups: list[PromiseGroup] = strawberry.field(description="The parcels, as they would be sourced now.")
    problems: list[str] = strawberry.field(description="What stood in the way, in words.")
    computed_at: dt.datetime = strawberry.field(description="When this was computed; it holds nothing back in stock.")
