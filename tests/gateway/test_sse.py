"""GraphQL over SSE, distinct connections: exact bytes from a real server."""

import asyncio
import contextlib
import hashlib
import json
import re
import urllib.parse
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from domain.actor import ANONYMOUS, Role
from domain.errors import Unavailable
from events.sink import Ended
from gateway.connections import StreamOptions
from gateway.cors import Cors
from gateway.endpoint import Transport, accepted
from gateway.http import HttpOptions
from gateway.pipe import Bounds
from resolvers.answer import Answer, Failure, GraphQLRequest
from tests.gateway.streaming import SUBSCRIBE, FakeRunning, Stand, fresh, standing, token, until

ACCEPT = {"Accept": "text/event-stream"}
COMPLETE = b"event: complete\ndata:\n\n"
BIG = {"x": "x" * 60_000}


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[Stand]:
    async with standing(StreamOptions(sse_heartbeat_seconds=0.5, restart_jitter_seconds=0.1)) as stand:
        yield stand


@pytest.fixture
def stand(shared: Stand) -> Stand:
    return fresh(shared)


@contextlib.asynccontextmanager
async def asked(
    stand: Stand, body: Any = None, method: str = "POST", query: str = "", **headers: str
) -> AsyncIterator[aiohttp.ClientResponse]:
    sent = ACCEPT | {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
        http.request(
            method,
            f"{stand.url}/graphql{query}",
            json={"query": SUBSCRIBE} | (body or {}) if method == "POST" else None,
            headers=sent,
        ) as response,
    ):
        yield response


@contextlib.asynccontextmanager
async def subscribed(stand: Stand, **headers: str) -> AsyncIterator[tuple[aiohttp.ClientResponse, FakeRunning]]:
    async with asked(stand, **headers) as response:
        assert await response.content.readuntil(b"\n\n") == b": ping\n\n"
        yield response, await stand.streams.running()


async def event(response: aiohttp.ClientResponse) -> bytes:
    """The next one that is no heartbeat."""
    while (read := await response.content.readuntil(b"\n\n")) == b": ping\n\n":
        pass
    return read


async def test_a_subscription_from_its_first_byte_to_its_last(stand: Stand) -> None:
    body = {"operationName": "Q", "variables": {"n": 1}, "extensions": {"x": 2}}
    async with asked(stand, body, Origin="https://a.example") as response:
        assert response.status == 200
        assert {name.lower(): value for name, value in response.headers.items() if name.lower() != "date"} == {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-cache, no-transform",
            "x-accel-buffering": "no",
            "vary": "accept, origin",
            "x-content-type-options": "nosniff",
            "transfer-encoding": "chunked",
        }
        assert await response.content.readuntil(b"\n\n") == b": ping\n\n"
        running = await stand.streams.running()
        assert (running.request, running.actor) == (GraphQLRequest(SUBSCRIBE, "Q", {"n": 1}, {"x": 2}), ANONYMOUS)
        running.push({"n": 1})
        running.push({"n": 2}, "abc")
        running.sink.push(b'{\n"data":\r\n{"a":"\\n"}}', "def")
        running.end()
        running.push({"n": 3})
        assert await response.content.read() == (
            b'event: next\ndata: {"data":{"n":1}}\n\n'
            b'event: next\nid: abc\ndata: {"data":{"n":2}}\n\n'
            b'event: next\nid: def\ndata: { "data":  {"a":"\\n"}}\n\n' + COMPLETE
        )
    assert running.closes == 0
    await until(lambda: not stand.connections.streams)
    assert stand.closed == {("sse", "COMPLETE"): 1}


async def test_first_bytes_come_before_the_operation_is_started(stand: Stand) -> None:
    stand.streams.behaviour[SUBSCRIBE] = lambda _: asyncio.sleep(30)
    async with asked(stand) as response:
        assert await response.content.readuntil(b"\n\n") == b": ping\n\n"


async def test_heartbeats_are_comments(stand: Stand) -> None:
    async with subscribed(stand) as (response, _):
        assert await response.content.readuntil(b"\n\n") == b": ping\n\n"


async def test_a_get_may_subscribe_and_query(stand: Stand) -> None:
    query = "?" + urllib.parse.urlencode({"query": SUBSCRIBE, "variables": '{"n":1}'})
    async with asked(stand, method="GET", query=query, Last_Event_ID="abc") as response:
        assert await response.content.readuntil(b"\n\n") == b": ping\n\n"
        running = await stand.streams.running()
        assert (running.request.variables, running.after) == ({"n": 1}, "abc")
    async with asked(stand, method="GET", query="?query={__typename}") as response:
        assert await response.read() == (b': ping\n\nevent: next\ndata: {"data":{"__typename":"Query"}}\n\n' + COMPLETE)


async def test_a_get_may_not_mutate(stand: Stand) -> None:
    query = "?" + urllib.parse.urlencode({"query": "mutation { a }"})
    async with asked(stand, method="GET", query=query) as response:
        assert (response.status, response.headers["allow"]) == (405, "POST")
    assert stand.streams.started == []


async def test_a_get_from_another_sites_page_is_refused(stand: Stand) -> None:
    async with asked(stand, method="GET", query="?query={a}", Sec_Fetch_Site="cross-site") as response:
        assert response.status == 403


SAYS_MUTATION = 'subscription { orderEvents(note: "a mutation { b }") }'


def by_hash(document: str, **more: str) -> str:
    sha256 = hashlib.sha256(document.encode()).hexdigest()
    extensions = json.dumps({"persistedQuery": {"version": 1, "sha256Hash": sha256}})
    return "?" + urllib.parse.urlencode({"extensions": extensions, **more})


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (SAYS_MUTATION, None),
        ("subscription mutation { a }", None),
        ("subscription a { mutation } mutation b { c }", "a"),
        ("{ mutation: __typename }", None),
    ],
)
async def test_a_document_that_merely_says_mutation_comes_by_get(stand: Stand, document: str, name: str | None) -> None:
    assert stand.endpoint.http.persisted is not None
    stand.endpoint.http.persisted.keep(hashlib.sha256(document.encode()).hexdigest(), document)
    named = {"operationName": name} if name is not None else {}
    async with asked(stand, method="GET", query=by_hash(document, **named)) as response:
        assert response.status == 200
        assert (await stand.streams.running()).request.query == document


@pytest.mark.parametrize(
    ("document", "name"),
    [("mutation { a }", None), ("query a { b } #\nmutation b { c }", "b"), ("{a} mutation b{c}", "b")],
)
async def test_a_persisted_mutation_does_not_come_by_get(stand: Stand, document: str, name: str | None) -> None:
    assert stand.endpoint.http.persisted is not None
    stand.endpoint.http.persisted.keep(hashlib.sha256(document.encode()).hexdigest(), document)
    named = {"operationName": name} if name is not None else {}
    async with asked(stand, method="GET", query=by_hash(document, **named)) as response:
        assert (response.status, response.headers["allow"]) == (405, "POST")
    assert stand.streams.started == []


@pytest.mark.parametrize("document", ["mutation { ", "mutation a { b } mutation c { d }", "mutation" + " { a" * 6000])
async def test_a_document_of_which_nobody_can_tell_is_started_without_the_right_to_change(
    stand: Stand, document: str
) -> None:
    started: list[bool] = []
    start = stand.streams.start

    async def noting(*arguments: Any, **options: Any) -> Any:
        started.append(options["allow_mutation"])
        return await start(*arguments, **options)

    stand.streams.start = noting  # type: ignore[method-assign]
    try:
        query = "?" + urllib.parse.urlencode({"query": document})
        async with asked(stand, method="GET", query=query) as response:
            assert response.status == 200
            await stand.streams.running()
    finally:
        stand.streams.start = start  # type: ignore[method-assign]
    assert started == [False]


@pytest.mark.parametrize("query", ["{__typename}", "mutation { a }"])
async def test_queries_and_mutations_get_one_event(stand: Stand, query: str) -> None:
    async with asked(stand, {"query": query}) as response:
        assert await response.read() == (b': ping\n\nevent: next\ndata: {"data":{"__typename":"Query"}}\n\n' + COMPLETE)


@pytest.mark.parametrize("accept", ["application/json, text/event-stream", "text/event-stream, */*"])
async def test_a_query_is_answered_plainly_where_that_will_do(stand: Stand, accept: str) -> None:
    async with asked(stand, {"query": "{__typename}"}, Accept=accept) as response:
        assert response.content_type == "application/json"
        assert await response.json() == {"data": {"__typename": "Query"}}
    assert (len(stand.engine.asked), stand.streams.started) == (1, [])
    async with asked(stand, Accept=accept) as response:
        assert response.content_type == "text/event-stream"


async def test_a_refused_operation_is_an_event_not_a_status(stand: Stand) -> None:
    stand.streams.behaviour[SUBSCRIBE] = Answer(b'{"errors":[{"message":"no"}]}', Failure.UNAUTHENTICATED)
    async with asked(stand) as response:
        assert response.status == 200
        assert await response.read() == b': ping\n\nevent: next\ndata: {"errors":[{"message":"no"}]}\n\n' + COMPLETE


@pytest.mark.parametrize(
    ("error", "code"), [(Unavailable("gone"), "SERVICE_UNAVAILABLE"), (RuntimeError("hunter2"), "INTERNAL_ERROR")]
)
async def test_a_start_that_fails_is_an_event(stand: Stand, error: Exception, code: str) -> None:
    stand.streams.behaviour[SUBSCRIBE] = error
    async with asked(stand) as response:
        read = (await response.read()).decode()
    assert f'"code":"{code}"' in read
    assert read.endswith(COMPLETE.decode())
    assert "hunter2" not in read


async def test_a_bad_token_is_a_status(stand: Stand) -> None:
    async with asked(stand, Authorization="Bearer nonsense") as response:
        assert (response.status, response.content_type) == (401, "application/json")
    assert stand.streams.started == []


@pytest.mark.parametrize(("body", "status"), [({"query": 5}, 400), ({"query": None}, 400), ({"extensions": 5}, 400)])
async def test_a_malformed_request_is_a_status(stand: Stand, body: Any, status: int) -> None:
    async with asked(stand, body) as response:
        assert (response.status, response.content_type) == (status, "application/json")


async def test_the_token_says_who_asks(stand: Stand) -> None:
    async with subscribed(stand, Authorization=f"Bearer {token()}") as (_, running):
        assert running.actor.role is Role.OPERATOR


async def test_a_cursor_of_the_operation_wins_over_last_event_id(stand: Stand) -> None:
    async with asked(stand, {"extensions": {"cursor": "mine"}}, Last_Event_ID="other"):
        assert (await stand.streams.running()).after == "mine"


async def test_an_unknown_persisted_query_is_an_event(stand: Stand) -> None:
    extension = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(SUBSCRIBE.encode()).hexdigest()}}
    async with asked(stand, {"query": None, "extensions": extension}) as response:
        read = await response.read()
        assert (response.status, response.content_type) == (200, "text/event-stream")
        assert b"PERSISTED_QUERY_NOT_FOUND" in read
        assert read.endswith(COMPLETE)
    async with asked(stand, {"extensions": extension}):
        await stand.streams.running()
    async with asked(stand, {"query": None, "extensions": extension}):
        assert (await stand.streams.running(1)).request.query == SUBSCRIBE


@pytest.mark.parametrize("reason", [Ended.TOKEN_EXPIRED, Ended.REVOKED, Ended.LIMIT, Ended.INTERNAL, Ended.SLOW])
async def test_an_end_by_the_server_has_its_code_and_cursor(stand: Stand, reason: Ended) -> None:
    async with subscribed(stand) as (response, running):
        running.end(reason, "abc")
        read = await event(response)
        told = json.loads(read.removeprefix(b"event: next\ndata: "))
        assert told["errors"][0]["extensions"] == {"code": reason.value, "cursor": "abc"}
        assert await response.content.read() == COMPLETE


async def test_the_end_of_the_server_is_no_complete_but_a_time_to_come_back(stand: Stand) -> None:
    async with subscribed(stand) as (response, running):
        running.push({"checkpoint": 1}, "abc")
        running.end(Ended.SHUTDOWN, "abc")
        assert (await event(response)).startswith(b"event: next\nid: abc\n")
        assert re.fullmatch(rb"id: abc\nretry: \d{3,4}\n\n", await response.content.read())


async def test_draining_ends_streams_and_refuses_new_ones() -> None:
    async with standing() as stand:
        async with subscribed(stand) as (response, running):
            await stand.connections.drain(0.3)
            assert re.fullmatch(rb"retry: \d{3,4}\n\n", await response.content.read())
            assert running.closes == 1
        async with asked(stand) as response:
            assert (response.status, response.headers["retry-after"]) == (503, "1")


async def test_a_token_that_expires_ends_the_stream_within_a_second(stand: Stand) -> None:
    async with subscribed(stand, Authorization=f"Bearer {token(seconds=2)}") as (response, running):
        expires_at = running.actor.expires_at
        assert expires_at is not None
        assert b"SUBSCRIPTION_JWT_EXPIRED" in await event(response)
        assert 0 <= stand.endpoint.http.authenticator.clock() - expires_at.timestamp() < 1
        assert running.closes == 1


async def test_a_client_that_hangs_up_ends_its_operation_once(stand: Stand) -> None:
    async with subscribed(stand) as (response, running):
        response.close()
        running.push({"n": 1})
        await asyncio.wait_for(running.closed.wait(), 2)
        running.push({"n": 2})
        running.end()
    await until(lambda: not stand.connections.streams)
    assert running.closes == 1


async def test_more_streams_than_a_caller_may_have() -> None:
    async with standing(StreamOptions(connections_per_caller=1)) as stand, subscribed(stand), asked(stand) as response:
        read = await response.read()
        assert (response.status, read.endswith(COMPLETE)) == (200, True)
        assert b'"code":"SUBSCRIPTION_MAX_LIMIT"' in read
        assert len(stand.streams.started) == 1


async def test_a_stalled_reader_is_bounded_and_dropped() -> None:
    options = StreamOptions(bounds=Bounds(stalled_seconds=0.5), close_seconds=0.5)
    async with standing(options) as stand, subscribed(stand) as (response, running):
        assert response.connection is not None
        assert response.connection.transport is not None
        response.connection.transport.pause_reading()
        pushed = 0
        while running.push(BIG):
            pushed += 1
            assert pushed < 1000
        with pytest.raises(TimeoutError):
            await running.sink.drained()
        running.end(Ended.SLOW, "abc")
        await until(lambda: not stand.connections.streams, 3)
        assert stand.closed == {("sse", "SUBSCRIPTION_TOO_SLOW"): 1}
        # The connections of this client: all dropped.
        await until(lambda: not stand.server.server_state.connections, 3)


async def test_a_slow_reader_gets_everything_in_order(stand: Stand) -> None:
    async with subscribed(stand) as (response, running):
        pushed = 0
        while running.push({"n": pushed, **BIG}):
            pushed += 1
        running.end()
        read = (await response.content.read()).replace(b": ping\n\n", b"")
    numbers = [json.loads(one[18:])["data"]["n"] for one in read.split(b"\n\n")[:-2]]
    assert numbers == list(range(pushed + 1))


async def test_other_sites_that_are_listed_may_read() -> None:
    options = HttpOptions(cors=Cors(frozenset([b"https://shop.example"])))
    async with standing(http=options) as stand, asked(stand, Origin="https://shop.example") as response:
        assert response.headers["access-control-allow-origin"] == "https://shop.example"


@pytest.mark.parametrize(
    ("accept", "transport"),
    [
        (b"text/event-stream", Transport.SSE),
        (b"Text/Event-Stream; charset=utf-8", Transport.SSE),
        (b"text/event-stream;q=0", None),
        (b"text/event-stream;q=0.0, application/json", None),
        (b"text/event-stream;q=0.1", Transport.SSE),
        (b'multipart/mixed;subscriptionSpec="1.0", application/json', Transport.MULTIPART),
        (b"multipart/mixed;subscriptionSpec=1.0,application/json", Transport.MULTIPART),
        (b'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json', Transport.MULTIPART),
        (b"multipart/mixed; boundary=graphql; subscriptionspec=\"1.0\"", Transport.MULTIPART),
        (b"multipart/mixed;deferSpec=20220824,application/json", None),
        (b"multipart/mixed;subscriptionSpec=2.0", None),
        (b"application/json;callbackSpec=1.0", Transport.CALLBACK),
        (b'application/json; callbackSpec="1.0"', Transport.CALLBACK),
        (b"application/json", None),
        (b"*/*", None),
        (b"", None),
        (b";;==,,", None),
    ],
)  # fmt: skip
def test_the_transport_a_client_accepts(accept: bytes, transport: Transport | None) -> None:
    assert accepted(accept) is transport


async def test_a_client_that_takes_nothing_with_little_waiting_is_dropped() -> None:
    options = StreamOptions(
        sse_heartbeat_seconds=0.3, close_seconds=0.3, bounds=Bounds(queued_bytes=10_000_000, stalled_seconds=0.6)
    )
    async with standing(options) as stand, subscribed(stand) as (response, running):
        assert response.connection is not None
        assert response.connection.transport is not None
        response.connection.transport.pause_reading()  # of a transport that reads
        pipe = stand.connections.streams.copy().pop().pipe
        while not pipe.lagging:
            assert running.push(BIG, "abc")
        await until(lambda: not stand.connections.streams, 8)
        assert stand.closed == {("sse", "SUBSCRIPTION_TOO_SLOW"): 1}
        assert running.closes == 1
