"""graphql-transport-ws over the wire: each message, each close code with its exact words."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from websockets.exceptions import InvalidStatus

from domain.actor import ANONYMOUS, Role
from domain.errors import Unavailable
from events.sink import Ended
from gateway.admission import Admission
from gateway.connections import StreamOptions
from gateway.cors import Cors
from gateway.http import HttpOptions
from resolvers.answer import Answer, Failure, GraphQLRequest
from tests.gateway.streaming import SUBSCRIBE, Stand, fresh, standing, token, until

NEXT = {"id": "1", "type": "next", "payload": {"data": {"n": 1}}}


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[Stand]:
    async with standing() as stand:
        yield stand


@pytest.fixture
def stand(shared: Stand) -> Stand:
    return fresh(shared)


async def test_an_operation_from_the_handshake_to_its_end(stand: Stand) -> None:
    async with stand.socket() as socket:
        await socket.send({"type": "connection_init"})
        assert await socket.receive() == {"type": "connection_ack", "payload": {"keepalive": 20_000}}
        await socket.subscribe("1", SUBSCRIBE, operationName="Q", variables={"n": 1}, extensions={"x": 2})
        running = await stand.streams.running()
        assert (running.request, running.actor) == (GraphQLRequest(SUBSCRIBE, "Q", {"n": 1}, {"x": 2}), ANONYMOUS)
        assert running.push({"n": 1}) is True
        assert await socket.receive() == NEXT
        running.end()
        assert await socket.receive() == {"id": "1", "type": "complete"}
        await socket.alive()
    assert running.closes == 0


async def test_payloads_are_spliced_byte_for_byte(stand: Stand) -> None:
    async with stand.acknowledged() as socket:
        await socket.subscribe('a"\\\u2028é')
        running = await stand.streams.running()
        running.sink.push('{"data":{"näme":"☃ \\u0000"}}'.encode(), "cursor")
        raw = await socket.opened.recv()
        assert raw == '{"id":"a\\"\\\\\u2028é","type":"next","payload":{"data":{"näme":"☃ \\u0000"}}}'


@pytest.mark.parametrize("query", ["{__typename}", "mutation { a }"])
async def test_queries_and_mutations_get_one_answer(stand: Stand, query: str) -> None:
    async with stand.acknowledged() as socket:
        await socket.subscribe("7", query)
        assert await socket.receive() == {"id": "7", "type": "next", "payload": {"data": {"__typename": "Query"}}}
        assert await socket.receive() == {"id": "7", "type": "complete"}


async def test_the_clients_complete_stops_at_once_and_silently(stand: Stand) -> None:
    async with stand.acknowledged() as socket:
        await socket.subscribe()
        running = await stand.streams.running()
        await socket.send({"type": "complete", "id": "1"})
        await asyncio.wait_for(running.closed.wait(), 1)
        assert running.push({"n": 1}) is True
        running.end()
        await socket.alive()
    assert running.closes == 1


async def test_an_id_may_be_used_again_after_complete(stand: Stand) -> None:
    async with stand.acknowledged() as socket:
        await socket.subscribe()
        first = await stand.streams.running()
        await socket.send({"type": "complete", "id": "1"})
        await socket.subscribe()
        second = await stand.streams.running(1)
        assert first.closes == 1
        first.push({"n": 0})
        second.push({"n": 1})
        assert await socket.receive() == NEXT
        second.end()
        assert (await socket.receive())["type"] == "complete"
        await socket.subscribe()
        (await stand.streams.running(2)).push({"n": 1})
        assert await socket.receive() == NEXT


async def test_complete_while_the_operation_is_being_started(stand: Stand) -> None:
    cancelled = asyncio.Event()

    async def slow(_: object) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    stand.streams.behaviour[SUBSCRIBE] = slow
    async with stand.acknowledged() as socket:
        await socket.subscribe()
        await stand.streams.running()
        await socket.send({"type": "complete", "id": "1"})
        await asyncio.wait_for(cancelled.wait(), 1)
        await socket.alive()


async def test_complete_of_an_unknown_id_is_ignored(stand: Stand) -> None:
    async with stand.acknowledged() as socket:
        await socket.send({"type": "complete", "id": "nobody"})
        await socket.alive()


@pytest.mark.parametrize("payload", [None, {}, {"a": [1, {"b": None}]}])
async def test_a_ping_is_answered_with_its_payload(stand: Stand, payload: Any) -> None:
    async with stand.socket() as socket:
        message = {"type": "pong"} | ({} if payload is None else {"payload": payload})
        await socket.send(message | {"type": "ping"})
        assert await socket.receive() == message


async def test_a_refused_operation_is_an_error_for_its_id_only(stand: Stand) -> None:
    stand.streams.behaviour["{"] = Answer(b'{"errors":[{"message":"no"},{"message":"not"}]}', Failure.SYNTAX)
    async with stand.acknowledged() as socket:
        await socket.subscribe()
        running = await stand.streams.running()
        await socket.subscribe("2", "{")
        assert await socket.receive() == {
            "id": "2", "type": "error", "payload": [{"message": "no"}, {"message": "not"}],
        }  # fmt: skip
        running.push({"n": 1})
        assert await socket.receive() == NEXT
        await socket.subscribe("2", "{__typename}")
        assert (await socket.receive())["type"] == "next"
        assert running.closes == 0


@pytest.mark.parametrize(
    ("error", "code"), [(Unavailable("gone"), "SERVICE_UNAVAILABLE"), (RuntimeError("hunter2"), "INTERNAL_ERROR")]
)
async def test_a_start_that_fails_is_an_error_for_its_id(stand: Stand, error: Exception, code: str) -> None:
    stand.streams.behaviour[SUBSCRIBE] = error
    async with stand.acknowledged() as socket:
        await socket.subscribe()
        told = await socket.receive()
        assert (told["id"], told["type"], len(told["payload"])) == ("1", "error", 1)
        assert told["payload"][0]["extensions"]["code"] == code
        assert "hunter2" not in json.dumps(told)
        await socket.alive()


async def test_a_start_that_takes_too_long_is_ended() -> None:
    async with standing(StreamOptions(start_seconds=0.1)) as stand, stand.acknowledged() as socket:
        stand.streams.behaviour[SUBSCRIBE] = lambda _: asyncio.sleep(30)
        await socket.subscribe()
        assert (await socket.receive())["payload"][0]["extensions"]["code"] == "DEADLINE_EXCEEDED"
        await socket.alive()


async def test_operations_wait_for_the_same_places_as_those_of_http(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand.endpoint.http, "admission", Admission(0, 0, 0.1))
    async with stand.acknowledged() as socket:
        await socket.subscribe()
        assert (await socket.receive())["payload"][0]["extensions"]["code"] == "OVERLOADED"
    assert stand.streams.started == []


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"query": None},
        {"query": 5},
        {"query": SUBSCRIBE, "variables": []},
        {"query": SUBSCRIBE, "operationName": 1},
        {"query": SUBSCRIBE, "extensions": "x"},
        {"query": SUBSCRIBE, "extensions": {"cursor": 5}},
        {"query": SUBSCRIBE, "extensions": {"persistedQuery": 5}},
    ],
)
async def test_a_malformed_operation_is_an_error_for_its_id(stand: Stand, payload: Any) -> None:
    async with stand.acknowledged() as socket:
        await socket.send({"type": "subscribe", "id": "1", "payload": payload})
        told = await socket.receive()
        assert (told["id"], told["type"]) == ("1", "error")
        assert told["payload"][0]["extensions"]["code"] == "BAD_REQUEST"
        await socket.alive()


async def test_a_cursor_in_the_extensions_is_where_to_go_on_from(stand: Stand) -> None:
    async with stand.acknowledged() as socket:
        await socket.subscribe(extensions={"cursor": "abc"})
        assert (await stand.streams.running()).after == "abc"


async def test_persisted_queries_are_those_of_http(stand: Stand) -> None:
    extension = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(SUBSCRIBE.encode()).hexdigest()}}
    async with stand.acknowledged() as socket:
        await socket.send({"type": "subscribe", "id": "1", "payload": {"extensions": extension}})
        assert (await socket.receive())["payload"] == [
            {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}
        ]
        await socket.subscribe(extensions=extension)
        await stand.streams.running()
        await socket.send({"type": "subscribe", "id": "2", "payload": {"extensions": extension}})
        assert (await stand.streams.running(1)).request.query == SUBSCRIBE
    async with aiohttp.ClientSession() as http:
        body = {"extensions": extension}
        async with http.post(f"{stand.url}/graphql", json=body) as response:
            assert response.status == 200
    assert stand.engine.asked[0][0].query == SUBSCRIBE


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
async def test_the_token_of_the_initialisation(stand: Stand, name: str) -> None:
    async with stand.acknowledged({name: f"Bearer {token()}"}) as socket:
        await socket.subscribe()
        assert (await stand.streams.running()).actor.role is Role.OPERATOR


@pytest.mark.parametrize("payload", [{"Authorization": None}, {"authToken": None}, {"other": 5}, None])
async def test_no_token_is_nobody_in_particular(stand: Stand, payload: Any) -> None:
    async with stand.acknowledged(payload) as socket:
        await socket.subscribe()
        assert (await stand.streams.running()).actor == ANONYMOUS


@pytest.mark.parametrize("prefix", ["", "Bearer "])
async def test_the_token_as_auth_token(stand: Stand, prefix: str) -> None:
    async with stand.acknowledged({"authToken": prefix + token()}) as socket:
        await socket.subscribe()
        assert (await stand.streams.running()).actor.role is Role.OPERATOR


async def test_the_token_of_the_handshake_unless_the_initialisation_has_one(stand: Stand) -> None:
    header = {"Authorization": f"Bearer {token(Role.SUPPORT)}"}
    async with stand.acknowledged(additional_headers=header) as socket:
        await socket.subscribe()
        assert (await stand.streams.running()).actor.role is Role.SUPPORT
    async with stand.acknowledged({"authToken": token()}, additional_headers=header) as socket:
        await socket.subscribe()
        assert (await stand.streams.running(1)).actor.role is Role.OPERATOR


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("{", "Message is not JSON"),
        ("", "Message is not JSON"),
        ('"\ud7ff', "Message is not JSON"),
        ("[" * 5000, "Message is not JSON"),
        ([], "Message is not an object"),
        (5, "Message is not an object"),
        ({}, "Message property 'type' is not a string"),
        ({"type": 5}, "Message property 'type' is not a string"),
        ({"type": {}}, "Message property 'type' is not a string"),
        ({"type": "start"}, "Unknown message type 'start'"),
        ({"type": "x" * 500}, "Unknown message type '" + "x" * 101),
        ({"type": "é" * 500}, "Unknown message type '" + "é" * 50),
        ({"type": "connection_init", "payload": []}, "Message 'connection_init' has a payload that is not an object"),
        ({"type": "ping", "payload": 1}, "Message 'ping' has a payload that is not an object"),
        ({"type": "pong", "payload": "x"}, "Message 'pong' has a payload that is not an object"),
        ({"type": "complete"}, "Message 'complete' needs a non-empty string 'id'"),
        ({"type": "complete", "id": 1}, "Message 'complete' needs a non-empty string 'id'"),
        ({"type": "subscribe", "id": 1, "payload": {}}, "Message 'subscribe' needs a non-empty string 'id'"),
        ({"type": "subscribe", "id": {}, "payload": {}}, "Message 'subscribe' needs a non-empty string 'id'"),
        ({"type": "subscribe", "id": "", "payload": {}}, "Message 'subscribe' needs a non-empty string 'id'"),
        ({"type": "subscribe", "id": "x" * 257, "payload": {}}, "Message property 'id' is longer than 256 characters"),
        ({"type": "subscribe", "id": "1"}, "Message 'subscribe' has no payload"),
        ({"type": "subscribe", "id": "1", "payload": "{a}"}, "Message 'subscribe' has a payload that is not an object"),
        (b"{}", "Messages are text, not binary"),
    ],
)
async def test_4400_says_what_is_wrong(stand: Stand, message: Any, reason: str) -> None:
    async with stand.socket() as socket:
        await socket.send(message)
        assert await socket.close() == (4400, reason)
    assert stand.closed == {("websocket", "4400"): 1}


async def test_4401_for_an_operation_before_the_acknowledgement(stand: Stand) -> None:
    async with stand.socket() as socket:
        await socket.subscribe()
        assert await socket.close() == (4401, "Unauthorized")
    assert stand.streams.started == []


@pytest.mark.parametrize(
    "payload",
    [
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic abc"},
        {"Authorization": 5},
        {"Authorization": ""},
        {"authToken": "é"},
        {"authorization": f"Bearer {token(seconds=-60)}"},
        {"authToken": []},
    ],
)
async def test_4403_for_a_token_that_does_not_hold(stand: Stand, payload: Any) -> None:
    async with stand.socket() as socket:
        await socket.send({"type": "connection_init", "payload": payload})
        assert await socket.close() == (4403, "Forbidden")


@pytest.mark.parametrize("offered", [[], ["graphql-ws"], ["graphql-ws", "soap"]])
async def test_4406_for_any_other_subprotocol(stand: Stand, offered: Any) -> None:
    async with stand.socket(subprotocols=offered or None) as socket:
        assert await socket.close() == (4406, "Subprotocol not acceptable")
    assert stand.closed == {("websocket", "4406"): 1}


async def test_the_subprotocol_is_found_among_several(stand: Stand) -> None:
    async with stand.acknowledged(subprotocols=["graphql-ws", "graphql-transport-ws"]) as socket:
        assert socket.opened.subprotocol == "graphql-transport-ws"


async def test_4408_without_an_initialisation_in_time() -> None:
    options = StreamOptions(init_seconds=0.3)
    async with standing(options) as stand, stand.acknowledged() as other, stand.socket() as socket:
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}
        assert await socket.close() == (4408, "Connection initialisation timeout")
        await other.alive()


async def test_4409_for_an_id_that_is_in_use(stand: Stand) -> None:
    async with stand.acknowledged() as socket:
        await socket.subscribe("abc")
        running = await stand.streams.running()
        await socket.subscribe("abc")
        assert await socket.close() == (4409, "Subscriber for abc already exists")
    assert running.closes == 1


async def test_4409_keeps_within_a_control_frame(stand: Stand) -> None:
    async with stand.acknowledged() as socket:
        await socket.subscribe("é" * 200)
        await socket.subscribe("é" * 200)
        assert await socket.close() == (4409, "Subscriber for " + "é" * 54)


async def test_4429_for_a_second_initialisation(stand: Stand) -> None:
    async with stand.acknowledged() as socket:
        await socket.send({"type": "connection_init"})
        assert await socket.close() == (4429, "Too many initialisation requests")


async def test_4500_for_what_is_wrong_here(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stand.acknowledged() as socket:
        monkeypatch.setattr("gateway.params.checked", None)
        await socket.subscribe()
        assert await socket.close() == (4500, "Internal server error")


async def test_a_message_beyond_the_size_closes_the_socket(stand: Stand) -> None:
    async with stand.acknowledged() as socket:
        await socket.subscribe()
        running = await stand.streams.running()
        await socket.send({"type": "ping", "payload": {"x": "x" * 70_000}})
        assert (await socket.close())[0] == 1009
        await asyncio.wait_for(running.closed.wait(), 1)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "nonsense"])
async def test_another_sites_page_is_refused_before_the_socket_opens(stand: Stand, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with stand.socket(origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_our_own_page_and_listed_ones_are_welcome() -> None:
    async with standing(http=HttpOptions(cors=Cors(frozenset([b"https://shop.example"])))) as stand:
        for origin in (stand.url, "https://shop.example"):
            async with stand.acknowledged(origin=origin) as socket:
                await socket.alive()


@pytest.mark.parametrize("reason", [Ended.REVOKED, Ended.LIMIT, Ended.INTERNAL])
async def test_what_ends_one_subscription_leaves_the_others(stand: Stand, reason: Ended) -> None:
    async with stand.acknowledged() as socket:
        await socket.subscribe()
        running = await stand.streams.running()
        running.end(reason, "abc")
        told = await socket.receive()
        assert (told["id"], told["type"]) == ("1", "error")
        assert told["payload"][0]["extensions"] == {"code": reason.value, "cursor": "abc"}
        running.push({"n": 1})
        running.end()
        await socket.alive()


async def test_the_hubs_end_of_a_token_closes_the_socket_after_all_checkpoints(stand: Stand) -> None:
    async with stand.acknowledged() as socket:
        await socket.subscribe("1")
        await socket.subscribe("2")
        for running in (await stand.streams.running(0), await stand.streams.running(1)):
            running.push({"n": 1}, "abc")
            running.end(Ended.TOKEN_EXPIRED, "abc")
            await asyncio.sleep(0)
        assert [(await socket.receive())["id"] for _ in range(2)] == ["1", "2"]
        assert await socket.close() == (4403, "Forbidden: token expired")


async def test_a_token_that_expires_closes_the_socket_within_a_second() -> None:
    async with standing() as stand, stand.acknowledged({"authToken": token(seconds=2)}) as socket:
        await socket.subscribe()
        running = await stand.streams.running()
        expires_at = running.actor.expires_at
        assert expires_at is not None
        assert await socket.close() == (4403, "Forbidden: token expired")
        late = stand.endpoint.http.authenticator.clock() - expires_at.timestamp()
        assert 0 <= late < 1
        assert running.closes == 1


async def test_4509_names_no_cursor_because_what_was_not_read_is_dropped(stand: Stand) -> None:
    async with stand.acknowledged() as socket:
        await socket.subscribe()
        (await stand.streams.running()).end(Ended.SLOW, "abc")
        assert await socket.close() == (4509, "slow")


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        ("abc", "Service Restart cursor=abc"),
        ("x" * 200, "Service Restart"),
        (None, "Service Restart"),
        ("x" * 100, "Service Restart cursor=" + "x" * 100),
    ],
)
async def test_1012_names_the_cursor_when_it_fits(stand: Stand, cursor: str | None, reason: str) -> None:
    async with stand.acknowledged() as socket:
        await socket.subscribe()
        (await stand.streams.running()).end(Ended.SHUTDOWN, cursor)
        assert await socket.close() == (1012, reason)


async def test_a_client_that_leaves_ends_its_operations_once(stand: Stand) -> None:
    async with stand.acknowledged() as socket:
        await socket.subscribe("1")
        await socket.subscribe("2")
        runnings = [await stand.streams.running(0), await stand.streams.running(1)]
        socket.opened.transport.abort()
        for running in runnings:
            running.push({"n": 1})
        await until(lambda: not stand.connections.streams)
        for running in runnings:
            running.push({"n": 2})
            running.end()
    assert [running.closes for running in runnings] == [1, 1]
    assert stand.connections.callers == {}
