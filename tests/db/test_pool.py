"""Pools: session settings, and one round trip per query."""

import asyncio

import asyncpg
import pytest

import db.pool
from domain.errors import Unavailable


async def test_sessions_are_in_utc_without_jit_and_with_a_time_limit(pool: db.pool.Pool) -> None:
    row = await pool.fetchrow(
        "SELECT current_setting('timezone') AS zone, current_setting('jit') AS jit,"
        " current_setting('statement_timeout') AS patience, current_setting('application_name') AS name"
    )
    assert row is not None
    assert dict(row) == {"zone": "UTC", "jit": "off", "patience": "2s", "name": "ordergraph-tests"}


async def test_a_statement_beyond_its_time_is_ended_and_the_pool_goes_on(database: str) -> None:
    pool = await db.pool.create_pool(database, min_size=1, max_size=1, statement_seconds=0.05)
    with pytest.raises(asyncpg.QueryCanceledError):
        await pool.fetchval("SELECT pg_sleep(5)")
    assert await pool.fetchval("SELECT 1") == 1
    await pool.close()


async def test_json_arrives_as_text(pool: db.pool.Pool) -> None:
    assert await pool.fetchval("""SELECT '{"a": 1}'::jsonb""") == '{"a": 1}'


async def test_a_long_statement_is_prepared_once(pool: db.pool.Pool) -> None:
    query = f"SELECT $1::int AS {'x' * 60} /* {'long ' * 8000} */"
    async with pool.acquire() as connection:
        await asyncio.sleep(0)
        await connection.fetchval(query, 1)
        await connection.fetchval(query, 2)
        count = await connection.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%long%'")
    assert count == 2  # the statement itself and the one that counts


async def test_each_test_has_a_database_of_its_own_with_all_tables(pool: db.pool.Pool) -> None:
    assert await pool.fetchval("SELECT count(*) FROM orders") == 0


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql://user:hidden-word@127.0.0.1:1/none", "The database does not answer: "),
        ("postgresql://user:hidden-word@127.0.0.1:none/none", "The address of the database is malformed"),
        ("postgresql://user:hidden-word@/none?host=/nowhere", "The database does not answer: "),
    ],
)
async def test_an_address_that_does_not_answer_is_explained_without_its_password(address: str, reason: str) -> None:
    with pytest.raises(Unavailable, match=reason) as caught:
        await db.pool.create_pool(address)
    assert "hidden-word" not in str(caught.value)


async def test_a_database_that_does_not_exist_is_named(postgres: str) -> None:
    with pytest.raises(Unavailable, match='database "absent" does not exist'):
        await db.pool.connect(postgres.replace("/postgres?", "/absent?"))
