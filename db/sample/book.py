"""The rows of the sample while they are made: ids that are the same every time, and one COPY per table at the end."""

import uuid
from collections import defaultdict
from typing import Any, TypeAlias

import sqlalchemy as sa

from db.pool import Connection
from db.tables import metadata

Row: TypeAlias = dict[str, Any]
_NAMESPACE = uuid.UUID("6f0c3c9e-7d0b-4b8e-9a55-0d2f0a6d7c11")


class Book:
    """Rows by table. A row may still be changed by whoever added it, until `write`."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._rows: dict[str, list[Row]] = defaultdict(list)

    def id(self, kind: str, *key: object) -> uuid.UUID:
        """The same for the same seed and key, so that a reloaded sample keeps its addresses."""
        return uuid.uuid5(_NAMESPACE, "/".join(map(str, (self._seed, kind, *key))))

    def add(self, table: sa.Table, row: Row) -> Row:
        self._rows[table.name].append(row)
        return row

    def of(self, table: sa.Table) -> list[Row]:
        return self._rows[table.name]

    async def write(self, connection: Connection) -> dict[str, int]:
        """Rows written, by table. Columns that no row of a table names keep the store's default."""
        for table in metadata.sorted_tables:
            if rows := self._rows[table.name]:
                columns = list(dict.fromkeys(column for row in rows for column in row))
                records = [[row.get(column) for column in columns] for row in rows]
                await connection.copy_records_to_table(table.name, records=records, columns=columns)
        return {name: len(rows) for name, rows in self._rows.items() if rows}
