"""CSV as a stream: what is broken costs its own line, and says which."""

from pathlib import Path

import pytest

from db.importing.errors import BadFiles
from db.importing.inputs import open_all
from db.importing.mapping import Column, Table
from db.importing.reading import LINES_OF_A_RECORD, LONGEST_LINE, Record, Source
from tests.db.import_files import GENERIC, OLIST, SHOPIFY

COLUMNS = (Column("t", "id", False), Column("t", "name", False), Column("t", "note", True))


def source(
    tmp_path: Path,
    content: str | bytes,
    *,
    name: str = "t.csv",
    encoding: str = "utf-8-sig",
    delimiter: str | None = None,
) -> Source:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Source(path, Table("t", ("*",), "id", False, encoding, delimiter), COLUMNS)


def good(found: Source) -> list[tuple[int, list[str] | None]]:
    return [(record.line, record.cells) for record in found.records()]


def test_cells_come_in_the_order_of_the_kept_columns_and_others_are_left_out(tmp_path: Path) -> None:
    found = source(tmp_path, "note,x,name,id\nfine,0,Ada,1\n,0,Bob,2\n")
    assert good(found) == [(2, ["1", "Ada", "fine"]), (3, ["2", "Bob", ""])]


def test_a_column_that_may_be_missing_is_blank_and_one_that_may_not_is_refused(tmp_path: Path) -> None:
    assert good(source(tmp_path, "id,name\n1,Ada\n")) == [(2, ["1", "Ada", ""])]
    with pytest.raises(BadFiles, match=r"has no column name, which the mapping reads for table t. It has: id, note"):
        list(source(tmp_path, "id,note\n1,x\n").records())


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "no line with the names"),
        ("id,name,name\n", "has 2 columns name"),
        ('id,"name\n', "no line with the names"),
    ],
)
def test_a_header_that_cannot_be_read_is_refused(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(BadFiles, match=message):
        source(tmp_path, header).header()


def test_the_name_of_the_file_tells_tabs_from_commas(tmp_path: Path) -> None:
    assert good(source(tmp_path, "id\tname\n1\tA,B\n", name="t.tsv")) == [(2, ["1", "A,B", ""])]
    assert good(source(tmp_path, "id;name\n1;A,B\n", delimiter=";")) == [(2, ["1", "A,B", ""])]


def test_byte_order_mark_line_ends_blank_lines_and_a_last_line_without_end(tmp_path: Path) -> None:
    found = source(tmp_path, b"\xef\xbb\xbfid,name\r\n1,Ada\r\n\r\n2,Bob")
    assert good(found) == [(2, ["1", "Ada", ""]), (4, ["2", "Bob", ""])]
    assert good(source(tmp_path, b"id,name\r1,Ada\r2,Bob\r")) == [(2, ["1", "Ada", ""]), (3, ["2", "Bob", ""])]


def test_a_quoted_field_may_hold_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    found = source(tmp_path, 'id,name\n1,"Ada, ""the"" first\nof her name"\n2,Bob\n')
    assert good(found) == [(2, ["1", 'Ada, "the" first\nof her name', ""]), (4, ["2", "Bob", ""])]


def test_a_ragged_row_is_broken_and_keeps_its_key(tmp_path: Path) -> None:
    first, second, third = source(tmp_path, "id,name\n1,Ada,more\n2\n3,Cy\n").records()
    assert first == Record(2, "1", None, "has 3 fields where the header has 2", "1,Ada,more")
    assert second == Record(3, "2", None, "has 1 fields where the header has 2", "2")
    assert (third.line, third.cells) == (4, ["3", "Cy", ""])


@pytest.mark.parametrize("rest", ['2,Bob\n3,"Cy"\n4,Di\n', "2,Bob\n3,Cy\n4,Di\n"])
def test_a_quote_that_is_never_closed_costs_its_own_line_only(tmp_path: Path, rest: str) -> None:
    broken, *others = source(tmp_path, f'id,name\n1,"Ada\n{rest}').records()
    assert (broken.line, broken.raw) == (2, '1,"Ada')
    assert broken.broken == "has a quote that is not closed where it should be"
    assert [(record.line, record.cells) for record in others] == [
        (3, ["2", "Bob", ""]),
        (4, ["3", "Cy", ""]),
        (5, ["4", "Di", ""]),
    ]


def test_a_field_of_very_many_lines_is_taken_for_an_unclosed_quote(tmp_path: Path) -> None:
    lines = "x\n" * LINES_OF_A_RECORD
    broken, *others = source(tmp_path, f'id,name\n1,"{lines}"\n2,Bob\n').records()
    assert broken.cells is None
    assert others[-1].cells == ["2", "Bob", ""]


def test_a_quote_within_an_unquoted_field_is_a_quote(tmp_path: Path) -> None:
    assert good(source(tmp_path, 'id,name\n1,5" pipe\n2,Bob\n')) == [(2, ["1", '5" pipe', ""]), (3, ["2", "Bob", ""])]


def test_bytes_that_are_no_text_are_refused_where_they_are_read_and_only_there(tmp_path: Path) -> None:
    first, second, third = source(tmp_path, b"id,name,x\n1,Caf\xe9,\n2,Bob,\xe9\n3,\x00,\n").records()
    assert first == Record(
        2, "1", None, "has bytes that are no text in the encoding of the mapping, or a zero byte", "1,Caf\\xe9,"
    )
    assert second.cells == ["2", "Bob", ""]
    assert third.cells is None


def test_other_encodings(tmp_path: Path) -> None:
    assert good(source(tmp_path, "id,name\n1,Café\n".encode("cp1252"), encoding="cp1252")) == [(2, ["1", "Café", ""])]
    assert good(source(tmp_path, "id,name\n1,Café\n".encode("utf-16"), encoding="utf-16")) == [(2, ["1", "Café", ""])]


def test_what_stands_for_nothing_is_blank(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,name,note\n1,NULL,x\nNULL,Bob,-\n")
    known, unknown = Source(
        path, Table("t", ("*",), "id", False, "utf-8", None), COLUMNS, frozenset({"NULL"})
    ).records()
    assert known.cells == ["1", "", "x"]
    assert unknown.broken == "has nothing in the column that is its key"


def test_a_row_without_its_key_is_broken(tmp_path: Path) -> None:
    blank, long = source(tmp_path, f"id,name\n ,Ada\n{'9' * 256},Bob\n").records()
    assert (blank.key, blank.broken) == (None, "has nothing in the column that is its key")
    assert long.broken == "has a key of more than 255 characters"


def test_a_line_without_end_is_read_in_pieces(tmp_path: Path) -> None:
    first, *others = source(tmp_path, "id,name\n1," + "x" * (2 * LONGEST_LINE) + "\n").records()
    assert first.cells is None
    assert all(record.cells is None for record in others)


def test_files_are_matched_to_tables_by_name_and_folders_by_their_files(tmp_path: Path) -> None:
    for name in ("orders_2025.csv", "ORDERS.TSV", "items.csv", "generic.rejects.csv", "notes.md"):
        (tmp_path / name).write_text(
            "number,placed_at,sku,quantity,code,country\n".replace(",", "\t" if "TSV" in name else ",")
        )
    found = open_all(GENERIC, [tmp_path])
    assert [(one.path.name, one.table.name) for one in found.sources] == [
        ("ORDERS.TSV", "orders"),
        ("items.csv", "items"),
        ("orders_2025.csv", "orders"),
    ]


def test_files_that_do_not_fit_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    orders, notes = tmp_path / "orders.csv", tmp_path / "notes.csv"
    for path in (orders, notes):
        path.write_text("number,placed_at,sku,quantity\n")
    with pytest.raises(BadFiles, match=r"notes.csv is no table of generic.toml by its name: orders = orders\*"):
        open_all(GENERIC, [orders, notes])
    with pytest.raises(BadFiles, match="is given twice"):
        open_all(GENERIC, [orders, tmp_path])
    with pytest.raises(BadFiles, match="There is no file"):
        open_all(GENERIC, [tmp_path / "orders_2.csv"])
    with pytest.raises(BadFiles, match=r"No file for table orders of olist.toml: give one whose name matches"):
        open_all(OLIST, [])
    with pytest.raises(BadFiles, match="has no column Name, which"):
        open_all(SHOPIFY, [orders])


def test_the_fingerprint_tells_other_content_and_other_mappings_apart(tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text("number,placed_at,sku,quantity\n")
    first = open_all(GENERIC, [orders]).fingerprint
    assert open_all(GENERIC, [orders]).fingerprint == first
    orders.write_text("number,placed_at,sku,quantity\n1,2025-01-01,A,1\n")
    assert open_all(GENERIC, [orders]).fingerprint != first
