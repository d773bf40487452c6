"""Withdrawn access: its streams end within a second on every transport and every gateway, requests are refused."""

import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
import uvicorn
from aiohttp import web
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

import db.commands.revocations
import db.pool
from domain.actor import Role
from domain.revocation import Revoked
from gateway.app import create_app
from gateway.cli import serve
from gateway.settings import Settings
from tests.events.redis_server import redis_server
from tests.gateway.serving import SECRET
from tests.gateway.streaming import token
from tests.gateway.test_cli_serve import serving
from tests.gateway.test_streaming_app import QUERY, SEED, Gateway, changed, subscribed
from tests.processes import unhurried

ROOT = Path(__file__).resolve().parents[2]
CODE = "SUBSCRIPTION_ACCESS_REVOKED"
REVOKE = (
    "mutation($id: String, $actor: String) { revokeAccess(tokenId: $id, actor: $actor) { id kind name revokedAt } }"
)
SECONDS = 1.0


def within() -> asyncio.Timeout:
    """What is promised, on a machine with nothing else to do."""
    return asyncio.timeout(unhurried(SECONDS))


def token_id(of: str) -> str:
    found: str = jwt.decode(of, options={"verify_signature": False})["jti"]
    return found


@contextlib.asynccontextmanager
async def running(database: str, pool: db.pool.Pool) -> AsyncIterator[Gateway]:
    settings = Settings(token_secret=SecretStr(SECRET), callback_hosts=frozenset({"127.0.0.1"}))
    app = create_app(settings, pool, database)
    config = uvicorn.Config(app, port=0, lifespan="on", **serve._uvicorn())
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield Gateway(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", pool, app, database)
    finally:
        await app.state.drain(0.2)
        await server.shutdown()


@pytest.fixture
async def gateways(database: str, pool: db.pool.Pool) -> AsyncIterator[tuple[Gateway, Gateway]]:
    async with pool.acquire() as connection:
        await connection.execute(SEED)
    async with running(database, pool) as one, running(database, pool) as other:
        yield one, other


async def asked(url: str, role_token: str, query: str, **variables: object) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {role_token}"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, json={"query": query, "variables": variables}, headers=headers) as response,
    ):
        return response.status, await response.json(content_type=None)


async def ended(socket: ClientConnection) -> list[Any]:
    said = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            said.append(json.loads(await socket.recv()))
    return said


async def test_a_revoked_token_ends_sockets_at_every_gateway_with_the_code_and_a_cursor(
    gateways: tuple[Gateway, Gateway],
) -> None:
    one, other = gateways
    bad, good = token(), token(Role.ADMIN)
    async with one.socket() as first, other.socket() as second, other.socket() as idle, other.socket() as staying:
        for socket in (first, second):
            await subscribed(socket, bad)
        await subscribed(staying, good)
        await idle.send(json.dumps({"type": "connection_init", "payload": {"authToken": bad}}))
        await idle.recv()
        await one.change()
        cursors = [(await changed(socket))["cursor"] for socket in (first, second)]
        status, told = await asked(one.url, good, REVOKE, id=token_id(bad))
        assert (status, told["data"]["revokeAccess"]["name"]) == (200, token_id(bad))
        async with within():
            for socket, cursor in zip((first, second), cursors, strict=True):
                (error,) = await ended(socket)
                assert (error["type"], error["id"]) == ("error", "1")
                assert error["payload"][0]["extensions"] == {"code": CODE, "cursor": cursor}
            assert await ended(idle) == []
        assert {socket.close_code for socket in (first, second, idle)} == {4403}
        assert {socket.close_reason for socket in (first, second, idle)} == {"Forbidden: access revoked"}
        await changed(staying)
        await one.change()
        assert (await changed(staying))["version"] == 3
    for gateway in gateways:
        status, told = await asked(gateway.url, bad, "{ __typename }")
        assert (status, told["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
        assert "revoked" in told["errors"][0]["message"]
        assert (await asked(gateway.url, good, "{ __typename }"))[0] == 200


async def test_who_goes_on_from_the_cursor_with_a_new_token_misses_nothing(gateways: tuple[Gateway, Gateway]) -> None:
    one, other = gateways
    bad = token()
    async with one.socket() as socket:
        await subscribed(socket, bad)
        await asked(one.url, token(Role.ADMIN), REVOKE, id=token_id(bad))
        async with within():
            (error,) = await ended(socket)
    await one.change()
    async with other.socket() as socket:
        await subscribed(socket, token(), cursor=error["payload"][0]["extensions"]["cursor"])
        assert (await changed(socket))["version"] == 2


@contextlib.asynccontextmanager
async def router() -> AsyncIterator[tuple[str, list[Any]]]:
    """Where callbacks go, and what came."""
    calls: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        calls.append(await request.json())
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/", calls
    finally:
        await runner.cleanup()


async def test_streams_over_http_end_too(gateways: tuple[Gateway, Gateway]) -> None:
    one, other = gateways
    bad = token()
    body: dict[str, Any] = {"query": QUERY}
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {bad}"}) as http, router() as (back, calls):
        sse = await http.post(other.url, json=body, headers={"Accept": "text/event-stream"})
        parts = await http.post(other.url, json=body, headers={"Accept": "multipart/mixed;subscriptionSpec=1.0"})
        single = {"X-GraphQL-Event-Stream-Token": await (await http.put(other.url)).text()}
        shared = await http.get(other.url, headers={"Accept": "text/event-stream", **single})
        await http.post(other.url, json={**body, "extensions": {"operationId": "7"}}, headers=single)
        extension = {"callbackUrl": back, "subscriptionId": "s", "verifier": "v", "heartbeatIntervalMs": 0}
        called = await http.post(
            other.url,
            json={**body, "extensions": {"subscription": extension}},
            headers={"Accept": "application/json;callbackSpec=1.0"},
        )
        assert called.status == 200
        poll = asyncio.ensure_future(
            asked(
                other.url,
                bad,
                'query($c: String!) { changes(after: $c, wait: "30s") { cursor } }',
                c=await cursor(other, bad),
            )
        )
        await asyncio.sleep(0.3)
        assert (await asked(one.url, token(Role.ADMIN), REVOKE, id=token_id(bad)))[0] == 200
        async with within():
            events = (await sse.content.read()).decode()
            last = json.loads(events.rpartition("event: next\ndata: ")[2].partition("\n")[0])["errors"][0]
            assert last["extensions"]["code"] == CODE
            assert last["extensions"]["cursor"]
            assert events.endswith("event: complete\ndata:\n\n")
            told = (await parts.content.read()).decode()
            assert f'"code":"{CODE}","cursor":"' in told
            assert told.endswith("--graphql--\r\n")
            operations = (await shared.content.read()).decode()
            assert f'"code":"{CODE}","cursor":"' in operations
            assert operations.endswith('event: complete\ndata: {"id":"7"}\n\n')
            while calls[-1]["action"] != "complete":  # noqa: ASYNC110  # a list tells nobody
                await asyncio.sleep(0.01)
            assert calls[-1]["errors"][0]["extensions"]["code"] == CODE
            assert (await poll)[1]["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def cursor(gateway: Gateway, role_token: str) -> str:
    found: str = (await asked(gateway.url, role_token, "{ changes { cursor } }"))[1]["data"]["changes"]["cursor"]
    return found


async def test_a_token_that_expires_ends_its_streams_within_a_second_with_code_and_cursor(
    gateways: tuple[Gateway, Gateway],
) -> None:
    gateway, _ = gateways
    short = token(seconds=3)
    expires_at = jwt.decode(short, options={"verify_signature": False})["exp"]
    headers = {"Authorization": f"Bearer {short}"}
    async with gateway.socket() as socket, aiohttp.ClientSession(headers=headers) as http:
        await subscribed(socket, short)
        sse = await http.post(gateway.url, json={"query": QUERY}, headers={"Accept": "text/event-stream"})
        parts = await http.post(
            gateway.url, json={"query": QUERY}, headers={"Accept": "multipart/mixed;subscriptionSpec=1.0"}
        )
        async with asyncio.timeout(expires_at - time.time() + unhurried(SECONDS)):
            told = (await ended(socket))[-1]["payload"]["data"]["orderUpdates"]
            events, last = (await sse.content.read()).decode(), (await parts.content.read()).decode()
        assert time.time() >= expires_at
        assert told["__typename"] == "Checkpoint"
        assert (socket.close_code, socket.close_reason) == (4403, f"Forbidden: token expired cursor={told['cursor']}")
        for text in (events, last):
            assert f'"code":"SUBSCRIPTION_JWT_EXPIRED","cursor":"{told["cursor"]}"' in text


async def test_an_actor_loses_its_tokens_and_may_come_back_with_a_new_one(
    gateways: tuple[Gateway, Gateway], pool: db.pool.Pool
) -> None:
    one, other = gateways
    ann, bob = (token(Role.CUSTOMER, customer_id=name, subject=name) for name in ("ann", "bob"))
    async with other.socket() as hers, other.socket() as his:
        await subscribed(hers, ann)
        await subscribed(his, bob)
        status, _ = await asked(one.url, token(Role.ADMIN), REVOKE, actor="ann")
        assert status == 200
        async with within():
            (error,) = await ended(hers)
        assert error["payload"][0]["extensions"]["code"] == CODE
        await his.send('{"type":"ping"}')
        assert json.loads(await his.recv()) == {"type": "pong"}
    assert (await asked(other.url, ann, "{ __typename }"))[0] == 401
    # A token says when it was issued in whole seconds.
    await pool.execute("UPDATE revocations SET revoked_at = revoked_at - interval '2 seconds'")
    async with running(other.dsn, pool) as later:
        new = token(Role.CUSTOMER, customer_id="ann", subject="ann")
        assert (await asked(later.url, new, "{ __typename }"))[0] == 200


async def test_a_gateway_that_starts_later_knows_it_too(database: str, pool: db.pool.Pool) -> None:
    bad = token()
    async with pool.acquire() as connection:
        await db.commands.revocations.revoke(connection, Revoked.TOKEN, token_id(bad), actor="test")
        past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
        await db.commands.revocations.revoke(connection, Revoked.TOKEN, "old", actor="test", expires_at=past)
    async with running(database, pool) as gateway:
        assert (await asked(gateway.url, bad, "{ __typename }"))[0] == 401


async def test_only_who_may_administer_revokes_and_says_exactly_one_name(
    gateways: tuple[Gateway, Gateway], pool: db.pool.Pool
) -> None:
    gateway, _ = gateways
    _, told = await asked(gateway.url, token(Role.OPERATOR), REVOKE, id="x")
    assert told["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    for variables in ({}, {"id": "x", "actor": "y"}, {"id": ""}, {"actor": "x" * 257}, {"actor": "a\0b"}):
        _, told = await asked(gateway.url, token(Role.ADMIN), REVOKE, **variables)
        assert told["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert await pool.fetchval("SELECT count(*) FROM revocations") == 0
    assert await pool.fetchval("SELECT count(*) FROM journal WHERE entity = 'ACCESS'") == 0


async def test_revoking_again_is_another_version_and_an_api_key_ends_in_its_row(pool: db.pool.Pool) -> None:
    await pool.execute(
        "INSERT INTO api_keys (prefix, secret_sha256, name, role, source) "
        "VALUES ('abc', '', 'erp', 'integrator', 'erp')"
    )
    async with pool.acquire() as connection:
        first = await db.commands.revocations.revoke(connection, Revoked.ACTOR, "key:abc", actor="test", reason="lost")
        again = await db.commands.revocations.revoke(connection, Revoked.ACTOR, "key:abc", actor="test")
    assert first.id == again.id
    assert await pool.fetchval("SELECT revoked_at IS NOT NULL FROM api_keys")
    rows = await pool.fetch("SELECT entity_id, version, type, data FROM journal ORDER BY id")
    assert [tuple(row)[:3] for row in rows] == [(first.id, 1, "ACCESS_REVOKED"), (first.id, 2, "ACCESS_REVOKED")]
    assert all("abc" not in row["data"] for row in rows)


async def test_the_command_line_revokes_the_token_it_is_given(
    gateways: tuple[Gateway, Gateway], database: str, pool: db.pool.Pool
) -> None:
    gateway, _ = gateways
    bad = token()
    environment = {**os.environ, "ORDERGRAPH_DATABASE_URL": database}
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "gateway.cli", "revoke", "--token", "--reason", "lost laptop"],
        input=bad + "\n", env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("The token is revoked since ")
    async with within():
        while (await asked(gateway.url, bad, "{ __typename }"))[0] != 401:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.05)
    row = await pool.fetchrow("SELECT kind, name, reason, actor, expires_at IS NOT NULL FROM revocations")
    assert row is not None
    assert tuple(row) == ("TOKEN", token_id(bad), "lost laptop", "admin:cli", True)


async def test_two_processes_without_their_bus_learn_it_by_the_poll_alone(
    database: str, pool: db.pool.Pool, tmp_path: Path
) -> None:
    """What then holds: the looks at outbox and log, 0.3 s together, within the second."""
    async with pool.acquire() as connection:
        await connection.execute(SEED)
    bad = token()
    async with redis_server(tmp_path) as bus:
        environment = {
            "ORDERGRAPH_DATABASE_URL": database,
            "ORDERGRAPH_TOKEN_SECRET": SECRET,
            "ORDERGRAPH_BUS_URL": bus.address,
        }
        with serving(tmp_path, **environment) as first, serving(tmp_path, **environment) as second:
            one, other = (Gateway(process.url, pool, None) for process in (first, second))
            async with other.socket() as socket:
                await subscribed(socket, bad)
                await one.change()
                told = (await changed(socket))["cursor"]
                bus.signal(signal.SIGKILL)
                assert (await asked(one.url, token(Role.ADMIN), REVOKE, id=token_id(bad)))[0] == 200
                async with within():
                    (error,) = await ended(socket)
                assert error["payload"][0]["extensions"] == {"code": CODE, "cursor": told}
                assert socket.close_code == 4403
            for gateway in (one, other):
                assert (await asked(gateway.url, bad, "{ __typename }"))[0] == 401
