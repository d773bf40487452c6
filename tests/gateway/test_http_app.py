"""The composed gateway on a real database: operations, readiness, metrics, pages."""

import datetime
from collections.abc import AsyncIterator

import aiohttp
import pytest
from pydantic import SecretStr

import db.pool
from domain.actor import Role
from gateway.app import create_app
from gateway.settings import Settings
from gateway.tokens import issue_token
from tests.gateway.serving import served

SECRET = "a-secret-for-tests-" * 2
JSON = {"content-type": "application/json"}


@pytest.fixture
def settings() -> Settings:
    return Settings(token_secret=SecretStr(SECRET))


@pytest.fixture
async def url(pool: db.pool.Pool, settings: Settings) -> AsyncIterator[str]:
    async with served(create_app(settings, pool)) as address:
        yield address


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_an_operation_goes_through_to_the_database(http: aiohttp.ClientSession, url: str) -> None:
    token = issue_token(SECRET, Role.SUPPORT, ttl=datetime.timedelta(hours=1), now=datetime.datetime.now(datetime.UTC))
    headers = JSON | {"authorization": f"Bearer {token}"}
    async with http.post(f"{url}/graphql", json={"query": "{__typename}"}, headers=headers) as response:
        assert (response.status, (await response.json())["data"]) == (200, {"__typename": "Query"})
    query = {"query": "{orders(first: 1) {nodes {number}}}"}
    async with http.post(f"{url}/graphql", json=query, headers=headers) as response:
        assert (response.status, (await response.json())["data"]) == (200, {"orders": {"nodes": []}})
    async with http.post(f"{url}/graphql", json=query) as response:
        assert response.status == 401
        assert (await response.json())["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"query": "{"}, 400, "GRAPHQL_PARSE_FAILED"),
        ({"query": ""}, 400, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ordrs}"}, 400, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query A {__typename} query B {__typename}"}, 400, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "query A {__typename}", "operationName": "B"}, 400, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": "query ($id: ID!) {node(id: $id) {id}}"}, 400, "BAD_USER_INPUT"),
        ({"query": '{item(sku: "A") {sku}}', "variables": {"unused": 1}}, 401, "UNAUTHENTICATED"),
    ],
)
async def test_what_is_wrong_with_an_operation_is_said_with_its_status(
    http: aiohttp.ClientSession, url: str, params: dict[str, object], status: int, code: str
) -> None:
    async with http.post(f"{url}/graphql", json=params) as response:
        body = await response.json()
        assert (response.status, body["errors"][0]["extensions"]["code"]) == (status, code)
    assert "data" not in body
    assert "Did you mean" not in body["errors"][0]["message"]


async def test_the_limits_of_the_settings_hold(http: aiohttp.ClientSession, url: str) -> None:
    hostile = "{" + "o{o{id}}" * 300 + "}"
    async with http.post(f"{url}/graphql", json={"query": hostile}) as response:
        assert response.status == 400
        error = (await response.json())["errors"][0]
    assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    assert "ORDERGRAPH_LIMIT_SAME_NAME" in error["message"]


async def test_alive_and_ready(http: aiohttp.ClientSession, url: str) -> None:
    for path in ("/healthz", "/readyz"):
        async with http.get(url + path) as response:
            assert (response.status, await response.json()) == (200, {"status": "ok"})
            assert response.headers["cache-control"] == "no-store"


async def test_not_ready_while_every_connection_is_taken(
    http: aiohttp.ClientSession, url: str, pool: db.pool.Pool
) -> None:
    taken = [await pool.acquire() for _ in range(pool.get_max_size())]
    async with http.get(f"{url}/readyz") as response:
        assert response.status == 503
        assert await response.json() == {"status": "unavailable", "reason": "The database did not answer within 1 s."}
    async with http.get(f"{url}/healthz") as response:
        assert response.status == 200
    for connection in taken:
        await pool.release(connection)


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ("UPDATE alembic_version SET version_num = 'of_the_future'", 200, ""),
        ("DELETE FROM alembic_version", 503, "is at revision None"),
        ("DROP TABLE alembic_version", 503, "was never migrated: run `ordergraph migrate`"),
    ],
)
async def test_ready_only_with_a_database_of_the_right_shape(
    http: aiohttp.ClientSession, url: str, pool: db.pool.Pool, change: str, status: int, words: str
) -> None:
    await pool.execute(change)
    async with http.get(f"{url}/readyz") as response:
        assert response.status == status
        assert words in (await response.json()).get("reason", "")


async def test_a_closed_pool_is_unavailable_not_a_crash(
    http: aiohttp.ClientSession, url: str, pool: db.pool.Pool
) -> None:
    pool.terminate()
    async with http.get(f"{url}/readyz") as response:
        assert response.status == 503
    async with http.post(
        f"{url}/graphql", json={"query": "{a}"}, headers={"authorization": "Bearer og_a_b"}
    ) as response:
        assert response.status == 503
        assert (await response.json())["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"


async def test_metrics_show_what_runs_and_what_the_caches_did(http: aiohttp.ClientSession, url: str) -> None:
    for _ in range(2):
        async with http.post(f"{url}/graphql", json={"query": "{__typename}"}):
            pass
    async with http.get(f"{url}/metrics") as response:
        assert response.headers["content-type"].startswith("text/plain")
        text = await response.text()
    assert 'ordergraph_operations_total{kind="query",outcome="OK",transport="POST"} 2.0' in text
    assert "ordergraph_operations_running 0.0" in text
    assert "ordergraph_document_hits_total 1.0" in text
    assert "ordergraph_document_misses_total 1.0" in text


async def test_an_unknown_path_is_404(http: aiohttp.ClientSession, url: str) -> None:
    async with http.get(f"{url}/nowhere") as response:
        assert response.status == 404
