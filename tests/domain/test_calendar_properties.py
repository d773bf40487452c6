"""What holds for every calendar, day and instant, also where the clocks change."""

import datetime
import zoneinfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import NO_CUTOFF, WorkCalendar, end_of_day, local_day

QUICK = settings(max_examples=80, deadline=None)
# Fall back at midnight, half-hour steps, the far east and west, and clocks that once repeated a minute past midnight.
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Asia/Beirut",
]
days = st.dates(datetime.date(2015, 1, 1), datetime.date(2035, 12, 31))
instants = st.datetimes(
    datetime.datetime(2005, 1, 1),  # noqa: DTZ001  hypothesis wants naive bounds and adds the zone
    datetime.datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.just(datetime.UTC),
)
calendars = st.builds(
    WorkCalendar,
    time_zone=st.sampled_from(ZONES),
    cutoffs=st.dictionaries(st.integers(1, 7), st.times(), min_size=1),
    holiday_country=st.sampled_from([None, "DE", "US", "JP", "XX"]),
    holiday_subdivision=st.none(),
    closures=st.frozensets(days, max_size=3),
)


@QUICK
@given(calendars, days)
def test_next_open_is_the_first_open_day(calendar: WorkCalendar, start: datetime.date) -> None:
    """Nothing open is skipped and the result is open."""
    found = calendar.next_open(start)
    assert found >= start
    assert calendar.is_open(found)
    assert len(calendar.closed_days(start, found)) == (found - start).days


@QUICK
@given(calendars, days, st.integers(0, 10), st.integers(0, 10))
def test_adding_open_days_adds_up_and_counts_open_days_only(
    calendar: WorkCalendar, start: datetime.date, some: int, more: int
) -> None:
    reached = calendar.add_open_days(start, some)
    assert calendar.add_open_days(reached, more) == calendar.add_open_days(start, some + more)
    span = [start + datetime.timedelta(days=ahead) for ahead in range((reached - start).days + 1)]
    assert sum(calendar.is_open(one) for one in span) == some + 1


@QUICK
@given(calendars, days, days, st.integers(0, 10))
def test_a_later_day_never_gives_an_earlier_result(
    calendar: WorkCalendar, one: datetime.date, other: datetime.date, number: int
) -> None:
    early, late = sorted((one, other))
    assert calendar.add_open_days(early, number) <= calendar.add_open_days(late, number)


@settings(max_examples=200, deadline=None)
@given(calendars, instants, st.timedeltas(datetime.timedelta(0), datetime.timedelta(days=3)))
def test_later_work_never_starts_earlier_in_any_zone(
    calendar: WorkCalendar, instant: datetime.datetime, wait: datetime.timedelta
) -> None:
    assert calendar.work_day(instant) <= calendar.work_day(instant + wait)


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize("cutoff", [datetime.time(0, 0), datetime.time(0, 30), datetime.time(1, 30), NO_CUTOFF])
def test_later_work_never_starts_earlier_around_every_change_of_clocks(time_zone: str, cutoff: datetime.time) -> None:
    """Minute by minute through the night of the autumn change, where wall clocks run twice."""
    calendar = WorkCalendar(time_zone, dict.fromkeys(range(1, 8), cutoff))
    tz = zoneinfo.ZoneInfo(time_zone)
    start = datetime.datetime(2010, 1, 1, tzinfo=datetime.UTC)
    hours = (start + datetime.timedelta(hours=hour) for hour in range(24 * 365))
    back = [
        hour
        for hour in hours
        if hour.astimezone(tz).utcoffset() > (hour + datetime.timedelta(hours=1)).astimezone(tz).utcoffset()  # type: ignore[operator]
    ]
    for change in back:
        minutes = [change + datetime.timedelta(minutes=minute) for minute in range(-90, 150)]
        starts = [calendar.work_day(minute) for minute in minutes]
        assert starts == sorted(starts)


@QUICK
@given(calendars, instants)
def test_work_starts_on_an_open_day_not_before_the_order_and_not_after_its_cutoff(
    calendar: WorkCalendar, instant: datetime.datetime
) -> None:
    start = calendar.work_day(instant)
    assert calendar.is_open(start)
    assert start >= local_day(instant, calendar.time_zone)


@QUICK
@given(days, st.sampled_from(ZONES))
def test_a_day_ends_where_the_next_begins(when: datetime.date, time_zone: str) -> None:
    end = end_of_day(when, time_zone)
    moment = datetime.timedelta(microseconds=1)
    assert local_day(end - moment, time_zone) == when
    assert local_day(end, time_zone) == when + datetime.timedelta(days=1)
