"""`recordReturnEvents`: what is announced to come back, what has arrived, and how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from db.commands import facts, journal, orders, parcels
from db.pool import Connection
from domain.status import ReturnStatus
from events.inbox import Applied, Event, Outcome
from resolvers.commands import command, fields, references
from resolvers.commands.fields import Body
from resolvers.commands.reached import rank_of
from resolvers.commands.settling import settle

RANKS = {status: rank for rank, status in enumerate(ReturnStatus)}
DONE = (ReturnStatus.RECEIVED, ReturnStatus.INSPECTED, ReturnStatus.CLOSED)


@dataclass(frozen=True, slots=True)
class RecordReturnEvents(command.OrderCommand):
    """Each event tells the whole of one return, found by its number whichever source speaks of it."""

    async def apply(self, connection: Connection, event: Event) -> Applied:
        body = event.body
        number, told = fields.word(body, "returnNumber"), return_of(body)
        values = [fields.instant(body, name) for name in ("requestedAt", "approvedAt", "receivedAt", "closedAt")]
        order_id = await references.locked(connection, body)
        before = await orders.state(connection, order_id)
        lines = [
            (
                references.needed_line(before["lines"], line["line"]),
                order_id,
                line["quantity"],
                line["received"],
                line["reason"],
                line["disposition"],
            )
            for line in told["lines"]
        ]
        said = command.said(event, RANKS[ReturnStatus(body["status"])])
        newest = await facts.say(connection, order_id, "RETURN", number, said, told)
        entry = command.stale_entry(event.kind, order_id)
        if newest and self._speaks(before, number, event.source):
            row = [body["status"], body.get("resolution"), fields.text(body, "trackingNumber"), event.source, *values]
            return_id = await parcels.write_return(connection, order_id, number, *row)
            await parcels.write_return_lines(connection, return_id, lines)
            data = {"number": number, "status": body["status"], "resolution": body.get("resolution")}
            entry = journal.Entry("RETURN_UPDATED", "RETURN", return_id, ["returns"], data)
        await settle(connection, before, order_id, entry, command.origin(event), precedence=self.precedence)
        return Applied(Outcome.APPLIED if newest else Outcome.STALE, {"order": order_id})

    def _speaks(self, before: Mapping[str, Any], number: str, source: str) -> bool:
        """Whether no better source has spoken of this return."""
        others = [fact["source"] for fact in before["facts"] if fact["kind"] == "RETURN" and fact["ref"] == number]
        return all(rank_of(source, self.precedence) <= rank_of(other, self.precedence) for other in others)


def return_of(body: Body) -> dict[str, Any]:
    fields.no_twice((fields.word(line, "line") for line in body["lines"]), "lines")
    return {"lines": [_line(line, ReturnStatus(body["status"]), body["lines"]) for line in body["lines"]]}


def _line(line: Body, status: ReturnStatus, lines: Sequence[Body]) -> dict[str, Any]:
    """A return that is received as a whole needs no counts; one that gives any is believed."""
    quantity, received = fields.positive(line, "quantity"), fields.count(line, "received", None)
    fields.at_most("received", received, quantity, "quantity")
    silent = all(other.get("received") is None for other in lines)
    return {
        "line": line["line"],
        "quantity": quantity,
        "received": received if received is not None else quantity if silent and status in DONE else 0,
        "reason": line.get("reason") or "UNKNOWN",
        "disposition": line.get("disposition"),
    }
