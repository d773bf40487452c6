"""Rows of a test shop: made by name, so that every test and every run means the same ids."""

import datetime as dt
import uuid
from collections import defaultdict
from typing import Any

from db.pool import Connection
from db.tables import metadata

SPACE = uuid.UUID("0d2f0a6d-0000-4000-8000-6f0c3c9e7d0b")
PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
FUTURE = dt.datetime(2120, 1, 1, tzinfo=dt.UTC)


def uid(*name: object) -> uuid.UUID:
    """The id of the thing with this name."""
    return uuid.uuid5(SPACE, "/".join(map(str, name)))


def at(day: int, hour: float = 9.0) -> dt.datetime:
    """An hour on a day of the shop's first weeks, counted from 1 March 2026."""
    return dt.datetime(2026, 3, 1, tzinfo=dt.UTC) + dt.timedelta(days=day, hours=hour)


class Rows:
    """Rows by table, in the order in which they were added."""

    def __init__(self) -> None:
        self.by_table: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def add(self, table: str, **values: Any) -> None:
        self.by_table[table].append(values)

    async def write(self, connection: Connection) -> None:
        """Columns that a row does not name keep the store's default."""
        for table in metadata.sorted_tables:
            for row in self.by_table[table.name]:
                names = ", ".join(row)
                places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
                await connection.execute(f"INSERT INTO {table.name} ({names}) VALUES ({places})", *row.values())
