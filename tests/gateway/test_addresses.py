"""Where a process may connect to: written as an address, in whatever form, or found by a name, at each look-up."""

from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.addresses import CheckedResolver, is_host, is_public
from tests.simulators.base import Simulator

NOBODYS = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",
    "::",
    "nonsense",
]
PRIVATE = ["10.1.2.3", "127.0.0.1", "192.168.0.1", "::1", "fd12::1", "64:ff9b::a01:203", "2002:7f00:1::"]
PUBLIC = ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"]


@pytest.mark.parametrize("address", NOBODYS)
def test_what_is_nobodys_is_never_called(address: str) -> None:
    assert (is_host(address), is_public(address)) == (False, False)


@pytest.mark.parametrize("address", PRIVATE)
def test_our_own_network_is_called_only_where_that_is_meant(address: str) -> None:
    assert (is_host(address), is_public(address)) == (True, False)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_rest_is_public(address: str) -> None:
    assert (is_host(address), is_public(address)) == (True, True)


class Turning(aiohttp.abc.AbstractResolver):
    """Another answer at each look-up, each with several addresses."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[Any]:
        found = self.answers.pop(0)
        return [{"hostname": host, "host": one, "port": port, "family": 2, "proto": 0, "flags": 0} for one in found]

    async def close(self) -> None: ...


class Hello(Simulator):
    def routes(self) -> list[web.RouteDef]:
        return [web.get("/", self.hello)]

    async def hello(self, request: web.Request) -> web.Response:
        return web.Response(text="hello")


async def test_of_several_addresses_only_those_allowed_are_left() -> None:
    resolver = CheckedResolver(is_public, "rule", Turning(["10.0.0.1", "93.184.216.34", "169.254.169.254"]))
    assert [one["host"] for one in await resolver.resolve("api.example")] == ["93.184.216.34"]


async def test_a_name_that_turns_into_ours_after_its_first_answer_is_refused() -> None:
    """Loopback stands for the public address, so that something answers; then the name leads to a metadata service."""
    resolver = CheckedResolver(is_host, "rule", Turning(["127.0.0.1"], ["169.254.169.254"]))
    outside = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True)
    async with Hello().running() as server, aiohttp.ClientSession(connector=outside) as session:
        address = server.url.replace("127.0.0.1", "api.example")
        async with session.get(address) as answer:
            assert await answer.text() == "hello"
        with pytest.raises(aiohttp.ClientConnectorDNSError) as refused:
            await session.get(address)
        assert "no address that may be called (rule)" in str(refused.value.os_error)
        assert len(server.seen) == 1
