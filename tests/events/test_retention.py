"""The log at its length: old positions are given up first, then dropped, under readers that never see a hole."""

import asyncio
import random
import uuid
from collections.abc import Sequence

import asyncpg
import pytest

import db.retention
import db.stream
from db.pool import Pool
from db.reader import PoolReader
from domain.errors import BadInput
from events.group import Payload, Question, Shown
from events.hub import Hub
from events.retention import Retention
from events.store_log import StoreLog
from gateway.settings import load
from tests.events.test_hub import ListSink, question

SIZE = 100
FILL = """
INSERT INTO journal (entity, entity_id, order_id, version, type, source, actor, occurred_at)
SELECT 'ORDER', $1, $1, n, 'STATUS_CHANGED', 'test', 'test', now() FROM generate_series(1, $2::int) n
"""
AGE = "UPDATE event_log SET logged_at = logged_at - interval '8 days' WHERE pos <= $1"


@pytest.fixture(autouse=True)
def small_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db.stream, "LOG_PARTITION", SIZE)


async def fill(pool: Pool, count: int) -> None:
    """As many entries of one order, in the log."""
    await pool.execute(FILL, uuid.uuid4(), count)
    async with pool.acquire() as connection:
        while (await db.stream.move(connection, SIZE))[0]:
            pass


async def status(pool: Pool) -> db.retention.LogStatus:
    async with pool.acquire() as connection:
        return await db.retention.status(connection)


async def test_partitions_are_made_ahead_and_nothing_young_is_given_up(pool: Pool, database: str) -> None:
    await fill(pool, 150)
    await Retention(database, 7).round()
    found = await status(pool)
    assert (found.min_pos, found.last_pos, found.partitions, found.ahead) == (0, 150, (0, 1, 2), 149)


async def test_old_positions_are_given_up_first_and_their_partitions_dropped_a_round_later(
    pool: Pool, database: str
) -> None:
    await fill(pool, 350)
    await pool.execute(AGE, 250)
    retention = Retention(database, 7)
    await retention.round()
    found = await status(pool)
    assert (found.min_pos, found.partitions, retention.dropped) == (250, (0, 1, 2, 3, 4), 0)
    await retention.round()
    assert ((await status(pool)).partitions, retention.dropped) == ((2, 3, 4), 2)
    assert await pool.fetchval("SELECT min(pos) FROM event_log") == 200
    await fill(pool, 10)
    await retention.round()
    assert (await status(pool)).min_pos == 250
    assert retention.oldest_seconds() < 60


async def test_a_shop_where_nothing_happens_keeps_its_last_cursor(pool: Pool, database: str) -> None:
    await fill(pool, 120)
    await pool.execute(AGE, 120)
    retention = Retention(database, 7)
    await retention.round()
    await retention.round()
    found = await status(pool)
    assert (found.min_pos, found.last_pos, found.oldest_at, found.partitions) == (120, 120, None, (1, 2))
    hub = Hub(StoreLog(PoolReader(pool)))
    await hub.start()
    sink = ListSink()
    hub.join(question(("orders", "")), sink, 120)
    await fill(pool, 1)
    await hub.look()
    await asyncio.sleep(0.05)
    assert sink.got == ["121+0"]


async def test_a_partition_in_use_stays_until_the_next_round(pool: Pool, database: str) -> None:
    await fill(pool, 350)
    await pool.execute(AGE, 350)
    retention = Retention(database, 7)
    await retention.round()
    reader = await asyncpg.connect(database)
    transaction = reader.transaction()
    await transaction.start()
    await reader.fetch("SELECT * FROM event_log WHERE pos = 1")
    await retention.round()
    assert retention.dropped == 0
    await transaction.rollback()
    await reader.close()
    await retention.round()
    assert (retention.dropped, (await status(pool)).partitions) == (3, (3, 4))


async def test_one_process_at_a_time_tends_the_log(pool: Pool, database: str) -> None:
    await fill(pool, 350)
    await pool.execute(AGE, 350)
    async with pool.acquire() as other:
        await other.fetchval("SELECT pg_advisory_lock($1)", db.retention.ROUND_LOCK)
        retention = Retention(database, 7)
        await retention.round()
        assert ((await status(pool)).min_pos, retention.status is not None) == (0, True)
        await other.fetchval("SELECT pg_advisory_unlock($1)", db.retention.ROUND_LOCK)
    await retention.round()
    assert (await status(pool)).min_pos == 350


async def test_readers_meet_a_reset_and_never_a_hole_while_the_log_is_written_and_dropped(
    pool: Pool, database: str
) -> None:
    """Invariant: what a client got is runs of positions without gaps, and between two runs there is a Reset."""
    await fill(pool, 500)
    dice = random.Random(3)
    # A ring of nearly nothing: everybody who lags reads the table.
    hub = Hub(StoreLog(PoolReader(pool)), ring_size=20)
    await hub.start()
    asked = question(("orders", ""))

    async def slow(shown: Sequence[Shown]) -> Sequence[Payload | None]:
        await asyncio.sleep(dice.random() * 0.02)
        return await asked.render(shown)

    # The first reads nothing until all is over.
    sinks = [ListSink(5), *(ListSink(dice.randrange(5, 200)) for _ in range(20))]
    for number, sink in enumerate(sinks):
        own = Question(number, asked.topics, slow, asked.checkpoint, asked.reset)
        hub.join(own, sink, dice.randrange(0, 450) if number else 0)
    running = asyncio.create_task(hub.run())
    retention = Retention(database, 7)

    async def write() -> None:
        for _ in range(30):
            await fill(pool, 20)
            hub.hint()
            await asyncio.sleep(0.02)

    async def expire() -> None:
        for old in range(60, 961, 60):
            await pool.execute(AGE.replace("- interval '8 days'", "- interval '30 days'"), old)
            await retention.round()
            await asyncio.sleep(0.03)

    async def read() -> None:
        for _ in range(60):
            for sink in sinks[1:]:
                sink.read(dice.randrange(0, 30))
            await asyncio.sleep(0.01)

    await asyncio.gather(write(), expire(), read())
    for sink in sinks:
        sink.read(100_000)
    # One that was reset last has heard nothing since.
    await fill(pool, 1)
    async with asyncio.timeout(10):
        while any(subscriber.position < 1101 for subscriber in hub.subscribers):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.02)
    running.cancel()
    assert retention.dropped > 0
    assert sinks[0].got[5] == "reset RETENTION_PASSED"
    for sink in sinks:
        assert sink.ended is None
        last = None
        for told in sink.got:
            if told.startswith("reset"):
                assert told == "reset RETENTION_PASSED"
                last = None
            elif "+" in told:
                position = int(told.partition("+")[0])
                assert last is None or position == last + 1, sink.got
                last = position
        assert last == 1101


def test_the_days_are_a_setting_of_at_least_one() -> None:
    assert load().log_days == 7
    assert load(log_days=30).log_days == 30
    with pytest.raises(BadInput, match="ORDERGRAPH_LOG_DAYS"):
        load(log_days=0)
