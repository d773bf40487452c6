"""Reads under a crowd: in the order in which they came, and refused in time."""

import asyncio

import pytest

import db.pool
from db.reader import PoolReader
from domain.errors import Overloaded


async def test_in_a_crowd_that_asks_again_at_once_nobody_is_overtaken_twice(database: str) -> None:
    """Twenty askers share two connections: at no time has one been answered two times more than another."""
    pool = await db.pool.create_pool(database, min_size=2, max_size=2)
    reader, answered, widest = PoolReader(pool, acquire_seconds=30.0), [0] * 20, 0

    async def ask(asker: int) -> None:
        nonlocal widest
        for _ in range(20):
            await reader.row("SELECT 1", ())
            answered[asker] += 1
            widest = max(widest, max(answered) - min(answered))

    try:
        await asyncio.gather(*(ask(asker) for asker in range(20)))
    finally:
        await pool.close()
    assert answered == [20] * 20
    assert widest <= 2


async def test_who_waits_too_long_is_told_and_takes_nothing_with_it(database: str) -> None:
    pool = await db.pool.create_pool(database, min_size=1, max_size=1)
    reader = PoolReader(pool, acquire_seconds=0.1)
    try:
        held = asyncio.create_task(reader.row("SELECT pg_sleep(0.6)", ()))
        await asyncio.sleep(0.05)
        given_up = asyncio.create_task(reader.row("SELECT 1", ()))
        await asyncio.sleep(0.02)
        given_up.cancel()
        with pytest.raises(Overloaded):
            await reader.row("SELECT 1", ())
        await held
        assert (await reader.row("SELECT 2", ()))[0] == 2
    finally:
        await pool.close()
