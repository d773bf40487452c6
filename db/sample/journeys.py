"""The ways a parcel can take, well and badly: which scans come when, in the recipient's and the sender's hours."""

import datetime
from collections.abc import Callable, Generator
from typing import Final, TypeAlias

from db.sample import sourcing
from db.sample.parcels import Parcel
from db.sample.shop import Story
from domain.calendar import Calendar, local_day, zone
from domain.reasons import IncidentReason
from domain.route import delivery_calendar
from domain.status import ShipmentStatus

# A story that ends in knowing a day.
Trip: TypeAlias = Generator[datetime.datetime, None, datetime.date]
Journey: TypeAlias = Callable[[Parcel], Story | Trip]
HUBS: Final = {
    "dhl": ("Leipzig", "DE"),
    "dpd": ("Duisburg", "DE"),
    "ups": ("Louisville", "US"),
    "usps": ("Sacramento", "US"),
}
PICKUP_HOUR: Final = 17.5


def straight(parcel: Parcel) -> Story:
    day = yield from _on_the_way(parcel)
    yield from _to_the_door(parcel, day)
    yield from _delivered(parcel, day)


def attempted(parcel: Parcel) -> Story:
    """Nobody at home; it works out on the next day."""
    day = yield from absent(parcel)
    following = _calendar(parcel).add_open_days(day, 1)
    yield from _to_the_door(parcel, following)
    yield from _delivered(parcel, following)


def absent(parcel: Parcel) -> Trip:
    """Nobody at home, and that is where it stands."""
    day = yield from _on_the_way(parcel)
    yield from _to_the_door(parcel, day)
    yield _at(parcel, day, 13)
    parcel.scan(ShipmentStatus.DELIVERY_ATTEMPTED, city=_home(parcel), reason=IncidentReason.CONSIGNEE_ABSENT)
    return day


def at_parcel_shop(parcel: Parcel) -> Story:
    """Nobody at home; it waits at the parcel shop."""
    day = yield from absent(parcel)
    yield _at(parcel, day, 18)
    parcel.scan(ShipmentStatus.READY_FOR_PICKUP, city=_home(parcel))


def delayed(parcel: Parcel) -> Story:
    """The carrier is two days late, says so, and our promise follows."""
    day = yield from _on_the_way(parcel)
    yield _at(parcel, day, 6)
    later = _calendar(parcel).add_open_days(day, 2)
    _slip(parcel, _at(parcel, later, 18))
    yield from _to_the_door(parcel, later)
    yield from _delivered(parcel, later)


def slipping(parcel: Parcel) -> Story:
    """Delayed since yesterday, still on the way, expected the day after tomorrow."""
    yield from _on_the_way(parcel)
    now = parcel.order.shop.now
    yield now - datetime.timedelta(hours=30)
    due = _calendar(parcel).add_open_days(local_day(now, parcel.time_zone), 2)
    _slip(parcel, _at(parcel, due, 18))
    yield now - datetime.timedelta(hours=7)
    parcel.scan(ShipmentStatus.IN_TRANSIT, city=HUBS[parcel.carrier.code])


def overdue(parcel: Parcel) -> Story:
    """Scanned now and then; the carrier gives no new day."""
    yield from _on_the_way(parcel)
    for hours in (52, 29, 6):
        yield parcel.order.shop.now - datetime.timedelta(hours=hours)
        parcel.scan(ShipmentStatus.IN_TRANSIT, city=HUBS[parcel.carrier.code])


def silent(parcel: Parcel) -> Story:
    """Picked up and sorted; no more is heard of it."""
    yield from _on_the_way(parcel)


def lost(parcel: Parcel) -> Story:
    yield from _on_the_way(parcel)
    yield parcel.order.shop.later(days=4)
    parcel.scan(ShipmentStatus.EXCEPTION, city=None, reason=IncidentReason.CARRIER_OTHER)
    yield parcel.order.shop.later(days=2)
    parcel.scan(ShipmentStatus.LOST, city=None, reason=IncidentReason.CARRIER_LOST)


def refused(parcel: Parcel) -> Story:
    """The recipient does not want it; the carrier brings it back."""
    yield from turned_back(parcel)
    yield parcel.order.shop.later(days=3)
    parcel.scan(ShipmentStatus.RETURNED, city=_origin(parcel))


def turned_back(parcel: Parcel) -> Story:
    day = yield from _on_the_way(parcel)
    yield from _to_the_door(parcel, day)
    yield _at(parcel, day, 14)
    parcel.scan(ShipmentStatus.DELIVERY_ATTEMPTED, city=_home(parcel), reason=IncidentReason.CONSIGNEE_REFUSED)
    yield _at(parcel, day, 19)
    parcel.scan(ShipmentStatus.RETURNING, city=_home(parcel), reason=IncidentReason.CONSIGNEE_REFUSED)


def at_customs(parcel: Parcel) -> Story:
    day = yield from _on_the_way(parcel)
    yield _at(parcel, day, 7)
    parcel.scan(ShipmentStatus.EXCEPTION, city=_home(parcel), reason=IncidentReason.CUSTOMS_PAPERS_MISSING)


def handed_over_early(parcel: Parcel) -> Story:
    """The goods were with the carrier before the order was entered."""
    placed_at: datetime.datetime = parcel.order.row["placed_at"]
    parcel.scan(ShipmentStatus.PICKED_UP, city=_origin(parcel), at=placed_at - datetime.timedelta(hours=3))
    yield parcel.order.shop.later(hours=9)
    parcel.scan(ShipmentStatus.IN_TRANSIT, city=HUBS[parcel.carrier.code])


def _on_the_way(parcel: Parcel) -> Trip:
    """Picked up and sorted; the day on which it would be delivered if all went well."""
    shop, site = parcel.order.shop, parcel.consignment.site
    day = parcel.carrier.calendar(site.facts.time_zone).next_open(local_day(shop.clock, site.facts.time_zone))
    if site.at(day, PICKUP_HOUR) < shop.clock:
        day = _calendar(parcel).add_open_days(day, 1)
    yield site.at(day, PICKUP_HOUR + shop.chance.uniform(0, 0.7))
    latest = _calendar(parcel).add_open_days(day, parcel.transit.max_days)
    parcel.scan(ShipmentStatus.PICKED_UP, city=_origin(parcel), estimate=_at(parcel, latest, 18))
    yield shop.later(hours=shop.chance.uniform(3, 5))
    parcel.scan(ShipmentStatus.IN_TRANSIT, city=HUBS[parcel.carrier.code])
    return _calendar(parcel).add_open_days(day, shop.chance.randint(parcel.transit.min_days, parcel.transit.max_days))


def _to_the_door(parcel: Parcel, day: datetime.date) -> Story:
    chance = parcel.order.shop.chance
    yield _at(parcel, day, chance.uniform(3, 5))
    parcel.scan(ShipmentStatus.IN_TRANSIT, city=_home(parcel))
    yield _at(parcel, day, chance.uniform(7, 9))
    parcel.scan(ShipmentStatus.OUT_FOR_DELIVERY, city=_home(parcel))


def _delivered(parcel: Parcel, day: datetime.date) -> Story:
    yield _at(parcel, day, parcel.order.shop.chance.uniform(10, 17.5))
    parcel.scan(ShipmentStatus.DELIVERED, city=_home(parcel))


def _slip(parcel: Parcel, estimate: datetime.datetime) -> None:
    parcel.scan(
        ShipmentStatus.DELAYED, city=HUBS[parcel.carrier.code], reason=IncidentReason.WEATHER_STORM, estimate=estimate
    )
    parcel.order.promises.follow_carrier(parcel.consignment.pieces, estimate)


def _calendar(parcel: Parcel) -> Calendar:
    site = parcel.consignment.site
    return delivery_calendar(site.node, parcel.transit, sourcing.destination(parcel.order))


def _at(parcel: Parcel, day: datetime.date, hour: float) -> datetime.datetime:
    """On a clock at the recipient's."""
    midnight = datetime.datetime.combine(day, datetime.time(), zone(parcel.time_zone))
    return midnight.astimezone(datetime.UTC) + datetime.timedelta(hours=hour)


def _home(parcel: Parcel) -> tuple[str, str]:
    person = parcel.order.basket.person
    assert person, "a parcel has an address"
    return person.place.city, person.place.country


def _origin(parcel: Parcel) -> tuple[str, str]:
    site = parcel.consignment.site.facts
    return site.city, site.country
