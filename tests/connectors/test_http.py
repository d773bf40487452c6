"""Every way in which a request can go wrong is one of four errors; cancelled ones leave nothing open."""

import asyncio
import datetime as dt

import pytest
from aiohttp import web

from connectors.errors import BadPayload, ConnectorError, RateLimited, Unauthorized, Unreachable
from connectors.http import Http, retry_after
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
