"""Hive Gateway in front of `ordergraph serve` and another subgraph: one query over both, one subscription over both."""

import asyncio
import json
import os
import socket
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL

import db.pool
from schema import build
from tests.gateway.serving import served
from tests.gateway.streaming import token
from tests.gateway.test_streaming_app import CHANGE
from tests.interop.test_federation import HERE, NODE, composed
from tests.interop.test_restart import Gateway, gateway

HIVE = HERE / "node_modules" / "@graphql-hive" / "gateway" / "dist" / "bin.js"
WHY_NOT = "no Node here" if NODE is None else "" if HIVE.exists() else "npm ci was not run in tests/interop"
pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]
__all__ = ["gateway"]
QUERY = "{ orders(first: 1) { nodes { number reviews } } }"
SUBSCRIPTION = "subscription { orderUpdates { ... on OrderChanged { version order { number reviews } } } }"
REVIEWED = {"number": "N1", "reviews": ["well packed"]}


@strawberry.federation.type(keys=["id"])
class Order:
    id: strawberry.ID
    reviews: list[str]

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> "Order":  # noqa: A002  # the key's name
        return cls(id=id, reviews=["well packed"])


@strawberry.type
class Query:
    reviewers: int = 1


@pytest.fixture
async def router(gateway: Gateway, tmp_path: Path, unused_port: int) -> AsyncIterator[str]:
    """The address of Hive Gateway, once it answers."""
    assert NODE is not None
    reviews = strawberry.federation.Schema(Query, types=[Order], federation_version="2.9")
    async with served(Starlette(routes=[Route("/graphql", GraphQL(reviews))])) as address:
        both = composed(tmp_path, ordergraph=build.sdl(build.build()), reviews=reviews.as_str())["supergraph"]
        both = both.replace("http://ordergraph.example", gateway.url).replace("http://reviews.example", address)
        file = tmp_path / "supergraph.graphql"
        file.write_text(both, "utf-8")
        process = await asyncio.create_subprocess_exec(
            NODE, HIVE, "supergraph", "-c", "hive.config.mjs", "--host", "127.0.0.1", "--port", str(unused_port),
            cwd=HERE, env={**os.environ, "SUPERGRAPH": str(file)}, stdout=DEVNULL, stderr=DEVNULL,
        )  # fmt: skip
        try:
            await ready(process, f"http://127.0.0.1:{unused_port}")
            yield f"http://127.0.0.1:{unused_port}/graphql"
        finally:
            process.kill()
            await process.wait()


@pytest.fixture
def unused_port() -> int:
    """Another than `free_port`, which the gateway has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def ready(process: Process, url: str) -> None:
    until = time.monotonic() + 60
    async with aiohttp.ClientSession() as http:
        while time.monotonic() < until and process.returncode is None:
            try:
                async with http.get(f"{url}/readiness") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.2)
    raise AssertionError("Hive Gateway did not come up")


async def test_a_query_over_both_subgraphs(router: str) -> None:
    headers = {"authorization": f"Bearer {token()}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.post(router, json={"query": QUERY}) as response:
        assert await response.json() == {"data": {"orders": {"nodes": [REVIEWED]}}}


async def test_a_subscription_over_both_subgraphs(router: str, pool: db.pool.Pool) -> None:
    headers = {"authorization": f"Bearer {token()}", "accept": "text/event-stream"}
    asked = {"query": SUBSCRIPTION}
    async with (
        asyncio.timeout(60),
        aiohttp.ClientSession(headers=headers) as http,
        http.post(router, json=asked) as response,
    ):
        await asyncio.sleep(1)
        await pool.execute(CHANGE)
        async for line in response.content:
            if b"version" in line or b"errors" in line:
                break
    assert json.loads(line.removeprefix(b"data:")) == {"data": {"orderUpdates": {"version": 2, "order": REVIEWED}}}
