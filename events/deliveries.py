"""What outside systems send by themselves: kept as it came, answered, and worked on after that."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Sequence
from typing import Any, Final

import structlog

import db.deliveries
from connectors.base import Capability, Delivery
from connectors.errors import BadPayload
from db.pool import Pool, Record
from domain.errors import OrdergraphError
from events.batch import side_by_side
from events.intake import Intake
from events.pulling import Calls

log = structlog.get_logger(__name__)

# Seven hours, with an hour at most between two: outages and changes of a token last that long.
TRIES: Final = 17
BATCH: Final = 20
IDLE_SECONDS: Final = 2.0
FORGET_SECONDS: Final = 3600.0


class Deliveries:
    """Keeps deliveries and works on them; any number of processes may. `raw_days`: how long bodies are kept."""

    def __init__(self, pool: Pool, intake: Intake, calls: Calls, instances: Sequence[str], raw_days: float = 7) -> None:
        self.pool = pool
        self.intake = intake
        self.calls = calls
        self.raw_days = raw_days
        self._woken = {instance: asyncio.Event() for instance in instances}
        self._forgotten_at = float("-inf")

    async def keep(self, instance: str, delivery: Delivery, body: bytes) -> bool:
        """Durable when this returns; False when it came before, and then nothing is done about it.

        Under a known id another body is other news: a system that uses its ids again must not lose them here.
        """
        told = delivery.topic, delivery.sent_at, body
        new = await db.deliveries.keep(self.pool, instance, delivery.id, *told)
        if not new and not await db.deliveries.repeated(self.pool, instance, delivery.id, body):
            log.warning("delivery id came with another body", instance=instance, delivery=delivery.id)
            own = f"{delivery.id}#{hashlib.sha256(body).hexdigest()[:16]}"
            new = await db.deliveries.keep(self.pool, instance, own, *told)
        if new and instance in self._woken:
            self._woken[instance].set()
        return new

    async def run(self) -> None:
        """Until cancelled. Each instance has a loop of its own, so a slow one delays no other."""
        async with asyncio.TaskGroup() as tasks:
            for instance in self._woken:
                tasks.create_task(self._keep_on(instance))

    async def _keep_on(self, instance: str) -> None:
        woken = self._woken[instance]
        while True:
            woken.clear()
            full = False
            try:
                full = await self.round(instance) == BATCH
                await self._forget()
            except Exception as error:
                log.warning("deliveries not worked on", instance=instance, error=type(error).__name__)
            if not full:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), IDLE_SECONDS)

    async def round(self, instance: str) -> int:
        """Works on what is due; how many that were."""
        rows = await db.deliveries.claim(self.pool, instance, BATCH)
        await side_by_side(rows, lambda row: row["delivery_id"], lambda row: self._work(instance, row))
        return len(rows)

    async def _work(self, instance: str, row: Record) -> None:
        delivery, body = Delivery(row["delivery_id"], row["topic"], row["sent_at"]), row["body"]

        async def ask(connector: Any) -> Any:
            return await connector.records_of(delivery, body)

        try:
            records = await self.calls.call(instance, Capability.WEBHOOKS, ask)
            taken = await self.intake.take(instance, records)
            for one in taken.unread:
                raise one.error
        except Exception as error:
            # An OrdergraphError is for people; anything else may quote what it stumbled over.
            why = f"{error.code}: {error.message}" if isinstance(error, OrdergraphError) else type(error).__name__
            dead = isinstance(error, BadPayload) or row["attempts"] >= TRIES
            log.warning(
                "delivery failed", instance=instance, delivery=delivery.id, topic=delivery.topic, why=why, dead=dead
            )
            await db.deliveries.failed(self.pool, instance, delivery.id, why, dead=dead)
        else:
            await db.deliveries.done(self.pool, instance, delivery.id)

    async def _forget(self) -> None:
        if time.monotonic() - self._forgotten_at > FORGET_SECONDS:
            self._forgotten_at = time.monotonic()
            await db.deliveries.forget(self.pool, self.raw_days)
