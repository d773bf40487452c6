"""The clients that applications really use, against every streaming transport they speak."""

import asyncio
import contextlib
import json
import shutil
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.actor import Role
from events.sink import Ended
from gateway.connections import StreamOptions
from resolvers.answer import Answer, Failure
from tests.gateway.streaming import Stand, standing, token

HERE = Path(__file__).parent
NODE = shutil.which("node")
WHY_NOT = (
    "no Node here"
    if NODE is None
    else ""
    if all(HERE.joinpath("node_modules", name).exists() for name in ("graphql-ws", "graphql-sse", "@apollo/client"))
    else "npm ci was not run in tests/interop"
)
pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]
SUBSCRIBE = "subscription { n }"
ALL = ["graphql-ws", "graphql-sse", "graphql-sse-single", "apollo-multipart"]


class Application:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def saw(self, *expected: str) -> Any:
        """The value of the next event, which must be one of these; pings apart."""
        assert self.process.stdout is not None
        while True:
            line = await asyncio.wait_for(self.process.stdout.readline(), 10)
            assert line, "the client ended"
            said = json.loads(line)
            if said["event"] != "ping" or "ping" in expected:
                break
        assert said["event"] in expected, said
        return said.get("value")


@contextlib.asynccontextmanager
async def application(kind: str, stand: Stand, query: str = SUBSCRIBE, *tokens: str) -> AsyncIterator[Application]:
    assert NODE is not None
    given = json.dumps(tokens or [token()])
    process = await asyncio.create_subprocess_exec(
        NODE, "streaming_clients.mjs", kind, f"{stand.url}/graphql", given, query, cwd=HERE, stdout=PIPE
    )  # fmt: skip
    try:
        yield Application(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    async with standing(StreamOptions(restart_jitter_seconds=0.1, multipart_heartbeat_seconds=0.3)) as stand:
        yield stand


async def greeted(kind: str, one: Application) -> None:
    if kind == "graphql-ws":
        assert await one.saw("connected") == {"keepalive": 20_000}


@pytest.mark.parametrize("kind", ALL)
async def test_a_subscription_to_its_end(stand: Stand, kind: str) -> None:
    async with application(kind, stand) as one:
        await greeted(kind, one)
        running = await stand.streams.running()
        assert running.actor.role is Role.OPERATOR
        for number in range(3):
            running.push({"n": number}, "abc")
            assert (await one.saw("next"))["data"] == {"n": number}
        # Long enough for a heartbeat.
        await asyncio.sleep(0.7)
        running.push({"n": 3})
        assert (await one.saw("next"))["data"] == {"n": 3}
        running.end()
        await one.saw("complete")
        await asyncio.wait_for(one.process.wait(), 10)
    assert running.closes == 0


@pytest.mark.parametrize("kind", ALL)
async def test_a_query(stand: Stand, kind: str) -> None:
    async with application(kind, stand, "{ __typename }") as one:
        await greeted(kind, one)
        assert (await one.saw("next"))["data"]["__typename"] == "Query"
        await one.saw("complete")


@pytest.mark.parametrize("kind", ALL)
async def test_a_refused_operation_reaches_the_application(stand: Stand, kind: str) -> None:
    stand.streams.behaviour[SUBSCRIBE] = refusal = Answer(
        b'{"errors":[{"message":"refused","extensions":{"code":"FORBIDDEN"}}]}', Failure.FORBIDDEN
    )
    # Apollo's client prints the document anew.
    stand.streams.behaviour["subscription {\n  n\n}"] = refusal
    async with application(kind, stand) as one:
        await greeted(kind, one)
        told = json.dumps(await one.saw("next", "error"))
        assert "refused" in told or "403" in told


@pytest.mark.parametrize("kind", ALL)
async def test_a_client_that_is_killed_ends_its_operation(stand: Stand, kind: str) -> None:
    async with application(kind, stand) as one:
        await greeted(kind, one)
        running = await stand.streams.running()
        one.process.kill()
        await asyncio.wait_for(running.closed.wait(), 5)
    assert running.closes == 1


async def test_graphql_ws_goes_on_by_itself_after_a_restart(stand: Stand) -> None:
    async with application("graphql-ws", stand) as one:
        await greeted("graphql-ws", one)
        running = await stand.streams.running()
        running.push({"n": 1}, "abc")
        await one.saw("next")
        running.end(Ended.SHUTDOWN, "abc")
        assert await one.saw("closed") == [1012, "Service Restart cursor=abc"]
        await greeted("graphql-ws", one)
        again = await stand.streams.running(1)
        again.push({"n": 2})
        assert (await one.saw("next"))["data"] == {"n": 2}


async def test_graphql_ws_comes_back_with_a_new_token_when_its_own_expires(stand: Stand) -> None:
    async with application("graphql-ws", stand, SUBSCRIBE, token(Role.SUPPORT, seconds=3), token()) as one:
        await greeted("graphql-ws", one)
        assert (await stand.streams.running()).actor.role is Role.SUPPORT
        assert await one.saw("closed") == [4403, "Forbidden: token expired"]
        await greeted("graphql-ws", one)
        assert (await stand.streams.running(1)).actor.role is Role.OPERATOR


async def test_graphql_ws_comes_back_when_it_was_slow(stand: Stand) -> None:
    async with application("graphql-ws", stand) as one:
        await greeted("graphql-ws", one)
        (await stand.streams.running()).end(Ended.SLOW, "abc")
        assert await one.saw("closed") == [4509, "slow"]
        await greeted("graphql-ws", one)
        await stand.streams.running(1)


async def test_graphql_ws_answers_our_pings() -> None:
    options = StreamOptions(ping_seconds=0.5)
    async with standing(options) as stand, application("graphql-ws", stand) as one:
        await one.saw("connected")
        for _ in range(4):
            await one.saw("ping")


@pytest.mark.parametrize("reason", [Ended.REVOKED, Ended.LIMIT])
async def test_the_code_of_an_end_reaches_the_application(stand: Stand, reason: Ended) -> None:
    for number, kind in enumerate(ALL):
        async with application(kind, stand) as one:
            await greeted(kind, one)
            (await stand.streams.running(number)).end(reason, "abc")
            assert reason.value in json.dumps(await one.saw("next", "error"))
