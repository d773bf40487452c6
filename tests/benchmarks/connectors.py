"""What one slow or dead system costs the others: p99 of three quick carriers beside a crowd that asks a fourth.

Run: python -m tests.benchmarks.connectors [SECONDS]. All situations take turns in one run, so that whatever else the
machine does harms each of them. Askers, engine, simulated carriers and PostgreSQL share this machine, all but
PostgreSQL one process. Stored values come at once, so a crowd that asks without a pause gets far more of them than of
fresh ones, and takes all of the processor. What that costs is not the slow system's doing: each situation is therefore
compared with the same crowd asking as fast for what no slow system holds up.
"""

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
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
CROWD = 48
QUICK_SECONDS = 0.02
# Of the fourth system. The slow one's places and queue hold 40, so some of the crowd is refused; its breaker
# stays closed. The dead one gives no answer in time, and its breaker opens.
LATENCY = {"healthy": QUICK_SECONDS, "slow": 0.4, "dead": 60.0}
# Every asker at most so often, or again as soon as it has an answer, whatever that is.
PACED, HASTY = 0.25, 0.0
QUERY = '{shipment(trackingNumber: "%s") {live(maxAge: 0, timeout: 5000) {status reason}}}'
STORED = '{shipment(trackingNumber: "%s") {status}}'
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


@dataclass(frozen=True, slots=True)
class Situation:
    """What the crowd asks, and how often each of it. `like`: the one with which it is compared."""

    name: str
    query: str = QUERY
    system: str | None = None
    gap: float = PACED
    like: str | None = None


SITUATIONS = (
    Situation("nobody else asks"),
    Situation("4 a second each, a healthy system", system="healthy"),
    Situation("4 a second each, a slow system", system="slow", like="4 a second each, a healthy system"),
    Situation("4 a second each, a dead system", system="dead", like="4 a second each, a healthy system"),
    Situation("without pause, stored values only", STORED, "healthy", HASTY),
    Situation("without pause, a slow system", system="slow", gap=HASTY, like="without pause, stored values only"),
    Situation("without pause, a dead system", system="dead", gap=HASTY, like="without pause, stored values only"),
)


@dataclass(slots=True)
class Taken:
    """Milliseconds of the quick systems' answers; answers of the crowd by their reason."""

    quick: list[float] = field(default_factory=list)
    crowd: Counter[str] = field(default_factory=Counter)
    cpu: float = 0.0

    def p99(self) -> float:
        return statistics.quantiles(self.quick, n=100)[98]


async def ask(shop: Shop, query: str, until: float, gap: float, done: Callable[[float, str], None]) -> None:
    """One after the other until then, begun `gap` seconds apart where answers are quick enough."""
    due = time.perf_counter()
    while (began := time.perf_counter()) < until:
        shipment = (await shop.ask(query)).data["shipment"]
        done((time.perf_counter() - began) * 1000, shipment.get("live", {}).get("reason") or "FRESH")
        due = max(due + gap, time.perf_counter())
        await asyncio.sleep(due - time.perf_counter())


async def one_round(shop: Shop, situation: Situation, seconds: float, taken: Taken) -> None:
    until, cpu = time.perf_counter() + seconds, time.process_time()
    crowd = [f"{situation.system}{place}" for place in range(CROWD)] if situation.system else []

    def quick(milliseconds: float, reason: str) -> None:
        assert reason == "FRESH", f"a quick system's answer is {reason}"
        taken.quick.append(milliseconds)

    def other(_: float, reason: str) -> None:
        taken.crowd[reason] += 1

    await asyncio.gather(
        *(ask(shop, QUERY % name, until, 0.0, quick) for name in QUICK),
        *(ask(shop, situation.query % parcel, until, situation.gap, other) for parcel in crowd),
    )
    taken.cpu += time.process_time() - cpu


def told(found: dict[str, Taken]) -> None:
    for situation in SITUATIONS:
        taken = found[situation.name]
        cuts = statistics.quantiles(taken.quick, n=100)
        crowd = ", ".join(f"{number} {reason}" for reason, number in taken.crowd.most_common()) or "none"
        print(f"{situation.name}: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms of {len(taken.quick)} answers")
        print(f"    the crowd's answers: {crowd}; processor {taken.cpu:.1f} s")
        if situation.like is not None:
            ratio = taken.p99() / found[situation.like].p99()
            print(f'    p99 against "{situation.like}": {ratio:.2f}')


async def connected(stack: contextlib.AsyncExitStack, shop: Shop) -> None:
    http = await stack.enter_async_context(opener(90.0))
    runtime, answering = Runtime(), Answering()
    for name in (*QUICK, *LATENCY):
        parcels = [name] if name in QUICK else [f"{name}{place}" for place in range(CROWD)]
        server = await carrier(stack, name, LATENCY.get(name, QUICK_SECONDS), parcels)
        options = {"url": server.url, "register": "false"}
        one = replace(instance(server.url), name=name, carriers={"UPS": name}, options=options)
        runtime.add(create(one, http))
        answering.add(one, "easypost", frozenset({Capability.TRACKING}))
        await shop.pool.execute("INSERT INTO carriers (code, name) VALUES ($1, $1)", name)
        await shop.pool.executemany(PARCEL, [(name, parcel) for parcel in parcels])
    shop.engine.fetchers = fetchers(runtime, answering)


async def main(seconds: float) -> None:
    found = {situation.name: Taken() for situation in SITUATIONS}
    async with contextlib.AsyncExitStack() as stack:
        asked = await stack.enter_async_context(shop())
        await connected(stack, asked)
        await one_round(asked, SITUATIONS[1], 1.0, Taken())
        for _ in range(ROUNDS):
            for situation in SITUATIONS:
                await one_round(asked, situation, seconds, found[situation.name])
                asked.reader.statements.clear()
    told(found)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 4.0))
