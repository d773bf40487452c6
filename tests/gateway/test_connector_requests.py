"""A running gateway is asked for work at a warehouse, which is down and then back; people see it and try it again."""

import datetime as dt
from pathlib import Path
from typing import Any

import aiohttp

import db.pool
from domain.actor import Role
from gateway.tokens import issue_token
from schema import build
from tests.gateway.test_cli_connector import FILE, command
from tests.gateway.test_hooks import serving, until
from tests.resolvers.commands.house import PLACES, House, upsert
from tests.simulators.base import Fault
from tests.simulators.shipbob import SECRET, TOKEN, Server

KEY = "a-secret-for-tokens-that-is-only-of-tests"  # of the test's gateway
ASK = """mutation { requestFulfillment(order: {channel: "web", number: "1001"}, location: "HAM", key: "k1",
    lines: [{line: "MUG", quantity: 2}]) { state connector fulfillmentId error } }"""


async def ask(url: str) -> Any:
    token = issue_token(KEY, Role.OPERATOR, ttl=dt.timedelta(minutes=5), now=dt.datetime.now(dt.UTC), subject="desk")
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{url}/graphql", json={"query": ASK}) as answer,
    ):
        body = await answer.json()
    assert "errors" not in body, body["errors"]
    return body["data"]["requestFulfillment"]


async def test_work_is_asked_for_given_up_replayed_and_done_once(
    database: str, pool: db.pool.Pool, tmp_path: Path
) -> None:
    await pool.execute(PLACES)
    house, address = House(build.executable(build.build()), pool), {"name": "Ada Example", "country": "US"}
    assert await house.outcomes("upsertOrders", upsert("e1", 1, shippingAddress=address)) == ["APPLIED"]
    file, state = tmp_path / "connectors.toml", "SELECT state FROM connector_commands"
    async with Server().running() as server:
        file.write_text(FILE.format(url=server.url))
        secrets = {"ORDERGRAPH_TOKEN_SECRET": KEY, "SB_TOKEN": TOKEN, "SB_SECRET": SECRET}
        server.every = Fault.UNAUTHORIZED
        async with serving(database, file, **secrets) as url:
            told = await ask(url)
            assert (told["state"], told["connector"]) == ("PENDING", "threepl")
            await until(pool, state, "DEAD")
            _, listed, _ = await command(database, file, "connector", "list")
            assert "  commands: 0 wait, 1 given up: CONNECTOR_UNAUTHORIZED: " in listed
            server.every = None
            _, said, _ = await command(database, file, "replay", "--dead", "--source", "threepl")
            assert said.splitlines()[-1] == "1 commands to outside systems are tried again by the running gateway."
            await until(pool, state, "DONE")
            told = await ask(url)
    (number,) = server.orders
    assert told == {"state": "DONE", "connector": "threepl", "fulfillmentId": str(number), "error": None}
    assert await pool.fetchval("SELECT source || ' ' || status FROM fulfillments") == "threepl IN_PROGRESS"
