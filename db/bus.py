"""PostgreSQL as broadcaster's bus: one connection that listens, another that publishes.

broadcaster's own backend uses one connection for both, which fails when they meet, and does not notice when it is lost.
Here messages are wake-up calls: several that wait unread are one, so nothing grows, and a lost connection raises.
"""

import asyncio
import contextlib
from typing import Any

from broadcaster import Event
from broadcaster._backends.base import BroadcastBackend

import db.pool
from db.pool import DatabaseError


class PostgresBackend(BroadcastBackend):
    """Needs a session of its own: a pooler in transaction mode cannot LISTEN."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._waiting: dict[str, str] = {}
        self._news = asyncio.Event()
        self._lost = False
        self._publishing = asyncio.Lock()
        self._listener: Any = None
        self._publisher: Any = None

    async def connect(self) -> None:
        self._listener = await db.pool.connect(self.dsn, application="ordergraph bus", statement_seconds=5)
        self._listener.add_termination_listener(self._terminated)
        self._publisher = await db.pool.connect(self.dsn, application="ordergraph bus", statement_seconds=5)

    async def disconnect(self) -> None:
        for connection in (self._listener, self._publisher):
            if connection is not None:
                with contextlib.suppress(OSError, TimeoutError, *DatabaseError):
                    await connection.close(timeout=1)

    async def subscribe(self, channel: str) -> None:
        await self._listener.add_listener(channel, self._heard)

    async def unsubscribe(self, channel: str) -> None:
        await self._listener.remove_listener(channel, self._heard)

    async def publish(self, channel: str, message: str) -> None:
        async with self._publishing:
            await self._publisher.execute("SELECT pg_notify($1, $2)", channel, message)

    async def next_published(self) -> Event:
        while not self._waiting:
            if self._lost:
                raise ConnectionError("The connection that listens was lost.")
            await self._news.wait()
            self._news.clear()
        channel = next(iter(self._waiting))
        return Event(channel, self._waiting.pop(channel))

    def _heard(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        # An empty message is the call itself: nothing that comes after it may hide it while it is unread.
        if self._waiting.get(channel) != "":
            self._waiting[channel] = str(payload)
        self._news.set()

    def _terminated(self, _connection: object) -> None:
        self._lost = True
        self._news.set()
