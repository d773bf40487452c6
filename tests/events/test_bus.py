"""The bus as it fails: a Redis that is killed, stopped and started again, a PostgreSQL that says nothing any more.

In all of it no event is lost, because the log is polled; only the wake-up calls are missing until the bus is back.
"""

import asyncio
import contextlib
import signal
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

import db.stream
from db.bus import PostgresBackend
from db.pool import Pool
from db.reader import PoolReader
from db.redis_bus import RedisBackend
from domain.errors import BadInput
from events import hints, hub
from events.event import EVERYTHING
from events.hints import Hints
from events.hub import Hub
from events.relay import Relay
from events.store_log import StoreLog
from gateway import realtime
from gateway.settings import Settings
from tests.events.redis_server import RedisServer, redis_server
from tests.events.test_hub import ListSink, positions, question
from tests.events.test_relay import write

ORDER = uuid.UUID(int=7)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "BEAT_SECONDS", 0.3)
    monkeypatch.setattr(hints, "SILENCE_SECONDS", 0.8)
    monkeypatch.setattr(hints, "CONNECT_SECONDS", 0.5)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RedisServer]:
    async with redis_server(tmp_path) as one:
        yield one


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # of things that have no event
            await asyncio.sleep(0.01)


@dataclass
class Process:
    """Relay, hub and bus as one gateway has them, with one subscriber; `calls` counts wake-up calls that came."""

    hub: Hub
    hints: Hints
    relay: Relay
    sink: ListSink = field(default_factory=ListSink)
    calls: int = 0


@contextlib.asynccontextmanager
async def processes(pool: Pool, dsn: str, address: str, count: int = 2) -> AsyncIterator[list[Process]]:
    made: list[Process] = []
    tasks = []
    for _ in range(count):
        one_hub = Hub(StoreLog(PoolReader(pool)))
        await one_hub.start()
        bus = Hints(lambda: RedisBackend(address), one_hub.hint)
        made.append(Process(one_hub, bus, Relay(dsn, bus.publish)))
        bus.hint = counting(made[-1])
        one_hub.join(question(EVERYTHING), made[-1].sink, None)
        tasks += [asyncio.create_task(part()) for part in (one_hub.run, bus.run, made[-1].relay.run)]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def counting(process: Process) -> Callable[[], None]:
    def hint() -> None:
        process.calls += 1
        process.hub.hint()

    return hint


async def reached(found: list[Process], position: int) -> None:
    await until(lambda: all(positions(one.sink)[-1:] == [position] for one in found))


async def test_calls_over_redis_reach_the_other_processes_and_make_the_poll_needless(
    pool: Pool, database: str, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "POLL_SECONDS", 3600.0)
    async with processes(pool, database, server.address) as found:
        await until(lambda: all(one.hints.alive for one in found))
        for version in range(1, 6):
            await write(pool, ORDER, version)
            await reached(found, version)
        assert [positions(one.sink) for one in found] == [[1, 2, 3, 4, 5]] * 2


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_dead_or_silent_redis_costs_the_calls_and_no_event_and_comes_back(
    pool: Pool, database: str, server: RedisServer, fault: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with processes(pool, database, server.address) as found:
        await until(lambda: all(one.hints.alive for one in found))
        await write(pool, ORDER, 1)
        await reached(found, 1)
        server.signal(fault)
        for version in range(2, 12):
            await write(pool, ORDER, version)
            await reached(found, version)
        await until(lambda: all(one.hints.lost >= 1 and not one.hints.alive for one in found))
        before = [one.calls for one in found]
        await write(pool, ORDER, 12)
        await reached(found, 12)
        assert [one.calls for one in found] == before, "only the poll brought it"
        if fault == signal.SIGKILL:
            await server.start()
        else:
            server.signal(signal.SIGCONT)
        await until(lambda: all(one.hints.alive for one in found))
        # From here on the calls do it alone again.
        monkeypatch.setattr(hub, "POLL_SECONDS", 3600.0)
        await asyncio.sleep(0.3)
        for version in range(13, 16):
            await write(pool, ORDER, version)
            await reached(found, version)
        assert [positions(one.sink) for one in found] == [list(range(1, 16))] * 2


async def test_a_silent_bus_does_not_hold_the_relay_up(
    pool: Pool, database: str, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that the bus does not take waits beside the relay, and not the relay for it."""
    monkeypatch.setattr(hints, "BEAT_SECONDS", 3600.0)
    async with processes(pool, database, server.address, count=1) as (one,):
        await until(lambda: one.hints.alive)
        server.signal(signal.SIGSTOP)
        for version in range(1, 6):
            await write(pool, ORDER, version)
            await until(lambda version=version: one.relay.moved == version)  # type: ignore[misc]  # bound now
        assert (one.hints.alive, one.hints.lost) == (True, 0)


def test_a_bus_that_cannot_be_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BadInput, match="aiokafka is needed and missing: pip install aiokafka"):
        realtime.backend(Settings(bus_url=SecretStr("kafka://broker:9092")), "")
    with pytest.raises(BadInput, match="should begin with redis://"):
        realtime.backend(Settings(bus_url=SecretStr("amqp://user:secret@host")), "")
    assert isinstance(realtime.backend(Settings(), "postgresql://x")(), PostgresBackend)


class Proxy:
    """Between a client and PostgreSQL's socket; `swallow` lets the connections stand and nothing through any more."""

    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        query = parse_qs(parts.query)
        self.upstream = f"{query['host'][0]}/.s.PGSQL.{query['port'][0]}"
        self.name = parts.path
        self.swallow = False
        self.accepted = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.server: asyncio.Server | None = None

    async def start(self) -> str:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        return f"postgresql://postgres@127.0.0.1:{port}{self.name}?sslmode=disable"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.swallow:
            # New ones find nobody either.
            self.hold(self.stand(reader, writer))
            return
        upstream = await asyncio.open_unix_connection(self.upstream)
        self.hold(self.pump(reader, upstream[1]))
        self.hold(self.pump(upstream[0], writer))

    def hold(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)

    async def stand(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read()
        writer.close()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if not self.swallow:
                    writer.write(data)
        writer.close()

    async def stop(self) -> None:
        assert self.server is not None
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_a_connection_into_a_black_hole_is_noticed_and_replaced_and_nothing_is_lost(
    pool: Pool, database: str
) -> None:
    proxy = Proxy(database)
    through = await proxy.start()
    one = Hub(StoreLog(PoolReader(pool)))
    await one.start()
    bus = Hints(lambda: PostgresBackend(through), one.hint)
    sink = ListSink()
    one.join(question(EVERYTHING), sink, None)
    tasks = [asyncio.create_task(part()) for part in (one.run, bus.run)]
    try:
        await until(lambda: bus.alive)
        proxy.swallow = True
        await write(pool, ORDER, 1)
        async with pool.acquire() as connection:
            await db.stream.move(connection, 10)
        await until(lambda: positions(sink) == [1])
        await until(lambda: bus.lost >= 1 and not bus.alive)
        proxy.swallow = False
        await until(lambda: bus.alive)
        await write(pool, ORDER, 2)
        async with pool.acquire() as connection:
            await db.stream.move(connection, 10)
        await until(lambda: positions(sink) == [1, 2])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await proxy.stop()
