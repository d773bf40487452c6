"""The public Olist set: 5,000 real orders in, exact figures out."""

import datetime
from pathlib import Path

import pytest

import db.pool
import db.reports
from db.importing.staging import Outcome
from tests.db import derived
from tests.db.import_files import OLIST, adds_up, checksums, load, rows

SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "olist-sample"
pytestmark = pytest.mark.skipif(not SAMPLE.is_dir(), reason=f"shared data is not here: {SAMPLE}")


async def test_five_thousand_orders_land_with_their_statuses_and_doing_it_twice_changes_nothing(
    database: str, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    summary = await load(database, [SAMPLE], OLIST, rejects=rejects)
    assert summary.orders == {Outcome.LANDED: 5000}
    assert summary.rows() == summary.rows(outcome=Outcome.LANDED) == 25_844
    assert adds_up(summary)
    assert not rejects.exists()
    await _statuses_are_right(database)
    await _dates_are_right(database)
    await _money_is_right(database)
    await _odd_ones_are_flagged(database)
    await _the_domain_agrees(database)
    await _promises_report_is_right(database)
    before = await checksums(database)
    again = await load(database, [SAMPLE], OLIST, rejects=rejects)
    assert again.orders == {Outcome.UNCHANGED: 5000}
    assert again.rows(outcome=Outcome.UNCHANGED) == 25_844
    assert await checksums(database) == before


async def _statuses_are_right(database: str) -> None:
    found = await rows(database, "SELECT source_status, status, count(*) AS n FROM orders GROUP BY 1, 2")
    assert {(row["source_status"], row["status"]): row["n"] for row in found} == {
        ("delivered", "DELIVERED"): 4858,
        ("shipped", "SHIPPED"): 61,
        ("canceled", "CANCELLED"): 25,
        ("unavailable", "UNKNOWN"): 24,
        ("processing", "IN_PROGRESS"): 20,
        ("invoiced", "IN_PROGRESS"): 12,
    }
    [units] = await rows(
        database,
        "SELECT sum(quantity) AS all, sum(delivered) AS delivered, sum(cancelled) AS cancelled FROM order_lines",
    )
    assert units["all"] == 5603
    assert units["delivered"] + units["cancelled"] < 5603


async def _dates_are_right(database: str) -> None:
    """10/2/2017 10:56 in Sao Paulo is three hours behind UTC, 12/10/2017 in summer two."""
    [order] = await rows(
        database,
        """SELECT o.placed_at, o.accepted_at, s.shipped_at, s.delivered_at, p.latest, p.time_zone
        FROM orders o JOIN shipments s ON s.order_id = o.id JOIN promises p ON p.order_id = o.id AND p.kind = 'ORIGINAL'
        WHERE o.number = 'e481f51cbdc54678b7cc49136f2d6af7'""",
    )
    utc = datetime.UTC
    assert order == {
        "placed_at": datetime.datetime(2017, 10, 2, 13, 56, tzinfo=utc),
        "accepted_at": datetime.datetime(2017, 10, 2, 14, 7, tzinfo=utc),
        "shipped_at": datetime.datetime(2017, 10, 4, 22, 55, tzinfo=utc),
        "delivered_at": datetime.datetime(2017, 10, 11, 0, 25, tzinfo=utc),
        "latest": datetime.date(2017, 10, 18),
        "time_zone": "America/Sao_Paulo",
    }
    [counts] = await rows(
        database,
        """SELECT (SELECT count(*) FROM promises WHERE kind = 'ORIGINAL') AS promised,
        (SELECT count(DISTINCT order_id) FROM shipments) AS shipped,
        (SELECT count(DISTINCT order_id) FROM shipments WHERE delivered_at IS NOT NULL) AS delivered,
        (SELECT count(*) FROM tracking_events WHERE status = 'PICKED_UP') AS picked_up,
        (SELECT count(*) FROM shipments) AS parcels""",
    )
    assert counts == {"promised": 5000, "shipped": 4922, "delivered": 4858, "picked_up": 4998, "parcels": 4998}


async def _money_is_right(database: str) -> None:
    """To the cent: summed by decimal arithmetic from the files with another program."""
    [sums] = await rows(
        database,
        """SELECT sum(subtotal_amount)::bigint AS goods, sum(shipping_amount)::bigint AS freight,
        sum(captured_amount)::bigint AS paid, count(*) FILTER (WHERE currency = 'BRL') AS brl FROM orders""",
    )
    assert sums == _sums_of_the_files() | {"brl": 5000}


def _sums_of_the_files() -> dict[str, int]:
    import csv
    from decimal import Decimal

    def total(file: str, column: str) -> int:
        with (SAMPLE / file).open(encoding="utf-8") as opened:
            return int(100 * sum(Decimal(row[column]) for row in csv.DictReader(opened)))

    return {
        "goods": total("olist_order_items_dataset.csv", "price"),
        "freight": total("olist_order_items_dataset.csv", "freight_value"),
        "paid": total("olist_order_payments_dataset.csv", "payment_value"),
    }


async def _odd_ones_are_flagged(database: str) -> None:
    flags = await rows(database, "SELECT flag, count(*) AS n FROM orders, unnest(attention) flag GROUP BY flag")
    assert {row["flag"]: row["n"] for row in flags} == {"HANDOVER_BEFORE_ORDER": 12, "SOURCE_CONFLICT": 3}
    bare = await rows(
        database,
        """SELECT o.status, j.data::jsonb -> 'doubts' AS doubts FROM orders o
        JOIN journal j ON j.order_id = o.id AND j.type = 'ORDER_IMPORTED'
        WHERE NOT EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id)""",
    )
    assert len(bare) == 34
    assert {row["doubts"] for row in bare} == {'["no lines"]'}
    assert sorted(row["status"] for row in bare) == ["CANCELLED"] * 10 + ["UNKNOWN"] * 24


async def _the_domain_agrees(database: str) -> None:
    """Who works on an imported order later rolls it up from what is stored, and finds it as it is."""
    connection = await db.pool.connect(database, statement_seconds=60)
    try:
        orders = await derived.orders(connection)
        now = datetime.datetime.now(datetime.UTC)
        assert all(order["attention"] == derived.flags(order, now) for order in orders)
        differ = [order for order in orders if order["status"] != derived.status(order)]
        # Without lines there is nothing to roll up: these are cancelled because the source says so.
        assert [(order["status"], order["source_status"], order["lines"]) for order in differ] == [
            ("CANCELLED", "canceled", ())
        ] * 10
    finally:
        await connection.close()


async def _promises_report_is_right(database: str) -> None:
    connection = await db.pool.connect(database, statement_seconds=60)
    try:
        kept = await db.reports.promises_kept(connection)
        assert (kept.late, kept.delivered, f"{kept.percent:.2f}") == (332, 4857, "6.84")
        assert (kept.median_late, kept.p90_late, kept.most_late) == (7, 20, 112)
        assert kept.by_location[0].late == 15
        elsewhere = await db.reports.promises_kept(connection, channel="elsewhere")
        assert (elsewhere.late, elsewhere.delivered) == (0, 0)
        year = [
            await db.reports.promises_kept(connection, first=first, last=last)
            for first, last in (
                (None, datetime.date(2017, 12, 31)),
                (datetime.date(2018, 1, 1), None),
            )
        ]
        assert sum(one.late for one in year) == 332
        assert sum(one.delivered for one in year) == 4857
    finally:
        await connection.close()
