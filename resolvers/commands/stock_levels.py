"""`setStockLevels`, `adjustStock`: counts of one item at one location, never below zero, never a lost update."""

import datetime
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from db.commands import journal, orders, stock
from db.pool import Connection
from domain.errors import Conflict
from domain.precedence import Precedence
from events.inbox import Applied, Event, Outcome
from resolvers.commands import fields
from resolvers.commands.command import origin
from resolvers.commands.fields import BadField, Body
from resolvers.commands.stock_ledger import Ledger

PARTS = {
    "on_hand": "onHand",
    "allocated": "allocated",
    "damaged": "damaged",
    "quality_control": "qualityControl",
    "set_aside": "setAside",
    "safety_stock": "safetyStock",
}


class StaleExpectation(Conflict):
    code = "CHANGE_FROM_QUANTITY_STALE"


class BelowZero(Conflict):
    code = "STOCK_BELOW_ZERO"


@dataclass(frozen=True, slots=True)
class StockCommand:
    precedence: Precedence = field(default=Precedence())
    opens = False

    async def locate(self, connection: Connection, event: Event) -> str:
        return f"stock:{fields.word(event.body, 'sku')}@{fields.word(event.body, 'location')}"

    async def find(self, connection: Connection, event: Event) -> Mapping[str, Any]:
        item_id, location_id = await stock.place(connection, event.body["sku"], event.body["location"])
        return {"stockLevel": (item_id, location_id)} if item_id and location_id else {}

    async def place(self, connection: Connection, body: Body) -> tuple[uuid.UUID, uuid.UUID]:
        item_id, location_id = await stock.place(connection, body["sku"], body["location"])
        if item_id is None:
            raise BadField("sku names no item of the catalogue.", "sku")
        if location_id is None:
            raise BadField("location is the code of no location.", "location")
        return item_id, location_id

    async def locked(self, connection: Connection, place: tuple[uuid.UUID, uuid.UUID], source: str) -> dict[str, Any]:
        """The row as it stands, locked; made empty when there is none."""
        row = await stock.locked(connection, *place)
        if row is None:
            await stock.make(connection, *place, source)
            row = await stock.locked(connection, *place)
        assert row is not None, "it was just made"
        return dict(row)

    async def write(
        self,
        connection: Connection,
        event: Event,
        place: tuple[uuid.UUID, uuid.UUID],
        was: Mapping[str, Any],
        now: dict[str, Any],
    ) -> Applied:
        parts = {
            name: {"from": was[column], "to": now[column]}
            for column, name in PARTS.items()
            if now[column] != was[column]
        }
        new = was["counted_at"] is None
        if new:
            # There was nothing to have a version.
            now["version"] = 1
        elif not parts and now["counted_at"] == was["counted_at"]:
            return Applied(Outcome.UNCHANGED, {"stockLevel": place})
        else:
            now["version"] = was["version"] + 1
        await stock.write(connection, *place, now)
        data = {"sku": event.body["sku"], "location": event.body["location"], **parts}
        if fields.text(event.body, "reason"):
            data["reason"] = event.body["reason"]
        entry = journal.Entry(
            "STOCK_ADJUSTED" if "delta" in event.body else "STOCK_COUNTED", "STOCK", place[0], sorted(parts), data
        )
        await journal.write(connection, entry, origin(event), version=now["version"])
        return Applied(Outcome.APPLIED, {"stockLevel": place})


@dataclass(frozen=True, slots=True)
class SetStockLevels(StockCommand):
    """Absolute counts. One older than the last of its source says nothing of now; one of a source that is trusted less
    than another who counted is kept, and not shown."""

    async def apply(self, connection: Connection, event: Event) -> Applied:
        body = event.body
        given = {column: fields.count(body, name, None) for column, name in PARTS.items()}
        if title := fields.text(body, "title"):
            await orders.make_items(connection, [(body["sku"], title)])
        place = await self.place(connection, body)
        was = await self.locked(connection, place, event.source)
        expected(body, was)
        told = {column: was[column] if value is None else value for column, value in given.items()}
        now = was | told | {"source": event.source, "counted_at": event.occurred_at}
        if given["on_hand"] is None:
            if was["counted_at"] is not None and event.occurred_at < was["counted_at"]:
                return Applied(Outcome.STALE, {"stockLevel": place})
            return await self.write(connection, event, place, was, now)
        ledger = await Ledger.of(connection, place, was, self.precedence)
        if ledger.old(event):
            return Applied(Outcome.STALE, {"stockLevel": place})
        ledger = await ledger.count(event, given["on_hand"])
        best = ledger.best()
        if best is None or best.system != event.source:
            return Applied(Outcome.STALE, {"stockLevel": place})
        return await self.write(connection, event, place, was, now | {"on_hand": shown(await ledger.on_hand())})


@dataclass(frozen=True, slots=True)
class AdjustStock(StockCommand):
    """A difference to what is on hand; the source of the last count stays its source.

    One that is older than the count is in it already. What a connector tells has happened (a sale at a till) and is
    never refused: with more gone than was counted, nothing is shown until the next count.
    """

    async def apply(self, connection: Connection, event: Event) -> Applied:
        body, delta = event.body, event.body["delta"]
        if delta == 0 or abs(delta) > fields.MOST:
            raise BadField("delta is 0 or beyond a billion units.", "delta")
        place = await self.place(connection, body)
        was = await self.locked(connection, place, event.source)
        expected(body, was)
        ledger = await Ledger.of(connection, place, was, self.precedence)
        await ledger.change(event, delta, self.happened_at(event, ledger))
        on_hand = await ledger.on_hand()
        if on_hand < 0 and delta < 0 and not happened(event):
            raise BelowZero(
                f"{was['on_hand']} units are on hand; {delta:+d} would leave less than none. Count and set the level."
            )
        if on_hand > fields.MOST:
            raise BadField("That would be more than a billion units on hand.", "delta")
        if was["counted_at"] is not None and shown(on_hand) == was["on_hand"]:
            return Applied(Outcome.STALE, {"stockLevel": place})
        now = was | {"on_hand": shown(on_hand), "counted_at": was["counted_at"] or event.occurred_at}
        return await self.write(connection, event, place, was, now)

    def happened_at(self, event: Event, ledger: Ledger) -> datetime.datetime:
        """Who says from which number it changes speaks of now, whatever its clock says."""
        best = ledger.best()
        if event.body.get("changeFromQuantity") is None or best is None:
            return event.occurred_at
        return max(event.occurred_at, best.told_at)


def happened(event: Event) -> bool:
    return event.actor.startswith("connector:")


def shown(on_hand: int) -> int:
    return max(0, on_hand)


def expected(body: Body, was: Mapping[str, Any]) -> None:
    """Compare and set: the caller's number must be ours."""
    quantity = body.get("changeFromQuantity")
    if quantity is not None and quantity != was["on_hand"]:
        raise StaleExpectation(
            f"{was['on_hand']} units are on hand, not {quantity}. Read the level again and decide anew."
        )
