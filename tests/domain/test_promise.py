import dataclasses
import datetime
import uuid

import pytest

from domain.calendar import WorkCalendar
from domain.errors import BadInput
from domain.promise import (
    Basis,
    Confidence,
    Promise,
    Step,
    Supply,
    Timing,
    carrier_promise,
    promise,
)
from domain.reasons import LocationKind
from domain.route import Destination, Node, Transit

TWO = datetime.time(14)
OFFICE = WorkCalendar("Europe/Berlin", dict.fromkeys(range(1, 6), TWO), "DE", "BE")
DHL = Transit(1, 2, "DHL", "STANDARD", WorkCalendar.of_weekdays("Europe/Berlin", range(1, 7), holiday_country="DE"))
BERLIN = Node(uuid.UUID(int=1), "BER1", LocationKind.WAREHOUSE, OFFICE, handling_days=1)
GERMANY = Destination("Europe/Berlin", "DE")


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def days(made: Promise) -> tuple[str, str, str]:
    return str(made.ship_by), str(made.earliest), str(made.latest)


def steps(made: Promise) -> list[str]:
    return [reason.step.value for reason in made.reasons]


@pytest.mark.parametrize(
    ("ordered", "expected"),
    [
        # Monday before the cutoff: shipped on Tuesday, there on Wednesday or Thursday.
        ("2026-03-02T13:00:00+01:00", ("2026-03-03", "2026-03-04", "2026-03-05")),
        ("2026-03-02T14:00:01+01:00", ("2026-03-04", "2026-03-05", "2026-03-06")),
        # 13:30 UTC is past the cutoff of a node in Berlin (OCA sale-workflow #1378).
        ("2026-03-02T13:30:00+00:00", ("2026-03-04", "2026-03-05", "2026-03-06")),
        # Thursday: the carrier drives on Saturday, not on Sunday.
        ("2026-03-05T09:00:00+01:00", ("2026-03-06", "2026-03-07", "2026-03-09")),
        ("2026-03-07T09:00:00+01:00", ("2026-03-10", "2026-03-11", "2026-03-12")),
        # Over Easter.
        ("2026-04-01T15:00:00+02:00", ("2026-04-07", "2026-04-08", "2026-04-09")),
        # Over the change of clocks on 2026-03-29: 13:59 is in time on either side of it.
        ("2026-03-27T13:59:00+01:00", ("2026-03-30", "2026-03-31", "2026-04-01")),
        ("2026-03-30T13:59:00+02:00", ("2026-03-31", "2026-04-01", "2026-04-02")),
    ],
)
def test_promised_days(ordered: str, expected: tuple[str, str, str]) -> None:
    assert days(promise(Timing(at(ordered)), BERLIN, DHL, GERMANY)) == expected


def test_each_step_is_told_in_words_and_codes() -> None:
    made = promise(Timing(at("2026-12-23T15:00:00+00:00")), BERLIN, dataclasses.replace(DHL, buffer_days=1), GERMANY)

    assert [(reason.step, reason.text) for reason in made.reasons] == [
        (Step.ORDERED, "Ordered on 2026-12-23 at 16:00 (Europe/Berlin)."),
        (Step.CUTOFF_MISSED, "After the cutoff of BER1 at 14:00 on 2026-12-23."),
        (Step.HOLIDAY, "BER1: 2026-12-25 is a holiday, Christmas Day."),
        (Step.HOLIDAY, "BER1: 2026-12-26 is a holiday, Second Day of Christmas."),
        (Step.CLOSED_DAY, "BER1: closed on 2026-12-27 (Sunday)."),
        (Step.HANDLING, "BER1 needs 1 open day and hands over on 2026-12-28."),
        (Step.TRANSIT, "DHL STANDARD takes 1 to 2 open days: 2026-12-29 to 2026-12-30."),
        (Step.BUFFER, "1 open day of reserve: 2026-12-31 at the latest."),
    ]
    assert (made.basis, made.confidence, made.time_zone) == (Basis.ON_HAND, Confidence.HIGH, "Europe/Berlin")


def test_the_destinations_holidays_and_zone_count() -> None:
    ordered = Timing(at("2026-10-23T09:00:00+02:00"))

    assert days(promise(ordered, BERLIN, DHL, GERMANY)) == ("2026-10-26", "2026-10-27", "2026-10-28")
    # The parcel is handed over on Austria's national day, so its way there starts a day later.
    there = promise(ordered, BERLIN, DHL, Destination("Europe/Vienna", "AT"))
    assert days(there) == ("2026-10-26", "2026-10-28", "2026-10-29")
    assert there.time_zone == "Europe/Vienna"


def test_the_reserve_too_ends_on_a_day_that_is_open_there() -> None:
    reserve = dataclasses.replace(DHL, buffer_days=1)
    made = promise(Timing(at("2026-10-21T09:00:00+02:00")), BERLIN, reserve, Destination("Europe/Vienna", "AT"))

    # Thursday, then Friday to Saturday; Sunday is closed and Monday is Austria's national day.
    assert days(made) == ("2026-10-22", "2026-10-23", "2026-10-27")


def test_without_a_destination_the_days_are_the_nodes() -> None:
    assert promise(Timing(at("2026-03-02T09:00:00+01:00")), BERLIN, DHL, None).time_zone == "Europe/Berlin"


def test_pickup_is_ready_when_it_is_handled() -> None:
    made = promise(Timing(at("2026-03-06T09:00:00+01:00")), BERLIN, None, Destination("America/New_York"))

    assert days(made) == ("2026-03-09", "2026-03-09", "2026-03-09")
    assert made.time_zone == "Europe/Berlin"
    assert steps(made)[-1] == "PICKUP"


def test_a_hold_and_a_supply_move_the_start_to_the_latest_of_them() -> None:
    timing = Timing(at("2026-03-02T09:00:00+01:00"), hold_released_at=at("2026-03-03T09:00:00+01:00"))
    supply = Supply(Basis.INCOMING, at("2026-03-05T09:00:00+01:00"), datetime.timedelta(hours=8))

    held = promise(timing, BERLIN, DHL, GERMANY)
    assert held.ship_by == day("2026-03-04")
    assert steps(held)[:2] == ["ORDERED", "HOLD_RELEASED"]
    # Received at 17:00 on Thursday, after the cutoff.
    waiting = promise(timing, BERLIN, DHL, GERMANY, supply)
    assert waiting.ship_by == day("2026-03-09")
    assert (waiting.basis, waiting.confidence) == (Basis.INCOMING, Confidence.MEDIUM)
    assert "SUPPLY_EXPECTED" in steps(waiting)
    assert "HOLD_RELEASED" not in steps(waiting)


def test_a_supply_that_is_already_there_changes_nothing() -> None:
    timing = Timing(at("2026-03-02T09:00:00+01:00"))
    supply = Supply(Basis.INCOMING, at("2026-02-01T09:00:00+01:00"))

    assert days(promise(timing, BERLIN, DHL, GERMANY, supply)) == days(promise(timing, BERLIN, DHL, GERMANY))


def test_the_delay_of_a_node_can_miss_the_cutoff() -> None:
    slow = dataclasses.replace(BERLIN, fulfillment_delay=3600)

    assert promise(Timing(at("2026-03-02T13:00:00+01:00")), slow, DHL, GERMANY).ship_by == day("2026-03-03")
    missed = promise(Timing(at("2026-03-02T13:00:01+01:00")), slow, DHL, GERMANY)
    assert missed.ship_by == day("2026-03-04")
    assert steps(missed)[:3] == ["ORDERED", "FULFILLMENT_DELAY", "CUTOFF_MISSED"]


def test_the_delay_is_real_time_when_the_clocks_change() -> None:
    """One hour from 01:30 on the night of 2026-03-29 is 03:30 in Berlin."""
    night = dataclasses.replace(
        BERLIN,
        calendar=WorkCalendar("Europe/Berlin", dict.fromkeys(range(1, 8), datetime.time(3))),
        fulfillment_delay=3600,
        handling_days=0,
    )
    ordered = datetime.datetime(2026, 3, 29, 1, 30, tzinfo=OFFICE.tz)

    assert promise(Timing(ordered), night, DHL, GERMANY).ship_by == day("2026-03-30")


def test_a_supplier_needs_its_lead_and_its_word_is_worth_less() -> None:
    supplier = dataclasses.replace(BERLIN, kind=LocationKind.SUPPLIER, lead_days=2)
    made = promise(Timing(at("2026-03-02T09:00:00+01:00")), supplier, DHL, GERMANY)

    assert made.ship_by == day("2026-03-05")
    assert made.confidence is Confidence.MEDIUM
    assert "SUPPLIER_LEAD" in steps(made)


@pytest.mark.parametrize(
    ("ships_from", "ship_by"),
    [("2026-05-01", "2026-05-04"), ("2026-05-05", "2026-05-05"), ("2026-01-01", "2026-03-03")],
)
def test_a_preorder_ships_on_the_first_open_day_from_its_release(ships_from: str, ship_by: str) -> None:
    supply = Supply(Basis.PREORDER, ships_from=day(ships_from))
    made = promise(Timing(at("2026-03-02T09:00:00+01:00")), BERLIN, DHL, GERMANY, supply)

    assert made.ship_by == day(ship_by)
    assert (made.basis, made.confidence) == (Basis.PREORDER, Confidence.LOW)


def test_unknown_holidays_are_told_and_lower_the_confidence() -> None:
    made = promise(Timing(at("2026-03-02T09:00:00+01:00")), BERLIN, DHL, Destination("UTC", "XX"))

    assert made.confidence is Confidence.MEDIUM
    assert made.reasons[-1].step is Step.HOLIDAYS_UNKNOWN
    assert "country XX" in made.reasons[-1].text


def test_what_the_carrier_expects_is_a_promise_of_one_day_where_it_arrives() -> None:
    made = carrier_promise(at("2026-03-05T23:30:00+00:00"), day("2026-03-04"), "Europe/Berlin")

    assert days(made) == ("2026-03-04", "2026-03-06", "2026-03-06")
    assert (made.basis, steps(made)) == (Basis.CARRIER_EDD, ["CARRIER_ESTIMATE"])


def test_a_node_that_never_opens_is_bad_input() -> None:
    closed = dataclasses.replace(BERLIN, calendar=WorkCalendar("UTC", {}))

    with pytest.raises(BadInput, match="No open day within 366 days"):
        promise(Timing(at("2026-03-02T09:00:00+01:00")), closed, DHL, GERMANY)


def test_impossible_durations_and_times_are_bad_input() -> None:
    with pytest.raises(BadInput, match="Give the smaller number first"):
        Transit(3, 2, "DHL", "STANDARD", OFFICE)
    with pytest.raises(BadInput, match="node BER1 is -1"):
        dataclasses.replace(BERLIN, handling_days=-1)
    with pytest.raises(BadInput, match="The time of the order has no zone"):
        Timing(at("2026-03-02T09:00:00"))
    with pytest.raises(BadInput, match="The time of the expected supply has no zone"):
        Supply(Basis.INCOMING, at("2026-03-02T09:00:00"))
