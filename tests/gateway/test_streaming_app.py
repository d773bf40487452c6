"""The composed gateway: a change in the database reaches subscribers on every transport, and they end with it."""

import asyncio
import contextlib
import json
import types
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import uvicorn
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

import db.pool
from domain.actor import Role
from gateway.app import create_app
from gateway.cli import listener, serve
from gateway.settings import Settings
from tests.gateway.serving import SECRET
from tests.gateway.streaming import token

SEED = """
INSERT INTO channels (code, name, kind, currency) VALUES ('web', 'Web', 'STOREFRONT', 'EUR');
INSERT INTO orders (channel_id, number, status, currency, placed_at, customer_id, customer_email)
SELECT id, 'N1', 'CONFIRMED', 'EUR', now(), 'C-1', 'a@example.com' FROM channels;
"""
CHANGE = """
WITH changed AS (UPDATE orders SET version = version + 1 WHERE number = 'N1' RETURNING id, version)
INSERT INTO journal (entity, entity_id, order_id, version, type, changed, data, source, actor, occurred_at)
SELECT 'ORDER', id, id, version, 'STATUS_CHANGED', '{status}', '{"status": {"to": "CONFIRMED"}}', 'test', 'system',
       now()
FROM changed
"""
QUERY = (
    "subscription { orderUpdates { __typename ... on OrderChanged { version cursor } ... on Checkpoint { cursor } } }"
)


class Gateway:
    def __init__(self, url: str, pool: db.pool.Pool, app: Any, dsn: str = "") -> None:
        self.url = f"{url}/graphql"
        self.pool = pool
        self.app = app
        self.dsn = dsn

    async def change(self) -> None:
        async with self.pool.acquire() as connection:
            await connection.execute(CHANGE)

    def socket(self) -> connect:
        return connect(
            self.url.replace("http", "ws"), subprotocols=[Subprotocol("graphql-transport-ws")], compression=None
        )


@pytest.fixture
async def gateway(database: str, pool: db.pool.Pool) -> AsyncIterator[Gateway]:
    async with pool.acquire() as connection:
        await connection.execute(SEED)
    app = create_app(Settings(token_secret=SecretStr(SECRET)), pool, database)
    config = uvicorn.Config(app, port=0, lifespan="on", **serve._uvicorn())
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield Gateway(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", pool, app)
    await app.state.drain(0.2)
    await server.shutdown()


async def subscribed(socket: ClientConnection, role_token: str, **extensions: str) -> None:
    await socket.send(json.dumps({"type": "connection_init", "payload": {"authToken": role_token}}))
    assert json.loads(await socket.recv())["type"] == "connection_ack"
    payload = {"query": QUERY, "extensions": extensions}
    await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
    await asyncio.sleep(0.2)


async def changed(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        while True:
            said = json.loads(await socket.recv())
            assert said["type"] == "next", said
            update: dict[str, Any] = said["payload"]["data"]["orderUpdates"]
            if update["__typename"] == "OrderChanged":
                return update


async def test_a_change_reaches_sockets_sse_and_multipart(gateway: Gateway) -> None:
    headers = {"Authorization": f"Bearer {token()}"}
    async with gateway.socket() as socket, aiohttp.ClientSession(headers=headers) as http:
        await subscribed(socket, token())
        body = {"query": QUERY}
        sse = await http.post(gateway.url, json=body, headers={"Accept": "text/event-stream"})
        parts = await http.post(gateway.url, json=body, headers={"Accept": "multipart/mixed;subscriptionSpec=1.0"})
        await asyncio.sleep(0.2)
        await gateway.change()
        update = await changed(socket)
        assert update["version"] == 2
        expected = {"orderUpdates": {"__typename": "OrderChanged", "version": 2, "cursor": update["cursor"]}}
        async with asyncio.timeout(5):
            while (event := await sse.content.readuntil(b"\n\n")).startswith(b": "):
                pass
            assert event.startswith(f"event: next\nid: {update['cursor']}\ndata: ".encode())
            assert json.loads(event.partition(b"data: ")[2]) == {"data": expected}
            while b"payload" not in (part := await parts.content.readuntil(b"\r\n--graphql")):
                pass
            assert json.loads(part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n--graphql")) == {
                "payload": {"data": expected}
            }
        sse.close()
        parts.close()


async def test_a_client_goes_on_from_the_cursor_it_was_left_with(gateway: Gateway) -> None:
    async with gateway.socket() as socket:
        await subscribed(socket, token())
        await gateway.change()
        cursor = (await changed(socket))["cursor"]
    await gateway.change()
    await gateway.change()
    async with gateway.socket() as socket:
        await subscribed(socket, token(), cursor=cursor)
        assert [(await changed(socket))["version"] for _ in range(2)] == [3, 4]


async def test_nobody_without_rights_subscribes_on_a_socket_that_stays(gateway: Gateway) -> None:
    async with gateway.socket() as socket:
        await socket.send('{"type":"connection_init"}')
        await socket.recv()
        for number in ("1", "2"):
            await socket.send(json.dumps({"type": "subscribe", "id": number, "payload": {"query": QUERY}}))
            told = json.loads(await socket.recv())
            assert (told["id"], told["type"]) == (number, "error")
            assert told["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_the_server_closes_sockets_only_once_they_were_told(database: str, pool: db.pool.Pool) -> None:
    app = create_app(Settings(token_secret=SecretStr(SECRET)), pool, database)
    bound, ready = listener.bind("127.0.0.1", 0), asyncio.Event()
    server = serve._server(app, types.SimpleNamespace(embedded=None), ready.set)  # type: ignore[arg-type]
    serving = asyncio.ensure_future(server.serve(sockets=[bound]))
    await asyncio.wait_for(ready.wait(), 10)
    one = Gateway(listener.url(bound), pool, app)
    async with one.socket() as idle, one.socket() as busy, aiohttp.ClientSession() as http:
        await idle.send('{"type":"connection_init"}')
        await subscribed(busy, token())
        headers = {"Authorization": f"Bearer {token()}", "Accept": "text/event-stream"}
        sse = await http.post(one.url, json={"query": QUERY}, headers=headers)
        serve._end(server)
        async with asyncio.timeout(3):
            assert b"retry: " in await sse.content.read()
            for socket in (idle, busy):
                with contextlib.suppress(ConnectionClosed):
                    while True:
                        await socket.recv()
        assert idle.close_reason == "Service Restart"
        assert (busy.close_reason or "").startswith("Service Restart cursor=")
        await asyncio.wait_for(serving, 3)


async def test_the_end_of_the_process_tells_everybody_where_to_go_on(gateway: Gateway) -> None:
    async with gateway.socket() as socket:
        await subscribed(socket, token())
        await gateway.app.state.drain(0.5)
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
        assert socket.close_code == 1012
        assert (socket.close_reason or "").startswith("Service Restart cursor=")


async def test_the_engine_itself_runs_no_mutation_that_came_by_get(gateway: Gateway) -> None:
    """Even when the endpoint could not tell: here the document is too long for it, and within the engine's limits."""
    document = 'mutation { revokeAccess(actor: "x") { id } }'
    headers = {"Authorization": f"Bearer {token(Role.ADMIN)}", "Accept": "text/event-stream"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.documents.MOST_TOKENS", 3)
        async with aiohttp.ClientSession(headers=headers) as http:
            response = await http.get(gateway.url, params={"query": document})
            text = await response.text()
    assert '"code":"METHOD_NOT_ALLOWED"' in text
    assert await gateway.pool.fetchval("SELECT count(*) FROM revocations") == 0


async def test_nothing_is_compressed_although_a_client_offers_it_and_frames_are_bounded(gateway: Gateway) -> None:
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(gateway.url.replace("http", "ws"), subprotocols=protocols, compression="deflate") as socket:
        assert socket.protocol.extensions == []
        await subscribed(socket, token())
        await gateway.change()
        assert (await changed(socket))["version"] == 2
        await socket.send(json.dumps({"type": "ping", "payload": {"x": "x" * (64 * 1024)}}))
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code == 1009
