"""GraphQL over SSE, single connection: reservation, stream, operations."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from domain.actor import Role
from events.sink import Ended
from gateway.connections import StreamOptions
from resolvers.answer import Answer, Failure
from tests.gateway.streaming import SUBSCRIBE, Stand, fresh, standing, token, until

HEADER = "X-GraphQL-Event-Stream-Token"
OPTIONS = StreamOptions(reservation_seconds=0.5, operations_per_socket=3, restart_jitter_seconds=0.1)


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[Stand]:
    async with standing(OPTIONS) as stand:
        yield stand


class Client:
    """With a token for its reservation, in the header or in the address."""

    def __init__(self, stand: Stand, http: aiohttp.ClientSession) -> None:
        self.url = f"{stand.url}/graphql"
        self.http = http
        self.token = ""
        self.authorization: dict[str, str] = {}

    async def reserve(self) -> None:
        async with self.http.put(self.url, headers=self.authorization) as response:
            assert (response.status, response.content_type) == (201, "text/plain")
            self.token = await response.text()
            assert len(self.token) == 43

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Accept": "text/event-stream", HEADER: self.token} | self.authorization
        async with self.http.get(self.url, headers=headers) as response:
            if response.status == 200:
                assert await response.content.readuntil(b"\n\n") == b": ping\n\n"
            yield response

    async def start(self, identifier: Any = "1", query: str = SUBSCRIBE, **headers: str) -> tuple[int, bytes]:
        body = {"query": query, "extensions": {"operationId": identifier}}
        sent = {HEADER: self.token} | self.authorization | headers
        async with self.http.post(self.url, json=body, headers=sent) as response:
            return response.status, await response.read()

    async def stop(self, identifier: str | None = "1") -> int:
        query = "" if identifier is None else f"?operationId={identifier}"
        headers = {HEADER: self.token} | self.authorization
        async with self.http.delete(self.url + query, headers=headers) as response:
            return response.status


@pytest.fixture
def stand(shared: Stand) -> Stand:
    return fresh(shared)


@pytest.fixture
async def client(stand: Stand) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
        client = Client(stand, http)
        await client.reserve()
        yield client


async def event(response: aiohttp.ClientResponse) -> tuple[str, Any]:
    name, data = (await response.content.readuntil(b"\n\n")).decode().removesuffix("\n\n").split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def test_one_stream_carries_the_events_of_many_operations(stand: Stand, client: Client) -> None:
    async with client.opened() as response:
        assert (response.status, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert await client.start("a") == (202, b"")
        assert await client.start('b"') == (202, b"")
        first, second = await stand.streams.running(0), await stand.streams.running(1)
        first.push({"n": 1}, "abc")
        second.push({"n": 2})
        first.end()
        assert await response.content.readuntil(b"\n\n") == (
            b'event: next\ndata: {"id":"a","payload":{"data":{"n":1}}}\n\n'
        )
        assert await event(response) == ("next", {"id": 'b"', "payload": {"data": {"n": 2}}})
        assert await event(response) == ("complete", {"id": "a"})
        assert (await client.start("a"))[0] == 202
        assert await client.start("q", "{__typename}") == (202, b"")
        assert await event(response) == ("next", {"id": "q", "payload": {"data": {"__typename": "Query"}}})
        assert await event(response) == ("complete", {"id": "q"})
    await until(lambda: not stand.connections.streams)
    assert [running.closes for running in stand.streams.started[:3]] == [0, 1, 1]
    assert stand.endpoint.reservations.held == {}


async def test_an_operation_is_stopped_by_delete(stand: Stand, client: Client) -> None:
    async with client.opened() as response:
        await client.start()
        running = await stand.streams.running()
        assert await client.stop() == 200
        assert running.closes == 1
        running.push({"n": 1})
        assert await client.stop("unknown") == 200
        assert await client.stop(None) == 400
        await client.start("q", "{__typename}")
        assert (await event(response))[1]["id"] == "q"


async def test_the_token_may_stand_in_the_address(stand: Stand, client: Client) -> None:
    url = f"{client.url}?token={client.token}"
    async with client.http.get(url, headers={"Accept": "text/event-stream"}) as response:
        assert response.status == 200
        body = {"query": SUBSCRIBE, "extensions": {"operationId": "1"}}
        async with client.http.post(url, json=body) as posted:
            assert posted.status == 202
        await stand.streams.running()
        async with client.http.delete(f"{url}&operationId=1") as deleted:
            assert deleted.status == 200
        assert stand.streams.started[0].closes == 1


async def test_one_stream_per_reservation(client: Client) -> None:
    async with client.opened(), client.opened() as second:
        assert second.status == 409


async def test_an_operation_needs_an_open_stream(stand: Stand, client: Client) -> None:
    assert (await client.start())[0] == 409
    assert stand.streams.started == []


@pytest.mark.parametrize("identifier", [None, "", 5, {}, "x" * 257])
async def test_an_operation_needs_an_id(stand: Stand, client: Client, identifier: Any) -> None:
    async with client.opened():
        assert (await client.start(identifier))[0] == 400
    assert stand.streams.started == []


async def test_an_id_in_use_and_too_many_operations_are_refused(stand: Stand, client: Client) -> None:
    async with client.opened():
        assert (await client.start("1"))[0] == 202
        assert (await client.start("1"))[0] == 409
        assert [(await client.start(one))[0] for one in ("2", "3", "4")] == [202, 202, 503]
    assert len(stand.streams.started) == 3


async def test_a_refused_operation_is_told_on_the_stream(stand: Stand, client: Client) -> None:
    stand.streams.behaviour[SUBSCRIBE] = Answer(b'{"errors":[{"message":"no"}]}', Failure.VALIDATION)
    async with client.opened() as response:
        assert await client.start() == (202, b"")
        assert await event(response) == ("next", {"id": "1", "payload": {"errors": [{"message": "no"}]}})
        assert await event(response) == ("complete", {"id": "1"})


async def test_a_reservation_nobody_opens_expires(stand: Stand, client: Client) -> None:
    await until(lambda: not stand.endpoint.reservations.held, 2)
    async with client.opened() as response:
        assert response.status == 404


async def test_reservations_are_bounded() -> None:
    async with standing(StreamOptions(reservations=2)) as stand, aiohttp.ClientSession() as http:
        client = Client(stand, http)
        await client.reserve()
        await client.reserve()
        async with http.put(client.url) as response:
            assert response.status == 503


async def test_a_reservation_is_its_makers_only(stand: Stand, client: Client) -> None:
    client.authorization = {"Authorization": f"Bearer {token(Role.CUSTOMER, customer_id='ann')}"}
    await client.reserve()
    mine = client.authorization
    others = {"Authorization": f"Bearer {token(Role.CUSTOMER, customer_id='bob')}"}
    for authorization in (others, {}):
        client.authorization = authorization
        async with client.opened() as response:
            assert response.status == 404
    client.authorization = mine
    async with client.opened() as response:
        assert response.status == 200
        client.authorization = others
        assert ((await client.start())[0], await client.stop()) == (404, 404)
        client.authorization = mine
        assert (await client.start())[0] == 202
    assert len(stand.streams.started) == 1


@pytest.mark.parametrize("reason", [Ended.REVOKED, Ended.INTERNAL, Ended.TOKEN_EXPIRED])
async def test_what_ends_one_operation_leaves_the_stream(stand: Stand, client: Client, reason: Ended) -> None:
    async with client.opened() as response:
        await client.start()
        (await stand.streams.running()).end(reason, "abc")
        told = await event(response)
        assert told[1]["payload"]["errors"][0]["extensions"] == {"code": reason.value, "cursor": "abc"}
        assert await event(response) == ("complete", {"id": "1"})
        await client.start("q", "{__typename}")
        assert (await event(response))[1]["id"] == "q"


async def test_the_end_of_the_server_ends_the_stream(stand: Stand, client: Client) -> None:
    async with client.opened() as response:
        await client.start()
        running = await stand.streams.running()
        running.end(Ended.SHUTDOWN, "abc")
        assert (await response.content.read()).startswith(b"retry: ")
    assert running.closes == 0


async def test_a_client_that_hangs_up_ends_all_of_its_operations_once(stand: Stand, client: Client) -> None:
    async with client.opened() as response:
        await client.start("1")
        await client.start("2")
        runnings = [await stand.streams.running(0), await stand.streams.running(1)]
        response.close()
        await asyncio.wait_for(runnings[1].closed.wait(), 2)
    assert [running.closes for running in runnings] == [1, 1]


async def test_a_token_in_the_address_of_a_plain_request_changes_nothing(stand: Stand) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{stand.url}/graphql?query={{a}}&token=x") as response:
        assert response.status == 200
    assert len(stand.engine.asked) == 1
