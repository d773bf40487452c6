"""The relay: moves committed changes from the outbox to the event log.

Any number of processes may run one; a session lock makes one of them work, and the transaction lock in `db.stream.move`
keeps positions right even if two believe they are that one. When the working one dies its lock goes with its
connection, and another takes over within `STANDBY_SECONDS`.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

import db.pool
import db.stream

log = structlog.get_logger(__name__)

BATCH = 2000
IDLE_SECONDS = 0.05
STANDBY_SECONDS = 1.0
RETRY_SECONDS = 1.0
LEADER_LOCK = db.stream.RELAY_LOCK + 1


class Relay:
    """Runs until cancelled. `moved` counts events moved by this process, `position` is the newest one it stamped.

    PostgreSQL's own bus is called within the move; `announce` calls another bus, after the commit.
    """

    def __init__(self, dsn: str, announce: Callable[[], Awaitable[None]] | None = None) -> None:
        self.dsn = dsn
        self.announce = announce
        self.moved = 0
        self.position = 0
        self.leading = False
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was committed in this process: look at once instead of at the next poll."""
        self._woken.set()

    async def run(self) -> None:
        """Survives everything that a database may do to its connection."""
        while True:
            try:
                await self.session()
            except (OSError, TimeoutError, *db.pool.DatabaseError) as error:
                log.warning("relay lost its connection", error=type(error).__name__)
            self.leading = False
            await asyncio.sleep(RETRY_SECONDS)

    async def session(self) -> None:
        connection = await db.pool.connect(self.dsn, application="ordergraph relay", statement_seconds=30)
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):  # noqa: ASYNC110  # the lock is another process's
                await asyncio.sleep(STANDBY_SECONDS)
            self.leading = True
            while True:
                if not await db.stream.waiting(connection):
                    await self.pause()
                    continue
                moved, position = await db.stream.move(connection, BATCH)
                self.moved += moved
                self.position = max(self.position, position)
                if moved and self.announce is not None:
                    await self.announce()
                if moved < BATCH:
                    await self.pause()
        finally:
            with contextlib.suppress(OSError, TimeoutError, *db.pool.DatabaseError):
                await connection.close(timeout=1)

    async def pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), IDLE_SECONDS)
        self._woken.clear()
