"""The relay: moves committed changes from the outbox to the event log.

Any number of processes may run one; a session lock makes one of them work, and the transaction lock in `db.stream.move`
keeps positions right even if two believe they are that one. When the working one dies its lock goes with its
connection, and another takes over within `STANDBY_SECONDS`. One that hangs, with its connection open, is put out by
whoever stands by and sees for `STALLED_SECONDS` that nothing of what waits is moved.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable

import structlog

import db.pool
import db.stream
from db.pool import Connection
from domain.errors import OrdergraphError
from events.versions import Versions

log = structlog.get_logger(__name__)

BATCH = 2000
IDLE_SECONDS = 0.05
# Where something was moved more follows soon; a little is waited, because one move of several costs less than several.
BUSY_SECONDS = 0.02
STANDBY_SECONDS = 1.0
RETRY_SECONDS = 1.0
STALLED_SECONDS = 3.0
# A move takes milliseconds; a server that says nothing for this long is gone.
STATEMENT_SECONDS = 5.0
# Versions are compared with those of this many entries before, when a process begins to move.
LOOK_BACK = 20_000
VERIFY_BATCH = 5_000
VERIFY_SECONDS = 1.0


class Relay:
    """Runs until cancelled. `moved` counts events moved by this process, `position` is the newest one it stamped.

    PostgreSQL's own bus is called within the move; `announce` calls another bus, after the commit, without waiting.
    """

    def __init__(self, dsn: str, announce: Callable[[], None] | None = None) -> None:
        self.dsn = dsn
        self.announce = announce
        self.moved = 0
        self.position = 0
        self.leading = False
        self.versions = Versions()
        self._verified = 0
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was committed in this process: look at once instead of at the next poll."""
        self._woken.set()

    async def run(self) -> None:
        """Survives everything that a database may do to its connection."""
        while True:
            try:
                await self.session()
            except (OrdergraphError, OSError, TimeoutError, *db.pool.DatabaseError) as error:
                log.warning("relay lost its connection", error=type(error).__name__)
            self.leading = False
            await asyncio.sleep(RETRY_SECONDS)

    async def session(self) -> None:
        connection = await db.pool.connect(
            self.dsn, application="ordergraph relay", statement_seconds=STATEMENT_SECONDS
        )
        try:
            await self.stand_by(connection)
            self.leading = True
            oldest, self.position = await db.stream.bounds(connection)
            self.versions.forget()
            self._verified = max(oldest, self.position - LOOK_BACK)
            verify_at = 0.0
            while True:
                moved = await self.move(connection) if await db.stream.waiting(connection) else 0
                if moved < BATCH:
                    if time.monotonic() >= verify_at:
                        await self.verify(connection)
                        verify_at = time.monotonic() + VERIFY_SECONDS
                    await self.pause(BUSY_SECONDS if moved else IDLE_SECONDS)
        finally:
            with contextlib.suppress(OSError, TimeoutError, *db.pool.DatabaseError):
                await connection.close(timeout=1)

    async def stand_by(self, connection: Connection) -> None:
        """Returns with the lock. The one that has it must move what waits, or loses it."""
        stalled_at, stalled_since = -1, time.monotonic()
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", db.stream.LEADER_LOCK):
            _, newest = await db.stream.bounds(connection)
            if newest != stalled_at or not await db.stream.waiting(connection):
                stalled_at, stalled_since = newest, time.monotonic()
            elif time.monotonic() - stalled_since > STALLED_SECONDS and await db.stream.replace_stalled(connection):
                log.error("the relay that led moved nothing and was put out", position=newest)
                continue
            await asyncio.sleep(STANDBY_SECONDS)

    async def move(self, connection: Connection) -> int:
        moved, position = await db.stream.move(connection, BATCH)
        self.moved += moved
        self.position = max(self.position, position)
        if moved and self.announce is not None:
            self.announce()
        return moved

    async def verify(self, connection: Connection) -> None:
        """Follow what was moved, when there is nothing more urgent to do."""
        while self._verified < self.position:
            until = min(self.position, self._verified + VERIFY_BATCH)
            self.versions.follow(await db.stream.versions(connection, self._verified, until))
            self._verified = until

    async def pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)
        self._woken.clear()
