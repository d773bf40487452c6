"""Fills an empty store with the sample, in one transaction."""

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Final

import db.tables
from db.pool import Connection
from db.sample import (
    catalogue,
    consignments,
    flags,
    holds,
    orders,
    parcels,
    places,
    plots,
    promises,
    returns,
    schedule,
    shelves,
    sources,
)
from db.sample.shop import Shop, Story
from domain.errors import BadInput, Conflict

_IS_LOADED: Final = """
SELECT EXISTS (
    SELECT FROM orders o JOIN channels c ON c.id = o.channel_id WHERE c.code = 'web' AND o.number = '1001'
)
"""
_IS_EMPTY: Final = "SELECT NOT EXISTS (SELECT FROM channels) AND NOT EXISTS (SELECT FROM items)"


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """How many rows of what were written."""

    orders: int
    order_lines: int
    shipments: int
    tracking_events: int
    journal: int
    items: int
    locations: int
    stock_levels: int


async def is_loaded(connection: Connection) -> bool:
    """Whether the sample's best known order is there."""
    loaded: bool = await connection.fetchval(_IS_LOADED)
    return loaded


async def load(connection: Connection, *, now: datetime.datetime, seed: int = 1) -> Summary:
    """Write the sample as it is at `now`; the same `now` and `seed` give the same rows.

    Raises Conflict when the store already has channels or items, BadInput when `now` has no time zone.
    """
    if now.tzinfo is None:
        raise BadInput("The sample's present has no time zone. Give it with its offset, such as 2026-03-01T12:00:00Z.")
    book = told(Shop(now, seed)).book
    async with connection.transaction():
        # Two processes that start at once on an empty store: the second waits here, and then finds it full.
        await connection.execute("LOCK TABLE channels IN SHARE ROW EXCLUSIVE MODE")
        if not await connection.fetchval(_IS_EMPTY):
            raise Conflict("The store already has channels or items, so no sample is loaded. Give an empty database.")
        written = await book.write(connection)
    await connection.execute(f"ANALYZE {', '.join(table.name for table in db.tables.metadata.sorted_tables)}")
    return Summary(**{field.name: written[field.name] for field in dataclasses.fields(Summary)})


def told(shop: Shop) -> Shop:
    """Let everything happen up to the present, and write it into the shop's book."""
    for story, at in (*_deliveries(shop), *_counts(shop)):
        shop.start(story, at)
    schedule.begin(shop)
    shop.run()
    places.write(shop.book, shop.now.date())
    shelves.write_items(shop.book, shop.now)
    for order in shop.orders:
        for writer in (sources, flags, orders, promises, consignments, parcels, holds, returns):
            writer.write(order)
    shelves.write_levels(shop.book, shop.shelves, shop.now)
    shelves.write_deliveries(shop.book, shop.deliveries)
    shelves.write_carts(shop.book, shop.now)
    return shop


def _deliveries(shop: Shop) -> Iterator[tuple[Story, datetime.datetime]]:
    """Supply of what is sold ahead, and some of the rest: arrived, arrived in part, overdue, and to come."""
    plan = [(sku, days) for sku in ("DOWN-L", "PACK-65") for days in (-4.0, 18.0)]
    plan += [
        ("BOOT-46", 9.0),
        ("DOWN-M", 12.0),
        ("TENT-2P", 6.0),
        ("BAG-0C", -15.0),
        ("SOCK-M", 3.0),
        ("TENT-4P", -1.0),
    ]
    for number, (sku, days) in enumerate(plan):
        product = catalogue.BY_SKU[sku]
        _, quantity = catalogue.SOLD_AHEAD.get(sku, (None, product.shelf // 2))
        due = shop.now + datetime.timedelta(days=days)
        one = shelves.Delivery(sku, product.kept[0], quantity, due, f"PO-{7100 + number}")
        shop.deliveries.append(one)
        if days < -2:
            yield _arrives(shop, one, one.quantity), due + datetime.timedelta(hours=3)
    shop.deliveries.append(
        part := shelves.Delivery("MAT-AIR", "H", 40, shop.now + datetime.timedelta(days=1), "PO-7090")
    )
    yield _arrives(shop, part, 25), shop.now - datetime.timedelta(days=2)


def _arrives(shop: Shop, one: shelves.Delivery, units: int) -> Story:
    one.received += units
    one.closed_at = shop.clock if one.received == one.quantity else None
    shop.shelves[one.sku, one.site].change(shop.clock, on_hand=units)
    yield from ()


def _counts(shop: Shop) -> Iterator[tuple[Story, datetime.datetime]]:
    yield plots.recounted(shop, "SOLAR-21"), shop.now - datetime.timedelta(hours=3)
