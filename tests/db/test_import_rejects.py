"""Bad rows go to the file of rejects with line and reason; good orders land; every row is accounted for."""

from pathlib import Path

import pytest

import db.pool
from db.importing.errors import BadFiles
from db.importing.staging import Outcome
from tests.db.import_files import OLIST, ORDER, adds_up, landed, load, olist_files, refused, rows, text, write

GOOD = [{**ORDER, "number": number} for number in ("1", "3")]


async def rejected(database: str, tmp_path: Path, *bad: dict[str, str]) -> list[tuple[str, ...]]:
    """What is said of these rows, which stand between two good orders that must land."""
    path = write(tmp_path / "orders.csv", [GOOD[0], *({**ORDER, "number": "2", **row} for row in bad), GOOD[1]])
    summary = await load(database, [path], rejects=tmp_path / "bad.csv")
    assert landed(summary) == 2
    assert adds_up(summary)
    assert summary.rows(outcome=Outcome.REJECTED) == len(bad)
    assert [row["number"] for row in await rows(database, "SELECT number FROM orders ORDER BY 1")] == ["1", "3"]
    assert summary.rejects == tmp_path / "bad.csv"
    return [tuple(row.values()) for row in refused(tmp_path / "bad.csv")]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("placed_at", "2025-02-30", "is no date of the form iso"),
        ("placed_at", "", "is blank, and orders rows need it"),
        ("quantity", "-1", "is below zero"),
        ("quantity", "0", "is no quantity: a line has one unit or more"),
        ("quantity", "1.5", "is no whole number"),
        ("quantity", "", "is blank, and orders rows need it"),
        ("unit_price", "12.755", "is not exact in EUR, which has 2 digits after the point"),
        ("unit_price", "1,5", "is no number"),
        ("captured", "-3", "is below zero"),
        ("financial_status", "bribed", "is none of PENDING, AUTHORIZED, EXPIRED, VOIDED, PARTIALLY_PAID, PAID,"),
        ("cancel_reason", "whim", "is none of CUSTOMER"),
        ("currency", "euro", "is not a currency of three letters (ISO 4217)"),
        ("ship_country", "Germany", "is not a country of two letters (ISO 3166)"),
        ("ship_complete", "maybe", "is neither true nor false"),
        ("sku", "x" * 300, "is longer than 255 characters"),
        ("promised_from", "2025-03-06", "is after the last day promised, 2025-03-05"),
    ],
)
async def test_a_bad_cell_is_named_with_its_line_and_reason(
    database: str, tmp_path: Path, column: str, value: str, reason: str
) -> None:
    [(file, line, named, shown, why)] = await rejected(database, tmp_path, {column: value})
    assert (file, line) == ("orders.csv", "3")
    assert column in (named, named.removeprefix("line_")) or named == {"promised_from": "promise_earliest"}.get(column)
    assert shown == value
    assert why.startswith(reason)


async def test_an_order_lands_whole_or_not_at_all(database: str, tmp_path: Path) -> None:
    found = await rejected(database, tmp_path, {"sku": "A"}, {"sku": "B", "quantity": "many"}, {"sku": "C"})
    companion = "is good, but another row of its order is refused: orders.csv line 4"
    assert found == [
        ("orders.csv", "3", "", "", companion),
        ("orders.csv", "4", "quantity", "many", "is no number"),
        ("orders.csv", "5", "", "", companion),
    ]


async def test_rows_of_an_order_that_contradict_each_other(database: str, tmp_path: Path) -> None:
    found = await rejected(database, tmp_path, {"sku": "A"}, {"sku": "B", "captured": "7"})
    reason = "differs among the 2 rows of this order: 25.50 and 7"
    assert found == [
        ("orders.csv", "3", "captured", "25.50", reason),
        ("orders.csv", "4", "captured", "7", reason),
    ]


async def test_two_lines_at_one_position(database: str, tmp_path: Path) -> None:
    one, other = await rejected(database, tmp_path, *({"sku": sku, "line_position": "1"} for sku in "AB"))
    assert one[2:] == other[2:] == ("position", "1", "is the position of two lines that differ")


async def test_a_location_nobody_knows(database: str, tmp_path: Path) -> None:
    [row] = await rejected(database, tmp_path, {"location": "MARS"})
    assert row[2:] == ("", "MARS", "ships from a location that is in no good row")


async def test_ragged_rows_undecodable_bytes_and_open_quotes(database: str, tmp_path: Path) -> None:
    head, first, last = text(GOOD).encode().splitlines()
    path = tmp_path / "orders.csv"
    broken = [b"2,too,few", first.replace(b"1,", b"4,", 1) + b",more", first.replace(b"ada", b"\xe9da", 1)]
    lines = [head, first.replace(b"1,", b'5,"', 1), *broken[:2], broken[2].replace(b"1,", b"6,", 1), first, last]
    path.write_bytes(b"\n".join(lines) + b"\n")
    summary = await load(database, [path], rejects=tmp_path / "bad.csv")
    assert landed(summary) == 2
    assert adds_up(summary)
    assert [(row["line"], row["reason"][:36]) for row in refused(tmp_path / "bad.csv")] == [
        ("2", "has a quote that is not closed where"),
        ("3", "has 3 fields where the header has 12"),
        ("4", "has 13 fields where the header has 1"),
        ("5", "has bytes that are no text in the en"),
    ]


async def test_a_ragged_row_takes_its_order_with_it(database: str, tmp_path: Path) -> None:
    """A line that cannot be read must not make an order that looks complete."""
    path = write(tmp_path / "orders.csv", [*GOOD, {**ORDER, "number": "2"}])
    with path.open("a") as file:
        file.write("2,cut off\n")
    summary = await load(database, [path], rejects=tmp_path / "bad.csv")
    assert landed(summary) == 2
    companion, ragged = refused(tmp_path / "bad.csv")
    assert companion["reason"] == "is good, but another row of its order is refused: orders.csv line 5"
    assert (ragged["line"], ragged["value"]) == ("5", "2,cut off")


async def olist(database: str, tmp_path: Path, file: str, *changes: tuple[str, str]) -> dict[str, str]:
    """Reasons by file and line, after changing one of Olist's six files."""
    files = olist_files(tmp_path)
    path = tmp_path / f"olist_{file}_dataset.csv"
    changed = path.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in changed
        changed = changed.replace(before, after)
    path.write_text(changed, encoding="utf-8")
    summary = await load(database, files, OLIST, rejects=tmp_path / "bad.csv")
    assert adds_up(summary)
    found = refused(tmp_path / "bad.csv") if summary.rejects else []
    assert len(found) == summary.rows(outcome=Outcome.REJECTED)
    return {f"{row['file'].removeprefix('olist_').split('_dataset')[0]} {row['line']}": row["reason"] for row in found}


async def test_a_customer_that_is_missing_keeps_the_order_out(database: str, tmp_path: Path) -> None:
    reasons = await olist(database, tmp_path, "customers", ("c1,", "c9,"))
    companion = "is good, but another row of its order is refused: olist_orders_dataset.csv line 2"
    assert reasons == {
        "orders 2": "is in no good row of customers",
        "order_items 2": companion,
        "order_items 3": companion,
        "order_items 4": companion,
        "order_payments 2": companion,
        "customers 2": "is referred to by no order that landed",
    }


async def test_a_seller_that_is_missing_keeps_the_order_out(database: str, tmp_path: Path) -> None:
    reasons = await olist(database, tmp_path, "sellers", ("s2,", "s9,"))
    assert set(reasons) == {
        "orders 2",
        "order_items 2",
        "order_items 3",
        "order_items 4",
        "order_payments 2",
        "customers 2",
    }
    assert reasons["order_items 3"] == "ships from a location that is in no good row"
    assert await rows(database, "SELECT code FROM locations ORDER BY code") == [{"code": "s1"}, {"code": "s9"}]


async def test_a_product_that_is_missing_leaves_a_line_with_its_sku_only(database: str, tmp_path: Path) -> None:
    assert await olist(database, tmp_path, "products", ("p1,", "p9,")) == {}
    found = await rows(database, "SELECT sku, title, item_id IS NULL AS bare FROM order_lines ORDER BY position")
    assert [tuple(row.values()) for row in found] == [("p1", "", True), ("p1", "", True), ("p2", "", False)]


async def test_rows_of_no_order_are_refused(database: str, tmp_path: Path) -> None:
    reasons = await olist(database, tmp_path, "order_payments", ("o1,", "o9,"))
    assert reasons == {"order_payments 2": "belongs to no good row of orders"}


async def test_a_product_that_stands_twice_and_differs_is_refused_and_one_that_agrees_is_not(
    database: str, tmp_path: Path
) -> None:
    reasons = await olist(database, tmp_path, "products", ("p2,,", "p1,other,"))
    assert reasons == {"products 2": "stands in 2 rows that differ", "products 3": "stands in 2 rows that differ"}


async def test_an_order_that_stands_twice_lands_once_and_two_that_differ_do_not(database: str, tmp_path: Path) -> None:
    line = (tmp_path / "olist_orders_dataset.csv", "o1,c1,delivered")
    files = olist_files(tmp_path)
    again = line[0].read_text(encoding="utf-8").splitlines()[1]
    with line[0].open("a", encoding="utf-8") as file:
        file.write(again + "\n")
    summary = await load(database, files, OLIST)
    assert (landed(summary), summary.rows("orders", Outcome.LANDED)) == (1, 2)
    with line[0].open("a", encoding="utf-8") as file:
        file.write(again.replace("o1", "o2").replace("c1", "c1") + "\n")
        file.write(again.replace("o1", "o2").replace("delivered", "shipped") + "\n")
    summary = await load(database, files, OLIST, rejects=tmp_path / "bad.csv")
    assert summary.orders == {Outcome.UNCHANGED: 1, Outcome.REJECTED: 1}
    reason = "differs among the 2 rows of this order: delivered and shipped"
    assert [(row["line"], row["reason"]) for row in refused(tmp_path / "bad.csv")] == [("4", reason), ("5", reason)]


async def test_a_number_that_another_order_has(database: str, tmp_path: Path) -> None:
    """The order is there by another hand; the import may not take it over."""
    connection = await db.pool.connect(database)
    await connection.execute(
        """WITH c AS (INSERT INTO channels (code, name, kind, currency)
        VALUES ('generic', 'g', 'STOREFRONT', 'EUR') RETURNING id)
        INSERT INTO orders (channel_id, number, status, currency, placed_at)
        SELECT id, '2', 'PENDING', 'EUR', now() FROM c"""
    )
    await connection.close()
    path = write(tmp_path / "orders.csv", [*GOOD, {**ORDER, "number": "2"}])
    summary = await load(database, [path], rejects=tmp_path / "bad.csv")
    assert landed(summary) == 2
    [row] = refused(tmp_path / "bad.csv")
    assert (row["line"], row["value"]) == ("4", "2")
    assert row["reason"] == "has the number of an order that did not come from it"
    [order] = await rows(database, "SELECT status, version, source FROM orders WHERE number = '2'")
    assert order == {"status": "PENDING", "version": 1, "source": "ordergraph"}


async def test_what_the_store_itself_refuses_costs_that_order_only(database: str, tmp_path: Path) -> None:
    connection = await db.pool.connect(database)
    await connection.execute("ALTER TABLE orders ADD CONSTRAINT no_nines CHECK (number <> '2')")
    await connection.close()
    [row] = await rejected(database, tmp_path, {})
    assert row[4].startswith("is refused by the store: new row for relation")


async def test_without_rejects_the_file_of_before_goes_and_a_strangers_stays(database: str, tmp_path: Path) -> None:
    path = write(tmp_path / "orders.csv", [{**ORDER, "quantity": "x"}])
    summary = await load(database, [path])
    assert summary.rejects == tmp_path / "generic.rejects.csv"
    write(path, [ORDER])
    assert (await load(database, [path])).rejects is None
    assert not (tmp_path / "generic.rejects.csv").exists()
    strange = tmp_path / "mine.csv"
    strange.write_text("my notes\n")
    await load(database, [path], rejects=strange)
    assert strange.read_text() == "my notes\n"


async def test_a_place_where_rejects_cannot_be_written_is_refused_before_anything_is_read(
    database: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "orders.csv", [ORDER])
    for place in (tmp_path, tmp_path / "nowhere" / "bad.csv"):
        with pytest.raises(BadFiles, match="Cannot write rejected rows to"):
            await load(database, [path], rejects=place)
    assert await rows(database, "SELECT FROM orders") == []


async def test_files_of_one_name_are_told_apart_by_their_folders(database: str, tmp_path: Path) -> None:
    paths = []
    for month in ("jan", "feb"):
        (tmp_path / month).mkdir()
        paths.append(write(tmp_path / month / "orders.csv", [{**ORDER, "number": month, "quantity": "x"}]))
    await load(database, paths, rejects=tmp_path / "bad.csv")
    assert [row["file"] for row in refused(tmp_path / "bad.csv")] == [str(path) for path in paths]
