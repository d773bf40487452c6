"""How many events per second come in, through the real mutations on a real database on this machine.

Run: python -m tests.benchmarks.ingest [BATCHES]. Client, gateway and PostgreSQL share its processors.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import db.migrate
import db.pool
from db.embedded import EmbeddedPostgres
from schema import build
from tests.resolvers.commands.house import INPUTS, PLACES, House, at, change, scan, upsert

BATCH = 250


async def measure(house: House, name: str, batches: list[list[dict[str, Any]]], how: str = "first") -> None:
    type_ = INPUTS[name]
    query = f"mutation($items: [{type_}!]!) {{ {name}(items: $items) {{ applied refused }} }}"
    applied, slowest, started = 0, 0.0, time.perf_counter()
    for number, items in enumerate(batches):
        begun = time.perf_counter()
        answer = await house.ask(query, {"items": items}, key=f"{name}/{how}/{number}")
        slowest = max(slowest, time.perf_counter() - begun)
        applied += answer[name]["applied"]
    seconds = time.perf_counter() - started
    sent = sum(map(len, batches))
    print(f"{name} ({how}): {sent} items, {applied} applied, {sent / seconds:.0f}/s, slowest batch {slowest:.2f} s")


async def main(batches: int) -> None:
    with tempfile.TemporaryDirectory(prefix="ordergraph-ingest-") as folder:
        Path(folder).chmod(0o755)  # noqa: ASYNC240  # before anything runs
        with EmbeddedPostgres(Path(folder) / "data") as server:
            await db.migrate.upgrade(server.dsn)
            pool = await db.pool.create_pool(server.dsn, min_size=4, max_size=10)
            await pool.execute(PLACES)
            house = House(build.executable(build.build()), pool)
            numbers = [[str(batch * BATCH + n) for n in range(BATCH)] for batch in range(batches)]
            await measure(house, "upsertOrders", [[upsert(f"u{n}", 2, n) for n in some] for some in numbers])
            scans = [[scan(f"t{n}", 9, "PICKED_UP", n, f"P{n}") for n in some] for some in numbers]
            await measure(house, "recordTrackingEvents", scans)
            again = [[scan(f"v{n}", 10, "IN_TRANSIT", None, f"P{n}") for n in some] for some in numbers]
            await measure(house, "recordTrackingEvents", again, "by parcel")
            repeated = [[{**item, "occurredAt": at(10)} for item in some] for some in again]
            await measure(house, "recordTrackingEvents", repeated, "again")
            changes = [[change(1, ("MUG", "LAMP", "BOOK")[n % 3]) for n in range(BATCH)] for _ in range(batches)]
            await measure(house, "adjustStock", changes)
            pool.terminate()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8))
