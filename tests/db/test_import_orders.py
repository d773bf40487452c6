"""Orders from files: statuses, parcels, money and journal as the rows say, and what the rows leave open."""

import datetime
from pathlib import Path
from typing import Any

import pytest

from db.importing.staging import Outcome
from tests.db.import_files import ORDER, adds_up, content, landed, load, rows, write

UTC = datetime.UTC


async def imported(database: str, tmp_path: Path, *orders: dict[str, str], **columns: str) -> list[dict[str, Any]]:
    """The orders of a file, as they stand in the store."""
    made = [{**ORDER, **order} for order in orders or ({},)]
    summary = await load(database, [write(tmp_path / "orders.csv", [row | columns for row in made])])
    assert summary.rows(outcome=Outcome.REJECTED) == 0
    return await rows(database, "SELECT * FROM orders ORDER BY number")


async def test_a_whole_order_with_all_that_belongs_to_it(database: str, tmp_path: Path) -> None:
    await imported(database, tmp_path)
    found = await content(database)
    placed, accepted, left, there = (
        datetime.datetime(2025, 3, day, hour, minute, tzinfo=UTC)
        for day, hour, minute in ((1, 10, 0), (1, 10, 5), (2, 9, 0), (4, 12, 0))
    )
    money = (2550, 0, 0, 0, 2550, 2550, 0)
    assert found["orders"] == [
        (
            *("generic", "1001", 5, "DELIVERED", "PAID", [], None, "generic", "delivered"),
            *(None, "ada@example.org", None, None, "EUR", *money, placed, accepted, None),
        )
    ]
    assert found["order_lines"] == [("1001", 1, "BOOT-42", "", None, 2, "BOOT-42", 0, 0, 0, 0, 2, 0, 1275, 2550)]
    day = datetime.date(2025, 3, 5)
    assert found["promises"] == [("1001", "CURRENT", day, "UTC"), ("1001", "ORIGINAL", day, "UTC")]
    assert found["fulfillments"] == []
    events = ["PICKED_UP 2025-03-02 09:00:00+00", "DELIVERED 2025-03-04 12:00:00+00"]
    assert found["shipments"] == [("1001", None, "DELIVERED", left, there, None, 1, 2, events)]
    assert [(row[1], row[2], row[3], row[8]) for row in sorted(found["journal"], key=lambda row: row[1])] == [
        (1, "ORDER", "ORDER_PLACED", placed),
        (2, "ORDER", "ORDER_APPROVED", accepted),
        (3, "SHIPMENT", "SHIPMENT_HANDED_OVER", left),
        (4, "SHIPMENT", "SHIPMENT_DELIVERED", there),
        (5, "ORDER", "ORDER_IMPORTED", None),
    ]
    assert {(row[6], row[7]) for row in found["journal"]} == {("generic", "import:generic")}


@pytest.mark.parametrize(
    ("columns", "status", "financial", "attention"),
    [
        ({"status": "new", "accepted_at": "", "captured": ""}, "PENDING", "PENDING", []),
        ({"status": "new"}, "CONFIRMED", "PAID", []),
        ({"status": "processing", "accepted_at": ""}, "IN_PROGRESS", "PAID", []),
        ({"status": "backordered"}, "CONFIRMED", "PAID", ["BACKORDER"]),
        ({"status": "on hold", "captured": "30"}, "ON_HOLD", "OVERCHARGED", []),
        ({"status": "shipped", "captured": "5"}, "SHIPPED", "PARTIALLY_PAID", []),
        ({"status": "lost"}, "SHIPPED", "PAID", ["DELIVERY_EXCEPTION"]),
        ({"status": "delivered", "closed_at": "2025-04-01"}, "COMPLETED", "PAID", []),
        ({"status": "delivered", "refunded": "5"}, "DELIVERED", "PARTIALLY_REFUNDED", []),
        ({"status": "cancelled", "refunded": "25.5"}, "CANCELLED", "REFUNDED", []),
        ({"status": "new", "cancelled_at": "2025-03-01 11:00", "cancel_reason": "fraud"}, "CANCELLED", "PAID", []),
        ({"status": "", "cancelled_at": ""}, "CONFIRMED", "PAID", []),
    ],
)
async def test_words_become_stages_and_the_domain_rolls_them_up(
    database: str, tmp_path: Path, columns: dict[str, str], status: str, financial: str, attention: list[str]
) -> None:
    [order] = await imported(database, tmp_path, handed_over_at="", delivered_at="", **columns)
    assert (order["status"], order["financial_status"], order["attention"]) == (status, financial, attention)


async def test_what_is_worked_on_was_accepted_when_it_was_placed_if_nobody_says_when(
    database: str, tmp_path: Path
) -> None:
    new = {"number": "2", "status": "new"}
    worked_on, waiting = await imported(database, tmp_path, {"status": "packed"}, new, accepted_at="", delivered_at="")
    assert worked_on["accepted_at"] == worked_on["placed_at"]
    assert waiting["accepted_at"] is None


async def test_without_a_status_the_dates_decide(database: str, tmp_path: Path) -> None:
    shipped = {"number": "2", "delivered_at": ""}
    placed = {"number": "3", "delivered_at": "", "handed_over_at": ""}
    found = await imported(database, tmp_path, {}, shipped, placed, status="")
    assert [order["status"] for order in found] == ["DELIVERED", "SHIPPED", "CONFIRMED"]


async def test_a_word_nobody_foresaw_lands_as_unknown_with_the_word_kept(database: str, tmp_path: Path) -> None:
    [order] = await imported(database, tmp_path, status="teleported")
    assert (order["status"], order["source_status"]) == ("UNKNOWN", "teleported")
    [line] = await rows(database, "SELECT created, quantity FROM order_lines")
    assert line == {"created": 2, "quantity": 2}
    [told] = await rows(database, "SELECT data::text FROM journal WHERE type = 'ORDER_IMPORTED'")
    assert "a status we do not know" in told["data"]


async def test_dates_that_say_more_than_the_status_raise_a_conflict(database: str, tmp_path: Path) -> None:
    cancelled = {"number": "1", "status": "cancelled", "delivered_at": ""}
    worked_on = {"number": "2", "status": "processing"}
    found = await imported(database, tmp_path, cancelled, worked_on)
    assert [(order["status"], order["attention"]) for order in found] == [
        ("CANCELLED", ["SOURCE_CONFLICT"]),
        ("IN_PROGRESS", ["SOURCE_CONFLICT"]),
    ]
    claims = await rows(
        database,
        """SELECT o.number, c.system, c.value, c.raw_value, c.wins FROM source_claims c
        JOIN orders o ON o.id = c.order_id ORDER BY o.number, c.wins DESC""",
    )
    assert [tuple(row.values()) for row in claims] == [
        ("1", "generic", "CANCELLED", "cancelled", True),
        ("1", "generic:dates", "SHIPPED", None, False),
        ("2", "generic", "IN_PROGRESS", "processing", True),
        ("2", "generic:dates", "DELIVERED", None, False),
    ]
    told = await rows(database, "SELECT data::text FROM journal WHERE type = 'ORDER_IMPORTED' ORDER BY data::text")
    assert '["cancelled, but handed over on 2025-03-02"]' in told[0]["data"]
    assert '["processing, but delivered on 2025-03-04"]' in told[1]["data"]


async def test_a_handover_before_the_order_is_imported_and_flagged(database: str, tmp_path: Path) -> None:
    [order] = await imported(database, tmp_path, handed_over_at="2025-02-28 08:00")
    assert (order["status"], order["attention"]) == ("DELIVERED", ["HANDOVER_BEFORE_ORDER"])
    first, *_ = await rows(database, "SELECT type FROM journal ORDER BY version")
    assert first["type"] == "ORDER_PLACED"


async def test_an_order_without_lines_lands_and_says_so(database: str, tmp_path: Path) -> None:
    summary = await load(
        database,
        [write(tmp_path / "orders.csv", [{"number": "1", "placed_at": "2025-01-01", "sku": "", "quantity": ""}])],
    )
    assert summary.orders == {Outcome.LANDED: 1}
    assert summary.standing[("without", "lines")] == 1
    [order] = await rows(database, "SELECT status, financial_status, total_amount FROM orders")
    assert order == {"status": "PENDING", "financial_status": "PENDING", "total_amount": 0}


async def test_what_is_promised_and_not_there_is_late_from_the_end_of_the_local_day(
    database: str, tmp_path: Path
) -> None:
    shipped = {"number": "2", "status": "shipped", "delivered_at": ""}
    there, late = await imported(database, tmp_path, {}, shipped)
    assert there["late_at"] is None
    assert late["late_at"] == datetime.datetime(2025, 3, 6, tzinfo=UTC)


async def test_a_parcel_leaves_each_location_and_a_tracking_number_is_one_parcel(database: str, tmp_path: Path) -> None:
    places = write(tmp_path / "locations.csv", [{"code": code, "country": "DE"} for code in ("HAM", "MUC")])
    lines = [
        {**ORDER, "number": number, "location": code, "sku": code, **more}
        for number, more in (("1", {}), ("2", {"tracking_number": "T1", "carrier": "dhl"}))
        for code in ("HAM", "MUC")
    ]
    summary = await load(database, [write(tmp_path / "orders.csv", lines), places])
    assert landed(summary) == 2
    found = await content(database)
    assert [(row[0], row[1], row[5], row[7]) for row in found["shipments"]] == [
        ("1", "HAM", None, 2),
        ("1", "MUC", None, 2),
        ("2", None, "T1", 4),
    ]
    assert found["fulfillments"] == [(number, code, "COMPLETED", 2) for number in ("1", "2") for code in ("HAM", "MUC")]
    assert found["locations"] == [(code, code, "WAREHOUSE", "DE", None, None, "UTC") for code in ("HAM", "MUC")]


async def test_some_lines_shipped_is_an_order_partly_shipped(database: str, tmp_path: Path) -> None:
    gone, waiting = {"sku": "A", "line_status": "shipped"}, {"sku": "B", "line_status": "new"}
    [order] = await imported(database, tmp_path, gone, waiting, status="", delivered_at="")
    assert (order["status"], order["attention"]) == ("PARTIALLY_SHIPPED", ["SPLIT_PENDING"])
    [parcel] = await rows(database, "SELECT sum(quantity)::int AS units FROM shipment_lines")
    assert parcel["units"] == 2


async def test_money_is_told_or_follows_from_the_lines(database: str, tmp_path: Path) -> None:
    two = [
        {"sku": "A", "unit_price": "10.10", "line_discount": "1", "line_tax": "0.05", "line_shipping": "2"},
        {"sku": "B", "unit_price": "0.30", "line_total": "0.55"},
    ]
    [order] = await imported(database, tmp_path, *two, quantity="3", captured="", financial_status="paid")
    names = ("subtotal", "shipping", "tax", "discount", "total", "authorized", "captured", "refunded")
    assert [order[f"{name}_amount"] for name in names] == [2985, 200, 5, 100, 3190, 3190, 3190, 0]


async def test_payments_of_their_own_file_are_summed(database: str, tmp_path: Path) -> None:
    orders = write(tmp_path / "orders.csv", [{**ORDER, "captured": ""}])
    paid = [{"number": "1001", "id": "a", "captured": "20.10"}, {"number": "1001", "id": "b", "captured": "5.40"}]
    twice = [*paid, paid[0]]
    summary = await load(database, [orders, write(tmp_path / "payments.csv", twice)])
    assert adds_up(summary)
    [order] = await rows(database, "SELECT captured_amount, financial_status FROM orders")
    assert order == {"captured_amount": 2550, "financial_status": "PAID"}


async def test_a_line_exported_twice_is_one_line_if_something_tells_it_apart(database: str, tmp_path: Path) -> None:
    known, twins = {"number": "1", "line_position": "1"}, {"number": "2"}
    await imported(database, tmp_path, known, known, twins, twins)
    found = await rows(
        database,
        "SELECT o.number, count(*) AS n FROM order_lines l JOIN orders o ON o.id = l.order_id GROUP BY 1 ORDER BY 1",
    )
    assert [tuple(row.values()) for row in found] == [("1", 1), ("2", 2)]


async def test_items_are_made_of_their_file_and_of_lines(database: str, tmp_path: Path) -> None:
    items = [{"sku": "BOOT-42", "title": "Boot", "weight_grams": "900"}]
    other = {**ORDER, "number": "2", "sku": "TENT", "line_title": "Tent"}
    files = [write(tmp_path / "orders.csv", [ORDER, other]), write(tmp_path / "items.csv", items)]
    await load(database, files)
    found = await content(database)
    assert found["items"] == [("BOOT-42", "Boot", 900, None, None, None), ("TENT", "Tent", None, None, None, None)]
    assert [(row[2], row[6]) for row in found["order_lines"]] == [("BOOT-42", "BOOT-42"), ("TENT", "TENT")]


async def test_tabs_another_encoding_and_columns_nobody_asked_for(database: str, tmp_path: Path) -> None:
    path = write(tmp_path / "orders.tsv", [{**ORDER, "mood": "good, mostly"}], delimiter="\t")
    assert landed(await load(database, [path])) == 1
