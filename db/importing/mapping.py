"""A mapping, read and checked: which files make which tables, and which columns fill which fields."""

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from decimal import Decimal

from domain.reasons import ChannelKind


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Rows of some files. `key` is the column by which rows are found; `files` are patterns of file names.

    Of an `optional` one the files may be missing, and so may a row that others refer to.
    """

    name: str
    files: tuple[str, ...]
    key: str
    optional: bool
    encoding: str
    delimiter: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column of `table`; an `optional` one may be absent from a file and is then blank."""

    table: str
    name: str
    optional: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """Where a value comes from: the first of `columns` that is not blank, else `value`; and how it is read.

    `words` translates (keys are case-folded), `strip` and `pad` tidy the text, `scale` multiplies numbers.
    """

    columns: tuple[Column, ...]
    value: str | None = None
    words: Mapping[str, str] | None = None
    formats: tuple[str, ...] = ()
    strip: str = ""
    pad: int = 0
    scale: Decimal = Decimal(1)


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """One kind of thing to make from the rows of `table`; `joins` name the column that holds the other table's key."""

    table: str
    fields: Mapping[str, Field]
    joins: Mapping[str, Column]

    def columns(self) -> Iterator[Column]:
        yield from self.joins.values()
        for field in self.fields.values():
            yield from field.columns


@dataclasses.dataclass(frozen=True, slots=True)
class Channel:
    """Where the orders were sold; made when the store has no channel of this code."""

    code: str
    name: str
    kind: ChannelKind


@dataclasses.dataclass(frozen=True)
class ImportMapping:
    """`text` is the mapping as written: two imports are the same only when it and the files are."""

    name: str
    text: bytes
    source: str
    time_zone: str
    currency: str
    blanks: frozenset[str]
    instants: tuple[str, ...]
    days: tuple[str, ...]
    decimal_mark: str
    thousands_mark: str
    channel: Channel
    tables: Mapping[str, Table]
    order: Section
    line: Section | None
    payment: Section | None
    item: Section | None
    location: Section | None
    creates_items: bool

    @functools.cached_property
    def sections(self) -> Mapping[str, Section]:
        every = {name: getattr(self, name) for name in ("order", "line", "payment", "item", "location")}
        return {name: section for name, section in every.items() if section is not None}

    @functools.cached_property
    def columns(self) -> Mapping[str, tuple[Column, ...]]:
        """Of each table the columns that are kept, its key first."""
        kept: dict[str, dict[str, Column]] = {
            name: {table.key: Column(name, table.key, optional=False)} for name, table in self.tables.items()
        }
        for section in self.sections.values():
            for column in section.columns():
                known = kept[column.table].get(column.name)
                if known is None or known.optional:
                    kept[column.table][column.name] = column
        return {name: tuple(columns.values()) for name, columns in kept.items()}

    @functools.cached_property
    def order_tables(self) -> tuple[str, ...]:
        """Tables whose rows belong to one order each."""
        sections = (self.order, self.line, self.payment)
        return tuple(dict.fromkeys(section.table for section in sections if section is not None))

    @functools.cached_property
    def looked_up(self) -> frozenset[str]:
        """Tables that only lend columns to others."""
        return frozenset(self.tables) - {section.table for section in self.sections.values()}

    def in_channel(self, code: str) -> "ImportMapping":
        """The same for another sales channel."""
        return dataclasses.replace(self, channel=dataclasses.replace(self.channel, code=code))
