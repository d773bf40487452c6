"""multipart/mixed; subscriptionSpec="1.0": exact bytes from a real server."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from events.sink import Ended
from gateway.connections import StreamOptions
from resolvers.answer import Answer, Failure
from tests.gateway.streaming import SUBSCRIBE, FakeRunning, Stand, fresh, standing, token, until

ACCEPT = 'multipart/mixed;subscriptionSpec="1.0", application/json'
HEARTBEAT = b"\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql"
OPENING = b"\r\n--graphql" + HEARTBEAT


def part(payload: bytes) -> bytes:
    return b"\r\ncontent-type: application/json\r\n\r\n" + payload + b"\r\n--graphql"


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[Stand]:
    async with standing(StreamOptions(restart_jitter_seconds=0.1)) as stand:
        yield stand


@pytest.fixture
def stand(shared: Stand) -> Stand:
    return fresh(shared)


@contextlib.asynccontextmanager
async def asked(stand: Stand, body: Any = None, **headers: str) -> AsyncIterator[aiohttp.ClientResponse]:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
        http.post(
            f"{stand.url}/graphql", json={"query": SUBSCRIBE} | (body or {}), headers={"Accept": ACCEPT} | headers
        ) as response,
    ):
        yield response


@contextlib.asynccontextmanager
async def subscribed(stand: Stand, **headers: str) -> AsyncIterator[tuple[aiohttp.ClientResponse, FakeRunning]]:
    async with asked(stand, **headers) as response:
        assert await response.content.readexactly(len(OPENING)) == OPENING
        yield response, await stand.streams.running()


@pytest.mark.parametrize(
    "accept",
    [
        ACCEPT,
        "multipart/mixed;subscriptionSpec=1.0,application/json",
        'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json',
        "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json",
        'multipart/mixed; subscriptionSpec="1.0"',
    ],
)
async def test_a_subscription_from_its_first_byte_to_its_last(stand: Stand, accept: str) -> None:
    async with subscribed(stand, Accept=accept) as (response, running):
        assert response.status == 200
        assert {name.lower(): value for name, value in response.headers.items() if name.lower() != "date"} == {
            "content-type": 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
            "cache-control": "no-cache, no-transform",
            "x-accel-buffering": "no",
            "vary": "accept, origin",
            "x-content-type-options": "nosniff",
            "transfer-encoding": "chunked",
        }
        running.push({"n": 1}, "abc")
        running.sink.push(b'{"data":null,"errors":[{"message":"no"}]}', None)
        running.end()
        running.push({"n": 2})
        assert await response.content.read() == (
            part(b'{"payload":{"data":{"n":1}}}')
            + part(b'{"payload":{"data":null,"errors":[{"message":"no"}]}}')
            + b"--\r\n"
        )
    assert running.closes == 0


async def test_a_part_can_be_read_as_soon_as_it_is_sent(stand: Stand) -> None:
    async with subscribed(stand) as (response, running):
        running.push({"n": 1})
        read = await asyncio.wait_for(response.content.readuntil(b"--graphql"), 1)
        assert read == part(b'{"payload":{"data":{"n":1}}}')


async def test_heartbeats_are_empty_parts() -> None:
    async with standing(StreamOptions(multipart_heartbeat_seconds=0.3)) as stand, subscribed(stand) as (response, _):
        for _ in range(2):
            assert await asyncio.wait_for(response.content.readexactly(len(HEARTBEAT)), 1) == HEARTBEAT


async def test_what_is_pushed_while_starting_comes_after_the_opening(stand: Stand) -> None:
    async def at_once(running: FakeRunning) -> None:
        running.push({"n": 1})

    stand.streams.behaviour[SUBSCRIBE] = at_once
    async with subscribed(stand) as (response, running):
        running.end()
        assert await response.content.read() == part(b'{"payload":{"data":{"n":1}}}') + b"--\r\n"


async def test_queries_are_answered_plainly(stand: Stand) -> None:
    async with asked(stand, {"query": "{__typename}"}) as response:
        assert response.content_type == "application/json"
        assert await response.json() == {"data": {"__typename": "Query"}}
    assert (len(stand.engine.asked), stand.streams.started) == (1, [])


@pytest.mark.parametrize(
    ("failure", "status"), [(Failure.VALIDATION, 400), (Failure.UNAUTHENTICATED, 401), (Failure.OVERLOADED, 503)]
)
async def test_a_refused_operation_has_its_status(stand: Stand, failure: Failure, status: int) -> None:
    stand.streams.behaviour[SUBSCRIBE] = Answer(b'{"errors":[{"message":"no"}]}', failure)
    async with asked(stand) as response:
        assert (response.status, response.content_type) == (status, "application/json")
        assert await response.json() == {"errors": [{"message": "no"}]}
        assert response.headers["content-length"] == "29"
    await until(lambda: not stand.connections.streams)


async def test_a_connection_goes_on_after_a_refusal(stand: Stand) -> None:
    stand.streams.behaviour[SUBSCRIBE] = Answer(b'{"errors":[]}', Failure.VALIDATION)
    async with aiohttp.ClientSession() as http:
        for _ in range(3):
            request = http.post(f"{stand.url}/graphql", json={"query": SUBSCRIBE}, headers={"Accept": ACCEPT})
            async with request as response:
                assert (response.status, await response.read()) == (400, b'{"errors":[]}')


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Ended.SHUTDOWN, "SUBSCRIPTION_SCHEMA_RELOAD"),
        (Ended.TOKEN_EXPIRED, "SUBSCRIPTION_JWT_EXPIRED"),
        (Ended.LIMIT, "SUBSCRIPTION_MAX_LIMIT"),
        (Ended.REVOKED, "SUBSCRIPTION_ACCESS_REVOKED"),
        (Ended.SLOW, "SUBSCRIPTION_TOO_SLOW"),
        (Ended.INTERNAL, "INTERNAL_ERROR"),
    ],
)
async def test_an_end_by_the_server_is_an_error_of_the_transport(stand: Stand, reason: Ended, code: str) -> None:
    async with subscribed(stand) as (response, running):
        running.end(reason, "abc")
        read = await response.content.read()
    assert read.endswith(b"\r\n--graphql--\r\n")
    told = json.loads(read.removesuffix(b"\r\n--graphql--\r\n").partition(b"\r\n\r\n")[2])
    assert (list(told), told["payload"], len(told["errors"])) == (["payload", "errors"], None, 1)
    assert set(told["errors"][0]) == {"message", "extensions"}
    assert told["errors"][0]["extensions"]["code"] == code
    assert told["errors"][0]["extensions"]["cursor"] == "abc"


async def test_more_streams_than_a_caller_may_have() -> None:
    async with standing(StreamOptions(connections_per_caller=1)) as stand, subscribed(stand), asked(stand) as response:
        read = await response.read()
        assert read.startswith(OPENING)
        assert b'{"payload":null,"errors":[{"message"' in read
        assert b'"code":"SUBSCRIPTION_MAX_LIMIT"' in read


async def test_a_token_that_expires_ends_the_stream_within_a_second(stand: Stand) -> None:
    async with subscribed(stand, Authorization=f"Bearer {token(seconds=2)}") as (response, running):
        expires_at = running.actor.expires_at
        assert expires_at is not None
        assert b"SUBSCRIPTION_JWT_EXPIRED" in await response.content.read()
        assert 0 <= stand.endpoint.http.authenticator.clock() - expires_at.timestamp() < 1


async def test_a_client_that_hangs_up_ends_its_operation_once(stand: Stand) -> None:
    async with subscribed(stand) as (response, running):
        response.close()
        await asyncio.wait_for(running.closed.wait(), 2)
        running.push({"n": 2})
        running.end()
    assert running.closes == 1


async def test_a_client_that_hangs_up_before_the_start_is_made(stand: Stand) -> None:
    cancelled = asyncio.Event()

    async def slow(_: FakeRunning) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    stand.streams.behaviour[SUBSCRIBE] = slow
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.3)) as http:
        with pytest.raises(TimeoutError):
            await http.post(f"{stand.url}/graphql", json={"query": SUBSCRIBE}, headers={"Accept": ACCEPT})
    await asyncio.wait_for(cancelled.wait(), 2)
    await until(lambda: not stand.connections.streams)
