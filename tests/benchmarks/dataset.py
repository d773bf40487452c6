"""A store of any size for measurements, made by SQL on the server: all orders have one shape, and no two are alike.

An order has three lines, two parcels with three and two of them, three scans per parcel, four journal entries and two
promises. The older it is the further it has come. Ids follow from the number: `order_id(7)` is the seventh order's.
"""

import hashlib
import time
import uuid
from collections.abc import Sequence

from db.pool import Connection
from tests.benchmarks import dataset_catalog, dataset_orders

CHUNK = 50_000
# Filled here; their constraints and indexes are taken down for it, which is faster and checks everything at the end.
TABLES = (
    "orders",
    "order_lines",
    "shipments",
    "shipment_lines",
    "tracking_events",
    "promises",
    "journal",
)
CONSTRAINTS = """
SELECT conrelid::regclass::text AS "table", conname AS name, contype::text AS type,
       pg_get_constraintdef(oid) AS definition
FROM pg_constraint
WHERE contype IN ('p', 'u', 'f') AND (conrelid::regclass::text = ANY($1) OR confrelid::regclass::text = ANY($1))
ORDER BY contype = 'f', conname
"""
INDEXES = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index
WHERE indrelid::regclass::text = ANY($1)
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
ORDER BY 1
"""


def order_id(number: int) -> uuid.UUID:
    """The id of the order with that number, 1 for the oldest."""
    return uuid.UUID(hashlib.md5(f"order {number}".encode(), usedforsecurity=False).hexdigest())


async def load(connection: Connection, orders: int) -> None:
    """Fill an empty, migrated store. Needs a superuser, for the triggers are off meanwhile.

    The journal is what a store has whose stream was read long ago: nothing waits in the outbox, the log is empty.
    """
    progress = _Progress(orders)
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
        await connection.execute("SET LOCAL work_mem = '64MB'")
        await connection.execute("SET LOCAL synchronous_commit = off")
        await _run(connection, dataset_catalog.STATEMENTS)
        rebuild = await _take_down(connection)
        await _fill(connection, orders, progress)
        for statement in rebuild:
            await connection.execute(statement)
            progress.step(statement)
    await connection.execute("ANALYZE")
    progress.done()


async def _fill(connection: Connection, orders: int, progress: "_Progress") -> None:
    for first in range(1, orders + 1, CHUNK):
        last = min(first + CHUNK - 1, orders)
        await connection.execute(dataset_orders.BATCH.format(first=first, last=last, orders=orders))
        await _run(connection, dataset_orders.STATEMENTS)
        progress.loaded(last)
    await connection.execute("DROP TABLE batch")


async def _run(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        await connection.execute(statement)


async def _take_down(connection: Connection) -> list[str]:
    """Drop what slows inserts down; the statements that bring it back, in their order."""
    indexes = await connection.fetch(INDEXES, TABLES)
    constraints = await connection.fetch(CONSTRAINTS, TABLES)
    for row in reversed(constraints):
        await connection.execute(f"ALTER TABLE {row['table']} DROP CONSTRAINT {row['name']}")
    for row in indexes:
        await connection.execute(f"DROP INDEX {row['name']}")
    keys = [_added(row["table"], row["name"], row["definition"]) for row in constraints if row["type"] != "f"]
    references = [_added(row["table"], row["name"], row["definition"]) for row in constraints if row["type"] == "f"]
    return [*keys, *(row["definition"] for row in indexes), *references]


def _added(table: str, name: str, definition: str) -> str:
    return f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"


class _Progress:
    """Says now and then how far it is; silent for small sets."""

    def __init__(self, orders: int) -> None:
        self._orders = orders
        self._began = self._said = time.monotonic()

    def loaded(self, number: int) -> None:
        self._say(f"{number:,} of {self._orders:,} orders")

    def step(self, statement: str) -> None:
        self._say(statement[:100])

    def done(self) -> None:
        self._say("done")

    def _say(self, what: str) -> None:
        now = time.monotonic()
        if now - self._said > 5:
            self._said = now
            print(f"  {now - self._began:6.1f} s  {what}", flush=True)
