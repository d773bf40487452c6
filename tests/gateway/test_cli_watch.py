"""`ordergraph watch` against a gateway that goes away, comes back, and is not at its best."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from aiohttp import web

import domain.errors
from gateway.cli.watch import Watch
from tests.chaos.proxy import Proxy
from tests.gateway.streaming import token
from tests.gateway.test_streaming_app import Gateway, gateway

__all__ = ["gateway"]


@contextlib.asynccontextmanager
async def running(watching: Watch, transport: str) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(watching.run(transport))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def printed(capsys: pytest.CaptureFixture[str], *words: str) -> None:
    seen = ""
    async with asyncio.timeout(10):
        while not all(word in seen for word in words):
            await asyncio.sleep(0.05)
            seen += capsys.readouterr().out


async def placed(watching: Watch) -> str:
    """The cursor it begins with."""
    for _ in range(1000):
        if watching.cursor is not None:
            return watching.cursor
        await asyncio.sleep(0.01)
    raise AssertionError("no cursor")


@pytest.mark.parametrize("transport", ["ws", "sse"])
async def test_what_happens_while_it_is_cut_off_is_told_although_nothing_had_been_told_before(
    gateway: Gateway, capsys: pytest.CaptureFixture[str], transport: str
) -> None:
    async with Proxy(urlsplit(gateway.url).port or 0).running() as proxy:
        watching = Watch(f"http://127.0.0.1:{proxy.port}/graphql", token(), ["N1"], None)
        async with running(watching, transport):
            await placed(watching)
            await asyncio.sleep(0.3)
            proxy.refusing = True
            proxy.cut()
            await gateway.change()
            await asyncio.sleep(0.5)
            proxy.heal()
            await printed(capsys, "web/N1  v2")
            await gateway.change()
            await printed(capsys, "web/N1  v3")


async def test_an_order_and_a_cursor_choose_what_is_told(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    first = Watch(gateway.url, token(), None, None)
    async with running(first, "ws"):
        after = await placed(first)
    await gateway.change()
    async with running(Watch(gateway.url, token(), ["N1"], after), "sse"):
        await printed(capsys, "web/N1  v2  STATUS_CHANGED")
    async with running(Watch(gateway.url, token(), ["N2"], after), "sse"):
        await asyncio.sleep(1)
        assert capsys.readouterr().out == ""


class Troubled:
    """Says what is wrong in turn, then where the log ends and one event."""

    def __init__(self, *troubles: web.Response) -> None:
        self.troubles = list(troubles)

    async def answer(self, request: web.Request) -> web.Response:
        asked = (await request.json())["query"]
        if self.troubles:
            return self.troubles.pop(0)
        if asked.startswith("{"):
            return web.json_response({"data": {"changes": {"cursor": "c1"}}})
        order = {"number": "N1", "channel": {"code": "web"}, "status": "X", "attention": [], "shipments": []}
        told = {
            "cursor": "c2",
            "type": "T",
            "version": 7,
            "occurredAt": "now",
            "source": "s",
            "actor": "a",
            "order": order,
        }
        return web.Response(
            text=f"data: {json.dumps({'data': {'orderUpdates': told}})}\n\n", content_type="text/event-stream"
        )


@contextlib.asynccontextmanager
async def troubled(*troubles: web.Response) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/graphql", Troubled(*troubles).answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/graphql"
    finally:
        await runner.cleanup()


def refusal(code: str, status: int = 200) -> web.Response:
    return web.json_response({"errors": [{"message": "no", "extensions": {"code": code}}]}, status=status)


async def test_a_gateway_that_starts_or_is_in_trouble_is_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    troubles = web.Response(status=503), refusal("SERVICE_UNAVAILABLE")
    async with troubled(*troubles) as url, running(Watch(url, "t", None, None), "sse"):
        await printed(capsys, "web/N1  v7")


@pytest.mark.parametrize("trouble", [refusal("UNAUTHENTICATED", 401), refusal("FORBIDDEN")])
async def test_a_refusal_ends_it(trouble: web.Response) -> None:
    async with troubled(trouble) as url:
        with pytest.raises(domain.errors.BadInput, match="The gateway refuses"):
            await asyncio.wait_for(Watch(url, "t", None, None).run("sse"), 5)
