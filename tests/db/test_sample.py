"""The sample: everything in it agrees with everything else, every word occurs, and it is the same every time."""

import datetime as dt
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

import db.migrate
import db.pool
import db.sample
import db.tables
from db.pool import Connection
from db.sample.book import Book
from db.sample.loading import told
from db.sample.shop import Shop
from domain.attention import Attention, Deadlines, flags_at
from domain.errors import BadInput, Conflict
from domain.status import FulfillmentStatus, OrderLineStatus, OrderStatus, ReturnStatus, ShipmentStatus
from tests.db import derived
from tests.db.clones import clone
from tests.db.invariants import INVARIANTS

NOW = dt.datetime.now(dt.UTC)
# A Sunday night, a holiday season, the night the clocks change on either side of the sea, and an ordinary day.
MOMENTS = (
    dt.datetime(2026, 11, 22, 23, 50, tzinfo=dt.UTC),
    dt.datetime(2026, 12, 27, 6, 0, tzinfo=dt.UTC),
    dt.datetime(2027, 3, 28, 1, 30, tzinfo=dt.UTC),
    dt.datetime(2026, 11, 1, 9, 30, tzinfo=dt.UTC),
    dt.datetime(2026, 6, 3, 0, 1, tzinfo=dt.timezone(dt.timedelta(hours=9))),
)


@pytest.fixture(scope="module")
async def sample(postgres: str, template: str) -> AsyncIterator[Connection]:
    """A connection to a store with the sample, loaded once and only read."""
    async with clone(postgres, template) as dsn:
        connection = await db.pool.connect(dsn, statement_seconds=20)
        await db.sample.load(connection, now=NOW)
        yield connection
        await connection.close()


@pytest.mark.parametrize("name", INVARIANTS)
async def test_invariant(sample: Connection, name: str) -> None:
    assert await sample.fetch(f"{INVARIANTS[name]} LIMIT 5") == []


# One way to break each invariant, in their order: a query that finds nothing proves nothing unless it can find.
BREACHES = dict(
    zip(
        INVARIANTS,
        (
            "UPDATE stock_levels SET allocated = allocated + 1",
            "UPDATE order_lines SET allocated = allocated + 1, delivered = delivered - 1 WHERE delivered > 0",
            "UPDATE allocations SET item_id = (SELECT id FROM items WHERE sku = 'GIFT-50')",
            "UPDATE order_lines SET created = created + 1, delivered = delivered - 1 WHERE delivered > 0",
            "UPDATE shipments SET status = 'DELIVERED' WHERE status = 'IN_TRANSIT'",
            "UPDATE shipment_lines SET quantity = quantity + 1",
            "UPDATE return_lines SET quantity = quantity + 1, received = received + 1",
            "UPDATE orders SET version = version + 1",
            "UPDATE shipments SET version = version + 1",
            "DELETE FROM journal WHERE order_id = (SELECT id FROM orders WHERE number = '1001')",
            "UPDATE orders SET status = 'UNKNOWN'",
            'UPDATE journal SET data = \'{"status": {"from": "SHIPPED", "to": "SHIPPED"}}\' WHERE version = 2',
            "UPDATE journal SET recorded_at = occurred_at - interval '1 second'",
            "UPDATE tracking_events SET occurred_at = occurred_at + interval '1 second'",
            "UPDATE order_lines SET total_amount = total_amount + 1",
            "DELETE FROM promises WHERE kind = 'CURRENT'",
            "DELETE FROM promises WHERE kind = 'ORIGINAL'",
        ),
        strict=True,
    )
)


@pytest.mark.parametrize("name", INVARIANTS)
async def test_an_invariant_notices_its_breach(sample: Connection, name: str) -> None:
    transaction = sample.transaction()
    await transaction.start()
    await sample.execute("SET LOCAL session_replication_role = replica")
    await sample.execute(BREACHES[name])
    assert await sample.fetch(f"{INVARIANTS[name]} LIMIT 1") != []
    await transaction.rollback()


async def test_statuses_and_flags_follow_from_what_is_stored(sample: Connection) -> None:
    wrong = []
    for order in await derived.orders(sample):
        stored = order["status"], order["return_status"], order["attention"]
        again = derived.status(order), derived.return_status(order), derived.flags(order, NOW)
        wrong += [(order["number"], stored, again)] if stored != again else []
    assert wrong == []


async def test_parcels_are_where_their_scans_say(sample: Connection) -> None:
    found = 0
    for state, row in await derived.parcels(sample):
        found += 1
        names = ("first_scan_at", "last_event_at", "delivered_at", "estimated_delivery_at")
        assert state.status == row["stage"]
        assert [getattr(state, name) for name in names] == [row[name] for name in names]
        assert row["flags"] == (["DELAYED"] if state.delayed else [])
    assert found == await sample.fetchval("SELECT count(*) FROM shipments")


async def test_every_word_occurs(sample: Connection) -> None:
    statuses = await words(sample, "SELECT DISTINCT status FROM orders")
    assert statuses == set(OrderStatus)
    assert await attention(sample) == set(Attention)
    held = {
        stage for stage in OrderLineStatus if await sample.fetchval(f"SELECT max({stage.lower()}) FROM order_lines")
    }
    assert held == set(OrderLineStatus)
    assert await words(sample, "SELECT DISTINCT status FROM returns") == set(ReturnStatus)
    assert set(ShipmentStatus) - await words(sample, "SELECT DISTINCT status FROM tracking_events") == {
        ShipmentStatus.UNKNOWN,
        ShipmentStatus.CANCELLED,
    }
    assert set(FulfillmentStatus) - await words(sample, "SELECT DISTINCT status FROM fulfillments") == {
        FulfillmentStatus.INCOMPLETE,
        FulfillmentStatus.CANCELLATION_REQUESTED,
    }


async def words(connection: Connection, query: str) -> set[str]:
    return {row[0] for row in await connection.fetch(query)}


async def attention(connection: Connection) -> set[Attention]:
    rows = await connection.fetch("SELECT attention, late_at, at_risk_at, stale_at FROM orders")
    return {
        flag
        for row in rows
        for flag in flags_at(
            map(Attention, row["attention"]), Deadlines(row["late_at"], row["at_risk_at"], row["stale_at"]), NOW
        )
    }


async def test_what_the_documentation_asks_for_is_there(sample: Connection) -> None:
    rich = await order(sample, "1001")
    parcels = await sample.fetch("SELECT status, flags FROM shipments WHERE order_id = $1 ORDER BY status", rich["id"])
    assert [(row["status"], row["flags"]) for row in parcels] == [("DELIVERED", []), ("IN_TRANSIT", ["DELAYED"])]
    assert await sample.fetchval("SELECT released_at IS NOT NULL FROM holds WHERE order_id = $1", rich["id"])
    days = {row["kind"]: row["latest"] for row in await sample.fetch(PROMISED, rich["id"])}
    assert days["ORIGINAL"] < days["CURRENT"]
    assert days["CURRENT"] >= NOW.date()
    late = await order(sample, "1002")
    assert late["late_at"] < NOW
    held = await order(sample, "1003")
    hold = await sample.fetchrow("SELECT * FROM holds WHERE order_id = $1", held["id"])
    assert hold
    assert (held["status"], hold["owner"], hold["released_at"]) == ("ON_HOLD", "CUSTOMER", None)
    assert hold["expected_release_at"] > NOW
    mine = await sample.fetchval("SELECT count(*) FROM orders WHERE customer_id = $1", rich["customer_id"])
    assert (rich["customer_id"], held["customer_id"], mine > 4) == ("C-1001", "C-1001", True)


PROMISED = "SELECT kind, latest FROM promises WHERE order_id = $1 AND line_id IS NULL"


async def order(connection: Connection, number: str) -> db.pool.Record:
    found = await connection.fetchrow(
        "SELECT o.* FROM orders o JOIN channels c ON c.id = o.channel_id WHERE c.code = 'web' AND o.number = $1", number
    )
    assert found
    return found


async def test_nobody_in_it_is_real_and_the_journal_names_nobody(sample: Connection) -> None:
    assert await sample.fetchval("SELECT bool_and(customer_email LIKE '%@example.com') FROM orders")
    told_of = """SELECT count(*) FROM journal j JOIN orders o ON o.id = j.order_id
                 WHERE j.data::text LIKE '%' || o.customer_name || '%' OR j.data::text LIKE '%@%'"""
    assert await sample.fetchval(told_of) == 0


async def test_the_statistics_are_fresh_and_the_outbox_has_every_change(sample: Connection) -> None:
    counts = await sample.fetchrow(
        """SELECT (SELECT reltuples FROM pg_class WHERE relname = 'orders'), (SELECT count(*) FROM orders),
                  (SELECT count(*) FROM outbox), (SELECT count(*) FROM journal)"""
    )
    assert counts
    assert counts[0] == counts[1]
    assert counts[2] == counts[3]


async def test_a_store_that_is_not_empty_is_refused_and_left_alone(pool: db.pool.Pool) -> None:
    async with pool.acquire() as connection:
        assert not await db.sample.is_loaded(connection)
        await connection.execute("INSERT INTO items (sku) VALUES ('MINE')")
        with pytest.raises(Conflict):
            await db.sample.load(connection, now=NOW)
        assert await connection.fetchval("SELECT count(*) FROM items") == 1
        assert not await db.sample.is_loaded(connection)


async def test_it_is_known_to_be_loaded(sample: Connection) -> None:
    assert await db.sample.is_loaded(sample)


async def test_a_present_without_a_zone_is_refused(pool: db.pool.Pool) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(BadInput):
            await db.sample.load(connection, now=NOW.replace(tzinfo=None))


def rows(book: Book) -> str:
    written = {table.name: book.of(table) for table in db.tables.metadata.sorted_tables}
    return hashlib.sha256(repr(written).encode()).hexdigest()


def test_it_is_the_same_for_the_same_present_and_seed_in_any_process() -> None:
    code = f"""
from tests.db.test_sample import *
print(rows(told(Shop(dt.datetime.fromisoformat({MOMENTS[0].isoformat()!r}), 1)).book))
"""
    elsewhere = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
        text=True,
    )
    here = rows(told(Shop(MOMENTS[0], 1)).book)
    assert here == elsewhere.stdout.strip()
    assert here != rows(told(Shop(MOMENTS[0], 2)).book)


@pytest.mark.parametrize("now", MOMENTS, ids=str)
def test_every_status_and_flag_occurs_on_any_day(now: dt.datetime) -> None:
    shop = told(Shop(now, 3))
    flags = {
        flag
        for made in shop.orders
        for flag in flags_at(
            map(Attention, made.row["attention"]),
            Deadlines(made.row["late_at"], made.row["at_risk_at"], made.row["stale_at"]),
            now,
        )
    }
    assert flags == set(Attention)
    assert {made.status for made in shop.orders} == set(OrderStatus)
