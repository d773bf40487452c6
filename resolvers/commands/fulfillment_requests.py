"""`requestFulfillment` and `cancelFulfillment`: what an outside system is to do, written down for who asks it."""

import collections
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

import db.connector_commands
from db.commands import orders, transactions
from db.pool import Connection, Record
from domain.actor import Actor, RowScope
from domain.command import CommandKind
from domain.errors import Conflict, NotFound, Unavailable
from domain.status import FulfillmentStatus
from events import story
from events.inbox import Waits
from resolvers.batches import MAX_BATCH, as_uuid
from resolvers.commands import fields, references
from resolvers.commands.fields import BadField, Body
from resolvers.idempotency import LONGEST_KEY, KeyReused
from resolvers.sources import CommandContext

NO_ORDER: Final = "There is no such order, or it is not yours to see. Name it by its id, or by channel and number."
NO_WORK: Final = "There is no such work order, or it is not yours to see. Take the id from Order.fulfillments."
# Nobody has been asked to do these.
UNASKED: Final = frozenset({FulfillmentStatus.OPEN, FulfillmentStatus.SCHEDULED})
OVER: Final = frozenset(
    {
        FulfillmentStatus.REJECTED,
        FulfillmentStatus.COMPLETED,
        FulfillmentStatus.INCOMPLETE,
        FulfillmentStatus.CANCELLED,
    }
)
NOTHING_DONE: Final = frozenset({FulfillmentStatus.REJECTED, FulfillmentStatus.CANCELLED})
OPEN_STAGES: Final = ("created", "preordered", "backordered", "allocated")


@dataclass(frozen=True, slots=True)
class Desk:
    """The systems that take requests, each with the codes of its locations as the connectors' file lists them."""

    locations: Mapping[str, frozenset[str]]

    def system(self, location: str, connector: str | None) -> str:
        """The one to be asked."""
        if connector is not None:
            if connector not in self.locations:
                raise BadField(f"{connector} takes no requests. Those that do: {self._names()}.", "connector")
            return connector
        found = [name for name, codes in self.locations.items() if location in codes]
        if len(found) != 1:
            which = "Several systems work" if found else "No system is known to work"
            raise BadField(f"{which} at {location}. Name one as connector: {self._names()}.", "connector")
        return found[0]

    def _names(self) -> str:
        return ", ".join(sorted(self.locations)) or "none"


def connected(context: CommandContext, _keyed: bool) -> None:
    if context.desk is None:
        raise Unavailable("No outside system is connected here: ORDERGRAPH_CONNECTORS_FILE names none.")


def check(context: CommandContext, keyed: bool) -> None:
    connected(context, keyed)
    key = context.arguments["key"]
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise BadField(f"key has {len(key)} characters or unprintable ones; use 1 to {LONGEST_KEY}.", "key")


async def request(context: CommandContext) -> Mapping[str, Any]:
    given, desk = context.arguments, context.desk
    assert desk is not None, "checked before"
    location = fields.word(given, "location")
    instance = desk.system(location, given["connector"])
    wanted = lines_of(given["lines"])
    service = fields.text(given, "service", fields.LONGEST)

    async def work(connection: Connection) -> Record:
        order_id, state = await seen(connection, context.actor, {"order": given["order"]})
        lines = found_lines(state["lines"], wanted)
        payload = {"location": location, "service": service, "lines": lines}
        known = await again(connection, given["key"], CommandKind.REQUEST_FULFILLMENT, order_id, payload)
        if known is not None and (given["connector"] is None or known["instance"] == instance):
            return known
        if known is not None:
            raise reused()
        await allowed(connection, order_id, state, lines)
        return await written(connection, context, instance, CommandKind.REQUEST_FULFILLMENT, order_id, payload)

    return shown(await transactions.run(context.inbox.pool, work))


async def cancel(context: CommandContext) -> Mapping[str, Any]:
    given, desk = context.arguments, context.desk
    assert desk is not None, "checked before"
    work_id = as_uuid(given["id"])

    async def work(connection: Connection) -> Record:
        row = await db.connector_commands.work(connection, work_id) if work_id is not None else None
        if row is None:
            raise NotFound(NO_WORK)
        try:
            order_id, _ = await seen(connection, context.actor, {"order": {"id": str(row["order_id"])}})
        except NotFound:
            raise NotFound(NO_WORK) from None
        payload = {"fulfillmentId": row["source_fulfillment_id"]}
        known = await again(connection, given["key"], CommandKind.CANCEL_FULFILLMENT, order_id, payload)
        if known is not None:
            return known
        if row["source"] not in desk.locations or row["source_fulfillment_id"] is None:
            raise Conflict("The system that does this work takes no cancellations from here. Ask the location.")
        # Read again: the order is locked by now.
        row = await db.connector_commands.work(connection, work_id) if work_id is not None else None
        if row is None or row["status"] in OVER:
            raise Conflict("This work is over already: there is nothing to cancel.")
        return await written(connection, context, row["source"], CommandKind.CANCEL_FULFILLMENT, order_id, payload)

    return shown(await transactions.run(context.inbox.pool, work))


async def seen(connection: Connection, actor: Actor, body: Body) -> tuple[uuid.UUID, Mapping[str, Any]]:
    """The order, locked, and its state. Raises NotFound also for an order that the actor does not see."""
    try:
        order_id = await references.locked(connection, body)
        channel, _ = await orders.name(connection, order_id) or ("", "")
    except (NotFound, Waits):
        raise NotFound(NO_ORDER) from None
    state = await orders.state(connection, order_id)
    rows = actor.order_rows
    own = rows is RowScope.ALL or (rows is RowScope.OWN_SOURCE and state["order"]["source"] == actor.source)
    if not own or not actor.sees_channel(channel):
        raise NotFound(NO_ORDER)
    return order_id, state


def lines_of(given: Sequence[Body]) -> Mapping[str, int]:
    if not 1 <= len(given) <= MAX_BATCH:
        raise BadField(f"A request has 1 to {MAX_BATCH} lines, this one {len(given)}.", "lines")
    fields.no_twice((fields.word(line, "line") for line in given), "lines")
    return {line["line"]: fields.positive(line, "quantity") for line in given}


def found_lines(lines: Sequence[Mapping[str, Any]], wanted: Mapping[str, int]) -> list[dict[str, Any]]:
    """As they are written down; `line` is what the system that took the order calls it."""
    found = []
    for ref, quantity in wanted.items():
        line_id = references.line_of(lines, ref)
        if line_id is None:
            raise BadField(f"The order has no line {ref}.", "lines")
        line = next(one for one in lines if one["id"] == str(line_id))
        ours = line["source_line_id"] or line["sku"]
        found.append({"id": str(line_id), "line": ours, "sku": line["sku"], "quantity": quantity})
    fields.no_twice((line["id"] for line in found), "lines")
    return found


async def again(
    connection: Connection, key: str, kind: CommandKind, order_id: uuid.UUID, payload: Mapping[str, Any]
) -> Record | None:
    """What was written under this key; raises KeyReused when it was something else."""
    known = await db.connector_commands.by_key(connection, key)
    if known is None:
        return None
    if (known["kind"], known["order_id"], orjson.loads(known["payload"])) != (kind, order_id, payload):
        raise reused()
    return known


def reused() -> KeyReused:
    return KeyReused("This key came before with another request. Give each request a key of its own.")


async def allowed(
    connection: Connection, order_id: uuid.UUID, state: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]
) -> None:
    """Raises Conflict unless the order is to be worked on and all units are still free."""
    order = state["order"]
    if order["cancelled_at"] is not None or order["accepted_at"] is None:
        word = "cancelled" if order["cancelled_at"] is not None else "not accepted yet"
        raise Conflict(f"The order is {word}, so nobody can be asked to work on it.")
    if await db.connector_commands.held(connection, order_id, [uuid.UUID(line["id"]) for line in lines]):
        raise Conflict("The order is on hold. Release it first.")
    free = free_units(state, await db.connector_commands.asked(connection, order_id))
    for line in lines:
        if line["quantity"] > free[line["id"]]:
            raise Conflict(
                f"Of {line['sku']} {max(0, free[line['id']])} units are free, {line['quantity']} are asked for: others "
                "are at work already, asked for, shipped or cancelled."
            )


def free_units(state: Mapping[str, Any], asked: Mapping[uuid.UUID, int]) -> dict[str, int]:
    """Units by line that nobody works on and nobody was asked for."""
    taken: collections.Counter[str] = collections.Counter()
    for one in state["work"]:
        if one["status"] not in UNASKED | NOTHING_DONE:
            taken[one["line_id"]] += one["quantity"]
    loose = {one["id"] for one in state["shipments"] if one["fulfillment_id"] is None and one["status"] != "CANCELLED"}
    for one in state["parcels"]:
        if one["shipment_id"] in loose:
            taken[one["line_id"]] += one["quantity"]
    found = {}
    for line in state["lines"]:
        left = line["quantity"] - line["cancelled"] - taken[line["id"]]
        untouched = sum(line[stage] for stage in OPEN_STAGES)
        found[line["id"]] = min(left, untouched) - asked.get(uuid.UUID(line["id"]), 0)
    return found


async def written(
    connection: Connection,
    context: CommandContext,
    instance: str,
    kind: CommandKind,
    order_id: uuid.UUID,
    payload: Mapping[str, Any],
) -> Record:
    by = f"{context.actor.role}:{context.actor.subject}"
    made = await db.connector_commands.write(
        connection, context.arguments["key"], instance, kind.value, order_id, payload, by
    )
    if made is None:
        raise reused()
    await story.tell(connection, made, "MADE", by, context.now)
    return made


def shown(row: Record) -> Mapping[str, Any]:
    return {
        "id": str(row["id"]),
        "key": row["key"],
        "kind": row["kind"],
        "connector": row["instance"],
        "state": row["state"],
        "fulfillmentId": row["fulfillment_id"],
        "refused": row["refused"],
        "error": row["error"],
        "attempts": row["attempts"],
        "createdAt": row["created_at"],
        "order": row["order_id"],
    }
