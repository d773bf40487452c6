"""The relay on real PostgreSQL: positions without gaps, per-order order, whoever dies."""

import asyncio
import contextlib
import random
import uuid

import asyncpg

import db.pool
import db.stream
from events.relay import Relay

INSERT = """
INSERT INTO journal (entity, entity_id, order_id, version, type, source, actor, occurred_at)
VALUES ('ORDER', $1, $1, $2, 'STATUS_CHANGED', 'test', 'test', now())
"""


async def write(pool: db.pool.Pool, order: uuid.UUID, version: int) -> None:
    await pool.execute(INSERT, order, version)


async def positions(pool: db.pool.Pool) -> list[int]:
    return [row["pos"] for row in await pool.fetch("SELECT pos FROM event_log ORDER BY pos")]


async def test_move_stamps_positions_without_gaps_in_journal_order(pool: db.pool.Pool) -> None:
    order = uuid.uuid4()
    for version in range(1, 6):
        await write(pool, order, version)
    async with pool.acquire() as connection:
        assert await db.stream.move(connection, 3) == (3, 3)
        assert await db.stream.move(connection, 3) == (2, 5)
        assert await db.stream.move(connection, 3) == (0, 0)
        entries = await db.stream.read(connection, 0, 10)
    assert [(entry["pos"], entry["version"]) for entry in entries] == [(n, n) for n in range(1, 6)]
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 0
    assert await pool.fetchval("SELECT last_pos FROM stream_meta") == 5


async def test_an_uncommitted_change_has_no_position_and_blocks_nobody(pool: db.pool.Pool, database: str) -> None:
    slow, quick = uuid.uuid4(), uuid.uuid4()
    late = await asyncpg.connect(database)
    transaction = late.transaction()
    await transaction.start()
    await late.execute(INSERT, slow, 1)
    await write(pool, quick, 1)
    async with pool.acquire() as connection:
        assert await db.stream.move(connection, 10) == (1, 1)
        await transaction.commit()
        assert await db.stream.move(connection, 10) == (1, 2)
        entries = await db.stream.read(connection, 0, 10)
    assert [entry["order_id"] for entry in entries] == [quick, slow]
    await late.close()


async def test_a_rolled_back_change_leaves_no_gap(pool: db.pool.Pool) -> None:
    order = uuid.uuid4()
    with contextlib.suppress(asyncio.CancelledError):
        async with pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(INSERT, order, 1)
            await transaction.rollback()
    await write(pool, order, 1)
    async with pool.acquire() as connection:
        await db.stream.move(connection, 10)
    assert await positions(pool) == [1]


async def test_positions_cross_partitions(pool: db.pool.Pool) -> None:
    await pool.execute("UPDATE stream_meta SET last_pos = 999998")
    order = uuid.uuid4()
    for version in range(1, 5):
        await write(pool, order, version)
    async with pool.acquire() as connection:
        assert await db.stream.move(connection, 10) == (4, 1_000_002)
    assert await positions(pool) == [999_999, 1_000_000, 1_000_001, 1_000_002]


async def test_three_relays_with_killed_connections_lose_and_reorder_nothing(pool: db.pool.Pool, database: str) -> None:
    """Invariant: every committed change has exactly one position, positions are 1..n, versions per order rise."""
    relays = [Relay(database) for _ in range(3)]
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    orders = [uuid.uuid4() for _ in range(5)]
    dice = random.Random(7)

    async def killer() -> None:
        for _ in range(6):
            await asyncio.sleep(0.1)
            await pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'ordergraph relay' AND datname = current_database()"
            )

    async def writer(order: uuid.UUID) -> None:
        for version in range(1, 41):
            await write(pool, order, version)
            await asyncio.sleep(dice.random() * 0.03)

    await asyncio.gather(killer(), *(writer(order) for order in orders))
    async with asyncio.timeout(20):
        while await pool.fetchval("SELECT count(*) FROM event_log") < 200:  # noqa: ASYNC110  # the relays tell nobody
            await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await positions(pool) == list(range(1, 201))
    async with pool.acquire() as connection:
        entries = await db.stream.read(connection, 0, 1000)
    for order in orders:
        assert [entry["version"] for entry in entries if entry["order_id"] == order] == list(range(1, 41))


async def test_the_epoch_changes_with_the_salt(pool: db.pool.Pool) -> None:
    async with pool.acquire() as connection:
        before = await db.stream.epoch(connection)
        await connection.execute("UPDATE stream_meta SET salt = 'restored'")
        assert await db.stream.epoch(connection) == f"{before}-restored"
