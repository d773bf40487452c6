"""Every way in which a request can go wrong is one of four errors; cancelled ones leave nothing open."""

import asyncio
import datetime as dt

import pytest
from aiohttp import web

from connectors.allowance import retry_after
from connectors.errors import BadPayload, ConnectorError, RateLimited, Unauthorized, Unreachable
from connectors.http import Http, Token, each
from connectors.samples import as_json
from domain.records import TrackingRecord
from domain.status import ShipmentStatus
from tests.simulators.base import Fault, Simulator, opener


class Echo(Simulator):
    def routes(self) -> list[web.RouteDef]:
        return [web.get("/echo", self.echo), web.get("/moved", self.moved), web.get("/gone", self.gone)]

    async def echo(self, request: web.Request) -> web.Response:
        return web.json_response({"hello": request.query.get("name")})

    async def moved(self, request: web.Request) -> web.Response:
        raise web.HTTPFound("/echo")

    async def gone(self, request: web.Request) -> web.Response:
        raise web.HTTPNotFound


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.UNAUTHORIZED, Unauthorized),
        (Fault.RATE_LIMITED, RateLimited),
        (Fault.BROKEN, Unreachable),
        (Fault.TIMEOUT, Unreachable),
        (Fault.CUT, Unreachable),
        (Fault.DRIP, Unreachable),
        (Fault.WRONG_TYPE, BadPayload),
    ],
)
async def test_a_fault_is_its_error_and_the_next_request_is_well(fault: Fault, error: type[ConnectorError]) -> None:
    async with Echo().running() as echo, opener(seconds=0.5) as http:
        client = http(echo.url)
        echo.faults.append(fault)
        with pytest.raises(error) as raised:
            (await client.request("GET", "/echo")).json()
        assert raised.value.retryable is (error in (RateLimited, Unreachable))
        if isinstance(raised.value, RateLimited):
            assert raised.value.retry_after == 1.0
        answer = await client.request("GET", "/echo", params={"name": "world"})
        assert answer.json()["hello"].text() == "world"
        assert len(echo.seen) == 2


async def test_redirects_are_not_followed_and_statuses_can_be_accepted() -> None:
    async with Echo().running() as echo, opener() as http:
        client = http(echo.url)
        with pytest.raises(BadPayload, match="redirects"):
            await client.request("GET", "/moved")
        assert (await client.request("GET", "/gone", accept=frozenset({404}))).status == 404
        assert [seen.path for seen in echo.seen] == ["/moved", "/gone"]


async def test_an_answer_that_is_too_large_is_refused() -> None:
    async with Echo().running() as echo, opener() as http:
        client = Http(http(echo.url).session, echo.url, largest=10)
        with pytest.raises(BadPayload, match="larger than 10 bytes"):
            await client.request("GET", "/echo", params={"name": "x" * 20})


async def test_a_cancelled_request_leaves_nothing_open() -> None:
    async with Echo().running() as echo, opener() as http:
        echo.every = Fault.TIMEOUT
        task = asyncio.create_task(http(echo.url).request("GET", "/echo"))
        await echo.until_open(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await echo.until_open(0)


async def test_many_calls_come_in_order_and_few_at_once() -> None:
    running, most = 0, 0

    async def call(place: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001 * (7 - place % 7))
        running -= 1
        return place

    assert await each((call(place) for place in range(20)), at_once=3) == list(range(20))
    assert most == 3


async def test_the_first_error_of_many_calls_is_told_as_itself() -> None:
    cancelled = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.set()

    async def fails() -> None:
        await asyncio.sleep(0.01)
        raise RateLimited("slowly", 3.0)

    with pytest.raises(RateLimited, match="slowly"):
        await each([waits(), fails()])
    assert cancelled.is_set()


class Tokens:
    """Gives t1, t2, …; those in `refused` are refused by `call`."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.given = 0
        self.now = 0.0
        self.token = Token(self.fetch, lambda: self.now)

    async def fetch(self) -> tuple[str, float]:
        self.given += 1
        await asyncio.sleep(0)
        return f"t{self.given}", 3600.0

    async def call(self, token: str) -> str:
        if token in self.refused:
            raise Unauthorized(token)
        return token


async def test_a_token_is_fetched_once_for_many_and_again_a_minute_before_its_end() -> None:
    tokens = Tokens()
    assert await each(tokens.token.use(tokens.call) for _ in range(5)) == ["t1"] * 5
    tokens.now = 3539.0
    assert await tokens.token.use(tokens.call) == "t1"
    tokens.now = 3540.0
    assert await tokens.token.use(tokens.call) == "t2"


async def test_a_token_refused_before_its_time_is_renewed_once() -> None:
    tokens = Tokens()
    assert await tokens.token.use(tokens.call) == "t1"
    tokens.refused = ("t1",)
    assert await tokens.token.use(tokens.call) == "t2"
    tokens.refused = ("t2", "t3")
    with pytest.raises(Unauthorized, match="t3"):
        await tokens.token.use(tokens.call)
    assert tokens.given == 3


async def test_a_new_token_that_is_refused_is_not_renewed() -> None:
    tokens = Tokens("t1")
    with pytest.raises(Unauthorized):
        await tokens.token.use(tokens.call)
    assert tokens.given == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"x-retry-after": "3"}, 3.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_record_as_json_leaves_out_what_is_not_said() -> None:
    at = dt.datetime(2026, 11, 25, 9, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    record = TrackingRecord("dhl", "JD01", at, ShipmentStatus.IN_TRANSIT, raw_code="transit")
    assert as_json([record]) == [
        {
            "record": "TrackingRecord",
            "carrier": "dhl",
            "tracking_number": "JD01",
            "occurred_at": "2026-11-25T08:00:00Z",
            "status": "IN_TRANSIT",
            "raw_code": "transit",
        }
    ]
