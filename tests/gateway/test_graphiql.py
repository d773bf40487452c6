"""GraphiQL: our own files under a strict policy, and a page that works in a browser without a complaint."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import graphql
import orjson
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

import schema.build
from domain.actor import Actor
from gateway import pages
from gateway.http import HttpOptions
from gateway.limits import Limits, check_source
from gateway.weights import check_document
from resolvers.answer import Answer, GraphQLRequest
from tests.gateway.browser import CHROMIUM, browsing
from tests.gateway.serving import endpoint, served

QUESTIONS = Path(pages.FOLDER, "build", "questions.graphql").read_text(encoding="utf-8")


def file(name: str) -> bytes:
    return Path(pages.FOLDER, name).read_bytes()


class CoreEngine:
    """graphql-core over our schema without data: enough for introspection and __typename."""

    def __init__(self) -> None:
        self.schema = schema.build.executable(schema.build.build())

    async def answer(self, request: GraphQLRequest, actor: Actor, *, allow_mutation: bool = True) -> Answer:
        limits = Limits()
        check_source(request.query, limits)
        check_document(graphql.parse(request.query), limits)
        result = graphql.graphql_sync(
            self.schema,
            request.query,
            variable_values=dict(request.variables or {}),
            operation_name=request.operation_name,
        )
        return Answer(orjson.dumps(result.formatted), has_errors=bool(result.errors))


@pytest.fixture
async def url() -> AsyncIterator[str]:
    options = HttpOptions(page=pages.page())
    app = Starlette(routes=[Route("/graphql", endpoint(CoreEngine(), options)), pages.route()])
    async with served(app) as address:
        yield address


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


async def test_a_browser_that_opens_the_path_gets_the_page_under_a_strict_policy(
    http: aiohttp.ClientSession, url: str
) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
    headers = {"accept": accept, "sec-fetch-site": "cross-site"}
    async with http.get(f"{url}/graphql", headers=headers) as response:
        assert response.status == 200
        assert await response.read() == file("index.html")
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html;q=0.5"])
async def test_a_client_that_wants_json_gets_json_at_the_same_path(
    http: aiohttp.ClientSession, url: str, accept: str
) -> None:
    async with http.get(f"{url}/graphql", params={"query": "{__typename}"}, headers={"accept": accept}) as response:
        assert await response.json() == {"data": {"__typename": "Query"}}


async def test_files_are_sent_once_and_then_confirmed(http: aiohttp.ClientSession, url: str) -> None:
    for name, kind in (
        ("graphiql.js", "text/javascript"),
        ("graphiql.css", "text/css"),
        ("licences.txt", "text/plain"),
    ):
        content = file(name)
        async with http.get(f"{url}/graphiql/{name}", headers={"accept-encoding": "identity"}) as response:
            assert (response.status, await response.read()) == (200, content)
            assert response.headers["content-type"] == f"{kind}; charset=utf-8"
        async with http.get(f"{url}/graphiql/{name}", headers={"accept-encoding": "gzip"}) as response:
            assert gzip.decompress(await response.read()) == content
            etag = response.headers["etag"]
        again = {"accept-encoding": "gzip", "if-none-match": etag}
        async with http.get(f"{url}/graphiql/{name}", headers=again) as response:
            assert (response.status, await response.read()) == (304, b"")


@pytest.mark.parametrize("name", ["index.html", "build%2Fpackage.json", "..%2Fapp.py", ".gitignore", "build/build.mjs"])
async def test_only_the_listed_files_are_served(http: aiohttp.ClientSession, url: str, name: str) -> None:
    async with http.get(f"{url}/graphiql/{name}") as response:
        assert response.status == 404


def test_the_page_names_nothing_but_our_own_files() -> None:
    page = Path(pages.FOLDER, "index.html").read_text(encoding="utf-8")
    assert "//" not in page
    assert "<style" not in page
    assert "@font-face" not in Path(pages.FOLDER, "graphiql.css").read_text(encoding="utf-8")


def test_the_questions_of_the_page_are_valid_and_within_the_limits() -> None:
    document = graphql.parse(QUESTIONS)
    assert graphql.validate(CoreEngine().schema, document) == []
    check_source(QUESTIONS, Limits())
    check_document(document, Limits())
    assert json.dumps(QUESTIONS.splitlines()[0])[1:-1] in Path(pages.FOLDER, "graphiql.js").read_text(encoding="utf-8")


@pytest.mark.interop
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
async def test_the_page_works_in_a_browser_without_a_complaint(http: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(60), browsing(http) as browser:
        await browser.open(f"{url}/graphql")
        await browser.until("document.querySelectorAll('.CodeMirror').length >= 2")
        text = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.getValue()"
        assert await browser.value(text) == QUESTIONS
        headers = "document.querySelectorAll('.graphiql-editor-tool .CodeMirror')"
        await browser.until(f"[...{headers}].some(one => one.CodeMirror.getValue().includes('Bearer'))")
        # The documentation comes from introspection, through our limits.
        await browser.click("[aria-label='Show Documentation Explorer']")
        await browser.until("document.querySelector('.graphiql-doc-explorer')?.textContent.includes('Query')")
        # A dialog, which would put a <style> element into the page if we let it.
        await browser.click("[aria-label='Open settings dialog']")
        await browser.until("!!document.querySelector('[role=dialog]')")
        await browser.open(f"{url}/graphql?query=%7B__typename%7D")
        await browser.until(
            f"document.querySelector('.graphiql-query-editor .CodeMirror') && {text} === '{{__typename}}'"
        )
        await browser.click(".graphiql-execute-button")
        await browser.until(
            "document.querySelector('.result-window .CodeMirror')?.CodeMirror.getValue().includes('Query')"
        )
        # Completion in the editor, with its pop-up.
        editor = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror"
        await browser.value(
            f"{editor}.focus(); {editor}.setValue('{{ }}'); {editor}.setCursor(0, 2); {editor}.showHint()"
        )
        await browser.until("document.querySelectorAll('.CodeMirror-hint').length > 3")
        assert browser.complaints == []
        assert [one for one in browser.requests if not one.startswith((url, "data:"))] == []
        assert await browser.value("document.querySelectorAll('style').length") == 0
