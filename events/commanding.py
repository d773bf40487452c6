"""Asks outside systems to do what was written down for them; what they make of it comes back through the inbox.

The intent is in the store before the call, and the call carries the intent's id as its key: after a crash, or an answer
that was lost, the same is asked under the same key, and the system knows it.
"""

import asyncio
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
import structlog

import db.connector_commands
from connectors.base import Capability, FulfillmentAnswer, FulfillmentRequest, RequestedLine
from connectors.errors import BadPayload, BreakerOpen, ConnectorError, NotAsked, RateLimited, Unreachable
from db.commands import transactions
from db.pool import Connection, Pool, Record
from domain.command import CommandKind
from domain.errors import OrdergraphError
from domain.records import OrderRef
from events import story
from events.batch import side_by_side
from events.intake import ACTOR, Intake, utc_now
from events.pulling import Calls

log = structlog.get_logger(__name__)

# With pauses of two seconds to an hour about two and a half hours.
TRIES: Final = 12
LOOKS: Final = 8
# All that are claimed are begun at once, so that no lease runs out in a queue.
AT_ONCE: Final = 4
CALL_SECONDS: Final = 120.0
IDLE_SECONDS: Final = 2.0
RECIPIENT: Final[Mapping[str, str]] = {
    "name": "ship_name",
    "line1": "ship_line1",
    "line2": "ship_line2",
    "city": "ship_city",
    "region": "ship_region",
    "postal_code": "ship_postal_code",
    "country": "ship_country",
    "email": "customer_email",
    "phone": "customer_phone",
}


class Commanding:
    """Works on the commands of `instances`; any number of processes may, each command has one owner at a time."""

    def __init__(self, pool: Pool, intake: Intake, calls: Calls, instances: Sequence[str]) -> None:
        self.pool = pool
        self.intake = intake
        self.calls = calls
        self.instances = instances

    async def run(self) -> None:
        """Until cancelled. Each instance has a loop of its own, so a slow one delays no other."""
        async with asyncio.TaskGroup() as tasks:
            for instance in self.instances:
                tasks.create_task(self._keep_on(instance))

    async def _keep_on(self, instance: str) -> None:
        while True:
            full = False
            try:
                full = await self.round(instance) == AT_ONCE
            except Exception as error:
                log.warning("commands not worked on", instance=instance, error=type(error).__name__)
            if not full:
                await asyncio.sleep(IDLE_SECONDS)

    async def round(self, instance: str) -> int:
        """Works on some of what is due; how many that were."""
        owner = uuid.uuid4()
        rows = await db.connector_commands.claim(self.pool, instance, AT_ONCE, owner)
        await side_by_side(rows, lambda row: row["id"], lambda row: self._work(instance, owner, row), AT_ONCE)
        return len(rows)

    async def _work(self, instance: str, owner: uuid.UUID, row: Record) -> None:
        """Raises nothing: what goes wrong with one command must not end the calls of the others."""
        try:
            fulfillment_id = row["fulfillment_id"]
            if row["answered_at"] is None:
                fulfillment_id = await self._ask(instance, owner, row)
            if fulfillment_id is not None:
                await self._look(instance, owner, row, fulfillment_id)
        except Exception as error:
            # Its lease ends, and it is taken up again.
            log.warning("command not settled", instance=instance, command=str(row["id"]), error=type(error).__name__)

    async def _ask(self, instance: str, owner: uuid.UUID, row: Record) -> str | None:
        """The system's id of the work order; None when it is refused, has failed, or is somebody else's by now."""
        try:
            answer = await self._answer(instance, owner, row)
        except Exception as error:
            await self._failed(instance, owner, row, error)
            return None
        if answer is None:
            return None
        if answer.refused is not None:
            await self._refuse(instance, owner, row, answer.refused, answer.fulfillment_id)
            return answer.fulfillment_id if row["kind"] == CommandKind.CANCEL_FULFILLMENT else None
        assert answer.fulfillment_id is not None, "checked when it came"
        known = await db.connector_commands.answer(self.pool, row["id"], owner, answer.fulfillment_id)
        return answer.fulfillment_id if known else None

    async def _answer(self, instance: str, owner: uuid.UUID, row: Record) -> FulfillmentAnswer | None:
        payload = orjson.loads(row["payload"])
        if row["kind"] == CommandKind.CANCEL_FULFILLMENT:
            ident, key = payload["fulfillmentId"], str(row["id"])
            if not await db.connector_commands.send(self.pool, row["id"], owner):
                return None
            return _checked(await self._call(instance, lambda connector: connector.cancel_fulfillment(ident, key)))
        lines = [uuid.UUID(line["id"]) for line in payload["lines"]]
        order = await db.connector_commands.order(self.pool, row["order_id"], lines)
        if order is None:
            return None
        if row["sent_at"] is None and order["stopped"] is not None:
            await self._refuse(instance, owner, row, order["stopped"], None)
            return None
        request = request_of(row["id"], payload, order)
        if not await db.connector_commands.send(self.pool, row["id"], owner):
            return None
        return _checked(await self._call(instance, lambda connector: connector.request_fulfillment(request)))

    async def _look(self, instance: str, owner: uuid.UUID, row: Record, fulfillment_id: str) -> None:
        """What the system says of the work order now; when it does not say, the next pull brings it."""
        try:
            found = await self._call(instance, lambda connector: connector.look_up_fulfillments([fulfillment_id]))
            await self.intake.take(instance, [record for records in found for record in records])
        except Exception as error:
            if row["looks"] < LOOKS:
                await db.connector_commands.fail(
                    self.pool, row["id"], owner, _why(error), dead=False, wait=_asked_wait(error)
                )
            else:
                await db.connector_commands.finish(self.pool, row["id"], owner, _why(error))
        else:
            await db.connector_commands.finish(self.pool, row["id"], owner)

    async def _call(self, instance: str, work: Any) -> Any:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await self.calls.call(instance, Capability.FULFILLMENT_REQUESTS, work)
        except TimeoutError:
            raise Unreachable(f"{instance} did not answer within {CALL_SECONDS:g} s.") from None

    async def _failed(self, instance: str, owner: uuid.UUID, row: Record, error: Exception) -> None:
        lasting = isinstance(error, ConnectorError) and not (error.retryable or isinstance(error, NotAsked))
        dead = lasting or row["attempts"] >= TRIES
        why = _why(error)
        log.warning("command failed", instance=instance, command=str(row["id"]), kind=row["kind"], why=why, dead=dead)

        async def work(connection: Connection) -> None:
            await db.connector_commands.lock_order(connection, row["order_id"])
            failed = await db.connector_commands.fail(
                connection, row["id"], owner, why, dead=dead, wait=_asked_wait(error)
            )
            if failed is not None and dead:
                await story.tell(connection, failed, "FAILED", _actor(instance), utc_now(), error=why.partition(":")[0])

        await transactions.run(self.pool, work)

    async def _refuse(self, instance: str, owner: uuid.UUID, row: Record, why: str, fulfillment_id: str | None) -> None:
        async def work(connection: Connection) -> None:
            await db.connector_commands.lock_order(connection, row["order_id"])
            refused = await db.connector_commands.refuse(connection, row["id"], owner, why, fulfillment_id)
            if refused is not None:
                await story.tell(connection, refused, "REFUSED", _actor(instance), utc_now(), refused=why)

        await transactions.run(self.pool, work)


def _actor(instance: str) -> str:
    return f"{ACTOR}:{instance}"


def request_of(command: uuid.UUID, payload: Mapping[str, Any], order: Record) -> FulfillmentRequest:
    """What the connector is given; the address is that of the order as it is now."""
    to = {name: order[column] for name, column in RECIPIENT.items() if order[column]}
    if "name" not in to and order["customer_name"]:
        to["name"] = order["customer_name"]
    return FulfillmentRequest(
        key=str(command),
        order=OrderRef(order["channel"], order["number"]),
        location=payload["location"],
        lines=tuple(RequestedLine(line["line"], line["sku"], line["quantity"]) for line in payload["lines"]),
        service=payload["service"],
        recipient=to,
    )


def _checked(answer: FulfillmentAnswer) -> FulfillmentAnswer:
    if answer.refused is None and answer.fulfillment_id is None:
        raise BadPayload("The system took the request and gave no id of the work order.", "fulfillment_id")
    return answer


def _why(error: Exception) -> str:
    """An OrdergraphError is for people; anything else may quote what it stumbled over."""
    return f"{error.code}: {error.message}" if isinstance(error, OrdergraphError) else type(error).__name__


def _asked_wait(error: Exception) -> dt.timedelta:
    asked = error.retry_after if isinstance(error, (RateLimited, BreakerOpen)) else None
    # A system that names a week would be a system that is broken.
    return dt.timedelta(seconds=min(asked or 0.0, 3600.0))
