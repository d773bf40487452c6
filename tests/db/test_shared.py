"""Pieces of work that share a transaction: each has its own answers, and equal questions travel together."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from db.commands.shared import Alone, Shared
from db.pool import Connection, Pool

TABLE = "CREATE TABLE numbers (n int PRIMARY KEY, twice int)"
ADD = "INSERT INTO numbers VALUES ($1, 2 * $1) ON CONFLICT DO NOTHING RETURNING twice"
BELOW = "SELECT n FROM numbers WHERE n < $1 ORDER BY n FOR UPDATE"


async def test_each_piece_gets_its_own_rows_and_all_travel_in_as_many_round_trips_as_one(pool: Pool) -> None:
    await pool.execute(TABLE)

    def piece(number: int) -> Callable[[Connection], Awaitable[tuple[int | None, list[int]]]]:
        async def work(connection: Connection) -> tuple[int | None, list[int]]:
            twice = await connection.fetchval(ADD, number)
            return twice, [row["n"] for row in await connection.fetch(BELOW, number)]

        return work

    async with pool.acquire() as connection, connection.transaction():
        shared = Shared(connection)
        found = await shared.run([piece(number) for number in (3, 1, 3, 2)])
        assert found == [(6, [1, 2]), (2, []), (None, [1, 2]), (4, [1])]
        assert shared.round_trips == 2


async def test_pieces_of_different_length_end_when_they_do(pool: Pool) -> None:
    await pool.execute(TABLE)

    def piece(number: int) -> Callable[[Connection], Awaitable[int]]:
        async def work(connection: Connection) -> int:
            for step in range(number):
                await connection.executemany(ADD.replace(" RETURNING twice", ""), [(10 * number + step,)])
            row = await connection.fetchrow("SELECT count(*)::int AS n FROM numbers WHERE n / 10 = $1", number)
            assert row is not None
            return int(row["n"])

        return work

    async with pool.acquire() as connection, connection.transaction():
        assert await Shared(connection).run([piece(number) for number in range(4)]) == [0, 1, 2, 3]


async def test_what_one_piece_raises_is_its_result_and_the_others_go_on(pool: Pool) -> None:
    async def wrong(connection: Connection) -> int:
        await connection.fetchval("SELECT 1")
        raise ValueError("mine")

    async def savepoint(connection: Connection) -> int:
        async with connection.transaction():
            return 1

    async def right(connection: Connection) -> int:
        return int(await connection.fetchval("SELECT 1")) + int(await connection.fetchval("SELECT 2"))

    async with pool.acquire() as connection, connection.transaction():
        first, second, third = await Shared(connection).run([wrong, savepoint, right])
    assert (type(first), type(second), third) == (ValueError, Alone, 3)


async def test_an_error_of_the_database_is_raised_and_leaves_no_piece_waiting(pool: Pool) -> None:
    await pool.execute(TABLE)

    async def twice(connection: Connection) -> None:
        await connection.execute("INSERT INTO numbers VALUES ($1, 0)", 1)

    before = len(asyncio.all_tasks())
    with pytest.raises(asyncpg.UniqueViolationError):
        async with pool.acquire() as connection, connection.transaction():
            await Shared(connection).run([twice, twice])
    assert await pool.fetchval("SELECT count(*) FROM numbers") == 0
    assert len(asyncio.all_tasks()) == before
