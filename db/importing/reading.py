"""CSV and TSV as a stream of records, each with its line; what cannot be read is a broken record, not the end.

A quote that is never closed would swallow the rest of the file. Here it costs its own line only: reading goes on with
the line after it.
"""

import collections
import csv
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from db.importing.errors import BadFiles
from db.importing.mapping import Column, Table

# A field with more line breaks than this is taken for a quote that was never closed.
LINES_OF_A_RECORD = 1_000
# Longer lines are read in pieces, each refused, so that a file without line ends does not fill the memory.
LONGEST_LINE = 1 << 20
SEPARATORS = {".tsv": "\t", ".tab": "\t"}
KEY_LENGTH = 255
RAW_LENGTH = 200
# Bytes that could not be decoded stand as lone surrogates; a zero byte is no text to PostgreSQL.
_UNSTORABLE = re.compile("[\ud800-\udfff\x00]")


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One row as it stands in the file: cells in the order of the kept columns; `broken` says why it is refused."""

    line: int
    key: str | None
    cells: list[str] | None
    broken: str | None = None
    raw: str | None = None


class Source:
    """One file of a table; `read` is how many bytes are behind us. Cells of `blanks` are read as blank."""

    def __init__(
        self, path: Path, table: Table, columns: tuple[Column, ...], blanks: frozenset[str] = frozenset()
    ) -> None:
        self.path = path
        self.table = table
        self.columns = columns
        self.blanks = blanks
        self.read = 0
        self.delimiter = table.delimiter or SEPARATORS.get(path.suffix.lower(), ",")

    def header(self) -> list[str]:
        """The names of the columns; BadFiles when one that is needed is missing or one stands there twice."""
        with self._opened() as text:
            found = next(self._split(text), None)
        if found is None or found[1] is None:
            raise BadFiles(f"{self.path} has no line with the names of its columns.")
        names = [name.strip() for name in found[1]]
        for column in self.columns:
            if names.count(column.name) > 1:
                raise BadFiles(f"{self.path} has {names.count(column.name)} columns {column.name}: rename all but one.")
            if column.name not in names and not column.optional:
                raise BadFiles(
                    f"{self.path} has no column {column.name}, which the mapping reads for table {self.table.name}. "
                    f"It has: {', '.join(names)}."
                )
        return names

    def records(self) -> Iterator[Record]:
        """All rows below the header."""
        names = self.header()
        places = [names.index(column.name) if column.name in names else None for column in self.columns]
        with self._opened() as text:
            rows = self._split(text, len(names))
            next(rows)
            for line, cells, raw in rows:
                if cells is None:
                    yield Record(line, None, None, "has a quote that is not closed where it should be", _shown(raw))
                elif cells:
                    yield self._record(line, cells, places, len(names))

    def _opened(self) -> TextIO:
        return self.path.open(encoding=self.table.encoding, errors="surrogateescape", newline="")

    def _split(self, text: TextIO, width: int = 0) -> Iterator[tuple[int, list[str] | None, str]]:
        """Line, cells (None: no CSV) and raw text of each record."""
        waiting: collections.deque[str] = collections.deque()
        line = 1
        while True:
            record, cells = self._next(text, waiting, width)
            if not record:
                return
            self.read = text.buffer.tell()
            yield line, cells, record
            line += _lines(record)

    def _next(self, text: TextIO, waiting: collections.deque[str], width: int) -> tuple[str, list[str] | None]:
        """The next record, of as many lines as its quotes need; `waiting` holds lines read in vain."""
        record = _line(text, waiting)
        taken = [record]
        cells, complete = self._parse(record)
        while not complete and len(taken) < LINES_OF_A_RECORD and (more := _line(text, waiting)):
            taken.append(more)
            if '"' in more:
                record = "".join(taken)
                cells, complete = self._parse(record)
        if len(taken) > 1 and (cells is None or (width and len(cells) != width)):
            waiting.extendleft(reversed(taken[1:]))
            return taken[0], None
        return record, cells

    def _parse(self, record: str) -> tuple[list[str] | None, bool]:
        """The cells, and whether more lines could not mend what is wrong."""
        try:
            return next(csv.reader((record,), delimiter=self.delimiter, strict=True), []), True
        except csv.Error as error:
            return None, "unexpected end of data" not in str(error)

    def _record(self, line: int, cells: list[str], places: list[int | None], width: int) -> Record:
        stripped = [cells[place].strip() if place is not None and place < len(cells) else "" for place in places]
        kept = ["" if cell in self.blanks else cell for cell in stripped] if self.blanks else stripped
        broken = _broken(kept, len(cells), width)
        if broken is None:
            return Record(line, kept[0], kept)
        # The order that a row of too many fields seems to belong to must not land without it.
        key = None if _UNSTORABLE.search(kept[0]) else kept[0][:KEY_LENGTH] or None
        return Record(line, key, None, broken, _shown(",".join(cells)))


def _line(text: TextIO, waiting: collections.deque[str]) -> str:
    return waiting.popleft() if waiting else text.readline(LONGEST_LINE)


def _lines(record: str) -> int:
    return max(1, record.count("\n") or record.count("\r"))


def _broken(kept: list[str], found: int, width: int) -> str | None:
    if found != width:
        return f"has {found} fields where the header has {width}"
    if any(map(_UNSTORABLE.search, kept)):
        return "has bytes that are no text in the encoding of the mapping, or a zero byte"
    if not kept[0]:
        return "has nothing in the column that is its key"
    return f"has a key of more than {KEY_LENGTH} characters" if len(kept[0]) > KEY_LENGTH else None


def _shown(raw: str) -> str:
    """The beginning of what stood there, with what is no text written out."""
    return _UNSTORABLE.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", raw.rstrip("\r\n")[:RAW_LENGTH])
