"""Whole tables in memory, for the oracle."""

import datetime as dt
import uuid
from dataclasses import dataclass, field
from typing import Any

from db.tables import metadata
from tests.resolvers.shop import Shop

Row = dict[str, Any]


@dataclass(frozen=True)
class World:
    """`now` decides what has passed; `asked_at` is the instant that computed answers carry."""

    tables: dict[str, list[Row]]
    now: dt.datetime
    asked_at: dt.datetime
    found: dict[tuple[str, ...], dict[tuple[Any, ...], list[Row]]] = field(default_factory=dict)

    def all(self, table: str, **wanted: Any) -> list[Row]:
        names = (table, *wanted)
        if names not in self.found:
            by_values = self.found.setdefault(names, {})
            for row in self.tables[table]:
                by_values.setdefault(tuple(row[name] for name in wanted), []).append(row)
        return self.found[names].get(tuple(wanted.values()), [])

    def maybe(self, table: str, **wanted: Any) -> Row | None:
        found = self.all(table, **wanted)
        assert len(found) < 2, f"{table} has {len(found)} rows for {wanted}"
        return found[0] if found else None

    def one(self, table: str, **wanted: Any) -> Row:
        found = self.maybe(table, **wanted)
        assert found is not None, f"{table} has no row for {wanted}"
        return found

    def by_id(self, table: str, text: str) -> Row | None:
        try:
            return self.maybe(table, id=uuid.UUID(text))
        except ValueError:
            return None


async def read(shop: Shop, asked_at: dt.datetime) -> World:
    tables = {table.name: await shop.rows(table.name) for table in metadata.sorted_tables}
    return World(tables, dt.datetime.now(dt.UTC), asked_at)
