"""Which site sends what: the rules of `domain.sourcing`, fed with the shelves as they are at that moment."""

import datetime
import uuid
from collections.abc import Collection, Set

from db.sample import catalogue, places
from db.sample.orders import Line, Order
from db.sample.shop import Shop, Site
from domain.promise import Timing
from domain.route import Destination
from domain.sourcing import Demand, Offer, Plan, source
from domain.stock import Incoming


def plan(
    order: Order,
    wanted: Collection[tuple[Line, int]],
    *,
    without: frozenset[str] = frozenset(),
    hold_released_at: datetime.datetime | None = None,
) -> Plan:
    """Where `wanted` units could come from now, or once they are released; sites in `without` are left out."""
    shop = order.shop
    demands = [
        Demand(str(line.id), line.row["item_id"], units, _preorder_day(shop, line.product))
        for line, units in wanted
        if not line.product.digital
    ]
    skus = {line.product.sku for line, _ in wanted}
    offers = [
        _offer(order, site, skus)
        for site in shop.sites.values()
        if site.initial not in without and _eligible(order, site)
    ]
    ordered_at = order.row["placed_at"] if hold_released_at else shop.clock
    return source(demands, offers, Timing(ordered_at, hold_released_at), destination(order))


def destination(order: Order) -> Destination | None:
    person = order.basket.person
    if person is None or order.basket.pickup:
        return None
    return Destination(person.place.time_zone, person.place.country, person.place.region)


def _preorder_day(shop: Shop, product: catalogue.Product) -> datetime.date | None:
    days = catalogue.PREORDERS.get(product.sku)
    return shop.now.date() + datetime.timedelta(days=days) if days else None


def _eligible(order: Order, site: Site) -> bool:
    basket = order.basket
    if basket.channel.code not in site.facts.channels:
        return False
    if basket.pickup or order.country is None:
        return site.initial == (basket.pickup or "B")
    return places.standard_way(site.facts, order.country) is not None


def _offer(order: Order, site: Site, skus: Set[str]) -> Offer:
    collected = order.basket.pickup is not None or order.country is None
    return Offer(
        node=site.node,
        transit=None if collected else places.standard_way(site.facts, order.country or ""),
        available=_available(order.shop, site, skus),
        incoming=_incoming(order.shop, site, skus),
        priority=site.facts.priority,
    )


def _available(shop: Shop, site: Site, skus: Set[str]) -> dict[uuid.UUID, int]:
    shelves = (shop.shelves.get((sku, site.initial)) for sku in skus)
    return {shelf.item_id: shelf.available for shelf in shelves if shelf}


def _incoming(shop: Shop, site: Site, skus: Set[str]) -> dict[uuid.UUID, list[Incoming]]:
    due: dict[uuid.UUID, list[Incoming]] = {}
    for delivery in shop.deliveries:
        if delivery.site == site.initial and delivery.due and delivery.sku in catalogue.SOLD_AHEAD.keys() & skus:
            supply = Incoming(delivery.expected_at, delivery.due)
            due.setdefault(shop.book.id("item", delivery.sku), []).append(supply)
    return due
