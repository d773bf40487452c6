"""Who orders what and when, and which plot it follows: everyday orders in number, and one of each trouble."""

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Final

from db.sample import catalogue, journeys, people, places, plots
from db.sample.orders import Basket, Order
from db.sample.people import Person
from db.sample.plots import Plot
from db.sample.shop import Shop, Story
from db.sample.stories import Course
from domain.reasons import CancelReason, HoldReason, NodeRejectionReason, ReturnReason

Items = tuple[tuple[str, int], ...]
CHANNELS: Final = {channel.code: channel for channel in places.CHANNELS}
GERMANS: Final = tuple(person for person in people.CUSTOMERS if person.place.country == "DE")
BY_ID: Final = {person.id: person for person in people.CUSTOMERS}
# For a German address the tent comes from Hamburg and the boots from Venlo.
SPLIT: Final[Items] = (("TENT-2P", 1), ("BOOT-42", 1))
HAMBURG: Final[Items] = (("BAG-M10C", 1), ("GROUND-2P", 1))
EVERYDAY: Final = (("web", 128), ("amazon", 42), ("pos", 30), ("b2b", 14))
DAYS: Final = 45


@dataclasses.dataclass(frozen=True, slots=True)
class Opening:
    """An order to come. `at` when it is placed; `number` where it is fixed."""

    at: datetime.datetime
    plot: Plot
    items: Items
    person: Person | None
    channel: str = "web"
    number: str | None = None
    ship_complete: bool = False
    pickup: str | None = None


def openings(shop: Shop) -> list[Opening]:
    """All orders of the sample, in the order in which they are placed."""
    listed = [*_named(shop), *_troubles(shop), *_returns(shop), *_others(shop), *_everyday(shop)]
    return sorted(listed, key=lambda opening: opening.at)


def begin(shop: Shop) -> None:
    for opening, number in _numbered(shop, openings(shop)):
        shop.start(_story(shop, opening, number), opening.at)


def _story(shop: Shop, opening: Opening, number: str) -> Story:
    channel = CHANNELS[opening.channel]
    discount = 10 if channel.code == "b2b" else 0
    items, pickup = opening.items, opening.pickup
    basket = Basket(channel, number, opening.person, items, opening.ship_complete, pickup, discount)
    yield from opening.plot(Order(shop, basket))


def _numbered(shop: Shop, listed: list[Opening]) -> Iterator[tuple[Opening, str]]:
    """Numbers rise with time; those of the web shop so that the fixed ones are in their place."""
    first = next(opening.at for opening in listed if opening.number == "1001")
    web = [opening for opening in listed if opening.channel == "web" and opening.number is None]
    before = sum(opening.at < first for opening in web)
    rank = {id(opening): place for place, opening in enumerate(web)}
    for count, opening in enumerate(listed, 1):
        if opening.number:
            yield opening, opening.number
        elif opening.channel == "web":
            place = rank[id(opening)] - before
            yield opening, str(1001 + place if place < 0 else 1004 + place)
        else:
            yield opening, _number(shop, opening, count)


def _number(shop: Shop, opening: Opening, count: int) -> str:
    match opening.channel:
        case "amazon":
            return f"302-{shop.chance.randint(1000000, 9999999)}-{1000000 + count}"
        case "pos":
            return f"{opening.at:%y%m%d}-{count:03d}"
        case _:
            return f"PO-{45000 + count}"


def _named(shop: Shop) -> Iterator[Opening]:
    """The orders that the documentation asks for."""
    hamburg = shop.sites["H"]
    ada, ben = BY_ID["C-1001"], BY_ID["C-1002"]
    rich = plots.released(HoldReason.HIGH_RISK_OF_FRAUD, 1.5, Course(), Course(journeys.slipping))
    yield Opening(hamburg.morning(6, shop.now), rich, (*SPLIT, ("LINER-SILK", 2)), ada, number="1001")
    late = plots.usual(Course(journeys.overdue))
    yield Opening(hamburg.morning(9, shop.now), late, (("BAG-M10C", 1), ("MAP-ALPS", 1)), ben, number="1002")
    address = plots.held(HoldReason.INCORRECT_ADDRESS, "Asked for the house number by e-mail.", days_left=1.5)
    yield Opening(
        shop.now - datetime.timedelta(hours=20), address, (("JACKET-M", 1), ("BEANIE", 2)), ada, number="1003"
    )


def _troubles(shop: Shop) -> Iterator[Opening]:
    """Placed so many open days of Hamburg ago that the plot has come to its point, whatever day it is today."""
    hamburg = shop.sites["H"]
    listed: tuple[tuple[int, Plot, Items], ...] = (
        (1, plots.usual(Course(until="LINES_ALLOCATED")), HAMBURG),
        (1, plots.usual(Course(until="FULFILLMENT_REQUESTED")), SPLIT),
        (1, plots.usual(Course(until="FULFILLMENT_ACCEPTED")), HAMBURG),
        (1, plots.usual(Course(until="FULFILLMENT_IN_PROGRESS")), HAMBURG),
        (1, plots.usual(Course(until="FULFILLMENT_PACKED")), HAMBURG),
        (1, plots.usual(Course(until="SHIPMENT_CREATED")), SPLIT),
        (1, plots.usual(Course(journeys.silent), Course(until="FULFILLMENT_PACKED")), SPLIT),
        (1, plots.usual(Course(journeys.silent), Course(until="FULFILLMENT_ACCEPTED")), (*SPLIT, ("GIFT-50", 1))),
        (1, plots.usual(Course(journeys.silent)), HAMBURG),
        (1, plots.usual(Course(journeys.silent)), SPLIT),
        (5, plots.usual(Course(), Course(journeys.slipping)), SPLIT),
        (6, plots.usual(Course(), Course(journeys.slipping)), SPLIT),
        (12, plots.usual(Course(until="FULFILLMENT_ACCEPTED")), HAMBURG),
        (10, plots.usual(Course(journeys.overdue)), HAMBURG),
        (12, plots.usual(Course(journeys.silent)), HAMBURG),
        (14, plots.usual(Course(), Course(journeys.silent)), SPLIT),
        (9, plots.usual(Course(journeys.delayed)), HAMBURG),
        (13, plots.usual(Course(journeys.attempted)), HAMBURG),
        (8, plots.usual(Course(journeys.absent)), HAMBURG),
        (7, plots.usual(Course(journeys.at_parcel_shop)), HAMBURG),
        (16, plots.usual(Course(journeys.refused)), HAMBURG),
        (9, plots.usual(Course(journeys.turned_back)), HAMBURG),
        (15, plots.lost(refunded=False), SPLIT),
        (17, plots.lost(refunded=True), SPLIT),
        (3, plots.held_in_part, HAMBURG),
        (14, plots.released(HoldReason.AWAITING_PAYMENT, 30), HAMBURG),
        (11, plots.released(HoldReason.INCORRECT_ADDRESS, 50), SPLIT),
        (15, plots.rejected(NodeRejectionReason.DAMAGED), (("BOOT-40", 1),)),
        (8, plots.rejected(NodeRejectionReason.CAPACITY), (("BAG-0C", 1), ("MAT-AIR", 1))),
        (2, plots.rejected(NodeRejectionReason.WORN_DISPLAY, again=False), (("ROPE-60", 1),)),
        (18, plots.cancelled_in_part, HAMBURG),
        (3, plots.usual(Course(until="LINES_ALLOCATED")), (("SOLAR-21", 2),)),
        (4, plots.usual(Course(until="LINES_ALLOCATED")), (("SOLAR-21", 1),)),
    )
    for number, (days, plot, items) in enumerate(listed):
        yield Opening(hamburg.morning(days, shop.now), plot, items, GERMANS[number % len(GERMANS)])
    # Long on the way, so that the day of hand-over passes before the promise does.
    waiting = plots.usual(Course(until="FULFILLMENT_ACCEPTED"))
    yield Opening(hamburg.morning(3, shop.now), waiting, HAMBURG, BY_ID["C-1009"])
    yield Opening(hamburg.morning(16, shop.now), plots.usual(Course(journeys.at_customs)), HAMBURG, BY_ID["C-1019"])


def _returns(shop: Shop) -> Iterator[Opening]:
    reasons = tuple(ReturnReason)
    for number, steps in enumerate(plots.RETURNS.values()):
        plot = plots.returned(steps, reasons[number % len(reasons)])
        at = shop.now - datetime.timedelta(days=25 + number % 4)
        yield Opening(at, plot, (("FLEECE-M", 2), ("SOCK-M", 3)), people.CUSTOMERS[number])


def _others(shop: Shop) -> Iterator[Opening]:
    """What hangs on no site's calendar, or on another channel."""

    def ago(days: float) -> datetime.datetime:
        return shop.now - datetime.timedelta(days=days)

    customer = iter(people.CUSTOMERS)
    for days, plot, items in _holds_and_cancellations():
        yield Opening(ago(days), plot, items, next(customer))
    for days, sku in ((20, "DOWN-L"), (5, "BOOT-46"), (2, "DOWN-L"), (9, "TENT-ULTRA"), (3, "TENT-ULTRA")):
        yield Opening(ago(days), plots.usual(), ((sku, 1),), next(customer))
    yield Opening(ago(6), plots.usual(Course()), (("BOOT-46", 1), ("SOCK-L", 2)), GERMANS[0])
    yield Opening(ago(6.5), plots.usual(Course()), (("BOOT-46", 1), ("POLES", 1)), GERMANS[1], ship_complete=True)
    for days in (30, 4, 0.2):
        yield Opening(ago(days), plots.usual(Course()), (("GIFT-100", 1),), next(customer))
    for days in (21, 1.5):
        yield Opening(ago(days), plots.usual(Course()), (("PACK-28", 1),), BY_ID["C-1002"], pickup="B")
    for days in (16, 5):
        yield Opening(ago(days), plots.usual(Course()), (("TENT-6P", 1), ("SLED", 1)), BY_ID["C-1018"])
    hamburg, reno = shop.sites["H"], shop.sites["R"]
    early = plots.usual(Course(journeys.handed_over_early))
    yield Opening(reno.morning(3, shop.now), early, (("PACK-65", 4),), people.COMPANIES[0], "b2b")
    yield Opening(reno.morning(4, shop.now), plots.quiet, (("TENT-3P", 3),), people.COMPANIES[1], "b2b")
    yield Opening(hamburg.morning(6, shop.now), plots.disputed, (("BAG-M10C", 1),), people.SHOPPERS[0], "amazon")
    yield Opening(ago(0.4), plots.empty, (), people.SHOPPERS[1], "amazon")


def _holds_and_cancellations() -> tuple[tuple[float, Plot, Items], ...]:
    allocated, requested = Course(until="LINES_ALLOCATED"), Course(until="FULFILLMENT_REQUESTED")
    accepted = Course(until="FULFILLMENT_ACCEPTED")
    one: Items = (("LAMP-400", 1), ("BOTTLE-1L", 2))
    return (
        (0.1, plots.unpaid, one),
        (0.8, plots.unpaid, one),
        (2.2, plots.unpaid, (("GIFT-50", 2),)),
        (0.7, plots.held(HoldReason.HIGH_RISK_OF_FRAUD, "Three cards tried within a minute.", days_left=1), one),
        (1.2, plots.held(HoldReason.CUSTOMER_REQUEST, "On holiday until next week.", days_left=6), one),
        (2.6, plots.held(HoldReason.COMPLIANCE, "Export check of the recipient.", days_left=2, course=allocated), one),
        (4.0, plots.held(HoldReason.AWAITING_PAYMENT, "Instalment not confirmed.", days_left=-1), one),
        (3.1, plots.held(HoldReason.SUPPLIER_CONFIRMATION, "Supplier names a day by Friday.", days_left=None), one),
        (12, plots.cancelled(CancelReason.CUSTOMER, course=allocated), one),
        (8, plots.cancelled(CancelReason.CUSTOMER, course=requested, hours=0.3), one),
        (15, plots.cancelled(CancelReason.STAFF, course=accepted, hours=80), one),
        (19, plots.cancelled(CancelReason.PAYMENT_DECLINED, paid=False, hours=26), one),
        (27, plots.cancelled(CancelReason.FRAUD, hours=3), one),
        (6, plots.cancelled(CancelReason.INVENTORY, hours=9), (("GAS-450", 2),)),
    )


def _everyday(shop: Shop) -> Iterator[Opening]:
    for code, count in EVERYDAY:
        for _ in range(count):
            yield _one(shop, code, _moment(shop, CHANNELS[code]))
    yield Opening(shop.now - datetime.timedelta(days=11), plots.cancelled(CancelReason.MARKETPLACE), HAMBURG,
                  people.SHOPPERS[2], "amazon")  # fmt: skip


def _moment(shop: Shop, channel: places.Channel) -> datetime.datetime:
    """Some day of the last weeks; people buy in the evening, stores are open by day."""
    hour = shop.chance.uniform(9.5, 18) if channel.code == "pos" else shop.chance.triangular(6, 23.8, 20)
    today = shop.now.replace(hour=0, minute=0, second=0, microsecond=0)
    at = today + datetime.timedelta(days=-shop.chance.randint(0, DAYS - 1), hours=hour)
    return at if at < shop.now else at - datetime.timedelta(days=DAYS)


def _one(shop: Shop, code: str, at: datetime.datetime) -> Opening:
    chance = shop.chance
    if code == "pos":
        site = chance.choice("BBL")
        items = _items(shop, tuple(sku for sku in catalogue.EVERYDAY if site in catalogue.BY_SKU[sku].kept), 2)
        return Opening(at, plots.over_the_counter, items, None, code, pickup=site)
    crowd = {"web": people.CUSTOMERS, "amazon": people.SHOPPERS, "b2b": people.COMPANIES}[code]
    # The first customers are regulars.
    person = chance.choice(crowd[:5] if chance.random() < 0.25 else crowd)
    items = _items(shop, _sold(code, person.place.country), 6 if code == "b2b" else 2)
    download = (("MAP-ALPS", 1),) if code == "web" and chance.random() < 0.05 else ()
    return Opening(at, plots.usual(), (*items, *download), person, code)


def _sold(code: str, country: str) -> tuple[str, ...]:
    """Everyday goods that can get there."""
    sites = [
        site.initial
        for site in places.SITES.values()
        if code in site.channels and places.standard_way(site, country) is not None
    ]
    return tuple(sku for sku in catalogue.EVERYDAY if set(sites) & set(catalogue.BY_SKU[sku].kept))


def _items(shop: Shop, skus: tuple[str, ...], most: int) -> Items:
    count = shop.chance.choice((1, 1, 2, 2, 3))
    return tuple((sku, shop.chance.randint(1, most)) for sku in shop.chance.sample(skus, count))
