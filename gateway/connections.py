"""All streaming connections of the process: how many there may be, what they did, and how they end with it."""

import asyncio
import collections
import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.actor import Actor, Role
from domain.errors import Overloaded
from domain.revocation import Revocations
from gateway.pipe import Bounds, Pipe
from gateway.wheel import Wheel

WAVES: Final = 8
# Of the time for draining, what the waves take; the rest is for the last ones to close.
WAVES_PART: Final = 0.6
# Whoever works for the shop has a screen full of windows, or is a program with many workers.
STAFF: Final = frozenset({Role.SUPPORT, Role.OPERATOR, Role.INTEGRATOR, Role.ADMIN})
# Many people share what these come with, so they are told apart by address.
SHARED: Final = frozenset({None, Role.STOREFRONT})


class TooManyStreams(Overloaded):
    code = "SUBSCRIPTION_MAX_LIMIT"


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Counts and seconds."""

    connections: int = 15_000
    connections_per_caller: int = 10
    connections_per_staff: int = 100
    operations_per_socket: int = 20
    messages_per_minute: int = 100
    init_seconds: float = 3.0
    ping_seconds: float = 20.0
    # After our close, until a client that does not answer it is dropped.
    close_seconds: float = 5.0
    sse_heartbeat_seconds: float = 10.0
    multipart_heartbeat_seconds: float = 5.0
    start_seconds: float = 5.0
    reservation_seconds: float = 10.0
    reservations: int = 1000
    restart_jitter_seconds: float = 1.0
    # `host` or `host:port` a router may be called back at; an address in a private network must be listed as it is.
    callback_hosts: frozenset[str] = frozenset()
    callback_seconds: float = 5.0
    bounds: Bounds = field(default_factory=Bounds)


class Stream(Protocol):
    """One connection of a client, or what stands for one."""

    transport: str

    @property
    def pipe(self) -> Pipe: ...

    @property
    def actor(self) -> Actor | None:
        """Who opened it, once that is known."""
        ...

    def leave(self) -> None:
        """Say that the server ends and that another one will go on, then close."""
        ...

    def revoke(self) -> None:
        """Say that access was withdrawn, then close. What the hub knew of has been told so with its cursor."""
        ...

    def drop(self) -> None:
        """Close without another word."""
        ...


class Connections(Collector):
    """`hold` and `release` count a caller's connections; `enter` and `leave` keep the books of all."""

    def __init__(self, options: StreamOptions | None = None) -> None:
        self.options = options or StreamOptions()
        self.wheel = Wheel()
        self.streams: set[Stream] = set()
        self.callers: collections.Counter[str] = collections.Counter()
        self.draining = False
        # Requests that wait for news: no streams, but as good as.
        self.polls = 0
        self.opened: collections.Counter[str] = collections.Counter()
        self.closed: collections.Counter[tuple[str, str]] = collections.Counter()
        self.sent: collections.Counter[str] = collections.Counter()

    @property
    def full(self) -> bool:
        return len(self.streams) + self.polls >= self.options.connections

    def enter(self, stream: Stream) -> None:
        self.streams.add(stream)
        self.opened[stream.transport] += 1

    def exit(self, stream: Stream, code: str) -> None:
        """`code` is how it ended: a close code, or the code of an error."""
        if stream in self.streams:
            self.streams.remove(stream)
            self.closed[stream.transport, code] += 1
            self.sent[stream.transport] += stream.pipe.sent

    def hold(self, actor: Actor, address: str) -> str:
        """Count one more connection of this caller; `release` what is returned. TooManyStreams beyond the limit."""
        caller = f"{actor.role}:{actor.subject}" if actor.role not in SHARED else f"{actor.subject}@{address}"
        most = self.options.connections_per_staff if actor.role in STAFF else self.options.connections_per_caller
        if self.callers[caller] >= most:
            raise TooManyStreams(f"This caller has {most} connections open. Close one, or put more on each.")
        self.callers[caller] += 1
        return caller

    @contextlib.contextmanager
    def polling(self, actor: Actor, address: str) -> Iterator[None]:
        """Count a request that waits among the connections of its caller. Overloaded beyond the limits."""
        if self.full:
            raise Overloaded(f"{self.options.connections} streams are open. Try again later.")
        try:
            caller = self.hold(actor, address)
        except TooManyStreams as error:
            raise Overloaded(error.message) from None
        self.polls += 1
        try:
            yield
        finally:
            self.polls -= 1
            self.release(caller)

    def release(self, caller: str) -> None:
        self.callers[caller] -= 1
        if not self.callers[caller]:
            del self.callers[caller]

    def revoke(self, revocations: Revocations) -> None:
        """End the connections of whose access was withdrawn, also those on which nothing runs."""
        for stream in list(self.streams):
            if stream.actor is not None and revocations.cover(stream.actor):
                stream.revoke()

    async def drain(self, seconds: float) -> None:
        """End all connections in waves, so that not everybody comes back at once; new ones are refused from now on."""
        self.draining = True
        deadline = asyncio.get_running_loop().time() + seconds
        streams = list(self.streams)
        random.shuffle(streams)
        for wave in range(min(WAVES, len(streams))):
            for stream in streams[wave::WAVES]:
                stream.leave()
            await asyncio.sleep(seconds * WAVES_PART / WAVES * random.uniform(0.5, 1.0))  # noqa: S311
        while self.streams and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110  (once in a life)
            await asyncio.sleep(0.02)
        for stream in list(self.streams):
            stream.drop()

    def collect(self) -> Iterator[Metric]:
        """For Prometheus, from numbers kept anyway: a counter of its own would cost a lock per message."""
        kinds = sorted({*self.opened, *(transport for transport, _ in self.closed)})
        now = collections.Counter(stream.transport for stream in self.streams)
        lagging = collections.Counter(stream.transport for stream in self.streams if stream.pipe.lagging)
        sent = self.sent.copy()
        for stream in self.streams:
            sent[stream.transport] += stream.pipe.sent
        yield gauge("ordergraph_connections", "Streaming connections that are open.", kinds, now)
        yield gauge("ordergraph_connections_lagging", "Of these, whose client reads too slowly now.", kinds, lagging)
        yield counter("ordergraph_connections_opened", "Streaming connections so far.", kinds, self.opened)
        yield counter("ordergraph_messages_sent", "Messages sent on them so far.", kinds, sent)
        ended = CounterMetricFamily("ordergraph_connections_closed", "How they ended.", labels=["transport", "code"])
        for (transport, code), count in sorted(self.closed.items()):
            ended.add_metric([transport, code], count)
        yield ended


def gauge(name: str, help_text: str, kinds: list[str], counts: collections.Counter[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=["transport"])
    for kind in kinds:
        family.add_metric([kind], counts[kind])
    return family


def counter(name: str, help_text: str, kinds: list[str], counts: collections.Counter[str]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, help_text, labels=["transport"])
    for kind in kinds:
        family.add_metric([kind], counts[kind])
    return family
