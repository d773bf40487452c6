"""Importing again: the same changes nothing, other content changes what differs, and nobody's work is undone."""

import asyncio
import datetime
from pathlib import Path

import pytest

import db.pool
from db.importing import run
from db.importing.errors import AlreadyRunning
from db.importing.staging import Outcome
from tests.db.clones import clone
from tests.db.import_files import (
    GENERIC,
    OLIST,
    ORDER,
    Silent,
    checksums,
    content,
    load,
    olist_files,
    refused,
    rows,
    write,
)


async def test_the_same_files_again_change_no_row(database: str, tmp_path: Path) -> None:
    files = olist_files(tmp_path)
    await load(database, files, OLIST)
    before = await checksums(database)
    summary = await load(database, files, OLIST)
    assert await checksums(database) == before
    assert summary.rows() == summary.rows(outcome=Outcome.UNCHANGED) == 10


async def test_a_dry_run_says_the_same_and_changes_nothing(database: str, tmp_path: Path) -> None:
    good, bad = ORDER, {**ORDER, "number": "2", "quantity": "x"}
    path = write(tmp_path / "orders.csv", [good, bad])
    before = await checksums(database)
    dry = await load(database, [path], rejects=tmp_path / "dry.csv", dry=True)
    assert await checksums(database) == before
    real = await load(database, [path], rejects=tmp_path / "real.csv")
    assert (dry.counts, dry.orders) == (real.counts, real.orders)
    assert refused(tmp_path / "dry.csv") == refused(tmp_path / "real.csv")


async def test_what_the_source_says_anew_becomes_a_version_and_a_journal_entry(database: str, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    write(path, [{**ORDER, "status": "shipped", "delivered_at": ""}, {**ORDER, "number": "2"}])
    await load(database, [path])
    ids = await rows(database, "SELECT id, version FROM orders ORDER BY number")
    lines = await rows(database, "SELECT l.id FROM order_lines l ORDER BY l.id")
    parcels = await rows(database, "SELECT id FROM shipments ORDER BY id")
    write(path, [ORDER, {**ORDER, "number": "2"}])
    summary = await load(database, [path])
    assert summary.orders == {Outcome.UPDATED: 1, Outcome.UNCHANGED: 1}
    assert await rows(database, "SELECT id, version FROM orders ORDER BY number") == [
        {"id": ids[0]["id"], "version": 6},
        ids[1],
    ]
    assert await rows(database, "SELECT l.id FROM order_lines l ORDER BY l.id") == lines
    assert await rows(database, "SELECT id FROM shipments ORDER BY id") == parcels
    told = await rows(
        database,
        """SELECT version, type, occurred_at FROM journal WHERE order_id = $1 AND version > 4 ORDER BY version""",
        ids[0]["id"],
    )
    assert [(row["version"], row["type"]) for row in told] == [(5, "SHIPMENT_DELIVERED"), (6, "ORDER_IMPORTED")]
    assert told[0]["occurred_at"] == datetime.datetime(2025, 3, 4, 12, tzinfo=datetime.UTC)
    [order] = await rows(database, "SELECT status, late_at FROM orders WHERE number = '1001'")
    assert order == {"status": "DELIVERED", "late_at": None}


async def test_an_updated_order_is_as_if_it_had_been_imported_so_at_once(
    database: str, postgres: str, template: str, tmp_path: Path
) -> None:
    """But for its versions, its journal, and the day that was promised first."""
    path = tmp_path / "orders.csv"
    first = [{**ORDER, "sku": sku, "location": "HAM"} for sku in "ABC"]
    places = write(tmp_path / "locations.csv", [{"code": code, "country": "DE"} for code in ("HAM", "MUC")])
    write(path, first)
    await load(database, [path, places])
    changed = {"status": "", "delivered_at": "", "promised_by": "2025-03-09", "captured": "9"}
    write(path, [{**ORDER, **changed, "sku": sku, "location": "MUC"} for sku in "AC"])
    assert (await load(database, [path, places])).orders == {Outcome.UPDATED: 1}
    async with clone(postgres, template) as other:
        await load(other, [path, places])
        was, fresh = await content(database), await content(other)
    for table in ("order_lines", "fulfillments"):
        assert was[table] == fresh[table]
    assert [row[:2] + row[3:] for row in was["orders"]] == [row[:2] + row[3:] for row in fresh["orders"]]
    assert [row[1:3] for row in was["promises"]] == [
        ("CURRENT", datetime.date(2025, 3, 9)),
        ("ORIGINAL", datetime.date(2025, 3, 5)),
    ]
    before = await checksums(database)
    assert (await load(database, [path, places])).orders == {Outcome.UNCHANGED: 1}
    assert await checksums(database) == before


async def test_an_order_that_was_changed_here_is_not_overwritten(database: str, tmp_path: Path) -> None:
    path = write(tmp_path / "orders.csv", [ORDER])
    await load(database, [path])
    connection = await db.pool.connect(database)
    await connection.execute("UPDATE orders SET version = version + 1, customer_email = 'new@example.org'")
    await connection.close()
    before = await checksums(database)
    assert (await load(database, [path])).orders == {Outcome.UNCHANGED: 1}
    write(path, [{**ORDER, "customer_email": "other@example.org"}])
    summary = await load(database, [path], rejects=tmp_path / "bad.csv")
    assert summary.orders == {Outcome.REJECTED: 1}
    [row] = refused(tmp_path / "bad.csv")
    assert row["reason"] == "says something new of an order that was changed here since it was imported"
    assert await checksums(database) == before


async def test_items_of_others_are_left_alone_and_ours_are_kept_up(database: str, tmp_path: Path) -> None:
    connection = await db.pool.connect(database)
    await connection.execute("INSERT INTO items (sku, title) VALUES ('TENT', 'Their tent')")
    await connection.close()
    orders, items = write(tmp_path / "orders.csv", [ORDER]), tmp_path / "items.csv"
    write(items, [{"sku": "TENT", "title": "Tent"}, {"sku": "BOOT-42", "title": "Boot"}])
    await load(database, [orders, items])
    write(items, [{"sku": "TENT", "title": "Big tent"}, {"sku": "BOOT-42", "title": "Big boot"}])
    summary = await load(database, [orders, items])
    assert summary.rows("items", Outcome.UPDATED) == summary.rows("items", Outcome.UNCHANGED) == 1
    found = await rows(database, "SELECT sku, title FROM items ORDER BY sku")
    assert [tuple(row.values()) for row in found] == [("BOOT-42", "Big boot"), ("TENT", "Their tent")]


async def test_an_item_that_comes_to_be_known_is_linked(database: str, tmp_path: Path) -> None:
    *files, products, sellers = olist_files(tmp_path)
    await load(database, [*files, sellers], OLIST)
    assert (await rows(database, "SELECT count(item_id) AS known FROM order_lines"))[0]["known"] == 0
    summary = await load(database, [*files, products, sellers], OLIST)
    assert summary.orders == {Outcome.UPDATED: 1}
    assert (await rows(database, "SELECT count(item_id) AS known FROM order_lines"))[0]["known"] == 3


async def test_the_same_numbers_in_another_channel_are_other_orders(database: str, tmp_path: Path) -> None:
    path = write(tmp_path / "orders.csv", [ORDER])
    await load(database, [path])
    summary = await load(database, [path], GENERIC.in_channel("outlet"))
    assert summary.orders == {Outcome.LANDED: 1}
    found = await rows(database, "SELECT c.code FROM orders o JOIN channels c ON c.id = o.channel_id ORDER BY 1")
    assert [row["code"] for row in found] == ["generic", "outlet"]


async def test_one_import_of_a_source_into_a_channel_at_a_time(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "LOCK_SECONDS", 1)
    path = write(tmp_path / "orders.csv", [ORDER])
    holder = await db.pool.connect(database)
    await holder.execute("SELECT pg_advisory_lock($1, hashtext('generic generic'))", run.LOCK_SPACE)
    with pytest.raises(AlreadyRunning, match="Another import of generic into channel generic is running"):
        await load(database, [path])
    assert (await load(database, [path], GENERIC.in_channel("outlet"))).orders == {Outcome.LANDED: 1}
    await holder.close()
    assert (await load(database, [path])).orders == {Outcome.LANDED: 1}


class Stops(Silent):
    """Ends the import after some batches of orders, as if the process were gone."""

    def __init__(self, batches: int) -> None:
        self.left = batches
        self.orders = False

    def phase(self, name: str, total: int) -> None:
        self.orders = name == "orders"

    def done(self, amount: int) -> None:
        if self.orders:
            self.left -= 1
            if not self.left:
                raise asyncio.CancelledError


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BATCH", 2)


@pytest.mark.usefixtures("small_batches")
async def test_an_import_that_was_ended_goes_on_where_it_was(database: str, tmp_path: Path) -> None:
    bad = {**ORDER, "number": "4", "quantity": "x"}
    path = write(tmp_path / "orders.csv", [bad, *({**ORDER, "number": str(n)} for n in (1, 2, 3, 5, 6, 7))])
    order = run.Order(GENERIC, [path], tmp_path / "bad.csv")
    with pytest.raises(asyncio.CancelledError):
        await run.run(database, order, Stops(2))
    assert (await rows(database, "SELECT count(*) AS n FROM orders"))[0]["n"] == 3
    versions = await rows(database, "SELECT id, version FROM orders ORDER BY number")
    summary = await run.run(database, order, Silent())
    assert summary.resumed
    assert summary.orders == {Outcome.LANDED: 6, Outcome.REJECTED: 1}
    assert [row["line"] for row in refused(tmp_path / "bad.csv")] == ["2"]
    assert (await rows(database, "SELECT id, version FROM orders ORDER BY number"))[:3] == versions
    await checksums(database)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("loss", ["files", "server"])
async def test_an_import_that_cannot_go_on_begins_anew(database: str, tmp_path: Path, loss: str) -> None:
    """Other content, or a server that crashed and emptied its unlogged tables."""
    path = write(tmp_path / "orders.csv", [{**ORDER, "number": str(n)} for n in range(6)])
    with pytest.raises(asyncio.CancelledError):
        await run.run(database, run.Order(GENERIC, [path]), Stops(1))
    if loss == "files":
        write(path, [{**ORDER, "number": str(n)} for n in range(8)])
    else:
        connection = await db.pool.connect(database)
        await connection.execute(f"TRUNCATE {await connection.fetchval('SELECT staging FROM import_runs')}")
        await connection.close()
    summary = await run.run(database, run.Order(GENERIC, [path]), Silent())
    assert not summary.resumed
    assert summary.orders[Outcome.UNCHANGED] == 2
    assert summary.rows() == (8 if loss == "files" else 6)
    await checksums(database)
