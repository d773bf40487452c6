"""Counts and supply."""

import datetime as dt

import strawberry

from schema.inputs.orders import EVENT_ID, OCCURRED_AT, SOURCE, SOURCE_VERSION

SKU = "SKU of an item of the catalogue."
LOCATION = "Code of the location."
EXPECTED = "Only if this many units are on hand now; else CHANGE_FROM_QUANTITY_STALE."


@strawberry.input(description="A count of one item at one location. A part that is left out stays as it is.")
class StockLevelInput:
    source: str | None = strawberry.field(default=None, description=SOURCE)
    event_id: str = strawberry.field(description=EVENT_ID)
    occurred_at: dt.datetime = strawberry.field(description="When it was counted; an older count changes nothing.")
    sku: str = strawberry.field(description=SKU)
    location: str = strawberry.field(description=LOCATION)
    on_hand: int = strawberry.field(description="Units in the building.")
    allocated: int | None = strawberry.field(
        default=None, description="Units of those that are promised to orders and not shipped yet."
    )
    damaged: int | None = strawberry.field(default=None, description="Units that are damaged.")
    quality_control: int | None = strawberry.field(default=None, description="Units in quality control.")
    set_aside: int | None = strawberry.field(default=None, description="Units set aside.")
    safety_stock: int | None = strawberry.field(default=None, description="Units never sold.")
    change_from_quantity: int | None = strawberry.field(default=None, description=EXPECTED)


@strawberry.input(description="A change of what is on hand by a difference.")
class StockAdjustmentInput:
    source: str | None = strawberry.field(default=None, description=SOURCE)
    event_id: str = strawberry.field(description=EVENT_ID)
    occurred_at: dt.datetime = strawberry.field(description=OCCURRED_AT)
    sku: str = strawberry.field(description=SKU)
    location: str = strawberry.field(description=LOCATION)
    delta: int = strawberry.field(description="Units that came (above zero) or went (below zero).")
    change_from_quantity: int | None = strawberry.field(default=None, description=EXPECTED)
    reason: str | None = strawberry.field(default=None, description="Why, in a word; shown in the journal.")


@strawberry.input(description="Units on their way to a location, as their source knows it now.")
class IncomingSupplyInput:
    source: str | None = strawberry.field(default=None, description=SOURCE)
    event_id: str = strawberry.field(description=EVENT_ID)
    occurred_at: dt.datetime = strawberry.field(description=OCCURRED_AT)
    source_version: int | None = strawberry.field(default=None, description=SOURCE_VERSION)
    sku: str = strawberry.field(description=SKU)
    location: str = strawberry.field(description=LOCATION)
    reference: str = strawberry.field(description="The purchase order or transfer.")
    quantity: int = strawberry.field(description="Units ordered.")
    received: int = strawberry.field(default=0, description="Units that have arrived by then.")
    expected_at: dt.datetime = strawberry.field(description="When the rest is expected.")
    closed_at: dt.datetime | None = strawberry.field(default=None, description="Nothing more will come.")
