"""The relay's alarm: versions of an order that do not follow one another in the log."""

import asyncio
import datetime as dt
import uuid

from structlog.testing import capture_logs

import db.pool
import db.sample.loading
import db.stream
from events import relay
from events.relay import Relay
from events.versions import Versions
from tests.events.test_relay import write

ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


def test_versions_that_follow_are_silent_and_the_first_of_an_order_is_taken_as_it_comes() -> None:
    versions = Versions()
    versions.follow([(1, ONE, 5), (2, OTHER, 1), (3, ONE, 6)])
    versions.follow([(4, OTHER, 2)])
    assert versions.gaps == 0


def test_a_missing_a_repeated_and_a_late_version_are_each_told_with_their_place() -> None:
    versions = Versions()
    with capture_logs() as logs:
        versions.follow([(1, ONE, 1), (2, ONE, 3), (3, ONE, 3), (4, ONE, 2), (5, ONE, 4)])
    assert versions.gaps == 3
    assert [(entry["position"], entry["before"], entry["version"]) for entry in logs] == [
        (2, 1, 3),
        (3, 3, 3),
        (4, 3, 2),
    ]
    assert {entry["log_level"] for entry in logs} == {"error"}


def test_only_so_many_orders_are_remembered() -> None:
    versions = Versions(remembered=2)
    versions.follow([(1, ONE, 1), (2, OTHER, 1), (3, uuid.UUID(int=3), 1)])
    versions.follow([(4, ONE, 7), (5, uuid.UUID(int=3), 2)])
    assert versions.gaps == 0


async def until_moved(moving: Relay, position: int) -> None:
    async with asyncio.timeout(10):
        while moving._verified < position:  # noqa: ASYNC110  # the relay tells nobody
            await asyncio.sleep(0.02)


async def test_the_relay_counts_a_change_that_was_written_past_the_journal(pool: db.pool.Pool, database: str) -> None:
    moving = Relay(database)
    task = asyncio.create_task(moving.run())
    for version in (1, 2, 3):
        await write(pool, ONE, version)
    await until_moved(moving, 3)
    assert moving.versions.gaps == 0
    await write(pool, ONE, 5)
    await until_moved(moving, 4)
    assert moving.versions.gaps == 1
    task.cancel()


async def test_who_takes_over_compares_with_what_was_there_before(pool: db.pool.Pool, database: str) -> None:
    await write(pool, ONE, 1)
    async with pool.acquire() as connection:
        await db.stream.move(connection, 10)
    await write(pool, ONE, 3)
    moving = Relay(database)
    task = asyncio.create_task(moving.run())
    await until_moved(moving, 2)
    assert moving.versions.gaps == 1
    task.cancel()


async def test_all_that_the_sample_tells_follows(pool: db.pool.Pool) -> None:
    async with pool.acquire() as connection:
        await db.sample.loading.load(connection, now=dt.datetime(2026, 11, 25, tzinfo=dt.UTC))
        while (await db.stream.move(connection, 2000))[0]:
            pass
        versions = Versions()
        _, newest = await db.stream.bounds(connection)
        versions.follow(await db.stream.versions(connection, 0, newest))
    assert (versions.gaps, len(versions._last) > 200) == (0, True)


async def test_a_relay_that_hangs_with_its_lock_is_put_out(pool: db.pool.Pool, database: str) -> None:
    relay.STALLED_SECONDS, relay.STANDBY_SECONDS, before = 0.3, 0.1, (relay.STALLED_SECONDS, relay.STANDBY_SECONDS)
    hanging = await db.pool.connect(database)
    await hanging.fetchval("SELECT pg_advisory_lock($1)", db.stream.LEADER_LOCK)
    moving = Relay(database)
    task = asyncio.create_task(moving.run())
    try:
        await asyncio.sleep(0.6)
        assert not hanging.is_closed(), "nothing waits, so it does nothing wrong"
        await write(pool, ONE, 1)
        await until_moved(moving, 1)
        assert hanging.is_closed()
    finally:
        relay.STALLED_SECONDS, relay.STANDBY_SECONDS = before
        task.cancel()
