"""What is sold and what of it is there."""

import datetime as dt

import strawberry
from strawberry.types.arguments import StrawberryArgument

from db import tables
from domain.reasons import BackorderPolicy, UnavailableReason
from domain.stock import Accuracy
from resolvers import availability as answers
from resolvers.fields import argument, column, computed, joined, many, one, rows
from resolvers.sql import live as live_sql
from resolvers.sql import stock, visibility
from schema.live import StockLevelLive, live_value
from schema.location import Location
from schema.node import Node
from schema.promise import DestinationInput


@strawberry.type(description="Units on hand that are not for sale, and why.")
class UnavailableUnits:
    reason: UnavailableReason = column("Why.")
    quantity: int = column("How many.")


@rows(tables.stock_counts)
@strawberry.type(description="What one system counted of an item at a location.")
class StockCount:
    system: str = column("Who counted.")
    on_hand: int = column("Units in the building when it counted.")
    counted_at: dt.datetime = column("When it counted.")
    wins: bool = column("Whether this is the count we show, with what changed since, by the precedence of systems.")
    conflicts: bool = column("Whether it differs from that count.", stock.count_conflicts)


@rows(tables.stock_levels)
@strawberry.type(description="One item at one location, with the parts of its availability.")
class StockLevel:
    location: Location = one("Where.", joined("id", "location_id"))
    on_hand: int = column("Units in the building.")
    allocated: int = column("Set aside for orders; more than `onHand` means oversold.")
    reserved: int = column("Held for carts; expired holds do not count.", stock.reserved_units)
    unavailable: list[UnavailableUnits] = many(
        "Damaged, in quality control or set aside.",
        lambda reason, _, __: [reason.c.quantity > 0],
        rows=stock.unavailable_reasons,
        order_by=lambda reason, _: [reason.c.position],
        size=1,
    )
    safety_stock: int = column("Never sold.")
    available: int = column(
        "onHand − allocated − reserved − unavailable − safetyStock; below zero when oversold.", stock.available
    )
    version: int = column("Rises with every change.")
    source: str = column("The system that counted.")
    counted_at: dt.datetime = column("When it counted.")
    updated_at: dt.datetime = column("When we learned of it.")
    sources: list[StockCount] = many(
        "What each system counted last, the one that wins first. Empty until somebody counts or changes it.",
        stock.counts_of,
        order_by=lambda told, _: [told.c.wins.desc(), told.c.system],
        size=3,
    )
    live: StockLevelLive = live_value("What the location's system counts now.", "stock", live_sql.stock_level)


@rows(tables.incoming_supply)
@strawberry.type(description="Units on their way to a location.")
class IncomingSupply:
    location: Location = one("Where they will arrive.", joined("id", "location_id"))
    quantity: int = column("Units ordered.")
    received: int = column("Units that have arrived.")
    expected_at: dt.datetime = column("When the rest is expected.")
    reference: str = column("The purchase order or transfer.")
    source: str = column("The system that told us.")


@strawberry.type(description="The stock of one location in an availability, with its parts.")
class AvailabilityNode:
    location_id: strawberry.ID = strawberry.field(description="The location.")
    location_code: str = strawberry.field(description="Its short name.")
    on_hand: int = strawberry.field(description="Units in the building.")
    allocated: int = strawberry.field(description="Set aside for orders.")
    reserved: int = strawberry.field(description="Held for carts.")
    unavailable: int = strawberry.field(description="Damaged, in quality control or set aside.")
    safety_stock: int = strawberry.field(description="Never sold.")
    available: int = strawberry.field(description="What is left; below zero when oversold.")


@strawberry.type(description="What may be sold of an item, by one named formula, with its parts.")
class Availability:
    sku: str = strawberry.field(description="The item.")
    channel: str | None = strawberry.field(description="The channel asked for.")
    country: str | None = strawberry.field(description="The destination asked for.")
    known: bool = strawberry.field(description="False when there is no such item.")
    available_for_sale: int = strawberry.field(description="Units that can be sold from stock now.")
    backorderable: int = strawberry.field(description="Units that can be sold ahead of incoming supply.")
    sellable: bool = strawberry.field(description="Whether anything can be sold.")
    channel_buffer: int = strawberry.field(description="Units kept back from this channel.")
    formula: str = strawberry.field(description="The name of the formula; AVAILABLE_FOR_SALE is documented in docs.")
    as_of: dt.datetime = strawberry.field(description="The oldest count among the locations.")
    source_lag_seconds: int = strawberry.field(description="Age of that count.")
    accuracy: Accuracy = strawberry.field(description="How fresh the counts are.")
    nodes: list[AvailabilityNode] = column("The parts per location.", scopes=["stock:read"])


def channel_argument() -> StrawberryArgument:
    return argument("channel", str | None, "Code of the channel that sells.", default=None)


def destination_argument() -> StrawberryArgument:
    return argument("destination", DestinationInput | None, "Where it shall go.", default=None)


@rows(
    tables.items,
    visible=visibility.needs("items:read"),
    keys={
        ("id",): lambda row, given: row.c.id == given["id"],
        ("sku",): lambda row, given: row.c.sku == given["sku"],
    },
)
@strawberry.federation.type(keys=["id", "sku"], description="Something that is stocked and sold under one SKU.")
class Item(Node):
    id: strawberry.ID = column("Its id.")
    sku: str = column("The stock keeping unit.")
    title: str = column("Its name.")
    requires_shipping: bool = column("Whether it has to be carried.")
    backorder_policy: BackorderPolicy = column("Whether it is sold beyond what is there.")
    preorder_ships_on: dt.date | None = column("On preorder until this day.")
    weight_grams: int | None = column("Weight with packing.")
    length_mm: int | None = column("Length with packing.")
    width_mm: int | None = column("Width with packing.")
    height_mm: int | None = column("Height with packing.")
    origin_country: str | None = column("Country of origin, for customs.")
    hs_code: str | None = column("Customs tariff number.")
    hazardous: bool = column("Needs special carriage.")
    availability: Availability = computed(
        "What may be sold of it.",
        stock.availability_of_item,
        answers.of_item,
        scopes=["availability:read"],
        arguments=[channel_argument(), destination_argument()],
    )
    stock_levels: list[StockLevel] = many(
        "Its stock by location.",
        joined("item_id", "id"),
        order_by=lambda child, _: [child.c.location_id],
        size=10,
        scopes=["stock:read"],
    )
    incoming: list[IncomingSupply] = many(
        "Units on their way, soonest first.",
        stock.open_supply,
        order_by=lambda child, _: [child.c.expected_at, child.c.id],
        size=3,
        scopes=["stock:read"],
    )
