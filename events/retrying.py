"""Tries failed events again when their time has come, and forgets what nobody may repeat any more."""

import asyncio
import time
from typing import Final

import structlog

import db.commands.inbox
from db.commands import idempotency
from db.pool import DatabaseError
from domain.errors import OrdergraphError
from events.inbox import Inbox

log = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 1.0
FORGET_SECONDS: Final = 3600.0
AT_ONCE: Final = 100


class Retrying:
    """Runs until cancelled; any number of processes may. `oldest_parked_seconds` is for alarms."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.oldest_parked_seconds = 0.0
        self._forgotten_at = float("-inf")

    async def run(self) -> None:
        while True:
            try:
                await self.round()
            except (OrdergraphError, OSError, TimeoutError, *DatabaseError) as error:
                log.warning("parked events not tried", error=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)

    async def round(self) -> None:
        await self.inbox.replay(now=False, limit=AT_ONCE)
        self.oldest_parked_seconds = await db.commands.inbox.oldest_parked_seconds(self.inbox.pool)
        if time.monotonic() - self._forgotten_at > FORGET_SECONDS:
            self._forgotten_at = time.monotonic()
            await db.commands.inbox.forget(self.inbox.pool)
            await idempotency.forget(self.inbox.pool)
