"""Which addresses may be connected to, and a resolver that gives no others.

What is checked is what is connected to: a name that leads elsewhere at the next look-up (rebinding) gains nothing.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Where clouds tell a machine its credentials. Those of most are link-local; these are not.
METADATA: Final = frozenset(
    ipaddress.ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16")
)
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def address_of(text: str) -> Address | None:
    """The address that is really reached: one of IPv4 may be written inside one of IPv6. None: it is none."""
    try:
        parsed: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv4Address):
        return parsed
    inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
    if inner is None and parsed in NAT64:
        inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
    return inner or parsed


def is_host(text: str) -> bool:
    """An address of one machine that is no cloud's metadata service; it may be in our own network."""
    address = address_of(text)
    if address is None or address in METADATA:
        return False
    return not (address.is_link_local or address.is_multicast or address.is_unspecified)


def is_public(text: str) -> bool:
    """As `is_host`, and outside of every private network."""
    address = address_of(text)
    return address is not None and address.is_global and is_host(text)


class CheckedResolver(AbstractResolver):
    """Only addresses that `allows` says yes to; `why` says in the error which rule that is."""

    def __init__(self, allows: Callable[[str], bool], why: str, resolver: AbstractResolver | None = None) -> None:
        self.allows = allows
        self.why = why
        self.resolver = resolver or aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        results = await self.resolver.resolve(host, port, family)
        allowed = [result for result in results if self.allows(result["host"])]
        if not allowed:
            raise OSError(f"{host} leads to no address that may be called ({self.why})")
        return allowed

    async def address(self, host: str, port: int) -> str:
        """The first of them, for what does not connect through aiohttp; raises OSError when there is none."""
        return (await self.resolve(host, port))[0]["host"]

    async def close(self) -> None:
        await self.resolver.close()
