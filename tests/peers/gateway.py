"""`ordergraph serve` beside a real outside system, and its commands as an operator types them."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from domain.actor import Role
from gateway.tokens import issue_token

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a-secret-for-tests-of-real-systems"
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class House:
    """A gateway's settings: its database, its connectors' file and their secrets."""

    database: str
    file: Path
    secrets: Mapping[str, str]

    def environment(self, **settings: str) -> dict[str, str]:
        known = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGRAPH_")}
        ours = {
            "ORDERGRAPH_DATABASE_URL": self.database,
            "ORDERGRAPH_CONNECTORS_FILE": str(self.file),
            "ORDERGRAPH_TOKEN_SECRET": SECRET,
        }
        return {**known, **ours, **self.secrets, **settings}

    async def command(self, *words: str) -> str:
        """What it says; fails unless all went well."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.cli", *words),
            cwd=ROOT,
            env=self.environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), SECONDS)
        assert process.returncode == 0, err.decode()
        return out.decode()

    @contextlib.asynccontextmanager
    async def serving(self, port: int, **settings: str) -> AsyncIterator["Asking"]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.cli", "serve", "--port", str(port)),
            cwd=ROOT,
            env=self.environment(**settings),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            said = (await asyncio.wait_for(process.stdout.readline(), SECONDS)).decode()
            assert said.startswith("Ordergraph serves "), said
            async with aiohttp.ClientSession() as http:
                yield Asking(f"http://127.0.0.1:{port}/graphql", http)
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), 30)


@dataclass(frozen=True, slots=True)
class Asking:
    """A member of support, unless told otherwise, who asks and listens."""

    url: str
    http: aiohttp.ClientSession
    role: Role = Role.SUPPORT

    def as_(self, role: Role) -> "Asking":
        return dataclasses.replace(self, role=role)

    def _headers(self) -> dict[str, str]:
        now = dt.datetime.now(dt.UTC)
        token = issue_token(SECRET, self.role, ttl=dt.timedelta(hours=1), now=now, customer_id=None, source=None)
        return {"Authorization": f"Bearer {token}"}

    async def ask(self, query: str) -> Any:
        async with self.http.post(self.url, json={"query": query}, headers=self._headers()) as answer:
            told = await answer.json()
        assert "errors" not in told, told["errors"]
        return told["data"]

    async def until(self, query: str, expected: object, seconds: float = SECONDS) -> None:
        """Asks again and again until the answer is that."""
        end = time.monotonic() + seconds
        while (found := await self.ask(query)) != expected:
            assert time.monotonic() < end, found
            await asyncio.sleep(0.1)

    @contextlib.asynccontextmanager
    async def subscribed(self, query: str) -> AsyncIterator["Listening"]:
        """By SSE; open when this begins."""
        accept = {**self._headers(), "Accept": "text/event-stream"}
        no_end = aiohttp.ClientTimeout(total=None)
        async with self.http.post(self.url, json={"query": query}, headers=accept, timeout=no_end) as answer:
            assert answer.status == 200
            yield Listening(answer)


@dataclass(frozen=True, slots=True)
class Listening:
    answer: aiohttp.ClientResponse

    async def until(self, expected: object, seconds: float = SECONDS) -> None:
        """The next update whose order is that."""
        heard = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    event = (await self.answer.content.readuntil(b"\n\n")).decode()
                    if "data: {" not in event:
                        continue
                    (update,) = json.loads(event.partition("data: ")[2])["data"].values()
                    heard.append(update.get("order"))
                    if heard[-1] == expected:
                        return
        except TimeoutError:
            raise AssertionError(f"heard {heard} and not {expected}") from None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
