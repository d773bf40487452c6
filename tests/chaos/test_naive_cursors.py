"""The mutation check: the invariants catch the naive cursor and `(xid, id)` at interleavings that open transactions
force, and pass the product's mover at the very same ones. What is read is read by the product from the log."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

import db.pool
import db.stream
from db.pool import Pool
from tests.chaos import faults, movers, suite
from tests.chaos.movers import Mover
from tests.chaos.recording import Joined, Place, Recording, Told, Truth
from tests.chaos.writers import CHANGE

ORDERS = """
INSERT INTO channels (code, name, kind, currency) VALUES ('web', 'Web', 'STOREFRONT', 'EUR');
INSERT INTO orders (channel_id, number, status, currency, placed_at)
SELECT id, number, 'CONFIRMED', 'EUR', now() FROM channels, unnest('{A,B}'::text[]) number;
"""


class Reader:
    """A client of the log: after each move it reads what lies behind its cursor, as every gateway does."""

    def __init__(self, pool: Pool, mover: Mover) -> None:
        self.pool = pool
        self.mover = mover
        self.position = 0
        self.recording = Recording("reader", None, [Joined(Place("e", 0))])

    async def move_and_read(self) -> None:
        async with self.pool.acquire() as connection:
            await self.mover(connection)
            for row in await db.stream.read(connection, self.position, 100):
                self.position = row["pos"]
                event = await connection.fetchval("SELECT event_id::text FROM journal WHERE id = $1", row["journal_id"])
                self.recording.items.append(
                    Told(
                        Place("e", row["pos"]), event, str(row["order_id"]), row["version"], "STATUS_CHANGED",
                        row["version"],
                    )
                )  # fmt: skip


@contextlib.asynccontextmanager
async def open_change(dsn: str, number: str, event: str) -> AsyncIterator[Any]:
    """A transaction that has changed an order and waits; it commits at the end of the block."""
    connection = await db.pool.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(CHANGE, number, event)
            yield connection
    finally:
        await connection.close()


async def late_commit(dsn: str, pool: Pool, reader: Reader) -> None:
    """The lower number is committed after the higher one was read."""
    async with open_change(dsn, "A", "slow"):
        await pool.execute(CHANGE, "B", "quick")
        await reader.move_and_read()
    await reader.move_and_read()


async def old_transaction_writes_last(dsn: str, pool: Pool, reader: Reader) -> None:
    """A transaction that began early changes an order after a younger one did."""
    async with open_change(dsn, "B", "slow") as old:
        await pool.execute(CHANGE, "A", "quick")
        await reader.move_and_read()
        await old.execute(CHANGE, "A", "last")
    await reader.move_and_read()


Interleaving = Callable[[str, Pool, Reader], Awaitable[None]]


async def problems(dsn: str, pool: Pool, mover: Mover, interleaving: Interleaving) -> set[str]:
    """The invariants that are broken."""
    await pool.execute(ORDERS)
    reader = Reader(pool, mover)
    await interleaving(dsn, pool, reader)
    log = await pool.fetch(suite.LOG)
    orders = await pool.fetch("SELECT id::text, version FROM orders WHERE version > 1")
    events = await pool.fetch("SELECT source_event_id FROM journal")
    truth = Truth(
        entries=[faults.entry(dict(row)) for row in log],
        versions={row["id"]: row["version"] for row in orders},
        customers={row["id"]: None for row in orders},
        acknowledged={row["source_event_id"] for row in events},
    )
    assert len(truth.acknowledged) >= 2
    return {problem[:2] for problem in suite.judged([reader.recording], truth)}


@pytest.mark.parametrize("interleaving", [late_commit, old_transaction_writes_last])
async def test_the_relay_passes(database: str, pool: Pool, interleaving: Interleaving) -> None:
    assert await problems(database, pool, movers.relay, interleaving) == set()


async def test_the_suite_catches_the_naive_cursor(database: str, pool: Pool) -> None:
    assert await problems(database, pool, movers.by_sequence, late_commit) == {"I1", "I7"}


async def test_the_suite_catches_transaction_order(database: str, pool: Pool) -> None:
    assert await problems(database, pool, movers.by_transaction, old_transaction_writes_last) == {"I2"}
