"""The connectors of this process: read from their file, checked before anything runs, and how they are called."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import aiohttp

from connectors import registry
from connectors.answering import Answering
from connectors.base import Capability, Instance
from connectors.http import Http
from connectors.limiter import Rate
from connectors.manifest import BadManifest, Manifest, OwnCounts, RateLimit
from connectors.registry import Entry
from connectors.runtime import Limits, Runtime
from events.following import Follower
from events.pulling import PULLS, Mode, Target
from gateway.addresses import CheckedResolver, address_of, is_host, is_public

T = TypeVar("T")
# Of one call as a whole, with all the requests it makes; a page of a pull is one call.
CALL_SECONDS: Final = 120.0
MOST_AT_ONCE: Final = 50
PRIVATE: Final = "link-local, metadata, multicast and unspecified addresses are nobody's"


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
    check_told(found)
    return found


def told(all_: Mapping[str, Configured]) -> Mapping[str, Sequence[str]]:
    """Which of our locations each instance is told what is for sale at."""
    return {name: one.entry.push for name, one in all_.items() if one.entry.push}


def check_told(all_: Mapping[str, Configured]) -> None:
    """Raises BadManifest for a `push` that cannot be done, OwnCounts for one that tells a system its own counts."""
    for name, one in all_.items():
        if one.entry.push and Capability.STOCK_PUSH not in one.manifest.capabilities:
            raise BadManifest(f"[{name}] sets push, but {one.manifest.id} cannot be told of stock.")
        for place in one.entry.push:
            named = sum(code == place for code in one.entry.locations.values())
            if named == 0:
                raise BadManifest(f"[{name}] pushes to {place}, which is none of its locations.")
            if named > 1:
                raise BadManifest(f"[{name}] pushes to {place}, which {named} of its locations are; one may be.")
            for other, counted in all_.items():
                if other != name and _counts(counted, one, place):
                    raise OwnCounts(
                        f"[{name}] would be told its own counts of {place}: [{other}] is the same system and its counts"
                        f" of {place} are taken. Leave out one of the two, or set push in [{other}] as well."
                    )


def _counts(counted: Configured, one: Configured, place: str) -> bool:
    """Whether `counted` is the system of `one` under another name, and we believe what it counts at `place`."""
    same = counted.manifest.id == one.manifest.id and counted.instance.options == one.instance.options
    counts = Capability.STOCK_PULL in counted.manifest.capabilities and place not in counted.entry.push
    return same and counts and place in counted.entry.locations.values()


def targets(all_: Mapping[str, Configured], mode: Mode = Mode.SYNC) -> Sequence[Target]:
    """What can be pulled."""
    return [
        Target(name, capability, mode, one.tells)
        for name, one in all_.items()
        for capability in PULLS
        if capability in one.manifest.capabilities
    ]


def followers(all_: Mapping[str, Configured], answering: Answering) -> Mapping[str, Follower]:
    """Who is asked about which parcels. That a carrier tells by itself can be believed only with its secret."""
    found = {}
    for name, carriers in answering.followed().items():
        one = all_[name]
        heard = one.tells and any(secrets for key, secrets in one.instance.secrets.items() if key.startswith("webhook"))
        watches = Capability.TRACKING_ALERTS in one.manifest.capabilities
        found[name] = Follower(carriers, at_once(one.manifest), heard and watches, heard and not watches)
    return found


def at_once(manifest: Manifest) -> int:
    """As many requests as the limit lets through in half the time of an attempt, for those asked one at a time."""
    rate = manifest.rate_limit
    granted = MOST_AT_ONCE if rate is None else int(rate.requests / rate.seconds * CALL_SECONDS / 4)
    return max(1, min(granted, MOST_AT_ONCE))


def codes(one: Configured) -> tuple[Sequence[str], Sequence[str]]:
    """Our channels and our locations that a table names; they must be in the store before anything comes of them."""
    option = [one.instance.option("channel", "")] if "channel" in one.manifest.options else []
    channels = {*option, *one.entry.channels.values()} - {""}
    return sorted(channels), sorted(set(one.entry.locations.values()))


class Connectors:
    """Calls connectors by name, all through one runtime; `opened` spans their life."""

    def __init__(self, all_: Mapping[str, Configured]) -> None:
        self.all = all_
        self.runtime = Runtime()
        self.answering = Answering()
        for name, one in all_.items():
            self.runtime.prepare(name, one.manifest.capabilities, limits(one.manifest))
            self.answering.add(one.instance, one.entry.connector, one.manifest.capabilities)

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        if not self.all:
            yield
            return
        outside = CheckedResolver(is_public, "private = true is not set")
        inside = CheckedResolver(is_host, PRIVATE)
        async with _session(outside) as public, _session(inside) as private:
            for name, one in self.all.items():
                session, resolver = (private, inside) if one.entry.private else (public, outside)
                http = _http(one, session, resolver, self.runtime)
                self.runtime.guards[name].connector = registry.create(one.entry.connector, one.instance, http)
            try:
                yield
            finally:
                for guard in self.runtime.guards.values():
                    guard.connector = None

    async def call(self, instance: str, capability: Capability, work: Callable[[Any], Awaitable[T]]) -> T:
        """For pulls and pushes, which may take long; live fields have deadlines of their own. Raises ConnectorError."""
        return await self.runtime.call(
            instance,
            capability,
            None,
            work,
            deadline=CALL_SECONDS,
            idempotent=capability is not Capability.FULFILLMENT_REQUESTS,
            attempt_seconds=CALL_SECONDS / 2,
        )


def limits(manifest: Manifest) -> Limits:
    def rate(given: RateLimit) -> Rate:
        return Rate(given.requests, given.seconds, given.burst)

    operations = {name: rate(given) for name, given in manifest.operations.items()}
    return Limits(rate(manifest.rate_limit) if manifest.rate_limit else None, operations)


def _http(
    one: Configured, session: aiohttp.ClientSession, resolver: CheckedResolver, runtime: Runtime
) -> Callable[[str], Http]:
    """Http for addresses that this instance may connect to."""

    def make(base: str) -> Http:
        host = urlsplit(base).hostname or ""
        if not registry.allows(one.manifest, one.entry, host):
            raise BadManifest(f"[{one.instance.name}] may not connect to {host}: its manifest does not list it.")
        _check_outside(one.instance.name, one.entry, host)
        return Http(session, base, gate=runtime.gate(runtime.guards[one.instance.name]), resolve=resolver.address)

    return make


def _session(resolver: CheckedResolver) -> aiohttp.ClientSession:
    # No limit of its own, which a slow system could use up for all: the bulkhead of each bounds its connections.
    outside = aiohttp.TCPConnector(resolver=resolver, limit=0)
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), connector=outside)


def _check_outside(name: str, entry: Entry, host: str) -> None:
    """An address that is written as such is never looked up, so it is checked here."""
    if address_of(host) is not None and not is_host(host):
        raise BadManifest(f"[{name}] names an address that no connector may call: {PRIVATE}.")
    inside = host == "localhost" or (address_of(host) is not None and not is_public(host))
    if inside and not entry.private:
        raise BadManifest(f"[{name}] leads into our own network. Set private = true if that is meant.")
