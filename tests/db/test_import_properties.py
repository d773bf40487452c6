"""Whatever the order of rows and files, the same store; whatever is wrong with a row, it is never lost."""

import csv
import dataclasses
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.importing.mapping import ImportMapping
from db.importing.staging import Outcome
from db.importing.summary import Summary
from tests.db.clones import clone
from tests.db.import_files import (
    GENERIC,
    OLIST,
    ORDER,
    SHOPIFY,
    adds_up,
    content,
    load,
    olist_files,
    refused,
    text,
)
from tests.db.test_import_shipped import SHOPIFY_ROWS

# A database per example: few of them, each looked at closely.
FEW = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
Content = dict[str, list[tuple[Any, ...]]]


def generic_lines() -> list[str]:
    """A header and the rows of twelve orders: of several lines, without any, twice the same, and some refused."""
    rows = []
    for n in range(10):
        order = {
            **ORDER,
            "number": f"N{n}",
            "placed_at": f"2025-03-01 10:{n:02}",
            "customer_email": f"c{n}@example.org",
        }
        rows += [{**order, "sku": f"S{line}", "line_title": f"Title {n}"} for line in range(1 + n % 3)]
    rows.append({"number": "N10", "placed_at": "2025-03-01", "sku": "", "quantity": ""})
    rows += [{**ORDER, "number": "N11", "sku": "S1"}, {"number": "N11", "sku": "S1", "quantity": "2"}]
    rows += [
        {**ORDER, "number": "N12", "quantity": "x"},
        {**ORDER, "number": "N13", "total": "2"},
        {**ORDER, "number": "N13", "total": "1"},
    ]
    return text(rows).splitlines()


@dataclasses.dataclass
class Imported:
    summary: Summary
    content: Content
    refused: list[dict[str, str]]

    def reasons(self) -> list[tuple[str, ...]]:
        """Why rows were refused, but for where they stood."""
        return sorted((row["column"], row["value"], row["reason"].partition(" refused: ")[0]) for row in self.refused)


# What examples are compared with, imported once.
PLAIN: dict[str, Imported] = {}


async def plainly(postgres: str, template: str, files: dict[str, str], mapping: ImportMapping) -> Imported:
    """As `imported`, with the rows as they are written down here."""
    key = repr(sorted(files.items()))
    if key not in PLAIN:
        PLAIN[key] = await imported(postgres, template, files, mapping)
    return PLAIN[key]


async def imported(postgres: str, template: str, files: dict[str, str], mapping: ImportMapping) -> Imported:
    """What files of these names and contents lead to in an empty store."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, made in files.items():
            paths.append(Path(folder) / name)
            paths[-1].write_bytes(made.encode())
        async with clone(postgres, template) as database:
            summary = await load(database, paths, mapping, rejects=Path(folder) / "bad.csv")
            assert adds_up(summary)
            found = refused(summary.rejects) if summary.rejects else []
            assert len(found) == summary.rows(outcome=Outcome.REJECTED)
            return Imported(summary, await content(database), found)


@st.composite
def shuffled(draw: st.DrawFn, name: str, lines: Sequence[str]) -> dict[str, str]:
    """The same rows in any order, in one to three files."""
    head, *rows = lines
    order = draw(st.permutations(rows))
    cuts = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=2)))
    parts = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    return {f"{name}_{n}.csv": "\n".join([head, *part]) + "\n" for n, part in enumerate(parts)}


def same(one: Imported, other: Imported) -> bool:
    return (one.content, one.reasons(), one.summary.orders) == (other.content, other.reasons(), other.summary.orders)


@FEW
@given(data=st.data())
async def test_rows_of_one_table_in_any_order_and_any_files(postgres: str, template: str, data: st.DataObject) -> None:
    lines = generic_lines()
    plain = await plainly(postgres, template, {"orders.csv": "\n".join(lines) + "\n"}, GENERIC)
    assert plain.summary.orders == {Outcome.LANDED: 12, Outcome.REJECTED: 2}
    assert same(await imported(postgres, template, data.draw(shuffled("orders", lines)), GENERIC), plain)


@FEW
@given(files=shuffled("orders_export", text(SHOPIFY_ROWS).splitlines()))
async def test_shopifys_first_rows_need_not_be_first(postgres: str, template: str, files: dict[str, str]) -> None:
    plain = await plainly(postgres, template, {"orders_export.csv": text(SHOPIFY_ROWS)}, SHOPIFY)
    assert plain.summary.orders == {Outcome.LANDED: 3}
    assert same(await imported(postgres, template, files, SHOPIFY), plain)


def olist_lines() -> dict[str, list[str]]:
    """Olist's six files with three orders in them."""
    with tempfile.TemporaryDirectory() as folder:
        made = {path.stem: path.read_text(encoding="utf-8").splitlines() for path in olist_files(Path(folder))}
    for name, lines in made.items():
        if name.split("_")[1] in ("orders", "order", "customers"):
            more = [line.replace("o1,", f"{n},", 1).replace("c1", f"c{n}") for n in (8, 9) for line in lines[1:]]
            lines += more
    return made


@FEW
@given(data=st.data())
async def test_joined_tables_in_any_order_and_any_files(postgres: str, template: str, data: st.DataObject) -> None:
    every = olist_lines()
    plain = await plainly(
        postgres, template, {f"{name}.csv": "\n".join(lines) + "\n" for name, lines in every.items()}, OLIST
    )
    assert plain.summary.orders == {Outcome.LANDED: 3}
    files: dict[str, str] = {}
    for name, lines in every.items():
        files |= data.draw(shuffled(name, lines))
    assert same(await imported(postgres, template, files, OLIST), plain)


TRICKY = st.sampled_from(
    ['"', '""', ",", "\n", "\r\n", "\x00", "'", "\t", " ", "\ufeff", "N1", "-", "é", "\u2028", "0"]
)
ANY = st.one_of(TRICKY, st.text(max_size=8))


def own(found: Content, number: str) -> Content:
    """What the store holds of one order."""
    at = {"orders": 1, "imported": 3}
    tables = ("orders", "order_lines", "promises", "shipments", "journal", "imported")
    return {table: [row for row in found[table] if row[at.get(table, 0)] == number] for table in tables}


@settings(FEW, max_examples=25)
@given(data=st.data())
async def test_a_row_with_anything_wrong_in_it_is_exactly_there_or_refused_and_costs_no_other(
    postgres: str, template: str, data: st.DataObject
) -> None:
    lines = [line for line in generic_lines() if not line.startswith(("N12", "N13"))]
    plain = await plainly(postgres, template, {"orders.csv": "\n".join(lines) + "\n"}, GENERIC)
    place = data.draw(st.integers(1, len(lines) - 1))
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(lines[place]))] * 2)))
    bad = lines[place][:first] + data.draw(ANY) + lines[place][last:]
    broken = "\n".join([*lines[:place], bad, *lines[place + 1 :]]) + "\n"
    found = await imported(postgres, template, {"orders.csv": broken}, GENERIC)
    refused_at = {int(row["line"]) for row in found.refused}
    touched = {lines[place].split(",")[0], *(row[0].strip() for row in records(bad) if row)}
    for other, line in enumerate(lines):
        number = line.split(",")[0]
        if other and number not in touched:
            assert own(found.content, number) == own(plain.content, number)
            assert other + 1 + (added(bad) if other > place else 0) not in refused_at
    if bad.strip() and not refused_at & set(range(place + 1, place + 2 + added(bad))):
        [row] = records(bad)
        cells = {name: cell.strip() for name, cell in zip(lines[0].split(","), row, strict=True)}
        assert cells["number"] in {order[1] for order in found.content["orders"]}
        if cells["sku"]:
            there = {(row[0], row[2], row[5]) for row in found.content["order_lines"]}
            assert (cells["number"], cells["sku"], int(cells["quantity"])) in there


def records(bad: str) -> list[list[str]]:
    """The bad row as another reader of CSV takes it."""
    try:
        return [row for row in csv.reader(io.StringIO(bad, newline=""), strict=True) if row]
    except csv.Error:
        return []


def added(bad: str) -> int:
    """Line ends within the row, which move what follows."""
    return bad.count("\n") + bad.count("\r") - bad.count("\r\n")
