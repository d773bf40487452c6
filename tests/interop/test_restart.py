"""The gateway is killed in the middle of a stream and started again: who followed goes on, without hole or duplicate.

The gateway is `ordergraph serve` as a process of its own, killed with -9. The database goes on, so that changes happen
while no gateway is there.
"""

import asyncio
import contextlib
import json
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

import db.pool
from tests.gateway.serving import SECRET
from tests.gateway.streaming import token
from tests.gateway.test_streaming_app import CHANGE, SEED
from tests.interop.test_streaming_clients import ALL, HERE, NODE, WHY_NOT

ROOT = Path(__file__).resolve().parents[2]
FOLLOW = """subscription Follow($after: String) { orderUpdates(after: $after) {
  ... on OrderChanged { cursor version } ... on Checkpoint { cursor } ... on Reset { cursor reason } } }"""
# Of the first events, of those while no gateway is there, and of those after it came back.
ROUND = 5
ALL_VERSIONS = list(range(2, 2 + 4 * ROUND))


class Gateway:
    """`ordergraph serve` on one port; started, killed, started again."""

    def __init__(self, dsn: str, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        known = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGRAPH_")}
        self.environment = {**known, "ORDERGRAPH_DATABASE_URL": dsn, "ORDERGRAPH_TOKEN_SECRET": SECRET}
        self.command = (sys.executable, "-m", "gateway.cli", "serve", "--port", str(port))
        self.process: Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *self.command, cwd=ROOT, env=self.environment, stdout=PIPE, stderr=DEVNULL
        )
        assert self.process.stdout is not None
        said = await asyncio.wait_for(self.process.stdout.readline(), 60)
        assert said.startswith(b"Ordergraph serves"), said

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


class Follower:
    """A client's process; `versions` are those of the events it told, in the order it told them."""

    def __init__(self, process: Process, version_of: Callable[[str], int | None]) -> None:
        assert process.stdout is not None
        self.lines = process.stdout
        self.version_of = version_of
        self.versions: list[int] = []

    async def until(self, version: int) -> None:
        async with asyncio.timeout(60):
            while version not in self.versions:
                line = (await self.lines.readline()).decode()
                assert line, "the client ended"
                if (told := self.version_of(line)) is not None:
                    self.versions.append(told)


@pytest.fixture
async def gateway(database: str, pool: db.pool.Pool, free_port: int) -> AsyncIterator[Gateway]:
    await pool.execute(SEED)
    one = Gateway(database, free_port)
    await one.start()
    yield one
    await one.kill()


@contextlib.asynccontextmanager
async def follower(version_of: Callable[[str], int | None], *command: str, cwd: Path) -> AsyncIterator[Follower]:
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=PIPE, stderr=DEVNULL)
    try:
        yield Follower(process, version_of)
    finally:
        process.kill()
        await process.wait()


async def killed_and_started_again(gateway: Gateway, pool: db.pool.Pool, one: Follower, ready: Awaitable[None]) -> None:
    """20 changes: 5 followed, 5 committed around the moment of the kill, 5 while nobody serves, 5 afterwards."""
    await ready
    for number in range(4 * ROUND):
        if number == ROUND:
            await one.until(ALL_VERSIONS[number - 1])
        if number == 2 * ROUND:
            await gateway.kill()
        if number == 3 * ROUND:
            await gateway.start()
        await pool.execute(CHANGE)
    await one.until(ALL_VERSIONS[-1])
    assert one.versions == ALL_VERSIONS


async def subscribed(gateway: Gateway, pool: db.pool.Pool) -> None:
    """Waits until the gateway counts one streaming connection."""
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{gateway.url}/metrics") as response:
                if re.search(r"^ordergraph_connections_opened_total\S* [1-9]", await response.text(), re.MULTILINE):
                    break
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)


def version_printed(line: str) -> int | None:
    found = re.search(r"  v(\d+)  ", line)
    return int(found[1]) if found else None


def version_told(line: str) -> int | None:
    said = json.loads(line)
    if said["event"] != "next":
        return None
    assert "errors" not in said["value"], said
    # Apollo's client tells a broken stream as a result without data.
    if "data" not in said["value"]:
        return None
    told = said["value"]["data"]["orderUpdates"]
    assert "reason" not in told, told
    version: int | None = told.get("version")
    return version


@pytest.mark.parametrize("transport", ["ws", "sse"])
async def test_watch_goes_on_after_the_gateway_was_killed(gateway: Gateway, pool: db.pool.Pool, transport: str) -> None:
    command = (sys.executable, "-m", "gateway.cli", "watch", "--transport", transport)
    given = ("--url", gateway.url, "--token", token())
    async with follower(version_printed, *command, *given, cwd=ROOT) as one:
        await killed_and_started_again(gateway, pool, one, subscribed(gateway, pool))


@pytest.mark.interop
@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
@pytest.mark.parametrize("kind", ALL)
async def test_clients_go_on_after_the_gateway_was_killed(gateway: Gateway, pool: db.pool.Pool, kind: str) -> None:
    assert NODE is not None
    command = (NODE, "streaming_clients.mjs", kind, f"{gateway.url}/graphql", json.dumps([token()]), FOLLOW)
    async with follower(version_told, *command, cwd=HERE) as one:
        await killed_and_started_again(gateway, pool, one, subscribed(gateway, pool))
