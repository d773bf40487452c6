"""Where the shop sells, keeps and ships: channels, locations with their hours, carriers and their ways."""

import dataclasses
import datetime
import uuid
from collections.abc import Iterator
from typing import Final

import db.tables
from db.sample.book import Book
from domain.calendar import WorkCalendar
from domain.reasons import ChannelKind, LocationKind
from domain.route import Node, Transit


@dataclasses.dataclass(frozen=True, slots=True)
class Channel:
    code: str
    name: str
    kind: ChannelKind
    time_zone: str
    currency: str
    buffer: int
    # The system orders of this channel come from.
    source: str


CHANNELS: Final = (
    Channel("web", "Web shop", ChannelKind.STOREFRONT, "Europe/Berlin", "EUR", 2, "ordergraph"),
    Channel("amazon", "Amazon marketplace", ChannelKind.MARKETPLACE, "Europe/Berlin", "EUR", 3, "amazon"),
    Channel("pos", "Stores", ChannelKind.POS, "Europe/Berlin", "EUR", 0, "pos"),
    Channel("b2b", "Business customers", ChannelKind.B2B, "America/New_York", "USD", 0, "edi"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Carrier:
    code: str
    name: str
    open_weekdays: tuple[int, ...]
    stale_after_days: int

    @property
    def tracking_url(self) -> str:
        return f"https://tracking.example.com/{self.code}/{{tracking_number}}"

    def calendar(self, time_zone: str) -> WorkCalendar:
        return WorkCalendar.of_weekdays(time_zone, self.open_weekdays)


CARRIERS: Final = {
    "dhl": Carrier("dhl", "DHL", (1, 2, 3, 4, 5, 6), 4),
    "dpd": Carrier("dpd", "DPD", (1, 2, 3, 4, 5), 4),
    "ups": Carrier("ups", "UPS", (1, 2, 3, 4, 5), 3),
    "usps": Carrier("usps", "USPS", (1, 2, 3, 4, 5, 6), 5),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """A location. `hours` are (ISO weekdays, cutoff); no `countries` means it ships everywhere.

    `closed_in` are days from now on which it is closed, with the reason.
    """

    initial: str
    code: str
    name: str
    kind: LocationKind
    time_zone: str
    country: str
    region: str | None
    postal_code: str
    city: str
    hours: tuple[tuple[tuple[int, ...], str], ...]
    channels: tuple[str, ...]
    countries: tuple[str, ...] = ()
    handling_days: int = 0
    delay_seconds: int = 0
    lead_days: int = 0
    priority: int = 100
    closed_in: tuple[tuple[int, str], ...] = ()

    @property
    def source(self) -> str:
        """The system that speaks for it."""
        kinds = {LocationKind.STORE: "pos", LocationKind.SUPPLIER: "edi"}
        return kinds.get(self.kind, "wms")

    @property
    def cutoffs(self) -> dict[int, datetime.time]:
        return {day: datetime.time.fromisoformat(cutoff) for days, cutoff in self.hours for day in days}


_MON_FRI = (1, 2, 3, 4, 5)
_MON_SAT = (1, 2, 3, 4, 5, 6)
SITES: Final = {
    site.initial: site
    for site in (
        Site("H", "HAM-1", "Hamburg warehouse", LocationKind.WAREHOUSE, "Europe/Berlin", "DE", "HH", "21129", "Hamburg",
             ((_MON_FRI, "14:00"), ((6,), "11:00")), ("web", "amazon", "b2b"), handling_days=1, priority=10,
             closed_in=((-12, "Stocktaking"), (16, "Warehouse inventory"))),
        Site("R", "RNO-1", "Reno warehouse", LocationKind.WAREHOUSE, "America/Los_Angeles", "US", "NV", "89506", "Reno",
             ((_MON_FRI, "13:00"),), ("web", "b2b"), ("US", "CA"), handling_days=1, priority=20,
             closed_in=((-20, "Snow"),)),
        Site("V", "VEN-3PL", "Venlo fulfilment partner", LocationKind.THIRD_PARTY_LOGISTICS, "Europe/Amsterdam", "NL",
             None, "5928", "Venlo", ((_MON_FRI, "16:00"),), ("web", "amazon"), ("NL", "BE", "DE", "FR", "AT", "IT"),
             handling_days=1, delay_seconds=1800, priority=30),
        Site("B", "BER-STORE", "Berlin store", LocationKind.STORE, "Europe/Berlin", "DE", "BE", "10178", "Berlin",
             ((_MON_SAT, "16:00"),), ("web", "pos"), ("DE", "AT"), handling_days=1, priority=60),
        Site("L", "LON-STORE", "London store", LocationKind.STORE, "Europe/London", "GB", None, "WC2H 9HF", "London",
             ((_MON_SAT, "15:00"), ((7,), "12:00")), ("web", "pos"), ("GB", "IE"), handling_days=1, priority=50,
             closed_in=((5, "Refurbishment"), (6, "Refurbishment"))),
        Site("A", "ALP-DROP", "Alpine supplier", LocationKind.SUPPLIER, "Europe/Vienna", "AT", None, "6020",
             "Innsbruck", (((1, 2, 3, 4), "10:00"),), ("web", "amazon"), ("AT", "DE", "CH", "IT"), handling_days=1,
             lead_days=3, priority=80),
    )
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Way:
    """Open days a carrier needs from a site to the places that share a postal prefix (empty: the whole country)."""

    site: str
    carrier: str
    service: str
    country: str
    min_days: int
    max_days: int
    buffer_days: int = 0
    postal_prefix: str = ""


def _ways(site: str, carrier: str, service: str, days: str) -> Iterator[Way]:
    """Read "DE 1-2, AT 2-3+1": country, days, and what is added to be on the safe side."""
    for entry in days.split(", "):
        country, _, span = entry.partition(" ")
        span, _, buffer = span.partition("+")
        least, _, most = span.partition("-")
        yield Way(site, carrier, service, country, int(least), int(most), int(buffer or 0))


_EUROPE = "AT 2-3, CH 2-4, NL 2-3, BE 2-3, FR 3-4, IT 3-5, ES 4-6, GB 3-6+1, IE 4-7+1, DK 2-3, SE 3-4, PL 2-4"
WAYS: Final = (
    *_ways("H", "dhl", "STANDARD", f"DE 1-2, {_EUROPE}, US 5-9+2, CA 6-10+2"),
    *_ways("H", "ups", "EXPRESS", "DE 1-1, AT 1-1, CH 1-2, NL 1-1, BE 1-1, FR 1-2, GB 1-2, US 2-3, CA 2-4"),
    *_ways("R", "usps", "STANDARD", "US 2-5+1, CA 5-9+1"),
    *_ways("R", "ups", "EXPRESS", "US 1-2, CA 2-3"),
    *_ways("V", "dpd", "STANDARD", "NL 1-1, BE 1-2, DE 1-2, FR 2-3, AT 2-3, IT 3-4"),
    *_ways("B", "dhl", "STANDARD", "DE 1-2, AT 2-3"),
    *_ways("L", "ups", "STANDARD", "GB 1-2, IE 2-4"),
    *_ways("A", "dpd", "STANDARD", "AT 1-2, DE 2-3, CH 2-4, IT 2-4"),
    Way("H", "dhl", "STANDARD", "DE", 3, 5, postal_prefix="27498"),
    Way("R", "usps", "STANDARD", "US", 4, 8, 1, postal_prefix="967"),
    Way("R", "usps", "STANDARD", "US", 4, 8, 1, postal_prefix="995"),
)


def standard_way(site: Site, country: str) -> Transit | None:
    """The usual way from a site to a country; None when there is none."""
    for way in WAYS:
        if (way.site, way.country, way.service) == (site.initial, country, "STANDARD"):
            calendar = CARRIERS[way.carrier].calendar(site.time_zone)
            return Transit(way.min_days, way.max_days, way.carrier, way.service, calendar, way.buffer_days)
    return None


def node(site: Site, id: uuid.UUID, today: datetime.date) -> Node:  # noqa: A002  (the field of Node it becomes)
    """The site as the rules of promises see it."""
    closures = frozenset(today + datetime.timedelta(days=days) for days, _ in site.closed_in)
    calendar = WorkCalendar(site.time_zone, site.cutoffs, site.country, site.region, closures)
    return Node(id, site.code, site.kind, calendar, site.handling_days, site.delay_seconds, site.lead_days)


def write(book: Book, today: datetime.date) -> None:
    for channel in CHANNELS:
        _write_channel(book, channel)
    for carrier in CARRIERS.values():
        row = {name: getattr(carrier, name) for name in ("code", "name", "stale_after_days", "tracking_url")}
        book.add(db.tables.carriers, row | {"open_weekdays": list(carrier.open_weekdays)})
    for site in SITES.values():
        _write_site(book, site)
        _write_days(book, site, today)
    for way in WAYS:
        _write_way(book, way)


def _write_channel(book: Book, channel: Channel) -> None:
    names = ("code", "name", "kind", "time_zone", "currency", "buffer")
    row = {name: getattr(channel, name) for name in names}
    book.add(db.tables.channels, row | {"id": book.id("channel", channel.code), "active": True})


def _write_site(book: Book, site: Site) -> None:
    names = ("code", "name", "kind", "time_zone", "country", "region", "postal_code", "city", "priority")
    location_id = book.id("location", site.code)
    row = {name: getattr(site, name) for name in (*names, "handling_days", "lead_days")}
    row |= {"id": location_id, "fulfillment_delay_seconds": site.delay_seconds, "active": True}
    book.add(db.tables.locations, row | {"holiday_country": site.country, "holiday_subdivision": site.region})
    for code in site.channels:
        channel_id = book.id("channel", code)
        book.add(db.tables.location_channels, {"location_id": location_id, "channel_id": channel_id})
    for country in site.countries:
        book.add(db.tables.location_destinations, {"location_id": location_id, "country": country})


def _write_days(book: Book, site: Site, today: datetime.date) -> None:
    location_id = book.id("location", site.code)
    for weekday, cutoff in site.cutoffs.items():
        row = {"location_id": location_id, "weekday": weekday, "cutoff": cutoff}
        book.add(db.tables.location_cutoffs, row)
    for days, reason in site.closed_in:
        day = today + datetime.timedelta(days=days)
        book.add(db.tables.location_closures, {"location_id": location_id, "day": day, "reason": reason})


def _write_way(book: Book, way: Way) -> None:
    names = ("carrier", "service", "country", "postal_prefix", "min_days", "max_days", "buffer_days")
    row = {name: getattr(way, name) for name in names}
    key = (way.site, way.carrier, way.service, way.country, way.postal_prefix)
    location_id = book.id("location", SITES[way.site].code)
    book.add(db.tables.transit_times, row | {"id": book.id("transit", *key), "location_id": location_id})
