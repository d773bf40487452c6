"""Tells the store how it goes with this process's connectors, so that every process shows the same.

And so that those that ask a system share its limits (docs/decisions/0014-limits-are-shared-breakers-are-not.md).
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Final

import structlog

import db.connector_health
from db.connector_health import Told
from db.pool import Pool
from gateway.connectors import Configured, Connectors

log = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 5.0
# What has not changed is told again after this long, to show that the process lives.
AGAIN_SECONDS: Final = 30.0
FORGET_SECONDS: Final = 3600.0
LEAVE_SECONDS: Final = 2.0


class ConnectorNotes:
    """At most one write per instance in five seconds, and only of what has changed or is half a minute old."""

    def __init__(self, pool: Pool, connectors: Connectors, clock: Callable[[], float] = time.monotonic) -> None:
        self.pool = pool
        self.connectors = connectors
        self.clock = clock
        self.process = uuid.uuid4()
        self.told: dict[str, tuple[Told, float]] = {}
        self.forgotten_at: float | None = None

    async def run(self) -> None:
        while True:
            await self.tell()
            await asyncio.sleep(PAUSE_SECONDS)

    async def tell(self) -> None:
        now = self.clock()
        for name, one in self.connectors.all.items():
            told = self._state(name, one)
            last, at = self.told.get(name, (None, 0.0))
            if told != last or now - at >= AGAIN_SECONDS:
                await db.connector_health.tell(self.pool, self.process, told)
                self.told[name] = (told, now)
        for row in await db.connector_health.asking(self.pool, self.process):
            if (guard := self.connectors.runtime.guards.get(row["instance"])) is not None:
                guard.divide(row["processes"])
        if self.forgotten_at is None or now - self.forgotten_at >= FORGET_SECONDS:
            await db.connector_health.forget(self.pool)
            self.forgotten_at = now

    async def leave(self) -> None:
        """Told once more, for a process that was here only for a moment. Never raises: it must not stop an end."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self.tell()
                await db.connector_health.leave(self.pool, self.process)
        except Exception as error:
            log.warning("health of connectors not told at the end", error=type(error).__name__)

    def _state(self, name: str, one: Configured) -> Told:
        guard = self.connectors.runtime.guards[name]
        health, state = guard.health, guard.breaker.state
        return Told(
            name,
            one.entry.connector,
            one.manifest.kind.name,
            sorted(capability.name for capability in one.manifest.capabilities),
            health.last_success_at,
            health.last_failure_at,
            health.last_error,
            state.value,
            len(health.recent),
            health.recent.count(False),
        )
