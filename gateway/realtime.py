"""The parts of a process that make changes travel: relay, wake-up calls, hub, and the subscriptions on top."""

import asyncio
import contextlib
import importlib.util
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

import structlog
from broadcaster import Broadcast
from broadcaster._backends.base import BroadcastBackend

from db.bus import PostgresBackend
from db.reader import Reader
from db.retention import LogStatus
from domain.errors import BadInput
from events.cursor import Signer
from events.hints import Hints
from events.hub import Hub
from events.relay import Relay
from events.retention import Retention
from gateway.settings import Settings
from gateway.telemetry import Metrics
from gateway.webhooks import Webhooks
from resolvers.execute import Engine
from resolvers.subscriptions import Subscriptions

log = structlog.get_logger(__name__)

RESTART_SECONDS = 1.0


class Realtime:
    """Made by the composition root; `running` spans the life of the process."""

    def __init__(self, settings: Settings, dsn: str, hub: Hub, engine: Engine, reader: Reader, signer: Signer) -> None:
        self.hub = hub
        other_bus = settings.bus_url is not None
        self.hints = Hints(backend(settings, dsn), hub.hint)
        self.relay = Relay(dsn, self.hints.publish if other_bus else None)
        self.retention = Retention(dsn, settings.log_days)
        self.subscriptions = Subscriptions(engine, hub, reader, signer)
        self.webhooks: Webhooks | None = None

    def watch(self, metrics: Metrics) -> None:
        """What an operator wants to see of the stream."""
        gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "ordergraph_log_position": ("Newest log position this process has read.", lambda: self.hub.position),
            "ordergraph_subscriptions": ("Subscriptions open here.", lambda: len(self.hub.subscribers)),
            "ordergraph_subscription_groups": ("Different questions among them.", lambda: len(self.hub.groups)),
            "ordergraph_bus_alive": ("Whether wake-up calls come through.", lambda: self.hints.alive),
            "ordergraph_log_oldest_position": ("Newest log position no longer kept.", lambda: self.hub.oldest),
            "ordergraph_log_oldest_seconds": (
                "Age of the oldest log entry that is kept.",
                self.retention.oldest_seconds,
            ),
            "ordergraph_log_partitions": ("Partitions of the log.", lambda: len(self.log_status().partitions)),
            "ordergraph_log_room": ("Positions for which there are partitions.", lambda: self.log_status().ahead),
            "ordergraph_relay_leading": ("Whether this process moves the outbox.", lambda: self.relay.leading),
        }
        for name, (meaning, read) in gauges.items():
            metrics.watch(name, meaning, read)
        metrics.watch("ordergraph_pushes", "Payloads given to clients.", lambda: self.hub.pushed, counter=True)
        metrics.watch("ordergraph_relayed", "Events moved by this process.", lambda: self.relay.moved, counter=True)
        metrics.watch("ordergraph_bus_lost", "Times the bus was lost.", lambda: self.hints.lost, counter=True)
        metrics.watch(
            "ordergraph_version_gaps",
            "Entries whose version does not follow their order's last one: look into the log of this process.",
            lambda: self.relay.versions.gaps,
            counter=True,
        )
        metrics.watch(
            "ordergraph_log_partitions_dropped",
            "Partitions dropped by this process.",
            lambda: self.retention.dropped,
            counter=True,
        )

    def log_status(self) -> LogStatus:
        """As of the last look, every ten minutes."""
        return self.retention.status or LogStatus(0, 0, None, (), 0)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.hub.start()
        parts = {"relay": self.relay.run, "hints": self.hints.run, "hub": self.hub.run}
        parts["retention"] = self.retention.run
        async with contextlib.AsyncExitStack() as stack:
            if self.webhooks is not None:
                await stack.enter_async_context(self.webhooks.client())
                parts["webhooks"] = self.webhooks.couriers.run
            async with all_kept_running(parts):
                try:
                    yield
                finally:
                    self.hub.shut_down()


@contextlib.asynccontextmanager
async def all_kept_running(parts: Mapping[str, Callable[[], Coroutine[Any, Any, None]]]) -> AsyncIterator[None]:
    """Parts by name, until the block ends."""
    tasks = [asyncio.create_task(kept_running(name, part)) for name, part in parts.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def kept_running(name: str, part: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """These parts never end by themselves; one that does has a defect, which is logged and must not stop the rest."""
    while True:
        try:
            await part()
        except Exception:
            log.exception("a part of the stream failed and is started again", part=name)
        await asyncio.sleep(RESTART_SECONDS)


def backend(settings: Settings, dsn: str) -> Callable[[], BroadcastBackend]:
    """PostgreSQL unless another bus is named; what broadcaster makes of the addresses of others is its own.

    BadInput for a bus that cannot be: said at the start, because later a dead bus is nobody's problem.
    """
    if settings.bus_url is None:
        return lambda: PostgresBackend(dsn)
    address = settings.bus_url.get_secret_value()
    scheme = address.partition("://")[0]
    if scheme in ("redis", "rediss"):
        from db.redis_bus import RedisBackend

        return lambda: RedisBackend(address)
    if scheme == "kafka" and importlib.util.find_spec("aiokafka") is None:
        raise BadInput(
            "ORDERGRAPH_BUS_URL names Kafka, for which aiokafka is needed and missing: pip install aiokafka."
        )
    if scheme not in ("kafka", "memory"):
        raise BadInput(
            "ORDERGRAPH_BUS_URL should begin with redis://, rediss:// or kafka://; unset: PostgreSQL itself."
        )
    return lambda: Broadcast(address)._backend  # noqa: SLF001  # broadcaster makes backends of addresses nowhere else
