import datetime

import pytest

from domain.calendar import (
    NO_CUTOFF,
    Closed,
    JointCalendar,
    WorkCalendar,
    end_of_day,
    holiday_gap,
    holidays_of,
    zone,
)
from domain.errors import BadInput

TWO = datetime.time(14)
OFFICE = WorkCalendar("Europe/Berlin", dict.fromkeys(range(1, 6), TWO), "DE", "BE")


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("when", "why", "name"),
    [
        ("2026-03-07", Closed.WEEKDAY, "Saturday"),
        ("2026-03-08", Closed.HOLIDAY, "Women's Day"),
        ("2026-04-03", Closed.HOLIDAY, "Good Friday"),
        ("2026-12-25", Closed.HOLIDAY, "Christmas Day"),
    ],
)
def test_closed_days_and_why(when: str, why: Closed, name: str) -> None:
    closed = OFFICE.closed(day(when))

    assert closed is not None
    assert (closed.day, closed.why, closed.name) == (day(when), why, name)
    assert not OFFICE.is_open(day(when))


def test_a_weekday_is_open_if_and_only_if_it_has_a_cutoff() -> None:
    saturday_shop = WorkCalendar("Europe/Berlin", {6: TWO})

    assert [saturday_shop.is_open(day(f"2026-03-{number:02}")) for number in range(2, 9)] == [False] * 5 + [True, False]


def test_a_closure_closes_a_day() -> None:
    calendar = WorkCalendar("Europe/Berlin", OFFICE.cutoffs, closures=frozenset({day("2026-03-03")}))

    assert calendar.next_open(day("2026-03-03")) == day("2026-03-04")
    assert calendar.closed_days(day("2026-03-02"), day("2026-03-04"))[0].why is Closed.CLOSURE


def test_next_open_skips_easter() -> None:
    assert OFFICE.next_open(day("2026-04-02")) == day("2026-04-02")
    assert OFFICE.next_open(day("2026-04-03")) == day("2026-04-07")


def test_add_open_days() -> None:
    assert OFFICE.add_open_days(day("2026-04-02"), 0) == day("2026-04-02")
    assert OFFICE.add_open_days(day("2026-04-02"), 1) == day("2026-04-07")
    assert OFFICE.add_open_days(day("2026-04-04"), 1) == day("2026-04-08")
    assert OFFICE.add_open_days(day("2026-12-23"), 3) == day("2026-12-29")


def test_negative_days_are_refused() -> None:
    with pytest.raises(BadInput, match="Count zero or more"):
        OFFICE.add_open_days(day("2026-04-02"), -1)


def test_a_calendar_without_open_days_is_told_and_not_searched_for_ever() -> None:
    with pytest.raises(BadInput, match="No open day within 366 days from 2026-04-02"):
        WorkCalendar("UTC", {}).next_open(day("2026-04-02"))


def test_the_end_of_time_is_bad_input() -> None:
    with pytest.raises(BadInput, match="beyond the calendar"):
        WorkCalendar("UTC", {}).next_open(datetime.date.max)
    with pytest.raises(BadInput, match="beyond the calendar"):
        end_of_day(datetime.date.max, "UTC")


@pytest.mark.parametrize(
    ("ordered", "starts"),
    [
        ("2026-03-02T13:59:00+01:00", "2026-03-02"),
        ("2026-03-02T14:00:00+01:00", "2026-03-02"),
        ("2026-03-02T14:00:01+01:00", "2026-03-03"),
        ("2026-03-02T12:59:00+00:00", "2026-03-02"),
        # Already the third in Berlin.
        ("2026-03-02T23:30:00+00:00", "2026-03-03"),
        ("2026-03-06T15:00:00+01:00", "2026-03-09"),
        ("2026-03-07T09:00:00+01:00", "2026-03-09"),
        ("2026-04-02T15:00:00+02:00", "2026-04-07"),
    ],
)
def test_work_starts_today_until_the_cutoff_in_the_nodes_own_time(ordered: str, starts: str) -> None:
    assert OFFICE.work_day(at(ordered)) == day(starts)


def test_cutoff_differs_by_weekday() -> None:
    calendar = WorkCalendar("Europe/Berlin", {1: datetime.time(16), 2: datetime.time(10)})

    assert calendar.work_day(at("2026-03-02T15:00:00+01:00")) == day("2026-03-02")
    assert calendar.work_day(at("2026-03-03T15:00:00+01:00")) == day("2026-03-09")
    assert calendar.cutoff_at(day("2026-03-02")) == at("2026-03-02T15:00:00+00:00")
    assert calendar.cutoff_at(day("2026-03-04")) is None


def test_cutoff_in_the_hour_that_autumn_repeats_is_the_first_one() -> None:
    """02:30 comes twice in Berlin on 2026-10-25; who is after the first is late, also in the second hour."""
    night = WorkCalendar("Europe/Berlin", dict.fromkeys(range(1, 8), datetime.time(2, 30)))

    assert night.cutoff_at(day("2026-10-25")) == at("2026-10-25T00:30:00+00:00")
    assert night.work_day(at("2026-10-25T00:30:00+00:00")) == day("2026-10-25")
    assert night.work_day(at("2026-10-25T00:50:00+00:00")) == day("2026-10-26")
    assert night.work_day(at("2026-10-25T01:10:00+00:00")) == day("2026-10-26")


def test_cutoff_in_the_hour_that_spring_skips_exists_all_the_same() -> None:
    night = WorkCalendar("Europe/Berlin", dict.fromkeys(range(1, 8), datetime.time(2, 30)))

    assert night.cutoff_at(day("2026-03-29")) == at("2026-03-29T01:30:00+00:00")


def test_a_carrier_has_weekdays_and_no_cutoff() -> None:
    carrier = WorkCalendar.of_weekdays("Europe/Berlin", [1, 2, 3, 4, 5, 6], holiday_country="DE")

    assert set(carrier.cutoffs.values()) == {NO_CUTOFF}
    assert carrier.is_open(day("2026-03-07"))
    assert carrier.work_day(at("2026-03-07T23:59:59+01:00")) == day("2026-03-07")


def test_a_joint_calendar_is_open_when_all_are() -> None:
    joint = JointCalendar((OFFICE, WorkCalendar.of_weekdays("Europe/Vienna", range(1, 8), holiday_country="AT")))

    assert joint.next_open(day("2026-10-26")) == day("2026-10-27")  # Austria's national day
    assert joint.next_open(day("2026-03-07")) == day("2026-03-09")


def test_holiday_names_do_not_follow_the_language_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "de")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")

    assert holidays_of("DE", None, 2031)[day("2031-12-25")] == "Christmas Day"


def test_unknown_country_has_no_holidays_and_says_so() -> None:
    calendar = WorkCalendar("UTC", dict.fromkeys(range(1, 8), TWO), "XX")

    assert calendar.is_open(day("2026-12-25"))
    assert calendar.gaps() == ("The public holidays of country XX are not known, so none were counted.",)


def test_unknown_region_falls_back_on_the_country_and_says_so() -> None:
    assert day("2026-12-25") in holidays_of("DE", "ZZ", 2026)
    assert holiday_gap("DE", "ZZ") == "Only the national holidays of DE were counted: its region ZZ is not known."
    assert holiday_gap("DE", "BE") is None
    assert holiday_gap(None, None) is None
    assert OFFICE.gaps() == ()


@pytest.mark.parametrize("name", ["Mars/Base", "", "../etc/passwd", "Europe"])
def test_unknown_zone_is_bad_input(name: str) -> None:
    with pytest.raises(BadInput, match="Use an IANA name"):
        WorkCalendar(name, {})
    with pytest.raises(BadInput):
        zone(name)


def test_unknown_weekday_is_bad_input() -> None:
    with pytest.raises(BadInput, match="Weekday 0 does not exist"):
        WorkCalendar("UTC", {0: TWO})


@pytest.mark.parametrize(
    ("when", "time_zone", "end"),
    [
        ("2026-03-02", "UTC", "2026-03-03T00:00:00+00:00"),
        ("2026-03-29", "Europe/Berlin", "2026-03-29T22:00:00+00:00"),
        ("2026-10-25", "Europe/Berlin", "2026-10-25T23:00:00+00:00"),
        ("2026-03-02", "Pacific/Kiritimati", "2026-03-02T10:00:00+00:00"),
        # Midnight did not exist: the clock went from 23:59 to 01:00.
        ("2018-11-03", "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
        # Midnight came twice: the day was over at the first.
        ("2026-10-31", "America/Havana", "2026-11-01T04:00:00+00:00"),
    ],
)
def test_end_of_day(when: str, time_zone: str, end: str) -> None:
    assert end_of_day(day(when), time_zone) == at(end)
