"""What one slow system costs the others: live fields of three quick carriers, with and without a slow one beside them.

Run: python -m tests.benchmarks.connectors [SECONDS]. Rounds with and without it take turns in one run, so that whatever
else the machine does harms both. Askers, engine, simulated carriers and PostgreSQL share this machine, all but
PostgreSQL one process.
"""

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import db.migrate
import db.pool
from connectors.answering import Answering
from connectors.base import Capability
from connectors.easypost import create
from connectors.runtime import Runtime
from db.embedded import EmbeddedPostgres
from resolvers.live_sources import fetchers
from schema import build
from tests.resolvers import shop as shops
from tests.resolvers.shop import Shop
from tests.simulators.base import opener
from tests.simulators.easypost import Server, instance

ROUNDS = 3
QUICK = ("quick1", "quick2", "quick3")
QUICK_SECONDS, SLOW_SECONDS = 0.02, 1.0
# Its bulkhead is full with 8, and the last of these is answered before its deadline.
SLOW_ASKERS = 24
# After a stored value, which comes at once while a breaker is open: people do not ask again in the same millisecond.
PAUSE_SECONDS = 0.5
QUERY = '{shipment(trackingNumber: "%s") {live(maxAge: 0, timeout: 5000) {status stale}}}'
PARCEL = (
    "INSERT INTO shipments (id, order_id, carrier, tracking_number, status)"
    " SELECT gen_random_uuid(), id, $1, $2, 'LABEL_CREATED' FROM orders ORDER BY id LIMIT 1"
)


@contextlib.asynccontextmanager
async def shop() -> AsyncIterator[Shop]:
    with tempfile.TemporaryDirectory(prefix="ordergraph-connectors-") as folder:
        Path(folder).chmod(0o755)  # noqa: ASYNC240  # before anything runs
        with EmbeddedPostgres(Path(folder) / "data") as server:
            await db.migrate.upgrade(server.dsn)
            pool = await db.pool.create_pool(server.dsn, min_size=4, max_size=10)
            async with pool.acquire() as connection:
                await shops.rows().write(connection)
            try:
                yield Shop(build.executable(build.build()), pool)
            finally:
                await pool.close()


async def carrier(stack: contextlib.AsyncExitStack, name: str, seconds: float, parcels: list[str]) -> Server:
    server = await stack.enter_async_context(Server(latency=seconds).running())
    for parcel in parcels:
        server.add(parcel, "UPS")
        server.scan(parcel, "in_transit", "departed_facility", "2026-11-24T08:00:00Z")
    return server


async def ask(shop: Shop, parcel: str, until: float, taken: list[float]) -> None:
    """One after the other until then; milliseconds of every answer, fresh or not."""
    while time.perf_counter() < until:
        began = time.perf_counter()
        live = (await shop.ask(QUERY % parcel)).data["shipment"]["live"]
        taken.append((time.perf_counter() - began) * 1000)
        if live["stale"]:
            await asyncio.sleep(PAUSE_SECONDS)


async def one_round(shop: Shop, seconds: float, slow: list[str]) -> tuple[list[float], list[float]]:
    until = time.perf_counter() + seconds
    quick_taken: list[float] = []
    slow_taken: list[float] = []
    await asyncio.gather(
        *(ask(shop, name, until, quick_taken) for name in QUICK),
        *(ask(shop, parcel, until, slow_taken) for parcel in slow),
    )
    return quick_taken, slow_taken


def told(what: str, taken: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(taken, n=100)
    print(f"{what}: {len(taken)} answers, p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")
    return cuts[49], cuts[98]


async def main(seconds: float) -> None:
    parcels = {name: [name] for name in QUICK} | {"slow": [f"slow{place}" for place in range(SLOW_ASKERS)]}
    async with contextlib.AsyncExitStack() as stack:
        asked = await stack.enter_async_context(shop())
        http = await stack.enter_async_context(opener(30.0))
        runtime, answering = Runtime(), Answering()
        for name, numbers in parcels.items():
            server = await carrier(stack, name, SLOW_SECONDS if name == "slow" else QUICK_SECONDS, numbers)
            options = {"url": server.url, "register": "false"}
            one = replace(instance(server.url), name=name, carriers={"UPS": name}, options=options)
            runtime.add(create(one, http))
            answering.add(one, "easypost", frozenset({Capability.TRACKING}))
            await asked.pool.execute("INSERT INTO carriers (code, name) VALUES ($1, $1)", name)
            await asked.pool.executemany(PARCEL, [(name, number) for number in numbers])
        asked.engine.fetchers = fetchers(runtime, answering)
        await one_round(asked, 1.0, [])
        asked.reader.statements.clear()
        alone: list[float] = []
        beside: list[float] = []
        slow: list[float] = []
        for _ in range(ROUNDS):
            alone += (await one_round(asked, seconds, []))[0]
            quick, late = await one_round(asked, seconds, parcels["slow"])
            beside += quick
            slow += late
    before, after = told("quick systems alone", alone), told("quick systems beside a slow one", beside)
    told("the slow one", slow)
    print(f"ratio: p50 {after[0] / before[0]:.2f}, p99 {after[1] / before[1]:.2f}")


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0))
