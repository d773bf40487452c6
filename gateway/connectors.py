"""The connectors of this process: read from their file, checked before anything runs, and how they are called."""

import asyncio
import contextlib
import dataclasses
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import aiohttp

from connectors import registry
from connectors.base import Capability, Connector, Instance
from connectors.errors import Unreachable
from connectors.http import Http
from connectors.manifest import BadManifest, Manifest
from connectors.registry import Entry
from events.pulling import PULLS, Mode, Target
from gateway.callback_hosts import CallbackHosts, CheckedResolver

T = TypeVar("T")
# Of one call as a whole, with all the requests it makes; a page of a pull is one call.
CALL_SECONDS: Final = 120.0
CALLS_AT_ONCE: Final = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Configured:
    """One table of the connectors' file with all that belongs to it."""

    instance: Instance
    manifest: Manifest
    entry: Entry

    @property
    def tells(self) -> bool:
        """Whether it tells by webhooks, which can be believed only with its secret."""
        return Capability.WEBHOOKS in self.manifest.capabilities


def configured(path: Path | None) -> Mapping[str, Configured]:
    """By name; none without a file. Raises BadManifest, which says where and what would be right."""
    if path is None:
        return {}
    known = registry.folders()
    found = {}
    for name, entry in registry.entries(path).items():
        if entry.connector not in known:
            there = ", ".join(sorted(known))
            raise BadManifest(f"[{name}] names the connector {entry.connector}, which is none of: {there}.")
        manifest = known[entry.connector]
        for host in (urlsplit(value).hostname for value in entry.options.values() if "://" in value):
            _check_outside(name, entry, host or "")
        found[name] = Configured(registry.instance(name, entry, manifest), manifest, entry)
    return found


def targets(all_: Mapping[str, Configured], mode: Mode = Mode.SYNC) -> Sequence[Target]:
    """What can be pulled."""
    return [
        Target(name, capability, mode, one.tells)
        for name, one in all_.items()
        for capability in PULLS
        if capability in one.manifest.capabilities
    ]


class Connectors:
    """Calls connectors by name, a few calls at once for each, each within its time; `opened` spans their life."""

    def __init__(self, all_: Mapping[str, Configured]) -> None:
        self.all = all_
        self.made: dict[str, Connector] = {}
        self.places = {name: asyncio.Semaphore(CALLS_AT_ONCE) for name in all_}

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        if not self.all:
            yield
            return
        jar = aiohttp.DummyCookieJar
        outside = aiohttp.TCPConnector(resolver=CheckedResolver(CallbackHosts(())))
        async with (
            aiohttp.ClientSession(cookie_jar=jar(), connector=outside) as guarded,
            aiohttp.ClientSession(cookie_jar=jar()) as private,
        ):
            for name, one in self.all.items():
                http = _http(one, private if one.entry.private else guarded)
                self.made[name] = registry.create(one.entry.connector, one.instance, http)
            yield
        self.made.clear()

    async def call(self, instance: str, capability: Capability, work: Callable[[Any], Awaitable[T]]) -> T:
        """Raises ConnectorError only."""
        try:
            async with asyncio.timeout(CALL_SECONDS), self.places[instance]:
                return await work(self.made[instance])
        except TimeoutError:
            raise Unreachable(f"{instance} did not do {capability} within {CALL_SECONDS:g} s.") from None


def _http(one: Configured, session: aiohttp.ClientSession) -> Callable[[str], Http]:
    """Http for addresses that this instance may connect to."""

    def make(base: str) -> Http:
        host = urlsplit(base).hostname or ""
        if not registry.allows(one.manifest, one.entry, host):
            raise BadManifest(f"[{one.instance.name}] may not connect to {host}: its manifest does not list it.")
        _check_outside(one.instance.name, one.entry, host)
        return Http(session, base)

    return make


def _check_outside(name: str, entry: Entry, host: str) -> None:
    if not entry.private and _inside(host):
        raise BadManifest(f"[{name}] leads into our own network. Set private = true if that is meant.")


def _inside(host: str) -> bool:
    """An address that is written as such is never looked up, so it is checked here."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost"
