"""`/webhooks/NAME` of a running gateway: genuine deliveries are kept and worked on, all others change nothing."""

import asyncio
import contextlib
import datetime as dt
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

import db.pool
from tests.simulators.easypost import SECRET, Server, signed

ROOT = Path(__file__).resolve().parents[2]
FILE = """
[carriers]
connector = "easypost"
private = true
options = {url = "http://127.0.0.1:9"}
secrets = {api_key = "env:EP_KEY", webhook_secret = ["env:EP_NEW", "env:EP_OLD"]}
"""
LONGEST = 4096


@contextlib.asynccontextmanager
async def serving(dsn: str, file: Path, **more: str) -> AsyncIterator[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGRAPH_")}
    set_ = {
        "ORDERGRAPH_DATABASE_URL": dsn,
        "ORDERGRAPH_CONNECTORS_FILE": str(file),
        "ORDERGRAPH_LONGEST_BODY": str(LONGEST),
        "EP_KEY": "key",
        "EP_NEW": "a-new-secret",
        "EP_OLD": SECRET,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway.cli", "serve", "--port", "0"),
        cwd=ROOT,
        env={**known, **set_, **more},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        yield line.removeprefix("Ordergraph serves ").removesuffix("/graphql\n")
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 30)


SERVER = Server()


def event(number: str = "EZ1") -> Any:
    SERVER.add(number)
    return SERVER.scan(number, "delivered", "arrived_at_destination", "2026-11-24T15:00:00Z")


async def counted(http: aiohttp.ClientSession, url: str) -> dict[str, int]:
    async with http.get(f"{url}/metrics") as answer:
        text = await answer.text()
    found = re.findall(r'ordergraph_connector_deliveries_total\{instance="carriers",outcome="(\w+)"\} (\d+)', text)
    return {outcome: int(number) for outcome, number in found}


async def until(pool: db.pool.Pool, sql: str, expected: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while (found := await pool.fetchval(sql)) != expected:
        assert time.monotonic() < end, f"{found} and not {expected}"
        await asyncio.sleep(0.05)


async def test_of_all_that_is_sent_only_the_genuine_changes_anything(
    database: str, pool: db.pool.Pool, tmp_path: Path
) -> None:
    file = tmp_path / "connectors.toml"
    file.write_text(FILE)
    now = dt.datetime.now(dt.UTC)
    async with serving(database, file) as url, aiohttp.ClientSession() as http:
        hook = f"{url}/webhooks/carriers"

        async def send(headers: dict[str, str], body: bytes, to: str = hook) -> int:
            async with http.post(to, data=body, headers=headers) as answer:
                return answer.status

        headers, body = signed(event(), SECRET, now)
        assert await send(*signed(event(), "wrong", now)) == 401
        assert await send(*signed(event(), SECRET, now - dt.timedelta(hours=1))) == 401
        assert await send(headers, body[:-9]) == 401
        assert await send({}, body) == 401
        assert await send(headers, b"x" * (LONGEST + 1)) == 413
        assert await send(headers, body, f"{url}/webhooks/nobody") == 404
        async with http.get(hook) as answer:
            assert answer.status == 405
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(
            f"POST /webhooks/carriers HTTP/1.1\r\nhost: x\r\n{head}content-length: {len(body)}\r\n\r\n".encode()
        )
        writer.write(body[:20])
        await writer.drain()
        writer.close()
        for table in ("connector_deliveries", "inbox", "journal"):
            assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0

        assert await send(headers, body) == 200
        assert await send(headers, body) == 200
        assert await send(*signed(event("EZ2"), "a-new-secret", now), f"{hook}/") == 200
        await until(pool, "SELECT count(*) FROM connector_deliveries WHERE state = 'DONE'", 2)
        await until(pool, "SELECT count(DISTINCT order_key) FROM inbox WHERE source = 'carriers'", 2)
        end = time.monotonic() + 20
        while "truncated" not in (found := await counted(http, url)):
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
        assert found == {
            "unauthenticated": 4,
            "payload_too_large": 1,
            "method_not_allowed": 1,
            "truncated": 1,
            "accepted": 2,
            "replayed": 1,
        }
