"""What lies where: stock levels that change as orders are worked on, deliveries on their way, and carts."""

import dataclasses
import datetime
import random
import uuid
from typing import Final

import db.tables
from db.sample import catalogue, places
from db.sample.book import Book
from domain.reasons import UnavailableReason
from domain.stock import NodeStock

# A store's shelf is a fifth of a warehouse's.
_SMALL: Final = {"B": 5, "L": 5}


@dataclasses.dataclass(slots=True)
class Shelf:
    """One item at one site; a stock level in the making."""

    item_id: uuid.UUID
    location_id: uuid.UUID
    on_hand: int
    damaged: int
    quality_control: int
    set_aside: int
    safety_stock: int
    counted_at: datetime.datetime
    updated_at: datetime.datetime
    source: str
    allocated: int = 0
    version: int = 1

    @property
    def available(self) -> int:
        unavailable = {
            UnavailableReason.DAMAGED: self.damaged,
            UnavailableReason.QUALITY_CONTROL: self.quality_control,
            UnavailableReason.SET_ASIDE: self.set_aside,
        }
        stock = NodeStock(self.location_id, self.on_hand, self.allocated, 0, unavailable, self.safety_stock)
        return stock.available

    @property
    def oversold(self) -> bool:
        return self.allocated > self.on_hand

    def change(self, at: datetime.datetime, *, on_hand: int = 0, allocated: int = 0, damaged: int = 0) -> None:
        self.on_hand += on_hand
        self.allocated += allocated
        self.damaged += damaged
        self.version += 1
        self.updated_at = at

    def count(self, at: datetime.datetime, on_hand: int) -> None:
        self.change(at, on_hand=on_hand - self.on_hand)
        self.counted_at = at


@dataclasses.dataclass(slots=True)
class Delivery:
    """Units of an item due at a site."""

    sku: str
    site: str
    quantity: int
    expected_at: datetime.datetime
    reference: str
    received: int = 0
    closed_at: datetime.datetime | None = None

    @property
    def due(self) -> int:
        return 0 if self.closed_at else self.quantity - self.received


Shelves = dict[tuple[str, str], Shelf]


def stocked(book: Book, chance: random.Random, opened_at: datetime.datetime) -> Shelves:
    """The shelves on the first day."""
    return {
        (product.sku, site): _shelf(book, chance, opened_at, product, site)
        for product in catalogue.PRODUCTS
        for site in product.kept
    }


def _shelf(
    book: Book, chance: random.Random, opened_at: datetime.datetime, product: catalogue.Product, site: str
) -> Shelf:
    usual = product.shelf // _SMALL.get(site, 1)
    place = places.SITES[site]
    return Shelf(
        item_id=book.id("item", product.sku),
        location_id=book.id("location", place.code),
        on_hand=round(usual * chance.uniform(0.8, 1.6)),
        damaged=chance.choice((0, 0, 0, 1, 2)) if usual else 0,
        quality_control=chance.choice((0, 0, 0, 0, 3)) if usual >= 20 else 0,
        set_aside=chance.choice((0, 0, 0, 0, 2)) if usual >= 20 else 0,
        safety_stock=usual // 20,
        counted_at=opened_at,
        updated_at=opened_at,
        source=place.source,
    )


def write_items(book: Book, now: datetime.datetime) -> None:
    for product in catalogue.PRODUCTS:
        limit, _ = catalogue.SOLD_AHEAD.get(product.sku, (None, 0))
        days = catalogue.PREORDERS.get(product.sku)
        length, width, height = (None, None, None) if product.digital else product.size
        row = {
            "id": book.id("item", product.sku),
            "sku": product.sku,
            "title": product.title,
            "backorder_policy": "DENY" if limit is None else "CONTINUE",
            "backorder_limit": limit,
            "preorder_ships_on": now.date() + datetime.timedelta(days=days) if days else None,
            "requires_shipping": not product.digital,
            "weight_grams": None if product.digital else product.grams,
            "length_mm": length,
            "width_mm": width,
            "height_mm": height,
            "origin_country": product.origin,
            "hs_code": product.hs_code or None,
            "hazardous": product.sku in catalogue.HAZARDOUS,
            "updated_at": now - datetime.timedelta(days=50),
        }
        book.add(db.tables.items, row)


def write_levels(book: Book, shelves: Shelves, now: datetime.datetime) -> None:
    for shelf in shelves.values():
        # The sites' systems were heard of a moment ago, whether or not something changed.
        shelf.counted_at = now - datetime.timedelta(minutes=4)
        shelf.updated_at = max(shelf.updated_at, shelf.counted_at)
        book.add(
            db.tables.stock_levels, {field.name: getattr(shelf, field.name) for field in dataclasses.fields(shelf)}
        )


def write_deliveries(book: Book, deliveries: list[Delivery]) -> None:
    for delivery in deliveries:
        row = {
            "id": book.id("supply", delivery.reference, delivery.sku, delivery.site),
            "item_id": book.id("item", delivery.sku),
            "location_id": book.id("location", places.SITES[delivery.site].code),
            "quantity": delivery.quantity,
            "received": delivery.received,
            "expected_at": delivery.expected_at,
            "source": "ordergraph",
            "reference": delivery.reference,
            "closed_at": delivery.closed_at,
        }
        book.add(db.tables.incoming_supply, row)


def write_carts(book: Book, now: datetime.datetime) -> None:
    """Two open carts, one that became an order, one given back, one run out and not yet swept."""
    carts = (
        ("cart-7f3a", "TENT-2P", "H", 1, "HELD", 12),
        ("cart-7f3a", "MAT-AIR", "H", 2, "HELD", 12),
        ("cart-b1c9", "LAMP-400", "V", 1, "HELD", 4),
        ("cart-02d4", "BOTTLE-1L", "H", 3, "HELD", -25),
        ("cart-9e77", "PACK-45", "R", 1, "CLAIMED", -90),
        ("cart-5a10", "FLEECE-M", "B", 1, "RELEASED", -40),
        ("cart-c3f8", "POLES", "V", 1, "EXPIRED", -180),
    )
    for key, sku, site, quantity, state, minutes in carts:
        expires_at = now + datetime.timedelta(minutes=minutes)
        row = {
            "id": book.id("reservation", key, sku),
            "key": key,
            "item_id": book.id("item", sku),
            "location_id": book.id("location", places.SITES[site].code),
            "channel_id": book.id("channel", "web"),
            "quantity": quantity,
            "state": state,
            "expires_at": expires_at,
            "created_at": expires_at - datetime.timedelta(minutes=15),
        }
        book.add(db.tables.reservations, row)
