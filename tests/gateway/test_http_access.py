"""Tokens and web origins on the wire: who gets in, what a browser is told, and in which words the rest is refused."""

import datetime
from collections.abc import AsyncIterator

import aiohttp
import pytest

from domain.actor import Role
from gateway.cors import Cors
from gateway.http import HttpOptions
from gateway.tokens import issue_token
from tests.gateway.serving import SECRET, FakeEngine, app_of, endpoint, served

SHOP = "https://shop.example"
QUERY = b'{"query":"{a}"}'
JSON = {"content-type": "application/json"}
NOW = datetime.datetime.now(datetime.UTC)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def url(engine: FakeEngine) -> AsyncIterator[str]:
    options = HttpOptions(cors=Cors(frozenset({SHOP.encode()})))
    async with served(app_of(endpoint(engine, options))) as address:
        yield f"{address}/graphql"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_good_token_makes_the_actor(http: aiohttp.ClientSession, url: str, engine: FakeEngine) -> None:
    token = issue_token(SECRET, Role.CUSTOMER, ttl=HOUR, now=NOW, customer_id="C-1")
    for scheme in ("Bearer", "bearer"):
        async with http.post(url, data=QUERY, headers=JSON | {"authorization": f"{scheme} {token}"}) as response:
            assert response.status == 200
    assert [(actor.role, actor.customer_id) for _, actor, _ in engine.asked] == [(Role.CUSTOMER, "C-1")] * 2


async def test_a_bad_token_is_401_with_the_reason_and_the_operation_is_not_run(
    http: aiohttp.ClientSession, url: str, engine: FakeEngine
) -> None:
    token = issue_token(SECRET, Role.SUPPORT, ttl=HOUR, now=NOW - 2 * HOUR)
    async with http.post(url, data=QUERY, headers=JSON | {"authorization": f"Bearer {token}"}) as response:
        assert (response.status, response.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        body = await response.json()
    expired = (NOW - HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")
    message = f"The token expired at {expired}. Get a new one."
    assert body == {"errors": [{"message": message, "extensions": {"code": "UNAUTHENTICATED"}}]}
    assert engine.asked == []


async def test_two_tokens_at_once_are_no_token(http: aiohttp.ClientSession, url: str, engine: FakeEngine) -> None:
    token = issue_token(SECRET, Role.SUPPORT, ttl=HOUR, now=NOW)
    headers = [*JSON.items(), ("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")]
    async with http.post(url, data=QUERY, headers=headers) as response:
        assert response.status == 401
    assert engine.asked == []


async def test_a_browser_is_told_that_a_listed_site_may_ask(http: aiohttp.ClientSession, url: str) -> None:
    asked = {"origin": SHOP, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    async with http.options(url, headers=asked) as response:
        assert (response.status, await response.read()) == (204, b"")
        told = {name.lower(): value for name, value in response.headers.items() if name.lower() != "date"}
    told.pop("server", None)
    assert told == {
        "allow": "GET, POST, OPTIONS",
        "access-control-allow-origin": SHOP,
        "access-control-allow-methods": "GET, POST, PUT, DELETE",
        "access-control-allow-headers": "authorization, content-type, accept, idempotency-key, "
        "last-event-id, traceparent, x-graphql-event-stream-token, x-request-id",
        "access-control-max-age": "7200",
        "cache-control": "no-store",
        "vary": "origin, access-control-request-method, access-control-request-headers",
        "x-content-type-options": "nosniff",
    }


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://shop.example", "https://shop.example.evil.example", SHOP.upper()]
)
async def test_a_browser_is_told_nothing_about_any_other_site(
    http: aiohttp.ClientSession, url: str, origin: str
) -> None:
    async with http.options(url, headers={"origin": origin, "access-control-request-method": "POST"}) as response:
        assert response.status == 204
        assert not [name for name in response.headers if name.lower().startswith("access-control")]
    async with http.post(url, data=QUERY, headers=JSON | {"origin": origin}) as response:
        assert response.status == 200
        assert not [name for name in response.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("body", [QUERY, b"nonsense"])
async def test_answers_and_errors_are_readable_for_a_listed_site(
    http: aiohttp.ClientSession, url: str, body: bytes
) -> None:
    async with http.post(url, data=body, headers=JSON | {"origin": SHOP}) as response:
        assert response.headers["access-control-allow-origin"] == SHOP
        assert response.headers["access-control-expose-headers"] == "retry-after, www-authenticate"
        assert "access-control-allow-credentials" not in response.headers
        assert response.headers["vary"] == "accept, origin"


@pytest.mark.parametrize(("origin", "status"), [(SHOP, 200), ("https://evil.example", 403), (None, 403)])
async def test_a_get_from_another_site_needs_a_listed_origin(
    http: aiohttp.ClientSession, url: str, origin: str | None, status: int
) -> None:
    headers = {"sec-fetch-site": "cross-site"} | ({"origin": origin} if origin else {})
    async with http.get(url, params={"query": "{a}"}, headers=headers) as response:
        assert response.status == status


async def test_every_site_may_be_listed(http: aiohttp.ClientSession) -> None:
    options = HttpOptions(cors=Cors(frozenset({b"*"})))
    async with (
        served(app_of(endpoint(FakeEngine(), options))) as url,
        http.post(f"{url}/graphql", data=QUERY, headers=JSON | {"origin": "https://any.example"}) as response,
    ):
        assert response.headers["access-control-allow-origin"] == "*"


async def test_options_without_an_origin_lists_the_methods(http: aiohttp.ClientSession, url: str) -> None:
    async with http.options(url) as response:
        assert (response.status, response.headers["allow"]) == (204, "GET, POST, OPTIONS")
