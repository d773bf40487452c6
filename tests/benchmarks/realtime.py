"""`python -m tests.benchmarks.realtime [--quick]`: what subscriptions cost, and how fast they are.

Real processes and sockets and an embedded PostgreSQL, all on this machine, the subscribers too. The gateway is
`ordergraph serve`, its relay included. CPU is the server process's own, user and system, by /proc. docs/benchmarks.md
has the method and the figures.
"""

import argparse
import asyncio
import contextlib
import resource
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import orjson

import db.migrate
import db.pool
from tests.benchmarks import databases
from tests.benchmarks.processes import cpu_seconds, require_proc
from tests.benchmarks.report import said, table
from tests.benchmarks.streaming_servers import Server, gateway, strawberry
from tests.benchmarks.subscribers import Event, Plan, Subscribers, Times
from tests.gateway.streaming import token

OURS = """subscription Follow($after: String) { orderUpdates(after: $after) {
  ... on OrderChanged { cursor type version order { number status } }
  ... on Checkpoint { cursor }
  ... on Reset { reason }
} }"""
THEIRS = "subscription { orderUpdates { cursor type version order { number status } } }"
NUMBERS = ("N1", "N2", "N3", "N4")
SEED = """
INSERT INTO channels (code, name, kind, currency) VALUES ('web', 'Web', 'STOREFRONT', 'EUR');
INSERT INTO orders (channel_id, number, status, currency, placed_at, customer_id, customer_email)
SELECT id, 'N' || n, 'CONFIRMED', 'EUR', now(), 'C-1', 'a@example.com' FROM channels, generate_series(1, 4) AS n
"""
CHANGE = """
WITH changed AS (UPDATE orders SET version = version + 1 WHERE number = $1 RETURNING id, version)
INSERT INTO journal (entity, entity_id, order_id, version, type, changed, data, source, actor, occurred_at)
SELECT 'ORDER', id, id, version, 'STATUS_CHANGED', '{status}', '{"status": {"to": "CONFIRMED"}}', 'test', 'system',
       now()
FROM changed RETURNING version
"""
NOTIFY = "SELECT pg_notify('orders', $1)"
PAUSE_SECONDS = 0.05
RATE = 200
Write = Callable[[str], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Sizes:
    fanned_out: int
    events: int
    rounds: int
    followers: int
    seconds: float
    idle: int
    storm: int


FULL = Sizes(fanned_out=1000, events=20, rounds=3, followers=100, seconds=10, idle=5000, storm=2000)
QUICK = Sizes(fanned_out=200, events=5, rounds=2, followers=100, seconds=2, idle=500, storm=200)


class Bench:
    def __init__(self, dsn: str, pool: db.pool.Pool, subscribers: Subscribers, sizes: Sizes) -> None:
        self.dsn = dsn
        self.pool = pool
        self.subscribers = subscribers
        self.sizes = sizes
        self.token = token(seconds=3600)
        self.rows: list[tuple[str, str, str, str]] = []
        self.notified = 0

    def row(self, what: str, figure: str, wanted: str, reached: bool | None = None) -> None:
        self.rows.append((what, figure, wanted, "" if reached is None else said(reached)))
        print(f"{what}: {figure}", flush=True)

    async def commit(self, number: str) -> int:
        version: int = await self.pool.fetchval(CHANGE, number)
        return version

    async def notify(self, number: str) -> int:
        """What the gateway sends for a change, of the same size, to Strawberry's subscribers."""
        self.notified += 1
        told = {
            "cursor": "x" * 54, "type": "STATUS_CHANGED", "version": self.notified,
            "order": {"number": number, "status": "CONFIRMED"},
        }  # fmt: skip
        await self.pool.execute(NOTIFY, orjson.dumps(told).decode())
        return self.notified

    @contextlib.contextmanager
    def subscribed(self, server: Server, transport: str, clients: int, *, resume: bool = False) -> Iterator[None]:
        query = OURS if server.ours else THEIRS
        self.subscribers.ask(Plan(server.port, transport, clients, query, self.token, resume))
        self.subscribers.wait_subscribed(clients)
        # Sent is not yet started.
        server.settle()
        try:
            yield
        finally:
            self.subscribers.ask("close")
            server.settle()

    async def cost(self, server: Server, write: Write) -> float:
        """CPU seconds of the server per event and subscriber."""
        before = cpu_seconds(server.pid)
        for number in range(self.sizes.events):
            await write(NUMBERS[number % len(NUMBERS)])
            await asyncio.sleep(PAUSE_SECONDS)
        messages = self.sizes.events * self.sizes.fanned_out
        self.subscribers.wait_events(messages)
        used = cpu_seconds(server.pid) - before
        assert sum(map(len, self.subscribers.times().values())) == messages
        return used / messages

    async def fan_out(self, one: Server, other: Server, transport: str, wanted: float) -> None:
        """Rounds take turns, so that what else the machine does hits both."""
        costs: dict[Server, list[float]] = {one: [], other: []}
        for _ in range(self.sizes.rounds):
            for server in (one, other):
                with self.subscribed(server, transport, self.sizes.fanned_out):
                    costs[server].append(await self.cost(server, self.commit if server.ours else self.notify))
        ours, theirs = (statistics.median(costs[server]) for server in (one, other))
        ratio = statistics.median(b / a for a, b in zip(costs[one], costs[other], strict=True))
        what = f"Fan-out to {self.sizes.fanned_out:,}, {transport.upper()}"
        self.row(f"{what}: CPU per message", f"{ours * 1e6:.1f} µs, Strawberry {theirs * 1e6:.1f} µs", "")
        self.row(f"{what}: Strawberry / gateway", f"{ratio:.1f} times", f">= {wanted:g}", ratio >= wanted)

    async def latency(self, server: Server, transport: str) -> None:
        """From the commit's return to the client's read, at 200 events a second."""
        with self.subscribed(server, transport, self.sizes.followers):
            committed: dict[Event, float] = {}
            began = time.monotonic()
            events = int(RATE * self.sizes.seconds)
            await asyncio.gather(*(self.writing(began, number, events, committed) for number in range(len(NUMBERS))))
            took = time.monotonic() - began
            self.subscribers.wait_events(events * self.sizes.followers)
            late = latencies(committed, self.subscribers.times())
        assert len(late) == events * self.sizes.followers
        percent = statistics.quantiles(late, n=100)
        what = f"Commit to client, {events / took:.0f} events/s to {self.sizes.followers}, {transport.upper()}"
        self.row(f"{what}: p50", f"{percent[49] * 1e3:.1f} ms", "")
        self.row(f"{what}: p99", f"{percent[98] * 1e3:.1f} ms", "<= 100 ms", percent[98] <= 0.1)

    async def writing(self, began: float, first: int, events: int, committed: dict[Event, float]) -> None:
        """Every fourth of the events, each at its time or as soon after it as the database lets it."""
        for number in range(first, events, len(NUMBERS)):
            await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
            version = await self.commit(NUMBERS[first])
            committed[NUMBERS[first], version] = time.monotonic()

    async def idle(self, server: Server) -> None:
        """Memory of connections that hear nothing, and then one event for all of them."""
        clients = self.sizes.idle
        before = server.memory()
        with self.subscribed(server, "ws", clients):
            each = (server.memory() - before) / clients / 1024
            self.row(f"Memory of an idle subscription, {clients:,} WS", f"{each:.1f} KiB", "<= 40 KiB", each <= 40)
            last = []
            for _ in range(5):
                committed = {(NUMBERS[0], await self.commit(NUMBERS[0])): time.monotonic()}
                self.subscribers.wait_events(clients)
                last.append(max(latencies(committed, self.subscribers.times())))
        self.row(
            f"One event to {clients:,} WS: commit to the last client", f"{statistics.median(last) * 1e3:.0f} ms", ""
        )

    async def storm(self) -> None:
        """The gateway is killed, events go on, and everybody comes back at once, each with a cursor."""
        clients, missed = self.sizes.storm, self.sizes.events
        with gateway(self.dsn) as server, self.subscribed(server, "ws", clients, resume=True):
            await self.commit(NUMBERS[0])
            self.subscribers.wait_events(clients)
            cursors = self.subscribers.cursors()
            server.kill()
            self.subscribers.ask("close")
        for _ in range(missed):
            await self.commit(NUMBERS[0])
        with gateway(self.dsn) as server:
            began = time.monotonic()
            plan = Plan(server.port, "ws", clients, OURS, self.token, resume=True)
            self.subscribers.ask(("again", cursors, plan))
            self.subscribers.wait_events(clients * missed)
            took = time.monotonic() - began
            times = self.subscribers.times()
            self.subscribers.ask("close")
        assert {len(one) for one in times.values()} == {clients}
        assert len(times) == missed
        what = f"{clients:,} WS come back after kill -9, with all {missed} events they missed"
        self.row(what, f"{took:.1f} s", "<= 15 s", took <= 15)


def latencies(committed: dict[Event, float], times: Times) -> list[float]:
    # The relay may be quicker than the commit's way back to the writer.
    return [max(0.0, came - committed[event]) for event, some in times.items() for came in some]


async def measured(sizes: Sizes) -> list[tuple[str, str, str, str]]:
    with databases.server() as maintenance, Subscribers() as subscribers:
        await databases.maintain(maintenance, "CREATE DATABASE realtime")
        dsn = maintenance.replace("/postgres?", "/realtime?", 1)
        await db.migrate.upgrade(dsn)
        await databases.maintain(dsn, *SEED.strip().split(";\n"))
        pool = await db.pool.create_pool(dsn, min_size=4, max_size=8)
        try:
            bench = Bench(dsn, pool, subscribers, sizes)
            await compare(bench)
            await bench.storm()
        finally:
            pool.terminate()
        return bench.rows


async def compare(bench: Bench) -> None:
    with gateway(bench.dsn) as ours, strawberry(bench.dsn) as theirs:
        await bench.fan_out(ours, theirs, "ws", 12)
        await bench.fan_out(ours, theirs, "sse", 20)
        for transport in ("ws", "sse"):
            await bench.latency(ours, transport)
    # A process that never had more connections, so that no memory is there from before.
    with gateway(bench.dsn) as ours:
        await bench.idle(ours)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.realtime")
    parser.add_argument("--quick", action="store_true", help="few subscribers, short: to see that it works")
    options = parser.parse_args()
    require_proc()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sizes = QUICK if options.quick else FULL
    if most < sizes.idle + 200:
        sys.exit(f"{sizes.idle} connections need more open files than the {most} allowed here: raise ulimit -Hn.")
    rows = asyncio.run(measured(sizes))
    print()
    print("\n".join(table(iter([("real time", "measured", "wanted", ""), *rows]))))


if __name__ == "__main__":
    main()
