"""Items and locations of the files into the store: new ones made, those of this source kept up, all others left."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from db.importing import writing
from db.importing.building import blamed
from db.importing.cells import Cells
from db.importing.errors import Problem
from db.importing.ledger import Ledger, Said, digest
from db.importing.mapping import ImportMapping
from db.importing.staging import Outcome, Staging
from db.pool import Connection

Values = dict[str, object]


@dataclasses.dataclass(frozen=True, slots=True)
class Shelf:
    """A table of the catalog: `name` is the column by which everybody knows a thing of it, `blank` what stands in
    columns that may not be null where the row says nothing."""

    kind: str
    table: str
    name: str
    blank: Mapping[str, object]


SHELVES: Final[Mapping[str, Shelf]] = {
    "item": Shelf("ITEM", "items", "sku", {"title": "", "requires_shipping": True}),
    "location": Shelf("LOCATION", "locations", "code", {}),
}


class Catalog:
    """Loads one of SHELVES."""

    def __init__(self, mapping: ImportMapping, section: str) -> None:
        self._cells = Cells(mapping, section)
        self._shelf = SHELVES[section]
        self._ledger = Ledger(mapping.source, "", self._shelf.kind)
        self._defaults = self._shelf.blank if section == "item" else {"time_zone": mapping.time_zone}
        self.part = self._cells.section.table

    async def load(self, connection: Connection, staging: Staging, keys: Sequence[str]) -> None:
        """The things of `keys`, and what became of their rows."""
        rows = await staging.rows([self.part], keys)
        said = await self._ledger.said(connection, keys)
        problems: list[Problem] = []
        told: dict[str, Values] = {}
        for key, several in rows.items():
            values, flaws = self._cells.read(several[0].cells, {})
            problems += blamed(several, flaws)
            if not flaws:
                told[key] = {**self._defaults, **values}
        became = {key: _outcome(said.get(key), _digest(values)) for key, values in told.items()}
        new = {key: told[key] for key, outcome in became.items() if outcome is not Outcome.UNCHANGED}
        for key in await self._write(connection, new, said) if new else ():
            became[key] = Outcome.UNCHANGED
        outcomes = {row.number: outcome for key, outcome in became.items() for row in rows[key]}
        await staging.mark(outcomes, problems)

    async def refuse(self, staging: Staging, key: str, reason: str) -> None:
        """One thing that the store itself refuses."""
        rows = await staging.rows([self.part], [key])
        await staging.mark({}, [Problem(row.number, None, None, reason) for row in rows[key]])

    async def _write(self, connection: Connection, new: Mapping[str, Values], said: Mapping[str, Said]) -> set[str]:
        """Insert or update; the keys left alone, because the thing is there by somebody else's hand."""
        ours = [said[key].entity_id for key in new if key in said]
        found = await connection.fetch(
            self._statement(), orjson.dumps([self._filled(values) for values in new.values()]).decode(), ours
        )
        there = {row["name"]: row["id"] for row in found}
        kept = set(new) - set(there)
        entries = [
            self._ledger.entry(key, there[key], _digest(values)) for key, values in new.items() if key not in kept
        ]
        await writing.write(connection, {"imported": entries}, ())
        return kept

    def _filled(self, values: Mapping[str, object]) -> Values:
        return {name: values.get(name, self._shelf.blank.get(name)) for name in self._columns()}

    def _columns(self) -> list[str]:
        return list(dict.fromkeys([*self._cells.section.fields, *self._defaults]))

    def _statement(self) -> str:
        table, name = self._shelf.table, self._shelf.name
        columns = ", ".join(self._columns())
        news = [f"{column} = excluded.{column}" for column in self._columns() if column != name]
        if self._shelf.kind == "ITEM":
            news.append("updated_at = now()")
        # The names are those of targets.ITEM and targets.LOCATION.
        return (
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb)"  # noqa: S608
            f" ON CONFLICT ({name}) DO UPDATE SET {', '.join(news)} WHERE {table}.id = ANY($2)"
            f" RETURNING id, {name} AS name"
        )


def _outcome(said: Said | None, told: bytes) -> Outcome:
    if said is None:
        return Outcome.LANDED
    return Outcome.UNCHANGED if said.digest == told else Outcome.UPDATED


def _digest(values: Mapping[str, object]) -> bytes:
    return digest(orjson.dumps(values, option=orjson.OPT_SORT_KEYS))
