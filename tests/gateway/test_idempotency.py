"""Idempotency keys over real HTTP, and a process that dies in the middle of a batch."""

import asyncio
import contextlib
import datetime as dt
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from graphql import GraphQLSchema

import db.pool
from db.commands import idempotency
from domain.actor import Role
from gateway.tokens import issue_token
from schema import build
from tests.gateway.serving import SECRET, app_of, endpoint, served
from tests.resolvers.commands.house import PLACES, House, change, count, upsert

ADJUST = "mutation($items: [StockAdjustmentInput!]!) { adjustStock(items: $items) { applied items { outcome } } }"
UPSERT = "mutation($items: [OrderUpsert!]!) { upsertOrders(items: $items) { applied items { outcome order { id } } } }"


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture
async def house(core: GraphQLSchema, pool: db.pool.Pool) -> House:
    await pool.execute(PLACES)
    made = House(core, pool)
    await made.send("setStockLevels", count("c1", 1, 100))
    return made


class Client:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def send(
        self, query: str, items: list[Any], key: str | None = None, subject: str = "a"
    ) -> tuple[int, bytes, dict[str, Any]]:
        now = dt.datetime.now(dt.UTC)
        token = issue_token(SECRET, Role.ADMIN, ttl=dt.timedelta(hours=1), now=now, subject=subject)
        headers = {"authorization": f"Bearer {token}", **({"idempotency-key": key} if key is not None else {})}
        body = {"query": query, "variables": {"items": items}}
        async with self.session.post(self.url + "/graphql", json=body, headers=headers) as response:
            raw = await response.read()
            return response.status, raw, orjson.loads(raw)


@pytest.fixture
async def client(house: House) -> AsyncIterator[Client]:
    async with served(app_of(endpoint(house.engine))) as url, aiohttp.ClientSession() as session:
        yield Client(session, url)


def code_of(body: dict[str, Any]) -> str:
    code: str = body["errors"][0]["extensions"]["code"]
    return code


async def on_hand(house: House) -> int:
    found: int = await house.pool.fetchval("SELECT on_hand FROM stock_levels")
    return found


async def test_without_a_key_a_difference_is_refused(client: Client, house: House) -> None:
    status, _, body = await client.send(ADJUST, [change(-1)])
    assert (status, code_of(body)) == (400, "IDEMPOTENCY_KEY_REQUIRED")
    assert await on_hand(house) == 100
    status, _, _ = await client.send(ADJUST, [change(-1, changeFromQuantity=100)])
    assert (status, await on_hand(house)) == (200, 99)


async def test_the_same_again_gets_the_same_bytes_and_changes_nothing(client: Client, house: House) -> None:
    items = [change(-5, event="a"), change(-200, event="b")]
    first = await client.send(ADJUST, items, "key-1")
    assert (first[0], first[2]["data"]["adjustStock"]["applied"]) == (200, 1)
    await client.send(ADJUST, [change(-1)], "key-2")
    again = await client.send(ADJUST, items, '"key-1"')
    assert again[:2] == first[:2]
    assert await on_hand(house) == 94


async def test_another_request_under_the_same_key_is_422(client: Client, house: House) -> None:
    await client.send(ADJUST, [change(-5, event="a")], "key-1")
    for query, items in ((ADJUST, [change(-6, event="a")]), (ADJUST + " ", [change(-5, event="a")])):
        status, _, body = await client.send(query, items, "key-1")
        assert (status, code_of(body)) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert await on_hand(house) == 95


async def test_while_it_is_in_progress_it_is_409(client: Client, house: House) -> None:
    blocker = await house.pool.acquire()
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("SELECT 1 FROM stock_levels FOR UPDATE")
    running = asyncio.create_task(client.send(ADJUST, [change(-5, event="a")], "key-1"))
    await asyncio.sleep(0.4)
    status, _, body = await client.send(ADJUST, [change(-5, event="a")], "key-1")
    assert (status, code_of(body)) == (409, "CONFLICT_IN_PROGRESS")
    await transaction.rollback()
    await house.pool.release(blocker)
    first = await running
    assert (await client.send(ADJUST, [change(-5, event="a")], "key-1"))[1] == first[1]
    assert await on_hand(house) == 95


async def test_twenty_at_once_under_one_key_apply_once(client: Client, house: House) -> None:
    results = await asyncio.gather(*(client.send(ADJUST, [change(-5, event="a")], "key-1") for _ in range(20)))
    assert {status for status, _, _ in results} <= {200, 409}
    assert len({raw for status, raw, _ in results if status == 200}) == 1
    assert await on_hand(house) == 95


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_none_is_refused(client: Client, house: House, key: str) -> None:
    status, _, body = await client.send(ADJUST, [change(-1)], key)
    assert (status, code_of(body)) == (400, "BAD_USER_INPUT")
    assert await on_hand(house) == 100


async def test_a_refused_request_leaves_its_key_free(client: Client, house: House) -> None:
    status, _, _ = await client.send(ADJUST, [], "key-1")
    assert status == 400
    status, _, _ = await client.send(ADJUST, [change(-1)], "key-1")
    assert (status, await on_hand(house)) == (200, 99)


async def test_keys_are_forgotten_after_a_day(client: Client, house: House) -> None:
    await client.send(ADJUST, [change(-1)], "key-1")
    await house.pool.execute("UPDATE idempotency_keys SET expires_at = now() - interval '1 second'")
    status, _, _ = await client.send(ADJUST, [change(-2)], "key-1")
    assert (status, await on_hand(house)) == (200, 97)
    await house.pool.execute("UPDATE idempotency_keys SET expires_at = now() - interval '1 second'")
    await idempotency.forget(house.pool)
    assert await house.pool.fetchval("SELECT count(*) FROM idempotency_keys") == 0


WRITER = """
import asyncio, sys
import db.pool
from schema import build
from tests.resolvers.commands.house import House, upsert
async def main():
    pool = await db.pool.create_pool(sys.argv[1], min_size=2, max_size=4)
    house = House(build.executable(build.build()), pool)
    items = [upsert(f"e{n}", 2, number=str(n), lines=(("MUG", 2), ("LAMP", 1))) for n in range(250)]
    print("ready", flush=True)
    await house.ask(sys.argv[2], {"items": items}, key="batch")
    print("done", flush=True)
asyncio.run(main())
"""


async def test_a_process_killed_in_the_middle_of_a_batch_is_taken_over(house: House, database: str) -> None:
    root = Path(__file__).parents[2]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        WRITER,
        database,
        UPSERT,
        stdout=asyncio.subprocess.DEVNULL,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    try:
        for _ in range(2000):
            if await house.pool.fetchval("SELECT count(*) FROM orders") >= 40:
                break
            await asyncio.sleep(0.01)
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    made: int = await house.pool.fetchval("SELECT count(*) FROM orders")
    assert 40 <= made < 250
    assert await house.pool.fetchval("SELECT count(*) FROM journal WHERE type = 'ORDER_PLACED'") == made
    items = [upsert(f"e{n}", 2, number=str(n), lines=(("MUG", 2), ("LAMP", 1))) for n in range(250)]
    assert await house.refused(UPSERT, {"items": items}, key="batch") == "CONFLICT_IN_PROGRESS"
    await house.pool.execute("UPDATE idempotency_keys SET lease_until = now() - interval '1 second'")
    answer = (await house.ask(UPSERT, {"items": items}, key="batch"))["upsertOrders"]
    outcomes = [item["outcome"] for item in answer["items"]]
    assert (outcomes.count("DUPLICATE"), outcomes.count("APPLIED")) == (made, 250 - made)
    assert all(item["order"] for item in answer["items"])
    assert await house.pool.fetchval("SELECT count(*) FROM orders") == 250
    assert await house.pool.fetchval("SELECT count(*) FROM journal WHERE type = 'ORDER_PLACED'") == 250
