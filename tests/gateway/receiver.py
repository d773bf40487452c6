"""A receiver of webhooks on a real loopback server, and a check of signatures written from the standard's own words."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Receiver:
    """Answers each call as `statuses` says in turn, then with 204, and keeps what it got."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang: bool = False
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    taken: list[tuple[str, Any]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.calls.append(({name.lower(): value for name, value in request.headers.items()}, body))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(30 if self.hang else self.delay)
        finally:
            self.at_once -= 1
        status = self.statuses.pop(0) if self.statuses else 204
        if 200 <= status < 300:
            self.taken.append((request.headers["webhook-id"], json.loads(body)))
        return web.Response(status=status, headers=self.headers)

    def versions(self) -> list[int]:
        """Of all that was taken, in the order in which it first came: repetitions are told by their ids."""
        first = dict(reversed([(key, said["data"]["version"]) for key, said in self.taken]))
        return [first[key] for key in dict.fromkeys(key for key, _ in self.taken)]

    async def wait(self, count: int, seconds: float = 20.0) -> None:
        """Until so many different messages have been taken."""
        async with asyncio.timeout(seconds):
            while len({key for key, _ in self.taken}) < count:  # noqa: ASYNC110  (of things that have no event)
                await asyncio.sleep(0.01)

    async def called(self, count: int, seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while len(self.calls) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{anything:.*}", receiver.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Standard Webhooks' own words: base64 secret after whsec_, HMAC-SHA256 over id.timestamp.body, a list of v1,…"""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    return fresh and any(
        version == "v1" and hmac.compare_digest(signature, expected)
        for version, _, signature in (part.partition(",") for part in headers["webhook-signature"].split(" "))
    )
