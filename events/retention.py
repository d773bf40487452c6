"""Keeps the event log at its length. Any number of processes may run this; one at a time works."""

import asyncio
import datetime as dt
import random
from typing import Final

import structlog

import db.commands.revocations
import db.pool
import db.retention
from db.retention import LogStatus
from domain.errors import OrdergraphError

log = structlog.get_logger(__name__)

ROUND_SECONDS: Final = 600.0
RETRY_SECONDS: Final = 30.0
STATEMENT_SECONDS: Final = 30.0


class Retention:
    """Runs until cancelled. `status` is that of the last round, for metrics; `dropped` counts partitions."""

    def __init__(self, dsn: str, days: float) -> None:
        self.dsn = dsn
        self.days = days
        self.dropped = 0
        self.status: LogStatus | None = None

    async def run(self) -> None:
        while True:
            try:
                await self.round()
                # Not all processes at the same moment.
                await asyncio.sleep(ROUND_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311  # protects nothing
            except (OrdergraphError, OSError, TimeoutError, *db.pool.DatabaseError) as error:
                log.warning("the event log was not tended", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def round(self) -> None:
        connection = await db.pool.connect(
            self.dsn, application="ordergraph retention", statement_seconds=STATEMENT_SECONDS
        )
        try:
            cutoff = dt.datetime.now(dt.UTC) - dt.timedelta(days=self.days)
            dropped = await db.retention.tend(connection, cutoff)
            await connection.execute(db.commands.revocations.FORGET)
            self.status = await db.retention.status(connection)
        finally:
            await connection.close(timeout=1)
        self.dropped += dropped
        if dropped:
            log.info("old partitions of the event log were dropped", partitions=dropped, oldest=self.status.min_pos)

    def oldest_seconds(self) -> float:
        """Age of the oldest entry that is kept."""
        if self.status is None or self.status.oldest_at is None:
            return 0.0
        return (dt.datetime.now(dt.UTC) - self.status.oldest_at).total_seconds()
