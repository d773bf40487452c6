"""Bodies that come slowly, never, too long or with a lie about their length; clients that leave; more than fits."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from gateway.admission import Admission
from gateway.http import GraphQLHttp, HttpOptions
from gateway.telemetry import Metrics
from resolvers.answer import Answer
from tests.gateway.serving import DATA, FakeEngine, app_of, endpoint, served

LONGEST = 10_000
HEAD = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
QUERY = b'{"query":"{a}"}'


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def http(engine: FakeEngine) -> GraphQLHttp:
    options = HttpOptions(body_seconds=0.2, operation_seconds=5, longest_body=LONGEST)
    return endpoint(engine, options, Admission(2, 1, 0.1))


@pytest.fixture
async def server(http: GraphQLHttp) -> AsyncIterator[str]:
    async with served(app_of(http)) as url:
        yield url


class Raw:
    """A connection that sends exactly what it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self) -> int:
        return int((await self.reader.readline()).split()[1])

    async def answer(self) -> tuple[int, dict[bytes, bytes], bytes]:
        async with asyncio.timeout(5):
            status, headers = await self.status(), {}
            while (line := (await self.reader.readline()).strip()) != b"":
                name, _, value = line.partition(b": ")
                headers[name.lower()] = value
            return status, headers, await self.reader.readexactly(int(headers[b"content-length"]))


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[Raw]:
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def until(true: Callable[[], bool]) -> None:
    for _ in range(400):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("never became true")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_a_body_in_many_pieces_is_put_together(server: str, engine: FakeEngine) -> None:
    async with connected(server) as raw:
        await raw.send(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        for place in range(0, len(QUERY), 4):
            await raw.send(chunk(QUERY[place : place + 4]))
            await asyncio.sleep(0.005)
        await raw.send(b"0\r\n\r\n")
        assert (await raw.answer())[0] == 200
    assert engine.asked[0][0].query == "{a}"


@pytest.mark.parametrize("begin", [b"", QUERY[:5]])
async def test_a_body_that_does_not_arrive_in_time_is_given_up(server: str, engine: FakeEngine, begin: bytes) -> None:
    async with connected(server) as raw:
        await raw.send(HEAD + b"content-length: %d\r\n\r\n%b" % (len(QUERY), begin))
        status, headers, body = await raw.answer()
        assert (status, headers[b"connection"]) == (408, b"close")
        assert json.loads(body)["errors"][0]["extensions"]["code"] == "REQUEST_TIMEOUT"
        assert await raw.reader.read() == b""
    assert engine.asked == []


async def test_one_byte_at_a_time_does_not_hold_a_place_for_ever(server: str, engine: FakeEngine) -> None:
    async with connected(server) as raw:
        await raw.send(HEAD + b"content-length: 1000\r\n\r\n")
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 1 and not raw.reader.at_eof():
                await raw.send(b" ")
                await asyncio.sleep(0.02)
        assert time.monotonic() - began < 0.6
    assert engine.asked == []


async def test_a_body_declared_too_long_is_refused_before_it_is_read(server: str, engine: FakeEngine) -> None:
    async with connected(server) as raw:
        await raw.send(HEAD + b"content-length: 999999999\r\n\r\n")
        status, _, body = await raw.answer()
    assert (status, engine.asked) == (413, [])
    assert json.loads(body) == {
        "errors": [
            {
                "message": "The body is longer than 10000 bytes (ORDERGRAPH_LONGEST_BODY).",
                "extensions": {"code": "PAYLOAD_TOO_LARGE"},
            }
        ]
    }


async def test_a_body_of_no_declared_length_is_refused_where_it_gets_too_long(server: str, engine: FakeEngine) -> None:
    async with connected(server) as raw:
        await raw.send(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        for _ in range(11):
            await raw.send(chunk(b" " * 1000))
        # The end of the body was never sent.
        assert (await raw.answer())[0] == 413
    assert engine.asked == []


@pytest.mark.parametrize(("length", "status"), [(LONGEST, 200), (LONGEST + 1, 413)])
async def test_the_limit_is_exact(server: str, length: int, status: int) -> None:
    async with aiohttp.ClientSession() as session:
        body = QUERY + b" " * (length - len(QUERY))
        async with session.post(
            f"{server}/graphql", data=body, headers={"content-type": "application/json"}
        ) as response:
            assert response.status == status


async def test_what_follows_a_body_declared_too_short_is_no_part_of_it(server: str, engine: FakeEngine) -> None:
    async with connected(server) as raw:
        await raw.send(HEAD + b"content-length: 5\r\n\r\n" + QUERY)
        assert (await raw.answer())[0] == 400
    assert engine.asked == []


async def test_two_requests_on_one_connection_each_get_their_answer(server: str, engine: FakeEngine) -> None:
    request = HEAD + b"content-length: %d\r\n\r\n%b" % (len(QUERY), QUERY)
    async with connected(server) as raw:
        await raw.send(request + request)
        assert [(await raw.answer())[0] for _ in range(2)] == [200, 200]
    assert len(engine.asked) == 2


@pytest.mark.parametrize("patient", [False, True])
async def test_work_ends_when_the_client_leaves(
    http: GraphQLHttp, server: str, engine: FakeEngine, patient: bool
) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def slow() -> Answer:
        began.set()
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()
        return DATA

    engine.behaviour["{a}"] = slow
    async with connected(server) as raw:
        await raw.send(HEAD + b"content-length: %d\r\n\r\n%b" % (len(QUERY), QUERY))
        await asyncio.wait_for(began.wait(), 1)
        await asyncio.sleep(0.1 if patient else 0)
    await asyncio.wait_for(ended.wait(), 1)
    await asyncio.sleep(0.01)
    assert http.admission.running == 0
    assert b'outcome="CLIENT_GONE",transport="POST"} 1.0' in http.metrics.exposition()


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_forgotten(server: str, engine: FakeEngine) -> None:
    async with connected(server) as raw:
        await raw.send(HEAD + b"content-length: 100\r\n\r\n{")
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.05)
    assert engine.asked == []


async def test_what_runs_at_once_is_bounded_a_few_wait_and_the_rest_is_told_to_come_back(
    http: GraphQLHttp, server: str, engine: FakeEngine
) -> None:
    gate = asyncio.Event()

    async def held() -> Answer:
        await gate.wait()
        return DATA

    engine.behaviour["{a}"] = held
    async with aiohttp.ClientSession() as session:

        async def ask() -> tuple[int, str | None]:
            async with session.post(
                f"{server}/graphql", data=QUERY, headers={"content-type": "application/json"}
            ) as response:
                return response.status, response.headers.get("retry-after")

        running = [asyncio.create_task(ask()) for _ in range(2)]
        await until(lambda: len(engine.asked) == 2)
        # One waits until its patience ends, one finds the queue full at once.
        assert list(await asyncio.gather(ask(), ask())) == [(503, "1"), (503, "1")]
        waiting = asyncio.create_task(ask())
        await until(lambda: bool(http.admission.queue))
        gate.set()
        assert await asyncio.gather(*running, waiting) == [(200, None)] * 3
    assert (http.admission.running, len(http.admission.queue)) == (0, 0)


async def test_a_place_handed_over_as_the_wait_ends_is_not_lost() -> None:
    admission = Admission(1, 5, 0.02)
    await admission.__aenter__()
    waiting = [asyncio.create_task(admission.__aenter__()) for _ in range(3)]
    await asyncio.sleep(0)
    first = waiting[0]
    admission.leave()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await waiting[1]
    assert admission.running == 1
    waiting[2].cancel()
    await asyncio.wait([waiting[2]])
    admission.leave()
    assert (admission.running, len(admission.queue)) == (0, 0)


async def test_metrics_count_operations_and_refusals_without_a_word_of_them() -> None:
    metrics = Metrics()
    engine = FakeEngine({"mutation{b}": Answer(b"{}", has_errors=True)})
    async with served(app_of(endpoint(engine, metrics=metrics))) as url, aiohttp.ClientSession() as session:
        for body in (QUERY, b'{"query":"mutation{b}"}', b"nonsense"):
            async with session.post(f"{url}/graphql", data=body, headers={"content-type": "application/json"}):
                pass
    text = metrics.exposition().decode()
    assert 'ordergraph_operations_total{kind="query",outcome="OK",transport="POST"} 1.0' in text
    assert 'ordergraph_operations_total{kind="mutation",outcome="PARTIAL",transport="POST"} 1.0' in text
    assert 'ordergraph_operation_seconds_count{kind="query",transport="POST"} 1.0' in text
    assert 'ordergraph_requests_refused_total{code="MALFORMED_JSON"} 1.0' in text
    assert "{a}" not in text
