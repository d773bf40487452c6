"""Which file is which table, by its name; and the fingerprint by which an interrupted import is known again."""

import dataclasses
import fnmatch
import hashlib
from collections.abc import Sequence
from pathlib import Path

from db.importing.errors import BadFiles
from db.importing.mapping import ImportMapping, Table
from db.importing.reading import Source

# Ours, and no input when a whole folder is given.
REJECTS_SUFFIX = ".rejects.csv"
SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".txt"})


@dataclasses.dataclass(frozen=True, slots=True)
class Inputs:
    """The files in the order given, and their size together."""

    sources: tuple[Source, ...]
    size: int
    fingerprint: str

    @property
    def names(self) -> list[str]:
        """What the files are called to people: with their folders only where two have one name."""
        short = [source.path.name for source in self.sources]
        return [
            name if short.count(name) == 1 else str(source.path)
            for name, source in zip(short, self.sources, strict=True)
        ]


def open_all(mapping: ImportMapping, paths: Sequence[Path]) -> Inputs:
    """Match each file to a table and check its header; BadFiles says which does not fit. A folder stands for the
    files in it that fit."""
    chosen = [(path, table) for given in paths for path, table in _matched(mapping, given)]
    if twice := {path for path, _ in chosen if [other for other, _ in chosen].count(path) > 1}:
        raise BadFiles(f"{', '.join(map(str, sorted(twice)))} is given twice: name it once.")
    present = {table.name for _, table in chosen}
    for table in mapping.tables.values():
        if table.name not in present and not table.optional:
            patterns = ", ".join(table.files)
            raise BadFiles(f"No file for table {table.name} of {mapping.name}: give one whose name matches {patterns}.")
    sources = tuple(Source(path, table, mapping.columns[table.name], mapping.blanks) for path, table in chosen)
    try:
        for source in sources:
            source.header()
        return Inputs(sources, sum(path.stat().st_size for path, _ in chosen), _fingerprint(mapping, sources))
    except OSError as error:
        raise BadFiles(f"Cannot read {error.filename}: {error.strerror}.") from error


def _matched(mapping: ImportMapping, given: Path) -> list[tuple[Path, Table]]:
    if given.is_dir():
        every = sorted(path for path in given.iterdir() if path.suffix.lower() in SUFFIXES)
        inside = [path for path in every if not path.name.endswith(REJECTS_SUFFIX)]
        found = [(path, table) for path in inside for table in _tables(mapping, path)[:1]]
        if not found:
            raise BadFiles(f"No file in {given} has a name that {mapping.name} knows: {_patterns(mapping)}.")
        return found
    if not given.is_file():
        raise BadFiles(f"There is no file {given}.")
    tables = _tables(mapping, given)
    if not tables:
        raise BadFiles(f"{given} is no table of {mapping.name} by its name: {_patterns(mapping)}.")
    if len(tables) > 1:
        raise BadFiles(f"{given} could be {' or '.join(table.name for table in tables)} by its name: rename it.")
    return [(given, tables[0])]


def _tables(mapping: ImportMapping, path: Path) -> list[Table]:
    name = path.name.casefold()
    return [
        table
        for table in mapping.tables.values()
        if any(fnmatch.fnmatchcase(name, pattern.casefold()) for pattern in table.files)
    ]


def _patterns(mapping: ImportMapping) -> str:
    return "; ".join(f"{table.name} = {', '.join(table.files)}" for table in mapping.tables.values())


def _fingerprint(mapping: ImportMapping, sources: Sequence[Source]) -> str:
    told = hashlib.sha256(mapping.text)
    for source in sources:
        with source.path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        told.update(f"\n{source.table.name} {source.path} {content}".encode(errors="surrogateescape"))
    return told.hexdigest()
