"""The rows of one section as values: the fields of a mapping, compiled once and read many times."""

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal

from db.importing import targets, values
from db.importing.mapping import Field, ImportMapping, Section

Joined = Mapping[str, Sequence[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Unforeseen:
    """A word that a lenient field does not know."""

    word: str


@dataclasses.dataclass(frozen=True, slots=True)
class Flaw:
    """Why a row gives no value: what stood in which column, and what is wrong with it."""

    column: str
    value: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Pick:
    """Where a cell is: the joined table (None: the row itself), its place there, and what people call it."""

    table: str | None
    place: int
    label: str


@dataclasses.dataclass(frozen=True, slots=True)
class Reader:
    name: str
    picks: tuple[Pick, ...]
    default: str
    required: bool
    lenient: bool
    reads_blank: bool
    convert: values.Convert

    def text(self, own: Sequence[str], joined: Joined) -> str:
        for pick in self.picks:
            cells = own if pick.table is None else joined.get(pick.table)
            if cells is not None and cells[pick.place]:
                return cells[pick.place]
        return self.default

    @property
    def label(self) -> str:
        return " or ".join(pick.label for pick in self.picks) or self.name


class Cells:
    """Reads the rows of one section."""

    def __init__(self, mapping: ImportMapping, kind: str) -> None:
        self._section = mapping.sections[kind]
        self._places = {
            table: {column.name: place for place, column in enumerate(columns)}
            for table, columns in mapping.columns.items()
        }
        known = targets.SECTIONS[kind]
        self._readers = {
            name: self._reader(name, known[name], field, mapping) for name, field in self._section.fields.items()
        }
        self.joins = {other: self._pick(column.table, column.name) for other, column in self._section.joins.items()}
        self.own = sorted(
            {pick.place for reader in self._readers.values() for pick in reader.picks if pick.table is None}
            | {pick.place for pick in self.joins.values()}
        )

    @property
    def section(self) -> Section:
        return self._section

    def has(self, name: str) -> bool:
        return name in self._readers

    def label(self, place: int) -> str:
        """The column at `place` of the section's own table."""
        return next(name for name, found in self._places[self._section.table].items() if found == place)

    def text(self, name: str, own: Sequence[str], joined: Joined) -> str:
        """What stands there, as it stands; blank when the mapping has no such field."""
        reader = self._readers.get(name)
        return reader.text(own, joined) if reader else ""

    def blank(self, own: Sequence[str]) -> bool:
        """Whether none of the section's own columns, but for the table's key, holds anything."""
        return not any(own[place] for place in self.own if place != 0)

    def read(self, own: Sequence[str], joined: Joined) -> tuple[dict[str, object], list[Flaw]]:
        """All values that are there, and all flaws."""
        found: dict[str, object] = {}
        flaws = []
        for name, reader in self._readers.items():
            text = reader.text(own, joined)
            if not text and not reader.reads_blank:
                if reader.required:
                    flaws.append(Flaw(reader.label, "", f"is blank, and {self._section.table} rows need it"))
                continue
            try:
                found[name] = reader.convert(text)
            except values.UnknownWord as error:
                if reader.lenient:
                    found[name] = Unforeseen(text)
                else:
                    flaws.append(Flaw(reader.label, text, str(error)))
            except values.Refused as error:
                flaws.append(Flaw(reader.label, text, str(error)))
        return found, flaws

    def exact(self, found: dict[str, object], currency: str) -> list[Flaw]:
        """Turn the amounts among `found` into minor units of `currency`, which is known only once the order is."""
        flaws = []
        for name, value in found.items():
            if isinstance(value, Decimal):
                try:
                    found[name] = values.minor_units(value, currency)
                except values.Refused as error:
                    flaws.append(Flaw(self._readers[name].label, str(value), str(error)))
        return flaws

    def _reader(self, name: str, target: targets.Target, field: Field, mapping: ImportMapping) -> Reader:
        return Reader(
            name=name,
            picks=tuple(self._pick(column.table, column.name) for column in field.columns),
            default=field.value or "",
            required=target.required,
            lenient=target.lenient,
            reads_blank=field.words is not None and "" in field.words,
            convert=values.converter(target, field, mapping),
        )

    def _pick(self, table: str, name: str) -> Pick:
        own = table == self._section.table
        return Pick(None if own else table, self._places[table][name], name if own else f"{table}.{name}")
