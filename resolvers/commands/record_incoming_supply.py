"""`recordIncomingSupply`: units on their way to a location, as their source knows it now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from db.commands import facts, journal, stock
from db.pool import Connection
from events.inbox import Applied, Event, Outcome
from resolvers.commands import fields
from resolvers.commands.command import origin, said
from resolvers.commands.stock_levels import StockCommand


@dataclass(frozen=True, slots=True)
class RecordIncomingSupply(StockCommand):
    async def find(self, connection: Connection, event: Event) -> Mapping[str, Any]:
        return {}

    async def apply(self, connection: Connection, event: Event) -> Applied:
        body = event.body
        reference, quantity = fields.word(body, "reference"), fields.positive(body, "quantity")
        received = fields.count(body, "received")
        expected_at, closed_at = fields.instant(body, "expectedAt"), fields.instant(body, "closedAt")
        item_id, location_id = await self.place(connection, body)
        ref = f"{body['location']}/{reference}"
        version = await facts.told(connection, item_id, "SUPPLY", event.source, ref)
        told = {"quantity": quantity, "received": received, "version": version + 1}
        if not await facts.say(connection, item_id, "SUPPLY", ref, said(event), told):
            return Applied(Outcome.STALE)
        values = (item_id, location_id, quantity, received, expected_at, event.source, reference, closed_at)
        supply_id = await stock.supply(connection, *values)
        data = {"sku": body["sku"], "location": body["location"], "quantity": quantity, "received": received}
        entry = journal.Entry("SUPPLY_UPDATED", "SUPPLY", supply_id, ["quantity", "received", "expectedAt"], data)
        await journal.write(connection, entry, origin(event), version=version + 1)
        return Applied(Outcome.APPLIED, {"incomingSupply": supply_id})
