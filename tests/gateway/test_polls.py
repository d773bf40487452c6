"""Long polls over HTTP: they outlast the limits of other operations, and stay within limits of their own."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

import db.pool
from domain.actor import Role
from gateway.app import create_app
from gateway.settings import Settings
from tests.gateway.serving import SECRET, served
from tests.gateway.streaming import token
from tests.gateway.test_streaming_app import CHANGE, SEED

NODES = "{ nodes { ... on OrderChanged { version } } cursor }"


class Client:
    def __init__(self, http: aiohttp.ClientSession, url: str, app: Any, pool: db.pool.Pool) -> None:
        self.http = http
        self.url = f"{url}/graphql"
        self.app = app
        self.pool = pool

    async def ask(self, arguments: str = "", method: str = "POST", **headers: str) -> tuple[int, Any]:
        document = f"{{ changes{arguments} {NODES} }}"
        given: dict[str, Any] = {"params": {"query": document}} if method == "GET" else {"json": {"query": document}}
        headers = {"authorization": f"Bearer {token(Role.SUPPORT)}", **headers}
        async with self.http.request(method, self.url, headers=headers, **given) as response:
            return response.status, json.loads(await response.read())

    async def metric(self, line: str) -> bool:
        async with self.http.get(self.url.replace("graphql", "metrics")) as response:
            return line in (await response.text()).splitlines()

    async def start(self) -> str:
        cursor: str = (await self.ask())[1]["data"]["changes"]["cursor"]
        return cursor


@pytest.fixture
async def client(database: str, pool: db.pool.Pool) -> AsyncIterator[Client]:
    await pool.execute(SEED)
    settings = Settings(
        token_secret=SecretStr(SECRET),
        operation_seconds=0.3,
        operations_at_once=1,
        operations_waiting=0,
        connections_per_staff=2,
    )
    app = create_app(settings, pool, database)
    async with served(app) as url, aiohttp.ClientSession() as http:
        yield Client(http, url, app, pool)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_poll_waits_longer_than_other_operations_may_take_and_is_woken(client: Client, method: str) -> None:
    start = await client.start()
    waiting = asyncio.create_task(client.ask(f'(after: "{start}", wait: "30s")', method))
    await asyncio.sleep(0.8)
    assert not waiting.done()
    assert await client.metric("ordergraph_polls_waiting 1.0")
    await client.pool.execute(CHANGE)
    async with asyncio.timeout(10):
        status, said = await waiting
    assert (status, said["data"]["changes"]["nodes"]) == (200, [{"version": 2}])
    count = 2.0 if method == "POST" else 1.0  # the first one asked for the start
    assert await client.metric(f'ordergraph_operations_total{{kind="poll",outcome="OK",transport="{method}"}} {count}')
    assert await client.metric("ordergraph_polls_waiting 0.0")


async def test_those_that_wait_take_no_place_of_those_that_work(client: Client) -> None:
    start = await client.start()
    waiting = asyncio.create_task(client.ask(f'(after: "{start}", wait: "30s")'))
    await asyncio.sleep(0.2)
    assert (await client.ask())[0] == 200
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_a_caller_that_waits_too_often_is_told_so_and_a_client_that_left_counts_no_more(client: Client) -> None:
    start = await client.start()
    polls = [asyncio.create_task(client.ask(f'(after: "{start}", wait: "30s")')) for _ in range(2)]
    await asyncio.sleep(0.3)
    status, said = await client.ask(f'(after: "{start}", wait: "30s")')
    assert (status, said["errors"][0]["extensions"]["code"]) == (503, "OVERLOADED")
    for poll in polls:
        poll.cancel()
    await asyncio.gather(*polls, return_exceptions=True)
    await asyncio.sleep(0.5)
    assert await client.metric("ordergraph_polls_waiting 0.0")
    assert (await client.ask(f'(after: "{start}")'))[0] == 200


async def test_a_server_that_ends_answers_at_once_and_lets_nobody_wait(client: Client) -> None:
    start = await client.start()
    waiting = asyncio.create_task(client.ask(f'(after: "{start}", wait: "30s")'))
    await asyncio.sleep(0.3)
    async with asyncio.timeout(5):
        await client.app.state.drain(0.1)
        status, said = await waiting
        assert (status, said["data"]["changes"]) == (200, {"nodes": [], "cursor": start})
        assert (await client.ask(f'(after: "{start}", wait: "30s")'))[0] == 200


async def test_a_token_that_expires_meanwhile_is_said(client: Client) -> None:
    start = await client.start()
    short = f"Bearer {token(Role.SUPPORT, seconds=1)}"
    async with asyncio.timeout(10):
        status, said = await client.ask(f'(after: "{start}", wait: "30s")', authorization=short)
    assert (status, said["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert "expired while the poll waited" in said["errors"][0]["message"]


async def test_over_a_stream_it_does_not_wait(client: Client) -> None:
    start = await client.start()
    headers = {"authorization": f"Bearer {token(Role.SUPPORT)}", "accept": "text/event-stream"}
    document = f'{{ changes(after: "{start}", wait: "30s") {NODES} }} # subscription'
    async with (
        asyncio.timeout(5),
        client.http.post(client.url, json={"query": document}, headers=headers) as response,
    ):
        said = (await response.read()).decode()
    assert json.loads(said.partition("data: ")[2].splitlines()[0])["data"]["changes"]["nodes"] == []
    assert said.endswith("event: complete\ndata:\n\n")
