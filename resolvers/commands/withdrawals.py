"""A request to an outside system that was given up, or not sent yet, taken back: its units are free for others."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

import db.connector_commands
from db.commands import transactions
from db.pool import Connection, Record
from domain.command import CommandState
from domain.errors import Conflict, NotFound
from events import story
from resolvers.batches import as_uuid
from resolvers.commands.fulfillment_requests import seen, shown
from resolvers.sources import CommandContext

NO_REQUEST: Final = "There is no such request, or it is not yours to see. Take the id from Order.requests."
# Stands as the reason of the refusal, among those of systems.
WITHDRAWN: Final = "WITHDRAWN"


async def withdraw(context: CommandContext) -> Mapping[str, Any]:
    """Raises Conflict for one that is being asked, was answered, or may be known there."""
    command_id, not_there = as_uuid(context.arguments["id"]), context.arguments["notThere"]

    async def work(connection: Connection) -> Record:
        known = await _known(connection, context, command_id)
        if known["refused"] == WITHDRAWN:
            return known
        allowed(known, not_there=not_there)
        row = await db.connector_commands.withdraw(connection, known["id"], WITHDRAWN)
        by = f"{context.actor.role}:{context.actor.subject}"
        await story.tell(connection, row, "WITHDRAWN", by, context.now)
        return row

    return shown(await transactions.run(context.inbox.pool, work))


async def _known(connection: Connection, context: CommandContext, command_id: uuid.UUID | None) -> Record:
    """As it is with its order locked."""
    row = await db.connector_commands.by_id(connection, command_id) if command_id is not None else None
    if row is None:
        raise NotFound(NO_REQUEST)
    try:
        await seen(connection, context.actor, {"order": {"id": str(row["order_id"])}})
    except NotFound:
        raise NotFound(NO_REQUEST) from None
    locked = await db.connector_commands.by_id(connection, row["id"], lock=True)
    assert locked is not None, "commands are never deleted while their order is there"
    return locked


def allowed(known: Record, *, not_there: bool) -> None:
    state, system = CommandState(known["state"]), known["instance"]
    if state is CommandState.DONE:
        raise Conflict(f"{system} has said yes. Ask it to stop with cancelFulfillment.")
    if state is CommandState.REFUSED:
        raise Conflict(f"{system} has refused it already: there is nothing to withdraw.")
    if state is CommandState.SENT:
        raise Conflict(f"{system} is being asked. Wait until it is DONE or DEAD.")
    if state is CommandState.DEAD and known["sent_at"] is not None and not not_there:
        raise Conflict(
            f"{system} was asked and may know of it. Look there for {known['id']}; if it is not there, say so by"
            " notThere: true."
        )
