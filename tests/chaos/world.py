"""The processes of a run: PostgreSQL behind a proxy, gateways with proxies before and behind them, perhaps Redis."""

import asyncio
import contextlib
import datetime
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp

import db.migrate
import db.pool
from db.embedded import EmbeddedPostgres
from domain.actor import Role
from domain.errors import Unavailable
from gateway.tokens import issue_token
from tests.chaos.proxy import Proxy
from tests.chaos.recording import Usage
from tests.processes import children

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-secret-of-the-fault-suite-" * 2
# A process that is killed loses nothing that was written, so disks need not be waited for; commits are.
POSTGRES = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on", "max_connections": "200"}
START_SECONDS = 60.0
# What a database that is being harmed does to whoever uses it.
LOST: tuple[type[Exception], ...] = (OSError, TimeoutError, Unavailable, *db.pool.DatabaseError)
SEED = """
INSERT INTO channels (code, name, kind, time_zone, currency) VALUES ('web', 'Web', 'STOREFRONT', 'UTC', 'EUR');
INSERT INTO locations (code, name, kind, country) VALUES ('HAM', 'Hamburg', 'WAREHOUSE', 'DE');
INSERT INTO items (sku, title) VALUES ('MUG', 'Mug');
INSERT INTO stock_levels (item_id, location_id, on_hand, counted_at)
SELECT items.id, locations.id, 100, '2026-03-01' FROM items, locations;
INSERT INTO orders (channel_id, number, status, currency, placed_at, customer_id)
SELECT id, letter || '-' || n, 'CONFIRMED', 'EUR', '2026-03-01', 'C-' || (n % 3)
FROM channels, generate_series(1, 12) n, unnest('{M,S}'::text[]) letter;
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def token(customer: str | None = None) -> str:
    role = Role.ADMIN if customer is None else Role.CUSTOMER
    now = datetime.datetime.now(datetime.UTC)
    return issue_token(SECRET, role, ttl=datetime.timedelta(hours=5), now=now, customer_id=customer)


class Database:
    """The embedded server, which can be stopped as by a crash, or held still with all its processes."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.server = EmbeddedPostgres(folder, port=self.port, settings=POSTGRES)

    def start(self) -> None:
        self.server.start()

    @property
    def pids(self) -> list[int]:
        assert self.server._server is not None  # only faults need the process itself
        first = self.server._server.pid  # the same
        return [first, *children(first)]

    def signal(self, number: signal.Signals) -> None:
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    async def crash(self) -> None:
        """`pg_ctl -m immediate`, and a start that recovers."""
        os.kill(self.pids[0], signal.SIGQUIT)
        await asyncio.to_thread(self.server.stop, 10.0)
        await asyncio.to_thread(self.server.start)


class Gateway:
    """One `ordergraph serve`. Its port is its own over all restarts; clients come by `front`, it reaches the database
    by `back`."""

    def __init__(self, name: str, back: Proxy, front: Proxy, environment: dict[str, str], log: Path) -> None:
        self.name = name
        self.back = back
        self.front = front
        self.port = free_port()
        front.target = self.port
        self.environment = environment
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.restarts = -1
        self.began = Usage(0, 0, 0, 0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.front.port}"

    async def start(self) -> None:
        known = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGRAPH_")}
        command = [sys.executable, "-m", "gateway.cli", "serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: ASYNC220  # it does not wait
                command, cwd=ROOT, env=known | self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.restarts += 1
        async with asyncio.timeout(START_SECONDS):
            while not await self.ready():
                if self.process.poll() is not None:
                    # It cannot begin without the database, which may be away as well.
                    await asyncio.sleep(0.5)
                    await self.start()
                    return
                await asyncio.sleep(0.1)
        self.began = await self.usage()

    async def ready(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session,
                session.get(f"http://127.0.0.1:{self.port}/readyz") as answer,
            ):
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, 30)

    async def usage(self) -> Usage:
        assert self.process is not None
        folder = Path(f"/proc/{self.process.pid}")
        pages = int((folder / "statm").read_text().split()[1])
        figures = await self.figures()
        return Usage(
            memory=pages * os.sysconf("SC_PAGE_SIZE") / 1024,
            descriptors=len(list((folder / "fd").iterdir())),
            connections=int(
                sum(value for name, value in figures.items() if name.partition("{")[0] == "ordergraph_connections")
            ),
            subscriptions=int(figures.get("ordergraph_subscriptions", 0)),
        )

    async def figures(self) -> dict[str, float]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}/metrics") as answer,
        ):
            lines = [line for line in (await answer.text()).splitlines() if line and not line.startswith("#")]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


class World:
    """Everything that runs. `dsn` leads straight to the database, past the proxies, for writers and the truth."""

    def __init__(self, database: Database, dsn: str, gateways: list[Gateway]) -> None:
        self.database = database
        self.dsn = dsn
        self.gateways = gateways
        self.redis: Redis | None = None

    async def sql(self, statement: str, *values: object) -> list[dict[str, object]]:
        connection = await db.pool.connect(self.dsn, application="chaos", statement_seconds=10)
        try:
            return [dict(row) for row in await connection.fetch(statement, *values)]
        finally:
            await connection.close()

    async def script(self, statements: str) -> None:
        connection = await db.pool.connect(self.dsn, application="chaos", statement_seconds=10)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()


class Redis:
    """A real redis-server that keeps nothing."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def redis_server() -> str | None:
    return shutil.which("redis-server")


def through(dsn: str, proxy: Proxy) -> str:
    parts = urllib.parse.urlsplit(dsn)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{proxy.port}").geturl()


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Not below pytest's: root's database runs as a user who could not enter it."""
    with tempfile.TemporaryDirectory(prefix="ordergraph-chaos-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextlib.asynccontextmanager
async def running(gateways: int, *, redis: bool = False) -> AsyncIterator[World]:
    """All processes, up and ready; they are gone afterwards."""
    async with contextlib.AsyncExitStack() as stack:
        home = stack.enter_context(folder())
        database = Database(home / "data")
        await asyncio.to_thread(database.start)
        stack.callback(database.server.stop)
        dsn = database.server.tcp_dsn
        await db.migrate.upgrade(dsn)
        world = World(database, dsn, [])
        await world.script(SEED)
        bus: dict[str, str] = {}
        if redis:
            world.redis = Redis()
            world.redis.start()
            stack.callback(world.redis.kill)
            bus = {"ORDERGRAPH_BUS_URL": f"redis://127.0.0.1:{world.redis.port}"}
        for number in range(gateways):
            world.gateways.append(await _gateway(stack, world, home / f"gateway-{number}.log", bus))
        await asyncio.gather(*(gateway.start() for gateway in world.gateways))
        yield world


async def _gateway(stack: contextlib.AsyncExitStack, world: World, log: Path, bus: dict[str, str]) -> Gateway:
    back = await stack.enter_async_context(Proxy(world.database.port).running())
    front = await stack.enter_async_context(Proxy(0).running())
    environment = {
        "ORDERGRAPH_DATABASE_URL": through(world.dsn, back),
        "ORDERGRAPH_TOKEN_SECRET": SECRET,
        "ORDERGRAPH_CONNECTIONS_PER_CALLER": "1000",
        "ORDERGRAPH_CONNECTIONS_PER_STAFF": "1000",
        **bus,
    }
    gateway = Gateway(log.stem, back, front, environment, log)
    stack.callback(_kill, gateway)
    return gateway


def _kill(gateway: Gateway) -> None:
    if gateway.process is not None and gateway.process.poll() is None:
        gateway.process.kill()
        gateway.process.wait()
