"""Apollo's HTTP callback protocol 1.0 against a small router on a real server."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

import gateway.callback
from domain.errors import Forbidden
from events.sink import Ended
from gateway.addresses import CheckedResolver
from gateway.callback_hosts import CallbackHosts, session
from gateway.connections import StreamOptions
from gateway.errors import MalformedRequest
from gateway.pipe import Bounds
from resolvers.answer import Answer, Failure
from tests.gateway.streaming import SUBSCRIBE, FakeRunning, Stand, standing, token, until

ACCEPT = "application/json;callbackSpec=1.0, application/json"
CHECK = {"kind": "subscription", "action": "check", "id": "s1", "verifier": "v1"}


@dataclass
class Router:
    """Answers each call as `statuses` says in turn, then with 204, and keeps what it got."""

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    calls: list[Any] = field(default_factory=list)
    headers: list[Any] = field(default_factory=list)
    delay: float = 0.0
    location: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.calls.append(await request.json())
        self.headers.append(request.headers.copy())
        await asyncio.sleep(self.delay)
        status = self.statuses.pop(0) if self.statuses else 204
        return web.Response(status=status, headers={"Location": self.location} if self.location else None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/callback/s1"

    def actions(self) -> list[str]:
        return [call["action"] for call in self.calls]


@pytest.fixture
async def router() -> AsyncIterator[Router]:
    router = Router()
    app = web.Application()
    app.router.add_post("/callback/{id}", router.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    router.port = runner.addresses[0][1]
    yield router
    await runner.cleanup()


@contextlib.asynccontextmanager
async def calling(*hosts: str, **changed: Any) -> AsyncIterator[Stand]:
    options = StreamOptions(
        callback_hosts=frozenset(hosts or ("127.0.0.1",)), callback_seconds=0.5, restart_jitter_seconds=0.1, **changed
    )
    async with standing(options) as stand:
        callbacks = stand.endpoint.callbacks
        async with session(callbacks.hosts, options.callback_seconds) as callbacks.session:
            yield stand


async def subscribe(stand: Stand, url: str, query: str = SUBSCRIBE, **changed: Any) -> tuple[int, Any]:
    extension = {"callbackUrl": url, "subscriptionId": "s1", "verifier": "v1", "heartbeatIntervalMs": 0} | changed
    headers = {"Accept": ACCEPT} | ({"Authorization": changed.pop("auth")} if "auth" in changed else {})
    body = {"query": query, "extensions": {"subscription": extension}}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{stand.url}/graphql", json=body, headers=headers) as response,
    ):
        return response.status, await response.json()


async def started(stand: Stand, router: Router, **changed: Any) -> FakeRunning:
    assert await subscribe(stand, router.url, **changed) == (200, {"data": None})
    return await stand.streams.running()


async def test_a_subscription_from_its_check_to_its_complete(router: Router) -> None:
    async with calling() as stand:
        running = await started(stand, router)
        assert router.calls == [CHECK]
        assert router.headers[0]["subscription-protocol"] == "callback/1.0"
        assert router.headers[0]["content-type"] == "application/json"
        for number in range(5):
            running.push({"n": number}, "abc")
        running.end()
        await until(lambda: len(router.calls) == 7)
        assert router.calls[1:] == [
            *(CHECK | {"action": "next", "payload": {"data": {"n": number}}} for number in range(5)),
            CHECK | {"action": "complete"},
        ]
        await until(lambda: not stand.connections.streams)
        assert running.closes == 0
        assert stand.closed == {("callback", "COMPLETE"): 1}
        assert stand.connections.callers == {}


async def test_queries_are_answered_plainly(router: Router) -> None:
    async with calling() as stand:
        assert await subscribe(stand, router.url, "{a}") == (200, {"data": {"__typename": "Query"}})
    assert router.calls == []


@pytest.mark.parametrize("status", [200, 404, 500, 302])
async def test_nothing_starts_unless_the_router_confirms(router: Router, status: int) -> None:
    router.statuses = [status]
    async with calling() as stand:
        assert (await subscribe(stand, router.url))[0] == 403
        assert (stand.streams.started, stand.connections.streams, stand.connections.callers) == ([], set(), {})
    assert router.calls == [CHECK]


async def test_a_router_that_cannot_be_reached(free_port: int) -> None:
    async with calling() as stand:
        status, body = await subscribe(stand, f"http://127.0.0.1:{free_port}/callback/s1")
        assert (status, body["errors"][0]["extensions"]["code"]) == (503, "SERVICE_UNAVAILABLE")


async def test_a_refused_operation_is_the_answer(router: Router) -> None:
    async with calling() as stand:
        stand.streams.behaviour[SUBSCRIBE] = Answer(b'{"errors":[{"message":"no"}]}', Failure.VALIDATION)
        assert await subscribe(stand, router.url) == (400, {"errors": [{"message": "no"}]})
        assert (stand.connections.streams, stand.connections.callers) == (set(), {})
    assert router.calls == [CHECK]


@pytest.mark.parametrize("status", [404, 400, 302])
async def test_404_and_other_refusals_end_it_at_once(router: Router, status: int) -> None:
    async with calling() as stand:
        running = await started(stand, router)
        router.statuses = [status]
        running.push({"n": 1})
        running.push({"n": 2})
        await asyncio.wait_for(running.closed.wait(), 2)
        running.push({"n": 3})
        await until(lambda: not stand.connections.streams)
        assert len(router.calls) == 2
        assert running.closes == 1
        assert stand.closed == {("callback", "TERMINATED" if status == 404 else "REFUSED"): 1}


async def test_a_router_in_trouble_is_tried_again_in_order(router: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.callback, "BACKOFF_SECONDS", 0.01)
    async with calling() as stand:
        running = await started(stand, router)
        router.statuses = [500, 503, 429, 204]
        running.push({"n": 1})
        running.push({"n": 2})
        await until(lambda: len(router.calls) == 6)
        assert [call["payload"]["data"]["n"] for call in router.calls[1:]] == [1, 1, 1, 1, 2]
        assert running.closes == 0


async def test_tries_have_a_budget(router: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.callback, "BACKOFF_SECONDS", 0.01)
    async with calling() as stand:
        running = await started(stand, router)
        router.statuses = [500] * 10
        running.push({"n": 1})
        await asyncio.wait_for(running.closed.wait(), 3)
        assert len(router.calls) == 1 + 5
        assert stand.closed == {("callback", "UNREACHABLE"): 1}


async def test_a_slow_router_is_bounded(router: Router) -> None:
    async with calling(bounds=Bounds(queued_messages=10, stalled_seconds=0.2)) as stand:
        running = await started(stand, router)
        router.delay = 0.4
        pushed = [running.push({"n": number}) for number in range(11)]
        assert pushed == [True] * 10 + [False]
        with pytest.raises(TimeoutError):
            await running.sink.drained()
        router.delay = 0.0
        await until(lambda: len(router.calls) > 2)
        await asyncio.wait_for(running.sink.drained(), 2)
        running.end(Ended.SLOW, "abc")
        await until(lambda: "complete" in router.actions())
        assert router.calls[-1]["errors"][0]["extensions"] == {"code": "SUBSCRIPTION_TOO_SLOW", "cursor": "abc"}


async def test_heartbeats_are_checks_and_their_404_ends_it(router: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.callback, "LEAST_HEARTBEAT_SECONDS", 0.2)
    async with calling() as stand:
        running = await started(stand, router, heartbeatIntervalMs=1)
        await until(lambda: len(router.calls) == 3)
        assert router.calls == [CHECK] * 3
        router.statuses = [404]
        await asyncio.wait_for(running.closed.wait(), 2)
        assert running.closes == 1


@pytest.mark.parametrize("reason", [Ended.REVOKED, Ended.SHUTDOWN, Ended.INTERNAL, Ended.TOKEN_EXPIRED])
async def test_an_end_by_the_server_has_its_code(router: Router, reason: Ended) -> None:
    async with calling() as stand:
        (await started(stand, router)).end(reason, "abc")
        await until(lambda: not stand.connections.streams)
    assert router.actions() == ["check", "complete"]
    assert router.calls[-1]["errors"][0]["extensions"] == {"code": reason.value, "cursor": "abc"}


async def test_draining_completes_with_errors(router: Router) -> None:
    async with calling() as stand:
        running = await started(stand, router)
        await stand.connections.drain(0.5)
        assert running.closes == 1
    assert router.calls[-1]["errors"][0]["extensions"]["code"] == "SERVER_SHUTDOWN"


async def test_a_redirect_is_not_followed(router: Router) -> None:
    router.statuses, router.location = [307], "http://169.254.169.254/latest/meta-data"
    async with calling("127.0.0.1", "169.254.169.254") as stand:
        assert (await subscribe(stand, router.url))[0] == 403
    assert router.calls == [CHECK]


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://169.254.169.254/x", 403),
        ("http://[::1]:80/x", 403),
        ("http://2130706433/x", 403),
        ("http://127.0.0.1.evil.example/x", 403),
        ("http://127.0.0.1@evil.example/x", 400),
        ("http://evil.example\\@127.0.0.1/x", 400),
        ("http://router.example:8080/x", 403),
        ("file:///etc/passwd", 400),
        ("gopher://127.0.0.1/x", 400),
        ("http://", 400),
        ("http://[::1/x", 400),
        ("http://127.0.0.1:99999/x", 400),
        ("http://127.0.0.1/\r\nX: y", 400),
        (5, 400),
        (None, 400),
    ],
)
async def test_only_listed_hosts_are_called(url: Any, status: int) -> None:
    async with calling("127.0.0.1", "router.example:443") as stand:
        assert (await subscribe(stand, url))[0] == status
        assert stand.streams.started == []


async def test_callbacks_are_off_unless_hosts_are_listed(router: Router) -> None:
    async with standing() as stand:
        status, body = await subscribe(stand, router.url)
        assert (status, "ORDERGRAPH_CALLBACK_HOSTS" in body["errors"][0]["message"]) == (403, True)
    assert router.calls == []


@pytest.mark.parametrize(
    "changed",
    [{"subscriptionId": 5}, {"verifier": None}, {"subscriptionId": ""}, {"heartbeatIntervalMs": -1},
     {"heartbeatIntervalMs": "5"}, {"verifier": "x" * 257}],
)  # fmt: skip
async def test_a_malformed_extension_is_refused(router: Router, changed: Any) -> None:
    async with calling() as stand:
        assert (await subscribe(stand, router.url, **changed))[0] == 400
    assert router.calls == []


async def test_a_token_that_expires_ends_it(router: Router) -> None:
    async with calling() as stand:
        assert (await subscribe(stand, router.url, auth=f"Bearer {token(seconds=2)}"))[0] == 200
        await until(lambda: not stand.connections.streams)
    assert router.calls[-1]["errors"][0]["extensions"]["code"] == "SUBSCRIPTION_JWT_EXPIRED"


@pytest.mark.parametrize(
    ("listed", "address", "allowed"),
    [
        ("router.example", "93.184.216.34", True),
        ("router.example", "10.1.2.3", False),
        ("router.example", "127.0.0.1", False),
        ("router.example", "169.254.169.254", False),
        ("router.example", "100.64.0.1", False),
        ("router.example", "::1", False),
        ("router.example", "::ffff:10.1.2.3", False),
        ("router.example", "fe80::1%eth0", False),
        ("router.example", "224.0.0.1", False),
        ("router.example", "0.0.0.0", False),
        ("router.example", "nonsense", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "192.168.0.1", False),
        ("127.0.0.1:8080", "127.0.0.1", True),
        ("[::1]:8080", "::1", True),
    ],
)
async def test_what_a_name_leads_to(listed: str, address: str, allowed: bool) -> None:
    class Resolver(aiohttp.abc.AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:
            return [{"hostname": host, "host": address, "port": port, "family": 0, "proto": 0, "flags": 0}]

        async def close(self) -> None: ...

    hosts = CallbackHosts([listed])
    assert hosts.allows(address) is allowed
    resolver = CheckedResolver(hosts.allows, hosts.setting, Resolver())
    if allowed:
        assert [result["host"] for result in await resolver.resolve("router.example")] == [address]
    else:
        with pytest.raises(OSError, match="ORDERGRAPH_CALLBACK_HOSTS"):
            await resolver.resolve("router.example")


def test_a_listed_port_is_the_only_one() -> None:
    hosts = CallbackHosts(["Router.example:8443", "plain.example"])
    assert hosts.check("https://router.EXAMPLE:8443/x") == "https://router.EXAMPLE:8443/x"
    assert hosts.check("http://plain.example/x") == "http://plain.example/x"
    with pytest.raises(Forbidden):
        hosts.check("https://router.example/x")
    with pytest.raises(MalformedRequest):
        hosts.check(json.dumps(5))
