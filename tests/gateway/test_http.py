"""What goes over the wire: exact status, headers and body, from a real server."""

import asyncio
import contextlib
import hashlib
import json
import urllib.parse
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import structlog
from yarl import URL

from domain.actor import ANONYMOUS
from domain.errors import QueryTooComplex, Unavailable
from gateway.errors import FAILURE_CODE, StatusStyle, failure_statuses
from gateway.http import GraphQLHttp, HttpOptions
from gateway.persisted import PersistedQueries
from resolvers.answer import Answer, Failure, GraphQLRequest
from tests.gateway.serving import DATA, FakeEngine, app_of, endpoint, served

JSON = "application/json; charset=utf-8"
GRAPHQL = "application/graphql-response+json; charset=utf-8"
QUERY = b'{"query":"{__typename}"}'
PARTIAL = Answer(b'{"data":{"a":null},"errors":[{"message":"no"}]}', has_errors=True)


class Client:
    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = f"{url}/graphql"
        self.http = http

    async def send(
        self, method: str = "POST", body: Any = QUERY, query: str = "", **headers: str | None
    ) -> tuple[int, Any, Any]:
        """Status, headers, and the body read as JSON when there is one. Header names with _ for -."""
        if method == "POST":
            headers.setdefault("content_type", "application/json")
        named = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        skip = {"Accept", "Accept-Encoding", "Content-Type", "User-Agent"}
        request = self.http.request(
            method, self.url + query, data=body if method == "POST" else None, headers=named, skip_auto_headers=skip
        )
        async with request as response:
            content = await response.read()
            return response.status, response.headers, json.loads(content) if content else None


Served = dict[StatusStyle, tuple[GraphQLHttp, Client]]


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[Served]:
    """One server for each style, because starting one takes longer than most of the tests."""
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        made: Served = {}
        for style in StatusStyle:
            options = HttpOptions(style, body_seconds=0.3, operation_seconds=0.3, longest_body=10_000)
            one = endpoint(FakeEngine(), options)
            made[style] = one, Client(await stack.enter_async_context(served(app_of(one))), http)
        stack.push_async_callback(http.close)
        yield made


@pytest.fixture
def engine(shared: Served) -> FakeEngine:
    fake = FakeEngine()
    for one, _ in shared.values():
        one.engine = fake
        one.persisted = PersistedQueries()
    return fake


@pytest.fixture
def client(shared: Served, engine: FakeEngine) -> Client:
    return shared[StatusStyle.DEPLOYED][1]


def code_of(body: Any) -> str:
    assert list(body) == ["errors"]
    assert len(body["errors"]) == 1
    code: str = body["errors"][0]["extensions"]["code"]
    return code


async def test_an_answer_goes_out_as_the_engine_wrote_it(client: Client, engine: FakeEngine) -> None:
    status, headers, body = await client.send(
        body=b'{"query":"query Q{a}","operationName":"Q","variables":{"n":1},"extensions":{"x":2},"more":3}'
    )
    assert (status, body) == (200, {"data": {"__typename": "Query"}})
    assert {name.lower(): value for name, value in headers.items() if name.lower() not in ("date", "server")} == {
        "content-type": JSON,
        "content-length": str(len(DATA.body)),
        "cache-control": "no-store",
        "vary": "accept, origin",
        "x-content-type-options": "nosniff",
    }
    assert engine.asked == [(GraphQLRequest("query Q{a}", "Q", {"n": 1}, {"x": 2}), ANONYMOUS, True)]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ('Application/GraphQL-Response+JSON; Charset="UTF-8"', GRAPHQL),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        ("application/json, application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/graphql-response+json, */*", GRAPHQL),
        ("application/graphql-response+json;q=0.1, */*;q=0.2", JSON),
        ("text/html, application/json;q=0.1", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        ('multipart/mixed;subscriptionSpec="1.0", application/json', JSON),
        ("application/json;q=0, */*", None),
        ("application/json;q=0", None),
        ("application/json;charset=iso-8859-1", None),
        ("application/json;q=nonsense", None),
        ("text/plain", None),
        ("application/xml, image/*", None),
        ("", None),
    ],
)
async def test_the_client_gets_the_best_type_it_accepts(
    client: Client, engine: FakeEngine, accept: str | None, content_type: str | None
) -> None:
    status, headers, body = await client.send(accept=accept)
    if content_type is None:
        assert (status, code_of(body), headers["content-type"]) == (406, "NOT_ACCEPTABLE", JSON)
        assert engine.asked == []
    else:
        assert (status, headers["content-type"]) == (200, content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
        "application/graphql", "application/json-patch+json", "text/plain; application/json",
        "application/json; charset=utf-16", "application/json, text/plain", "application/json; charset=iso-8859-1",
    ],
)  # fmt: skip
async def test_anything_but_json_is_refused_so_no_form_of_another_site_gets_in(
    client: Client, engine: FakeEngine, content_type: str | None
) -> None:
    status, headers, body = await client.send(content_type=content_type)
    assert (status, code_of(body), headers["accept"]) == (415, "UNSUPPORTED_MEDIA_TYPE", "application/json")
    assert engine.asked == []


@pytest.mark.parametrize(
    "content_type", ["application/json", "APPLICATION/JSON;CHARSET=UTF-8", 'application/json; charset="utf-8"']
)
async def test_json_is_json_however_it_is_spelled(client: Client, content_type: str) -> None:
    assert (await client.send(content_type=content_type))[0] == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "nonsense"])
async def test_a_compressed_body_is_refused(client: Client, engine: FakeEngine, encoding: str) -> None:
    async with client.http.post(
        client.url, data=QUERY, headers={"content-type": "application/json", "content-encoding": encoding}
    ) as response:
        assert (response.status, response.headers["accept-encoding"]) == (415, "identity")
    assert engine.asked == []


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"", "MALFORMED_JSON", "not JSON"),
        (b"nonsense", "MALFORMED_JSON", "at character 0"),
        (b'{"query":', "MALFORMED_JSON", "not JSON"),
        (b'{"query":"\xff"}', "MALFORMED_JSON", "UTF-8"),
        (b'{"query":"\\ud800"}', "MALFORMED_JSON", "not JSON"),
        (b'\xef\xbb\xbf{"query":"{a}"}', "MALFORMED_JSON", "not JSON"),
        (b'{"query":"{a}","variables":{"n":NaN}}', "MALFORMED_JSON", "not JSON"),
        (b"[" * 9000, "MALFORMED_JSON", "not JSON"),
        (b'{"query":"{a}","variables":{"a":' + b"[" * 3000, "MALFORMED_JSON", "not JSON"),
        (b"5", "MALFORMED_JSON", "no object"),
        (b"null", "MALFORMED_JSON", "no object"),
        (b'"{a}"', "MALFORMED_JSON", "no object"),
        (b"[]", "MALFORMED_JSON", "Batches"),
        (b'[{"query":"{a}"},{"query":"{b}"}]', "MALFORMED_JSON", "Batches"),
        (b"{}", "BAD_REQUEST", "query is missing"),
        (b'{"query":null}', "BAD_REQUEST", "query is missing"),
        (b'{"query":5}', "BAD_REQUEST", "query must be a string"),
        (b'{"query":{"a":1}}', "BAD_REQUEST", "query must be a string"),
        (b'{"query":"{a}","operationName":5}', "BAD_REQUEST", "operationName must be a string"),
        (b'{"query":"{a}","variables":"{}"}', "BAD_REQUEST", "variables must be an object"),
        (b'{"query":"{a}","variables":[1]}', "BAD_REQUEST", "variables must be an object"),
        (b'{"query":"{a}","variables":0}', "BAD_REQUEST", "variables must be an object"),
        (b'{"query":"{a}","extensions":false}', "BAD_REQUEST", "extensions must be an object"),
        (b'{"query":"{a}","variables":{"a":' + b"[" * 64 + b"]" * 64 + b"}}", "BAD_REQUEST", "deeper than 64"),
    ],
)
@pytest.mark.parametrize("style", StatusStyle)
async def test_a_malformed_body_is_refused_with_the_reason(
    shared: Served, engine: FakeEngine, body: bytes, code: str, words: str, style: StatusStyle
) -> None:
    status, headers, answer = await shared[style][1].send(body=body, accept="application/graphql-response+json")
    strict = style is StatusStyle.DRAFT and code == "BAD_REQUEST"
    assert (status, code_of(answer), headers["content-type"]) == (422 if strict else 400, code, GRAPHQL)
    assert words in answer["errors"][0]["message"]
    assert engine.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"query":"{a}","operationName":null,"variables":null,"extensions":null}',
        b' \n{"query":"{a}"}\n ',
        b'{"query":"{a}","variables":{"a":' + b"[" * 63 + b"]" * 63 + b"}}",
    ],
)
async def test_null_is_as_good_as_absent(client: Client, engine: FakeEngine, body: bytes) -> None:
    assert (await client.send(body=body))[0] == 200
    assert engine.asked[0][0].operation_name is None


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("style", StatusStyle)
async def test_each_failure_of_the_engine_has_its_status(
    shared: Served, engine: FakeEngine, failure: Failure, style: StatusStyle
) -> None:
    engine.behaviour["{a}"] = Answer(b'{"errors":[{"message":"no"}]}', failure)
    for accept, content_type in (("application/json", JSON), ("application/graphql-response+json", GRAPHQL)):
        status, headers, body = await shared[style][1].send(body=b'{"query":"{a}"}', accept=accept)
        assert status == EXPECTED[failure][list(StatusStyle).index(style)]
        assert (headers["content-type"], body) == (content_type, {"errors": [{"message": "no"}]})
        assert headers.get("retry-after") == ("1" if status == 503 else None)
        assert headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
        assert headers.get("allow") == ("POST" if status == 405 else None)


EXPECTED = {
    Failure.SYNTAX: (400, 400),
    Failure.VALIDATION: (400, 422),
    Failure.OPERATION: (400, 422),
    Failure.VARIABLES: (400, 422),
    Failure.TOO_COMPLEX: (400, 422),
    Failure.UNAUTHENTICATED: (401, 401),
    Failure.FORBIDDEN: (403, 403),
    Failure.NOT_FOUND: (404, 404),
    Failure.CONFLICT: (409, 409),
    Failure.DEADLINE: (504, 504),
    Failure.OVERLOADED: (503, 503),
    Failure.UNAVAILABLE: (503, 503),
    Failure.METHOD: (405, 405),
    Failure.KEY_REQUIRED: (400, 400),
    Failure.KEY_REUSED: (422, 422),
    Failure.IN_PROGRESS: (409, 409),
    Failure.INTERNAL: (500, 500),
}


def test_every_failure_has_a_code_and_a_status() -> None:
    assert set(FAILURE_CODE) == set(Failure) == set(EXPECTED)
    for number, style in enumerate(StatusStyle):
        assert failure_statuses(style) == {failure: statuses[number] for failure, statuses in EXPECTED.items()}


@pytest.mark.parametrize(
    ("style", "accept", "status"),
    [
        (StatusStyle.DEPLOYED, "application/json", 200),
        (StatusStyle.DEPLOYED, "application/graphql-response+json", 200),
        (StatusStyle.DRAFT, "application/json", 200),
        (StatusStyle.DRAFT, "application/graphql-response+json", 294),
    ],
)
async def test_data_with_errors_is_294_only_where_that_is_asked_for(
    shared: Served, engine: FakeEngine, style: StatusStyle, accept: str, status: int
) -> None:
    engine.behaviour["{a}"] = PARTIAL
    answered, _, body = await shared[style][1].send(body=b'{"query":"{a}"}', accept=accept)
    assert (answered, body) == (status, json.loads(PARTIAL.body))


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (QueryTooComplex("too much"), 400, "QUERY_TOO_COMPLEX"),
        (Unavailable("gone"), 503, "SERVICE_UNAVAILABLE"),
    ],
)
async def test_an_expected_error_keeps_its_words(
    client: Client, engine: FakeEngine, error: Exception, status: int, code: str
) -> None:
    engine.behaviour["{a}"] = error
    answered, _, body = await client.send(body=b'{"query":"{a}"}')
    assert (answered, body) == (status, {"errors": [{"message": str(error), "extensions": {"code": code}}]})


@pytest.mark.parametrize(
    "error", [RuntimeError("password=hunter2"), TimeoutError("hunter2"), RecursionError("hunter2")]
)
async def test_an_unexpected_error_shows_an_id_and_nothing_else(
    client: Client, engine: FakeEngine, error: Exception
) -> None:
    engine.behaviour["{a}"] = error
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        status, _, body = await client.send(body=b'{"query":"{a}","operationName":"A"}')
    assert (status, code_of(body)) == (500, "INTERNAL_ERROR")
    error_id = body["errors"][0]["extensions"]["errorId"]
    assert error_id in body["errors"][0]["message"]
    assert logs == [
        {
            "event": "request_failed",
            "error_id": error_id,
            "operation_name": "A",
            "document_sha256": hashlib.sha256(b"{a}").hexdigest(),
            "exc_info": True,
            "log_level": "error",
        }
    ]
    assert "hunter2" not in json.dumps(body)
    assert (await client.send())[0] == 200


def query_string(**params: str) -> str:
    return f"?{urllib.parse.urlencode(params)}"


async def test_a_query_may_come_by_get_and_no_mutation_may(client: Client, engine: FakeEngine) -> None:
    status, headers, body = await client.send(
        "GET",
        query=query_string(query='query Q{a(b:"ä&+")}', operationName="Q", variables='{"n":1}', extensions='{"x":{}}'),
    )
    assert (status, headers["content-type"], body) == (200, JSON, {"data": {"__typename": "Query"}})
    assert engine.asked == [(GraphQLRequest('query Q{a(b:"ä&+")}', "Q", {"n": 1}, {"x": {}}), ANONYMOUS, False)]


async def test_empty_parameters_of_a_get_are_absent(client: Client, engine: FakeEngine) -> None:
    await client.send("GET", query="?query={a}&operationName=&variables=&extensions=&other=1&other=2")
    assert engine.asked[0][0] == GraphQLRequest("{a}")


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("", 400, "query is missing"),
        ("?query=", 400, "query is missing"),
        ("?query={a}&query={b}", 400, "query is given 2 times"),
        ("?query={a}&variables=nonsense", 400, "variables is not JSON"),
        ("?query={a}&variables=[1]", 400, "variables must be an object"),
        ("?query={a}&extensions=5", 400, "extensions must be an object"),
        ("?query=%FF", 400, "percent-encoded UTF-8"),
        ("?query=%ED%A0%80", 400, "percent-encoded UTF-8"),
        ("?" + "a=1&" * 101, 400, "more than 100"),
    ],
)
async def test_a_malformed_query_string_is_refused(
    client: Client, engine: FakeEngine, query: str, status: int, words: str
) -> None:
    async with client.http.get(URL(client.url + query, encoded=True)) as response:
        answered, body = response.status, await response.json()
    assert (answered, engine.asked) == (status, [])
    assert words in body["errors"][0]["message"]


async def test_a_query_string_beyond_its_length_is_refused(engine: FakeEngine) -> None:
    app = app_of(endpoint(engine, HttpOptions(longest_query_string=50)))
    async with served(app) as url, aiohttp.ClientSession() as http:
        status, _, body = await Client(url, http).send("GET", query="?query={" + "a" * 50 + "}")
    assert (status, code_of(body), engine.asked) == (414, "URI_TOO_LONG", [])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "PROPFIND"])
async def test_other_methods_are_refused_and_told_which_are_not(
    client: Client, engine: FakeEngine, method: str
) -> None:
    status, headers, _ = await client.send(method)
    assert (status, headers["allow"], engine.asked) == (405, "GET, POST, OPTIONS", [])


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_get_from_a_page_of_another_site_is_refused(client: Client, engine: FakeEngine, site: str) -> None:
    status, _, body = await client.send("GET", query="?query={a}", sec_fetch_site=site)
    assert (status, code_of(body), engine.asked) == (403, "CROSS_SITE_REQUEST", [])


@pytest.mark.parametrize("site", ["same-origin", "none", None])
async def test_a_get_from_our_own_page_or_no_browser_is_answered(client: Client, site: str | None) -> None:
    assert (await client.send("GET", query="?query={a}", sec_fetch_site=site))[0] == 200


def persisted(document: str, **changed: Any) -> dict[str, Any]:
    extension = {"version": 1, "sha256Hash": hashlib.sha256(document.encode()).hexdigest()} | changed
    return {"extensions": {"persistedQuery": extension}}


def as_body(**params: Any) -> bytes:
    return json.dumps(params).encode()


async def test_a_persisted_query_is_asked_for_once_and_then_known_by_its_hash(
    client: Client, engine: FakeEngine
) -> None:
    status, headers, body = await client.send(body=as_body(**persisted("{é}")))
    assert (status, headers["cache-control"]) == (200, "private, no-cache, must-revalidate")
    assert body == {
        "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]
    }
    assert (await client.send(body=as_body(query="{é}", **persisted("{é}"))))[0] == 200
    assert (await client.send(body=as_body(variables={"n": 1}, **persisted("{é}"))))[0] == 200
    extensions = json.dumps(persisted("{é}")["extensions"])
    assert (await client.send("GET", query=query_string(extensions=extensions)))[0] == 200
    assert [request.query for request, _, _ in engine.asked] == ["{é}"] * 3


async def test_a_persisted_query_that_was_not_answered_is_not_kept(client: Client, engine: FakeEngine) -> None:
    engine.behaviour["{"] = Answer(b'{"errors":[]}', Failure.SYNTAX)
    assert (await client.send(body=as_body(query="{", **persisted("{"))))[0] == 400
    assert code_of((await client.send(body=as_body(**persisted("{"))))[2]) == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_wrong_hash_is_refused_and_keeps_nothing(client: Client, engine: FakeEngine) -> None:
    status, _, body = await client.send(body=as_body(query="{b}", **persisted("{a}")))
    assert (status, body["errors"][0]["message"]) == (400, "provided sha does not match query")
    assert code_of(body) == "PERSISTED_QUERY_HASH_MISMATCH"
    assert engine.asked == []
    assert code_of((await client.send(body=as_body(**persisted("{a}"))))[2]) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "extension",
    [
        5,
        [],
        {},
        {"version": 2},
        {"version": 1},
        {"version": 1, "sha256Hash": "A" * 64},
        {"version": 1, "sha256Hash": 5},
    ],
)
async def test_a_malformed_persisted_query_is_refused(client: Client, engine: FakeEngine, extension: Any) -> None:
    status, _, body = await client.send(body=as_body(query="{a}", extensions={"persistedQuery": extension}))
    assert (status, code_of(body), engine.asked) == (400, "BAD_REQUEST", [])


async def test_persisted_queries_switched_off(engine: FakeEngine) -> None:
    app = app_of(endpoint(engine, HttpOptions(persisted_queries=False)))
    async with served(app) as url, aiohttp.ClientSession() as http:
        client = Client(url, http)
        status, _, body = await client.send(body=as_body(**persisted("{a}")))
        assert (status, code_of(body)) == (200, "PERSISTED_QUERY_NOT_SUPPORTED")
        assert body["errors"][0]["message"] == "PersistedQueryNotSupported"
        assert (await client.send(body=as_body(query="{a}", **persisted("{a}"))))[0] == 200
        assert (await client.send(body=as_body(query="{a}", extensions={"persistedQuery": None})))[0] == 200


async def test_an_operation_beyond_its_time_is_ended(client: Client, engine: FakeEngine) -> None:
    ended = asyncio.Event()

    async def slow() -> Answer:
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()
        return DATA

    engine.behaviour["{a}"] = slow
    status, _, body = await client.send(body=b'{"query":"{a}"}')
    assert (status, code_of(body)) == (504, "DEADLINE_EXCEEDED")
    assert ended.is_set()
    assert "0.3 s" in body["errors"][0]["message"]
