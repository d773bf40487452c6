"""Reads the TOML of a mapping and refuses what is wrong in it, saying where, before any file is opened."""

import re
import tomllib
from importlib import resources
from pathlib import Path

from db.importing import checks, targets
from db.importing.checks import Place
from db.importing.errors import BadMapping
from db.importing.mapping import Channel, Column, Field, ImportMapping, Section, Table
from domain.reasons import ChannelKind

TOP = (
    "source",
    "time_zone",
    "currency",
    "encoding",
    "delimiter",
    "decimal_mark",
    "thousands_mark",
    "blanks",
    "instants",
    "days",
    "channel",
    "tables",
    "words",
    *targets.SECTIONS,
)
JOINING = ("order", "line")
SOURCE = re.compile(r"[a-z][a-z0-9_.-]{0,62}")


def shipped() -> list[str]:
    """The names of the mappings that come with Ordergraph."""
    folder = resources.files("db.importing").joinpath("mappings")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load(name: str) -> ImportMapping:
    """The mapping in the file `name`, or the one shipped under that name."""
    path = Path(name)
    if path.is_file():
        return parse(path.read_bytes(), path.name)
    short = path.name.removesuffix(".toml")
    if path.parent == Path() and short in shipped():
        source = resources.files("db.importing").joinpath("mappings").joinpath(f"{short}.toml")
        return parse(source.read_bytes(), f"{short}.toml")
    raise BadMapping(f"There is no mapping {name}: give the path of a TOML file, or one of {', '.join(shipped())}.")


def parse(text: bytes, name: str) -> ImportMapping:
    try:
        top = Place(name, tomllib.loads(text.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadMapping(f"{name} is no TOML: {error}.") from None
    top.only(TOP)
    tables = _tables(top)
    words = _words(top)
    sections = {kind: _section(top.inside(kind), kind, tables, words) for kind in targets.SECTIONS if kind in top}
    if "order" not in sections:
        top.fail("[order] is missing: it says which table has the orders")
    _check_roles(top, sections, tables)
    line = top.inside("line") if "line" in top else None
    return ImportMapping(
        name=name,
        text=text,
        source=top.text("source", form=SOURCE),
        time_zone=checks.zone(top),
        currency=top.text("currency", form=re.compile(r"[A-Z]{3}")),
        blanks=frozenset(top.texts("blanks", ())),
        instants=checks.formats(top, "instants", ("iso",)),
        days=checks.formats(top, "days", ()),
        decimal_mark=top.text("decimal_mark", ".", form=re.compile(r"[.,]")),
        thousands_mark=top.text("thousands_mark", "", form=re.compile(r"[., '\u00a0\u202f]?")),
        channel=_channel(top.inside("channel")),
        tables=tables,
        order=sections["order"],
        line=sections.get("line"),
        payment=sections.get("payment"),
        item=sections.get("item"),
        location=sections.get("location"),
        creates_items=line is not None and line.flag("creates_items"),
    )


def _channel(place: Place) -> Channel:
    place.only(("code", "name", "kind"))
    code = place.text("code")
    kind = place.text("kind", ChannelKind.STOREFRONT.value)
    if kind not in set(ChannelKind):
        place.fail(f"{kind} is no kind of channel", "kind", choices=ChannelKind)
    return Channel(code, place.text("name", code), ChannelKind(kind))


def _tables(top: Place) -> dict[str, Table]:
    every = top.inside("tables")
    encoding, delimiter = checks.encoding(top, "utf-8"), checks.delimiter(top, None)
    tables = {}
    for name in every.value:
        place = every.inside(name)
        place.only(("files", "key", "optional", "encoding", "delimiter"))
        tables[name] = Table(
            name=name,
            files=place.texts("files"),
            key=place.text("key"),
            optional=place.flag("optional"),
            encoding=checks.encoding(place, encoding),
            delimiter=checks.delimiter(place, delimiter),
        )
    return tables


def _words(top: Place) -> dict[str, dict[str, str]]:
    every = top.inside("words") if "words" in top else Place(top.name, {}, "words")
    found: dict[str, dict[str, str]] = {}
    for name in every.value:
        place = every.inside(name)
        found[name] = {word.strip().casefold(): place.text(word) for word in place.value}
    return found


def _section(place: Place, kind: str, tables: dict[str, Table], words: dict[str, dict[str, str]]) -> Section:
    joining = ("joins",) if kind in JOINING else ()
    place.only(("table", "fields", *joining, *(("creates_items",) if kind == "line" else ())))
    table = place.text("table")
    if table not in tables:
        place.fail(f"there is no table {table}", "table", choices=tables)
    joins = _joins(place, table, tables) if "joins" in place else {}
    fields = place.inside("fields")
    known = targets.SECTIONS[kind]
    fields.only(known)
    for name, target in known.items():
        if target.required and name not in fields:
            fields.fail(f"{name} is missing: say which column holds it")
    made = {name: _field(fields, name, known[name], table, joins, words) for name in fields.value}
    return Section(table, made, joins)


def _joins(place: Place, table: str, tables: dict[str, Table]) -> dict[str, Column]:
    joins = place.inside("joins")
    for other in joins.value:
        if other not in tables or other == table:
            joins.fail(f"there is no other table {other}", other, choices=tables)
    return {other: _column(table, joins.text(other)) for other in joins.value}


def _column(table: str, name: str) -> Column:
    return Column(table, name.removesuffix("?"), optional=name.endswith("?"))


def _field(
    fields: Place,
    name: str,
    target: targets.Target,
    table: str,
    joins: dict[str, Column],
    words: dict[str, dict[str, str]],
) -> Field:
    place = fields.field(name)
    place.only(("column", "value", "words", "formats", "strip", "pad", "scale"))
    if "column" not in place and "value" not in place:
        place.fail("it has neither a column nor a value")
    names = place.texts("column", ())
    chosen = checks.word_list(place, words)
    field = Field(
        columns=tuple(_joined(column, table, joins) for column in names),
        value=place.constant("value"),
        words=chosen,
        formats=checks.formats(place, "formats", ()),
        strip=place.text("strip", ""),
        pad=place.number("pad", 0),
        scale=checks.scale(place),
    )
    checks.legal(place, target, field)
    return field


def _joined(column: str, table: str, joins: dict[str, Column]) -> Column:
    """`customers.city` is a column of the joined table; a dot in a name that is no table's belongs to the name."""
    first, dot, rest = column.partition(".")
    return _column(first, rest) if dot and first in joins else _column(table, column)


def _key_of(section: Section, tables: dict[str, Table]) -> Column:
    return Column(section.table, tables[section.table].key, optional=False)


def _check_roles(top: Place, sections: dict[str, Section], tables: dict[str, Table]) -> None:
    """A row makes one thing, so that it can be counted once; only orders and lines share rows."""
    owners: dict[str, str] = {}
    for kind, section in sections.items():
        owner = owners.setdefault(section.table, kind)
        if owner != kind and {owner, kind} != {"order", "line"}:
            top.fail(f"table {section.table} is used by [{owner}] and by [{kind}]: give each a table of its own")
    for kind, name in (("item", "sku"), ("location", "code")):
        if kind in sections and sections[kind].fields[name].columns[:1] != (_key_of(sections[kind], tables),):
            key = tables[sections[kind].table].key
            top.inside(kind).fail(f"{name} should be the key of table {sections[kind].table}, {key}", "fields")
    for kind, section in sections.items():
        for other in section.joins:
            if owners.get(other) in ("order", "line", "payment"):
                top.inside(kind).fail(f"{other} belongs to [{owners[other]}] and cannot be joined", "joins")
