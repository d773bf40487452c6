"""How soon a delivery of an outside system is answered by a running gateway, while it also works on those before.

Run: python -m tests.benchmarks.deliveries [DELIVERIES]. Client, gateway and PostgreSQL share this machine.
"""

import asyncio
import datetime as dt
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

import db.migrate
from db.embedded import EmbeddedPostgres
from tests.gateway.test_hooks import FILE, event, serving
from tests.simulators.easypost import SECRET, signed

AT_ONCE = 8


async def measure(url: str, number: int, at_once: int) -> None:
    now = dt.datetime.now(dt.UTC)
    waiting = [signed(event(f"EZ{at_once}x{place}"), SECRET, now) for place in range(number)]
    taken: list[float] = []

    async def sender(http: aiohttp.ClientSession) -> None:
        while waiting:
            headers, body = waiting.pop()
            began = time.perf_counter()
            async with http.post(f"{url}/webhooks/carriers", data=body, headers=headers) as answer:
                assert answer.status == 200
            taken.append((time.perf_counter() - began) * 1000)

    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(sender(http) for _ in range(at_once)))
    cuts = statistics.quantiles(taken, n=100)
    told = f"p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, most {max(taken):.1f} ms"
    print(f"{number} deliveries, {at_once} at once: {told}")


async def main(number: int) -> None:
    with tempfile.TemporaryDirectory(prefix="ordergraph-deliveries-") as folder:
        Path(folder).chmod(0o755)  # noqa: ASYNC240  # before anything runs
        file = Path(folder) / "connectors.toml"
        file.write_text(FILE)  # the same
        with EmbeddedPostgres(Path(folder) / "data") as server:
            await db.migrate.upgrade(server.dsn)
            async with serving(server.dsn, file) as url:
                for at_once in (1, AT_ONCE):
                    await measure(url, number, at_once)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
