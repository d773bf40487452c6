"""Wake-up calls over the bus: they make the next look at the log come sooner, and nothing depends on them.

Each process sends itself a beat through the bus. When not even that comes back, the bus is dead however well it looks,
and a new connection is made. Until then the hub polls.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable

import structlog
from broadcaster import Broadcast
from broadcaster._backends.base import BroadcastBackend

from db.stream import CHANNEL

log = structlog.get_logger(__name__)

BEAT = "beat"
BEAT_SECONDS = 2.0
SILENCE_SECONDS = 5.0
CONNECT_SECONDS = 5.0


class Hints:
    """Runs until cancelled, whatever happens to the bus. `alive` is for metrics."""

    def __init__(self, backend: Callable[[], BroadcastBackend], hint: Callable[[], None]) -> None:
        self.backend = backend
        self.hint = hint
        self.alive = False
        self.lost = 0
        self._bus: Broadcast | None = None

    async def run(self) -> None:
        while True:
            try:
                await self.session()
            except Exception as error:  # the bus may fail in whatever way its client library likes
                self.lost += 1
                log.warning("the bus was lost; polling goes on", error=type(error).__name__)
            self.alive = False
            await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311  # spreads reconnects, protects nothing

    async def publish(self) -> None:
        """Call the others. A dead bus is not the caller's problem."""
        if self._bus is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(1):
                    await self._bus.publish(CHANNEL, "")

    async def session(self) -> None:
        backend = self.backend()
        bus = Broadcast(backend=backend)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await bus.connect()
            async with bus.subscribe(CHANNEL) as subscriber:
                self._bus, self.alive = bus, True
                # What was announced while nobody listened.
                self.hint()
                await self.listen(bus, subscriber)
        finally:
            self._bus = None
            await self.close(bus, backend)

    async def listen(self, bus: Broadcast, subscriber: object) -> None:
        heard = time.monotonic()
        while True:
            try:
                async with asyncio.timeout(BEAT_SECONDS):
                    event = await subscriber.get()  # type: ignore[attr-defined]  # broadcaster does not export its type
            except TimeoutError:
                if time.monotonic() - heard > SILENCE_SECONDS:
                    raise ConnectionError("Not even our own beat came back.") from None
                async with asyncio.timeout(BEAT_SECONDS):
                    await bus.publish(CHANNEL, BEAT)
                continue
            heard = time.monotonic()
            if event.message != BEAT:
                self.hint()

    async def close(self, bus: Broadcast, backend: BroadcastBackend) -> None:
        """broadcaster leaves its backend open when its listener has failed, so both are closed."""
        for part in (bus, backend):
            with contextlib.suppress(Exception):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await part.disconnect()
