"""Which addresses we call because somebody asked for it (routers that subscribe by callback, receivers of webhooks):
none but those listed, and none inside our network unless it is."""

import ipaddress
import urllib.parse
from collections.abc import Iterable

import aiohttp

from domain.errors import Forbidden, OrdergraphError
from gateway.addresses import CheckedResolver, Network, address_of, is_public
from gateway.errors import MalformedRequest

LONGEST_URL = 2048


class CallbackHosts:
    """`listed`: names or addresses, each with a port or without, and networks (10.0.0.0/8) for what names lead to.

    `field` is where the address stands in a request, `setting` where the hosts are listed.
    """

    def __init__(
        self,
        listed: Iterable[str],
        *,
        field: str = "extensions.subscription.callbackUrl",
        setting: str = "ORDERGRAPH_CALLBACK_HOSTS",
        malformed: type[OrdergraphError] = MalformedRequest,
    ) -> None:
        self.field = field
        self.setting = setting
        self.malformed = malformed
        self.names = frozenset(entry.lower() for entry in listed)
        self.networks = tuple(network for entry in self.names if (network := network_of(entry)) is not None)

    def check(self, url: object) -> str:
        """The address as it is to be called. What a name leads to is checked when it is resolved, for each call."""
        if not isinstance(url, str) or len(url) > LONGEST_URL or not url.isascii() or not url.isprintable():
            raise self.malformed(f"{self.field} must be an http or https address.")
        try:
            parts = urllib.parse.urlsplit(url)
            host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            host, port = None, 0
        if host is None or parts.scheme not in ("http", "https") or "@" in parts.netloc or "\\" in url:
            raise self.malformed(f"{self.field} must be an http or https address.")
        shown = f"[{host}]" if ":" in host else host
        if not {host, shown, f"{shown}:{port}"} & self.names:
            raise Forbidden(f"The host of {self.field} is not in {self.setting}.")
        return url

    def check_private(self, url: object) -> str:
        """As `check`; and https, because what is sent is for its receiver only, unless the address itself is listed."""
        checked = self.check(url)
        parts = urllib.parse.urlsplit(checked)
        if parts.scheme != "https" and network_of(parts.hostname or "") is None:
            raise self.malformed(f"{self.field} must be an https address.")
        return checked

    def allows(self, address: str) -> bool:
        parsed = address_of(address)
        return parsed is not None and (any(parsed in network for network in self.networks) or is_public(address))


def network_of(entry: str) -> Network | None:
    for text in (entry, urllib.parse.urlsplit(f"//{entry}").hostname if "/" not in entry else None):
        try:
            return ipaddress.ip_network(text) if text else None
        except ValueError:
            continue
    return None


def session(hosts: CallbackHosts, seconds: float) -> aiohttp.ClientSession:
    """What callbacks are made with: pooled connections, no cookies, no proxy from the environment."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=CheckedResolver(hosts.allows, hosts.setting), limit=200, limit_per_host=100
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=seconds),
    )
