"""Work that was asked for by lines and is told by SKUs: every unit stays, none is told twice, lines fill in order."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from domain.records import FulfillmentLineRecord, FulfillmentRecord, OrderRef, ParcelLineRecord, ParcelRecord
from domain.status import FulfillmentStatus
from events.asked import AskedLine, by_lines

AT = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
ASKED = [AskedLine("A", "MUG", 2), AskedLine("L", "LAMP", 1), AskedLine("B", "MUG", 1)]


def record(lines: dict[str, int], *parcels: dict[str, int], shipped: int | None = None) -> FulfillmentRecord:
    return FulfillmentRecord(
        order=OrderRef("web", "1001"),
        occurred_at=AT,
        fulfillment_id="7",
        status=FulfillmentStatus.IN_PROGRESS,
        lines=tuple(FulfillmentLineRecord(line, count, shipped=shipped) for line, count in lines.items()),
        shipments=tuple(
            ParcelRecord("dhl", f"P{place}", lines=tuple(ParcelLineRecord(*line) for line in parcel.items()))
            for place, parcel in enumerate(parcels)
        ),
    )


def counts(told: FulfillmentRecord) -> dict[str, tuple[int, int | None]]:
    return {line.line: (line.quantity, line.shipped) for line in told.lines}


def parcels(told: FulfillmentRecord) -> list[dict[str, int]]:
    return [{line.line: line.quantity for line in one.lines or ()} for one in told.shipments]


def test_units_of_a_sku_fill_its_lines_in_the_order_asked_for() -> None:
    told = by_lines(record({"MUG": 3, "LAMP": 1}, {"MUG": 1}, {"MUG": 2, "LAMP": 1}), ASKED)
    assert counts(told) == {"A": (2, None), "B": (1, None), "L": (1, None)}
    assert parcels(told) == [{"A": 1}, {"A": 1, "B": 1, "L": 1}]


def test_counts_reached_are_spread_as_their_units() -> None:
    assert counts(by_lines(record({"MUG": 3}, shipped=1), ASKED)) == {"A": (2, 1), "B": (1, 0)}


def test_the_line_that_was_asked_for_is_told_though_another_has_its_sku() -> None:
    assert counts(by_lines(record({"MUG": 1}), [AskedLine("B", "MUG", 1)])) == {"B": (1, None)}


def test_what_the_system_names_by_our_lines_or_was_not_asked_for_stays_as_it_is() -> None:
    told = record({"A": 2, "BOOK": 4}, {"BOOK": 4})
    assert by_lines(told, ASKED) == told


@given(st.integers(1, 9), st.lists(st.integers(1, 5), max_size=4))
def test_no_unit_is_lost_or_made(quantity: int, sent: list[int]) -> None:
    told = by_lines(record({"MUG": quantity}, *({"MUG": count} for count in sent)), ASKED)
    assert sum(line.quantity for line in told.lines) == quantity
    assert [sum(parcel.values()) for parcel in parcels(told)] == sent
