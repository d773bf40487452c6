"""What the marks of changed stock cost those who change it (docs/connectors.md, "Telling what is for sale").

Run: python -m tests.benchmarks.marks [ROUNDS]. Each round sends a batch in every way, in turn, so that what else the
machine does falls on all of them. `without`: no triggers at all; `nobody`: the triggers, and nobody to tell; `told`: a
system is told of the place, so each change leaves a mark.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import db.migrate
import db.pool
from db.embedded import EmbeddedPostgres
from schema import build
from tests.benchmarks.ingest import BATCH
from tests.resolvers.commands.house import PLACES, House, change

WAYS = {
    "without": ("DISABLE", "DELETE FROM connector_pushes"),
    "nobody": ("ENABLE", "DELETE FROM connector_pushes"),
    "told": ("ENABLE", "INSERT INTO connector_pushes (instance, locations) VALUES ('shop', '{HAM}')"),
}
QUERY = "mutation($items: [StockAdjustmentInput!]!) { adjustStock(items: $items) { refused } }"


async def batch(house: House, number: int) -> float:
    items = [change(1, ("MUG", "LAMP", "BOOK")[place % 3]) for place in range(BATCH)]
    begun = time.perf_counter()
    answer = await house.ask(QUERY, {"items": items}, key=str(number))
    assert answer["adjustStock"]["refused"] == 0
    return time.perf_counter() - begun


async def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="ordergraph-marks-") as folder:
        Path(folder).chmod(0o755)  # noqa: ASYNC240  # before anything runs
        with EmbeddedPostgres(Path(folder) / "data") as server:
            await db.migrate.upgrade(server.dsn)
            pool = await db.pool.create_pool(server.dsn, min_size=10, max_size=10)
            await pool.execute(PLACES)
            house, seconds = House(build.executable(build.build()), pool), {way: [0.0] for way in WAYS}
            await batch(house, -1)
            for number in range(rounds):
                for place, (way, (triggers, told)) in enumerate(WAYS.items()):
                    await pool.execute(f"ALTER TABLE stock_levels {triggers} TRIGGER USER")
                    await pool.execute(told)
                    seconds[way].append(await batch(house, number * len(WAYS) + place))
            pool.terminate()
    print(f"{rounds} rounds of {BATCH} changes, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} after.\n")
    print("| way | ms per change, median | ratio to without |")
    print("|---|---|---|")
    medians = {way: statistics.median(found[1:]) / BATCH * 1000 for way, found in seconds.items()}
    for way, middle in medians.items():
        print(f"| {way} | {middle:.2f} | {middle / medians['without']:.2f} |")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
