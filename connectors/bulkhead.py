"""So many calls to one system at once and so many waiting, so that a slow one holds up nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from connectors.errors import Busy


class Bulkhead:
    def __init__(self, name: str, at_once: int = 8, waiting: int = 32) -> None:
        self._name = name
        self._gate = asyncio.Semaphore(at_once)
        self._most = waiting
        self.in_flight = 0
        self.waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Raises Busy at once when too many wait. The caller limits the time."""
        if self._gate.locked() and self.waiting >= self._most:
            raise Busy(f"{self._name} has {self.in_flight} calls running and {self.waiting} waiting. Ask later.")
        self.waiting += 1
        try:
            await self._gate.acquire()
        finally:
            self.waiting -= 1
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1
            self._gate.release()
