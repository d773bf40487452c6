"""Wake-up calls: they come through, they survive a lost connection, and a dead bus changes nothing but speed."""

import asyncio
from collections.abc import Callable

from broadcaster import Event
from broadcaster._backends.base import BroadcastBackend
from broadcaster._backends.memory import MemoryBackend

import db.stream
from db.bus import PostgresBackend
from db.pool import Pool
from events import hints
from events.hints import Hints


class Called:
    def __init__(self) -> None:
        self.count = 0
        self.event = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self.event.set()

    async def wait(self, count: int, seconds: float = 10) -> None:
        async with asyncio.timeout(seconds):
            while self.count < count:
                self.event.clear()
                await self.event.wait()


async def running(backend: Callable[[], BroadcastBackend], called: Called) -> tuple[Hints, asyncio.Task[None]]:
    listening = Hints(backend, called)
    task = asyncio.create_task(listening.run())
    await called.wait(1)
    return listening, task


async def test_the_move_of_the_relay_is_heard(pool: Pool, database: str) -> None:
    called = Called()
    _, task = await running(lambda: PostgresBackend(database), called)
    await pool.execute(
        "INSERT INTO journal (entity, entity_id, version, type, source, actor, occurred_at) "
        "VALUES ('ORDER', gen_random_uuid(), 1, 'ORDER_PLACED', 'test', 'test', now())"
    )
    async with pool.acquire() as connection:
        await db.stream.move(connection, 10)
    await called.wait(2, seconds=2)
    task.cancel()


async def test_a_cut_connection_is_made_anew_and_heard_again(pool: Pool, database: str) -> None:
    called = Called()
    listening, task = await running(lambda: PostgresBackend(database), called)
    await pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'ordergraph bus' AND datname = current_database()"
    )
    await called.wait(2)
    assert listening.lost >= 1
    listening.publish()
    await called.wait(3)
    task.cancel()


async def test_calls_in_a_row_do_not_pile_up_and_a_beat_hides_none(database: str) -> None:
    backend = PostgresBackend(database)
    await backend.connect()
    await backend.subscribe("calls")
    for message in ("", hints.BEAT, "", hints.BEAT):
        await backend.publish("calls", message)
    await asyncio.sleep(0.2)
    assert await backend.next_published() == Event("calls", "")
    assert backend._waiting == {}
    await backend.disconnect()


async def test_concurrent_publishing_works(database: str) -> None:
    backend = PostgresBackend(database)
    await backend.connect()
    await asyncio.gather(*(backend.publish("calls", str(n)) for n in range(20)))
    await backend.disconnect()


async def test_a_bus_that_goes_silent_is_replaced(monkeypatch: object) -> None:
    class Deaf(MemoryBackend):
        async def publish(self, channel: str, message: str) -> None:
            """Says nothing and loses everything, as a half-open connection does."""

    hints.BEAT_SECONDS, hints.SILENCE_SECONDS, before = 0.05, 0.2, (hints.BEAT_SECONDS, hints.SILENCE_SECONDS)
    try:
        called = Called()
        listening, task = await running(lambda: Deaf("memory://"), called)
        await called.wait(2)
        assert listening.lost >= 1
        task.cancel()
    finally:
        hints.BEAT_SECONDS, hints.SILENCE_SECONDS = before
