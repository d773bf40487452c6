"""How fast events come in, through the real mutations on a real database: each item by itself, and all together.

Run: python -m tests.benchmarks.ingest [BATCHES]. Client, gateway and PostgreSQL share the machine's processors.
`alone` gives every item a transaction of its own, as all items once had; `together` is what the gateway does.
Round trips are counted where the driver sends them; CPU is of gateway and client, one process here.
"""

import asyncio
import contextlib
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import db.migrate
import db.pool
from db.embedded import EmbeddedPostgres
from events import convoy
from schema import build
from tests.resolvers.commands.house import INPUTS, PLACES, House, change, scan, upsert

BATCH = 250
LINES = (("MUG", 2), ("LAMP", 1), ("BOOK", 1))
Batch = list[dict[str, Any]]
# For each command, a batch by its number and the way it is sent.
COMMANDS: dict[str, tuple[str, Callable[[str, int], Batch]]] = {
    "upsertOrders, new, 3 lines": (
        "upsertOrders",
        lambda way, n: [upsert(f"u{way}{n}.{i}", 2, f"{way}{n}.{i}", LINES) for i in range(BATCH)],
    ),
    "upsertOrders, changed": (
        "upsertOrders",
        lambda way, n: [upsert(f"w{way}{n}.{i}", 3, f"{way}{n}.{i}", LINES, total=6000) for i in range(BATCH)],
    ),
    "recordTrackingEvents, new parcel": (
        "recordTrackingEvents",
        lambda way, n: [
            scan(f"t{way}{n}.{i}", 9, "PICKED_UP", f"{way}{n}.{i}", f"P{way}{n}.{i}") for i in range(BATCH)
        ],
    ),
    "recordTrackingEvents, by parcel": (
        "recordTrackingEvents",
        lambda way, n: [scan(f"v{way}{n}.{i}", 10, "IN_TRANSIT", None, f"P{way}{n}.{i}") for i in range(BATCH)],
    ),
    "recordTrackingEvents, sent again": (
        "recordTrackingEvents",
        lambda way, n: [scan(f"v{way}{n}.{i}", 10, "IN_TRANSIT", None, f"P{way}{n}.{i}") for i in range(BATCH)],
    ),
    "adjustStock, 3 items in turn": (
        "adjustStock",
        lambda way, n: [change(1, ("MUG", "LAMP", "BOOK")[i % 3]) for i in range(BATCH)],
    ),
}
WAYS = {"alone": 1, "together": convoy.LENGTH}


@dataclass
class Meter:
    """Round trips of all connections of a pool, as the driver sends them."""

    round_trips: int = 0

    def count(self, _: Any) -> None:
        self.round_trips += 1


@dataclass(frozen=True)
class Figure:
    seconds: list[float]
    round_trips: float
    milliseconds: float

    def line(self, name: str, way: str) -> str:
        middle, slowest = statistics.median(self.seconds), max(self.seconds)
        return (
            f"| {name} | {way} | {middle:.2f} | {slowest:.2f} | {BATCH / middle:.0f} | {self.round_trips:.1f} "
            f"| {self.milliseconds:.2f} |"
        )


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(house: House, meter: Meter, name: str, way: str, batches: int) -> Figure:
    field, batch = COMMANDS[name]
    query = f"mutation($items: [{INPUTS[field]}!]!) {{ {field}(items: $items) {{ refused }} }}"
    seconds = []
    meter.round_trips, cpu = 0, cpu_seconds()
    for number in range(batches):
        items = batch(way[0], number)
        begun = time.perf_counter()
        answer = await house.ask(query, {"items": items}, key=f"{name}/{way}/{number}")
        seconds.append(time.perf_counter() - begun)
        assert answer[field]["refused"] == 0
    sent = batches * BATCH
    return Figure(seconds, meter.round_trips / sent, 1000 * (cpu_seconds() - cpu) / sent)


@contextlib.asynccontextmanager
async def counted(pool: db.pool.Pool, meter: Meter) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(pool.get_max_size()):
            connection = await stack.enter_async_context(pool.acquire())
            connection.add_query_logger(meter.count)
    yield


async def main(batches: int) -> None:
    with tempfile.TemporaryDirectory(prefix="ordergraph-ingest-") as folder:
        Path(folder).chmod(0o755)  # noqa: ASYNC240  # before anything runs
        with EmbeddedPostgres(Path(folder) / "data") as server:
            await db.migrate.upgrade(server.dsn)
            pool = await db.pool.create_pool(server.dsn, min_size=10, max_size=10)
            await pool.execute(PLACES)
            house, meter = House(build.executable(build.build()), pool), Meter()
            print(f"{batches} batches of {BATCH} items, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} before.\n")
            print("| items | way | s per batch | slowest | items/s | round trips per item | CPU ms per item |")
            print("|---|---|---|---|---|---|---|")
            async with counted(pool, meter):
                for name in COMMANDS:
                    for way, length in WAYS.items():
                        with mock.patch.object(convoy, "LENGTH", length):
                            print((await measure(house, meter, name, way, batches)).line(name, way), flush=True)
            pool.terminate()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8))
