import dataclasses
import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.attention import (
    TIMED,
    Attention,
    Commitment,
    Deadlines,
    OrderFacts,
    Progress,
    deadlines,
    earliest,
    flags_at,
    stored_flags,
)
from domain.line import LineQuantities
from domain.order import RollUpLine
from domain.status import ReturnStatus, ShipmentStatus

QUICK = settings(max_examples=80, deadline=None)
PLACED = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
SHIP_BY, LATEST = datetime.date(2026, 3, 4), datetime.date(2026, 3, 6)
SHIP_END = datetime.datetime(2026, 3, 4, 23, tzinfo=datetime.UTC)
LATE_AT = datetime.datetime(2026, 3, 6, 23, tzinfo=datetime.UTC)
SOLD = Commitment(LATEST, "Europe/Berlin", SHIP_BY)
instants = st.integers(-50, 200).map(lambda hours: PLACED + hours * HOUR)
maybe = st.none() | instants


def facts(*lines: LineQuantities, **more: object) -> OrderFacts:
    plain = OrderFacts(PLACED, tuple(RollUpLine(line) for line in lines))
    return dataclasses.replace(plain, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order", "flags"),
    [
        (facts(LineQuantities(created=1)), []),
        (facts(LineQuantities(on_hold=1, created=1)), ["PARTIAL_HOLD"]),
        (facts(LineQuantities(on_hold=2)), []),
        (facts(LineQuantities(on_hold=1, cancelled=1)), []),
        (facts(LineQuantities(backordered=1)), ["BACKORDER"]),
        (facts(LineQuantities(preordered=1)), ["PREORDER_WAITING"]),
        (facts(LineQuantities(allocated=1), oversold=True), ["OVERSOLD"]),
        (facts(LineQuantities(shipped=1), LineQuantities(allocated=1)), ["SPLIT_PENDING"]),
        (facts(LineQuantities(shipped=1, cancelled=1)), []),
        (facts(LineQuantities(lost=1)), ["DELIVERY_EXCEPTION"]),
        (facts(LineQuantities(shipped=1), shipments=(ShipmentStatus.EXCEPTION,)), ["DELIVERY_EXCEPTION"]),
        (facts(LineQuantities(shipped=1), shipments=(ShipmentStatus.RETURNING,)), ["DELIVERY_EXCEPTION"]),
        (facts(LineQuantities(shipped=1), shipments=(ShipmentStatus.LOST,)), ["DELIVERY_EXCEPTION"]),
        (facts(LineQuantities(cancelled=1), shipments=(ShipmentStatus.LOST,)), []),
        (facts(LineQuantities(delivered=1), shipments=(ShipmentStatus.DELIVERED,)), []),
        (facts(LineQuantities(return_requested=1)), ["RETURN_OPEN"]),
        (facts(LineQuantities(delivered=1), returns=(ReturnStatus.APPROVED,)), ["RETURN_OPEN"]),
        (facts(LineQuantities(returned=1), returns=(ReturnStatus.CLOSED,)), []),
        (facts(LineQuantities(created=1), source_conflict=True), ["SOURCE_CONFLICT"]),
        (facts(LineQuantities(created=1), stale_data=True), ["STALE_DATA"]),
        (facts(LineQuantities(shipped=1), first_scan_at=PLACED - HOUR), ["HANDOVER_BEFORE_ORDER"]),
        (facts(LineQuantities(shipped=1), first_scan_at=PLACED), []),
        (
            facts(LineQuantities(on_hold=1, backordered=1, lost=1), stale_data=True),
            ["PARTIAL_HOLD", "BACKORDER", "SPLIT_PENDING", "DELIVERY_EXCEPTION", "STALE_DATA"],
        ),
    ],
)
def test_stored_flags(order: OrderFacts, flags: list[str]) -> None:
    assert list(stored_flags(order)) == flags


def test_a_digital_line_is_no_second_parcel() -> None:
    lines = (
        RollUpLine(LineQuantities(shipped=1)),
        RollUpLine(LineQuantities(created=1), requires_shipping=False),
    )

    assert stored_flags(OrderFacts(PLACED, lines)) == ()


@pytest.mark.parametrize(
    ("progress", "late_at", "at_risk_at"),
    [
        # Nothing has happened: at risk when the day of handover is over.
        (Progress(), LATE_AT, SHIP_END),
        # Handed over in time: nothing to fear until it is late.
        (Progress(first_scan_at=SHIP_END - HOUR), LATE_AT, None),
        # Handed over late.
        (Progress(first_scan_at=SHIP_END), LATE_AT, SHIP_END),
        # Handed over late, but the carrier will make it.
        (Progress(first_scan_at=SHIP_END, estimated_delivery_at=LATE_AT - HOUR), LATE_AT, None),
        # The carrier knows a label only: its estimate proves nothing yet.
        (Progress(estimated_delivery_at=LATE_AT - HOUR), LATE_AT, SHIP_END),
        # The carrier says it will be late: at risk since it said so.
        (
            Progress(first_scan_at=SHIP_END - 5 * HOUR, estimated_delivery_at=LATE_AT, estimate_at=SHIP_END - HOUR),
            LATE_AT,
            SHIP_END - HOUR,
        ),
        (Progress(done=True, stale_at=PLACED), None, None),
    ],
)
def test_deadlines_of_a_promise(
    progress: Progress, late_at: datetime.datetime | None, at_risk_at: datetime.datetime | None
) -> None:
    assert deadlines(SOLD, progress) == Deadlines(late_at, at_risk_at)


def test_without_a_promise_only_silence_counts() -> None:
    assert deadlines(None, Progress(stale_at=PLACED)) == Deadlines(stale_at=PLACED)


def test_without_a_day_of_handover_only_the_delivery_counts() -> None:
    assert deadlines(Commitment(LATEST, "Europe/Berlin"), Progress()) == Deadlines(LATE_AT)


def test_a_promise_ends_with_its_day_in_its_own_zone() -> None:
    for time_zone, hour in (("Pacific/Kiritimati", 10), ("UTC", 24), ("America/Los_Angeles", 32)):
        due = deadlines(Commitment(LATEST, time_zone), Progress()).late_at
        assert due == datetime.datetime(2026, 3, 6, tzinfo=datetime.UTC) + hour * HOUR


def test_the_earliest_of_each_kind() -> None:
    parcels = [Deadlines(LATE_AT, None, SHIP_END), Deadlines(LATE_AT - HOUR, SHIP_END, None), Deadlines()]

    assert earliest(parcels) == Deadlines(LATE_AT - HOUR, SHIP_END, SHIP_END)
    assert earliest([]) == Deadlines()


def test_a_deadline_is_reached_at_its_instant() -> None:
    due = Deadlines(LATE_AT, SHIP_END, None)

    assert flags_at([Attention.BACKORDER], due, SHIP_END - HOUR) == (Attention.BACKORDER,)
    assert flags_at([], due, SHIP_END) == (Attention.LATE_RISK,)
    assert flags_at([Attention.STALE_DATA], due, LATE_AT) == (
        Attention.LATE_RISK,
        Attention.LATE,
        Attention.STALE_DATA,
    )


progresses = st.builds(
    Progress,
    done=st.booleans(),
    first_scan_at=maybe,
    estimated_delivery_at=maybe,
    estimate_at=maybe,
    stale_at=maybe,
)


@QUICK
@given(st.sampled_from([SOLD, None]), progresses, instants, st.lists(st.sampled_from(sorted(set(Attention) - TIMED))))
def test_time_only_raises_flags_and_keeps_the_stored_ones(
    sold: Commitment | None, progress: Progress, now: datetime.datetime, stored: list[Attention]
) -> None:
    """As things stand a flag that was raised stays raised; nothing timed is raised for what is done."""
    due = deadlines(sold, progress)
    raised = set(flags_at(stored, due, now))
    later = set(flags_at(stored, due, now + 5 * HOUR))
    assert set(stored) <= raised <= later
    if progress.done:
        assert raised == set(stored)
    if sold is not None and not progress.done:
        assert (Attention.LATE in raised) == (now >= LATE_AT)
