"""When the database is slow, busy or gone the answer says so, and afterwards everything works as before."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from graphql import GraphQLSchema

import db.migrate
import db.pool
from db.embedded import FAST_SETTINGS, EmbeddedPostgres
from db.reader import PoolReader
from resolvers.answer import Failure
from tests.resolvers import shop as shops
from tests.resolvers.shop import Reply, Shop

QUERY = "{orders(first: 1) {totalCount nodes {number}}}"


def failed(reply: Reply, failure: Failure, code: str) -> bool:
    assert (reply.answer.failure, reply.codes) == (failure, [code])
    assert set(reply.body) == {"errors"}
    return "Try again" in reply.errors[0]["message"] or "try again" in reply.errors[0]["message"]


async def dsn_of(shop: Shop) -> str:
    name = await shop.pool.fetchval("SELECT current_database()")
    folder = await shop.pool.fetchval("SELECT current_setting('unix_socket_directories')")
    return f"postgresql://postgres@/{name}?host={folder}"


@pytest.fixture
async def impatient(own_shop: Shop) -> AsyncIterator[Shop]:
    """The same shop over connections whose statements end after a tenth of a second."""
    dsn = await dsn_of(own_shop)
    pool = await db.pool.create_pool(dsn, min_size=1, max_size=2, statement_seconds=0.1)
    yield Shop(own_shop.core, pool)
    pool.terminate()


async def test_a_slow_statement_ends_at_its_deadline(own_shop: Shop, impatient: Shop) -> None:
    assert (await impatient.ask(QUERY)).data
    async with own_shop.pool.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        assert failed(await impatient.ask(QUERY), Failure.DEADLINE, "DEADLINE_EXCEEDED")
        assert time.monotonic() - started < 2
    assert (await impatient.ask(QUERY)).data


async def test_without_a_free_connection_nobody_waits_for_long(own_shop: Shop) -> None:
    own_shop.engine.reader = PoolReader(own_shop.pool, acquire_seconds=0.05)
    held = [await own_shop.pool.acquire() for _ in range(own_shop.pool.get_max_size())]
    assert failed(await own_shop.ask(QUERY), Failure.OVERLOADED, "OVERLOADED")
    for connection in held:
        await own_shop.pool.release(connection)
    assert (await own_shop.ask(QUERY)).data


async def test_what_does_not_need_the_database_does_not_wait_for_it(own_shop: Shop) -> None:
    own_shop.engine.reader = PoolReader(own_shop.pool, acquire_seconds=0.05)
    held = [await own_shop.pool.acquire() for _ in range(own_shop.pool.get_max_size())]
    assert (await own_shop.ask("{__schema {__typename}}")).data == {"__schema": {"__typename": "__Schema"}}
    assert (await own_shop.ask("{orders(first: 0) {totalCount}}")).codes == ["BAD_USER_INPUT"]
    for connection in held:
        await own_shop.pool.release(connection)


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="ordergraph-stopped-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


async def test_a_stopped_database_is_unavailable_and_comes_back(folder: Path, core: GraphQLSchema) -> None:
    with EmbeddedPostgres(folder, settings=FAST_SETTINGS) as server:
        await db.migrate.upgrade(server.dsn)
        pool = await db.pool.create_pool(server.dsn, min_size=2, max_size=3)
        async with pool.acquire() as connection:
            await shops.rows().write(connection)
        shop = Shop(core, pool)
        assert (await shop.ask(QUERY)).data["orders"]["totalCount"] == 10
        waiting = await begin_to_wait(shop)
    assert failed(await waiting, Failure.UNAVAILABLE, "SERVICE_UNAVAILABLE")
    for _ in range(5):
        assert failed(await shop.ask(QUERY), Failure.UNAVAILABLE, "SERVICE_UNAVAILABLE")
    with EmbeddedPostgres(folder, settings=FAST_SETTINGS):
        for _ in range(5):
            assert (await shop.ask(QUERY)).data["orders"]["totalCount"] == 10
        pool.terminate()


async def begin_to_wait(shop: Shop) -> "asyncio.Task[Reply]":
    """A question that is being answered when the database stops."""
    holder = await shop.pool.acquire()
    await holder.execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
    task = asyncio.create_task(shop.ask(QUERY))
    await asyncio.sleep(0.1)
    return task


async def test_a_connection_that_is_cut_while_it_works_is_no_defect(own_shop: Shop) -> None:
    waiting = await begin_to_wait(own_shop)
    other = await db.pool.connect(await dsn_of(own_shop))
    await other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    await other.close()
    assert failed(await waiting, Failure.UNAVAILABLE, "SERVICE_UNAVAILABLE")


async def test_a_connection_that_was_cut_is_replaced(own_shop: Shop) -> None:
    assert (await own_shop.ask(QUERY)).data
    async with own_shop.pool.acquire() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    replies = [await own_shop.ask(QUERY) for _ in range(6)]
    for reply in replies:
        assert reply.answer.failure is None or failed(reply, Failure.UNAVAILABLE, "SERVICE_UNAVAILABLE")
    assert replies[-1].data["orders"]["totalCount"] == 10


async def test_a_changed_table_is_read_again_at_once(own_shop: Shop) -> None:
    """A prepared statement whose columns have changed is prepared anew, in the same request."""
    reader = PoolReader(own_shop.pool)
    before = await reader.row("SELECT * FROM channels WHERE code = $1", ["web"])
    assert (await own_shop.ask(QUERY)).data
    await own_shop.pool.execute("ALTER TABLE channels ADD COLUMN more text DEFAULT 'new'")
    await own_shop.pool.execute("ALTER TABLE orders ADD COLUMN more text DEFAULT 'new'")
    after = await reader.row("SELECT * FROM channels WHERE code = $1", ["web"])
    assert dict(after) == {**dict(before), "more": "new"}
    assert (await own_shop.ask(QUERY)).data["orders"]["totalCount"] == 10


HUGE = "{orders(first: 100) {nodes {timeline(first: 100) {nodes {id} edges {node {id data}}}}}}"
HUGER = """{orders(first: 100) {nodes {shipments {order {shipments {order {
  timeline(first: 100) {nodes {id}} lines {item {stockLevels {location {cutoffs {weekday}}}}}}}}}}}}"""


VARIED = HUGER.replace("100)", "$n)").replace("{orders", "query($n: Int = 100) {orders", 1)


@pytest.mark.parametrize("query", [HUGER, VARIED])
async def test_half_a_million_objects_are_refused_without_a_statement(shop: Shop, query: str) -> None:
    strict = Shop(shop.core, shop.pool)
    started = time.process_time()
    for _ in range(3):
        reply = await strict.ask(query)
        assert (reply.answer.failure, reply.codes) == (Failure.TOO_COMPLEX, ["QUERY_TOO_COMPLEX"])
    assert time.process_time() - started < 2
    assert strict.reader.statements == []
    assert "at most 50000 are allowed" in reply.errors[0]["message"]


async def test_the_same_question_for_less_is_answered(shop: Shop) -> None:
    strict = Shop(shop.core, shop.pool)
    assert (await strict.ask(HUGER.replace("100", "2"))).data
    query = HUGE.replace("first: 100", "first: $n").replace("{orders", "query($n: Int!) {orders")
    assert (await strict.ask(query, {"n": 10})).data
    reply = await Shop(shop.core, shop.pool, max_cost=10_000).ask(query, {"n": 100})
    assert reply.codes == ["QUERY_TOO_COMPLEX"]


async def test_every_wrong_request_has_its_own_failure(shop: Shop) -> None:
    wrong = {
        "{": (Failure.SYNTAX, "GRAPHQL_PARSE_FAILED"),
        "{nothing}": (Failure.VALIDATION, "GRAPHQL_VALIDATION_FAILED"),
        "query A {__typename} query B {__typename}": (Failure.OPERATION, "OPERATION_RESOLUTION_FAILURE"),
        "fragment F on Query {__typename}": (Failure.VALIDATION, "GRAPHQL_VALIDATION_FAILED"),
        "query($i: ID!) {order(id: $i) {id}}": (Failure.VARIABLES, "BAD_USER_INPUT"),
        "{order {id}}": (Failure.VARIABLES, "BAD_USER_INPUT"),
    }
    before = len(shop.reader.statements)
    for query, (failure, code) in wrong.items():
        reply = await shop.ask(query)
        assert (reply.answer.failure, set(reply.codes)) == (failure, {code}), query
        assert "data" not in reply.body
    assert (await shop.ask("query A {__typename}", operation="B")).answer.failure is Failure.OPERATION
    assert len(shop.reader.statements) == before


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("Int!", 2**31),
        ("Int!", "1"),
        ("Int!", 1.5),
        ("Int!", True),
        ("OrderFilter", {"nothing": 1}),
        ("OrderFilter", {"status": ["NO"]}),
        ("OrderFilter", {"placedFrom": "yesterday"}),
        ("OrderFilter", {"placedFrom": "2026-03-01T00:00:00"}),
        ("OrderFilter", {"placedFrom": "0001-01-01T00:00:00+14:00"}),
        ("OrderFilter", {"placedUntil": "9999-12-31T23:59:59-14:00"}),
        ("OrderFilter", {"search": 5}),
        ("OrderFilter", "text"),
    ],
)
async def test_a_variable_that_does_not_fit_is_refused(shop: Shop, type_: str, value: object) -> None:
    argument = "first" if type_ == "Int!" else "filter"
    reply = await shop.ask(f"query($v: {type_}) {{orders({argument}: $v) {{totalCount}}}}", {"v": value})
    assert (reply.answer.failure, set(reply.codes)) == (Failure.VARIABLES, {"BAD_USER_INPUT"})
    assert "Did you mean" not in str(reply.errors)
