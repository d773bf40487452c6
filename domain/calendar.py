"""Days on which somebody works: weekdays with cutoffs, public holidays and closures, in a time zone.

Days are `datetime.date` in the calendar's own zone; instants are aware datetimes.
"""

import abc
import dataclasses
import datetime
import enum
import functools
import zoneinfo
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import holidays

from domain.errors import BadInput

# Nothing real is closed for a year; without an end a calendar with no open day would search for ever.
SEARCH_DAYS = 366
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# For who works on a day but has no last hour: a carrier, a destination.
NO_CUTOFF = datetime.time.max


class Closed(enum.StrEnum):
    """Why nobody works on a day."""

    WEEKDAY = "WEEKDAY"
    HOLIDAY = "HOLIDAY"
    CLOSURE = "CLOSURE"


@dataclasses.dataclass(frozen=True, slots=True)
class ClosedDay:
    day: datetime.date
    why: Closed
    name: str


@functools.lru_cache(maxsize=128)
def zone(name: str) -> zoneinfo.ZoneInfo:
    """The IANA time zone `name`; raises BadInput when there is none."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(f"Unknown time zone {name!r}. Use an IANA name such as Europe/Berlin.") from error


def check_instant(what: str, instant: datetime.datetime | None) -> None:
    """Refuse a time without a zone: it would be compared with instants as if it were UTC, or not at all."""
    if instant is not None and instant.tzinfo is None:
        raise BadInput(f"The time of {what} has no zone. Give it with its offset, such as 2026-03-01T12:00:00Z.")


def local_day(instant: datetime.datetime, time_zone: str) -> datetime.date:
    return instant.astimezone(zone(time_zone)).date()


def end_of_day(day: datetime.date, time_zone: str) -> datetime.datetime:
    """The instant (UTC) at which `day` is over in `time_zone`."""
    midnight = datetime.datetime.combine(_later(day, 1), datetime.time.min, zone(time_zone))
    return midnight.astimezone(datetime.UTC)


@functools.lru_cache(maxsize=1)
def _regions() -> Mapping[str, frozenset[str]]:
    known = holidays.list_supported_countries(include_aliases=True)
    return MappingProxyType({country: frozenset(regions) for country, regions in known.items()})


@functools.lru_cache(maxsize=512)
def holidays_of(country: str, subdivision: str | None, year: int) -> Mapping[datetime.date, str]:
    """Public holidays of one year by day; what is not known of the place is left out (see `holiday_gap`)."""
    regions = _regions().get(country)
    if regions is None:
        return MappingProxyType({})
    area = subdivision if subdivision in regions else None
    # The language is fixed, for without it the names follow the LANG of the server.
    found = holidays.country_holidays(country, subdiv=area, years=year, expand=False, language="en_US")
    return MappingProxyType(dict(found))


@functools.lru_cache(maxsize=512)
def holiday_gap(country: str | None, subdivision: str | None) -> str | None:
    """What is not known about the holidays of a place, in words; None when all is known."""
    if not country:
        return None
    regions = _regions().get(country)
    if regions is None:
        return f"The public holidays of country {country} are not known, so none were counted."
    if subdivision and subdivision not in regions:
        return f"Only the national holidays of {country} were counted: its region {subdivision} is not known."
    return None


class Calendar(abc.ABC):
    """Open and closed days, whoever decides them."""

    __slots__ = ()

    @abc.abstractmethod
    def closed(self, day: datetime.date) -> ClosedDay | None:
        """Why `day` is closed; None when it is open."""

    @abc.abstractmethod
    def gaps(self) -> tuple[str, ...]:
        """What this calendar does not know, in words."""

    def is_open(self, day: datetime.date) -> bool:
        return self.closed(day) is None

    def next_open(self, day: datetime.date) -> datetime.date:
        """`day` itself when open, else the first open day after it."""
        for ahead in range(SEARCH_DAYS + 1):
            candidate = _later(day, ahead)
            if self.is_open(candidate):
                return candidate
        raise BadInput(f"No open day within {SEARCH_DAYS} days from {day}. Give the calendar a weekday that is open.")

    def add_open_days(self, day: datetime.date, days: int) -> datetime.date:
        """The open day `days` open days after `day`; a closed `day` first becomes the next open one."""
        if days < 0:
            raise BadInput(f"Cannot count {days} open days from {day}. Count zero or more.")
        reached = self.next_open(day)
        for _ in range(days):
            reached = self.next_open(_later(reached, 1))
        return reached

    def closed_days(self, first: datetime.date, last: datetime.date) -> tuple[ClosedDay, ...]:
        """The closed days from `first` to `last`, both included."""
        days = (self.closed(_later(first, ahead)) for ahead in range((last - first).days + 1))
        return tuple(day for day in days if day is not None)


def _later(day: datetime.date, days: int) -> datetime.date:
    try:
        return day + datetime.timedelta(days=days)
    except OverflowError as error:
        raise BadInput(f"{days} days after {day} is beyond the calendar. Give an earlier day.") from error


@dataclasses.dataclass(frozen=True, slots=True)
class WorkCalendar(Calendar):
    """One place's working days: a weekday (ISO, 1 = Monday) is open if and only if it has a cutoff.

    Orders up to and including the cutoff are worked on that day. `holiday_country` and `holiday_subdivision` are ISO
    3166 codes as the `holidays` package names them.
    """

    time_zone: str
    cutoffs: Mapping[int, datetime.time]
    holiday_country: str | None = None
    holiday_subdivision: str | None = None
    closures: frozenset[datetime.date] = frozenset()

    def __post_init__(self) -> None:
        zone(self.time_zone)
        wrong = sorted(day for day in self.cutoffs if not 1 <= day <= 7)
        if wrong:
            raise BadInput(f"Weekday {wrong[0]} does not exist. Use 1 (Monday) to 7 (Sunday).")

    @classmethod
    def of_weekdays(
        cls,
        time_zone: str,
        weekdays: Iterable[int],
        *,
        holiday_country: str | None = None,
        holiday_subdivision: str | None = None,
        closures: frozenset[datetime.date] = frozenset(),
    ) -> "WorkCalendar":
        """Open weekdays without a last hour, as a carrier has."""
        cutoffs = dict.fromkeys(weekdays, NO_CUTOFF)
        return cls(time_zone, cutoffs, holiday_country, holiday_subdivision, closures)

    @property
    def tz(self) -> zoneinfo.ZoneInfo:
        return zone(self.time_zone)

    def closed(self, day: datetime.date) -> ClosedDay | None:
        if day in self.closures:
            return ClosedDay(day, Closed.CLOSURE, "closure")
        if self.holiday_country:
            name = holidays_of(self.holiday_country, self.holiday_subdivision, day.year).get(day)
            if name is not None:
                return ClosedDay(day, Closed.HOLIDAY, name)
        if day.isoweekday() not in self.cutoffs:
            return ClosedDay(day, Closed.WEEKDAY, WEEKDAYS[day.weekday()])
        return None

    def gaps(self) -> tuple[str, ...]:
        gap = holiday_gap(self.holiday_country, self.holiday_subdivision)
        return () if gap is None else (gap,)

    def cutoff_at(self, day: datetime.date) -> datetime.datetime | None:
        """The instant (UTC) of the cutoff of `day`; None on a weekday without one."""
        cutoff = self.cutoffs.get(day.isoweekday())
        if cutoff is None:
            return None
        return datetime.datetime.combine(day, cutoff, self.tz).astimezone(datetime.UTC)

    def work_day(self, instant: datetime.datetime) -> datetime.date:
        """The open day on which work that arrives at `instant` starts.

        Instants are compared, not wall clocks: in the hour that autumn repeats a later order would else be in time
        when an earlier one was not.
        """
        today = self.next_open(local_day(instant, self.time_zone))
        cutoff = self.cutoff_at(today)
        missed = cutoff is not None and instant > cutoff
        return self.next_open(_later(today, 1)) if missed else today


@dataclasses.dataclass(frozen=True, slots=True)
class JointCalendar(Calendar):
    """Open when all of `calendars` are: a carrier drives, and the destination has no holiday."""

    calendars: tuple[WorkCalendar, ...]

    def closed(self, day: datetime.date) -> ClosedDay | None:
        return next((why for calendar in self.calendars if (why := calendar.closed(day))), None)

    def gaps(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(gap for calendar in self.calendars for gap in calendar.gaps()))
