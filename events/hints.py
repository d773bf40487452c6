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
    """Runs until cancelled, whatever happens to the bus. `alive` and `lost` are for metrics."""

    def __init__(self, backend: Callable[[], BroadcastBackend], hint: Callable[[], None]) -> None:
        self.backend = backend
        self.hint = hint
        self.alive = False
        self.lost = 0
        self._call = asyncio.Event()

    async def run(self) -> None:
        while True:
            try:
                await self.session()
            except Exception as error:  # the bus may fail in whatever way its client library likes
                self.lost += 1
                log.warning("the bus was lost; polling goes on", error=type(first_of(error)).__name__)
            self.alive = False
            await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311  # spreads reconnects, protects nothing

    def publish(self) -> None:
        """Call the others, without waiting: several calls that the bus has not taken yet are one."""
        self._call.set()

    async def session(self) -> None:
        backend = self.backend()
        bus = Broadcast(backend=backend)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await bus.connect()
            async with bus.subscribe(CHANNEL) as subscriber, asyncio.TaskGroup() as tasks:
                self.alive = True
                # What was announced while nobody listened.
                self.hint()
                tasks.create_task(self.call(bus))
                tasks.create_task(self.listen(bus, subscriber))
        finally:
            self.alive = False
            await self.close(bus, backend)

    async def call(self, bus: Broadcast) -> None:
        while True:
            await self._call.wait()
            self._call.clear()
            async with asyncio.timeout(BEAT_SECONDS):
                await bus.publish(CHANNEL, "")

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


def first_of(error: BaseException) -> BaseException:
    """What went wrong first, out of the group of a task group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
