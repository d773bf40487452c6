"""How many units are on hand, by all that was told: the count that wins, and every change after it.

Both are kept, so the order in which counts and changes arrive does not matter. What stood there before this ledger was
kept, or came by an import, is a count of its source.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from db.commands import counts
from db.commands.counts import Place
from db.pool import Connection
from domain.precedence import Claim, Precedence, winner
from events.inbox import Event


@dataclass(frozen=True, slots=True)
class Ledger:
    """Of one item at one location. `newest` are counts by system."""

    connection: Connection
    place: Place
    newest: Mapping[str, tuple[int, datetime.datetime, str]]
    precedence: Precedence

    @classmethod
    async def of(cls, connection: Connection, place: Place, was: Mapping[str, Any], precedence: Precedence) -> "Ledger":
        rows = await counts.all_of(connection, place)
        newest = {row["system"]: (row["on_hand"], row["counted_at"], row["event_id"]) for row in rows}
        if not newest and was["counted_at"] is not None and not await counts.ever_changed(connection, place):
            newest[was["source"]] = (was["on_hand"], was["counted_at"], "")
            await counts.count(connection, place, was["source"], *newest[was["source"]])
            await counts.let_win(connection, place, was["source"])
        return cls(connection, place, newest, precedence)

    def best(self) -> Claim | None:
        claims = [Claim(system, on_hand, at) for system, (on_hand, at, _) in self.newest.items()]
        return winner(claims, self.precedence.stock)

    def old(self, event: Event) -> bool:
        """Whether its source has counted again since."""
        known = self.newest.get(event.source)
        return known is not None and (event.occurred_at, event.event_id) < known[1:]

    async def count(self, event: Event, on_hand: int) -> "Ledger":
        told = (on_hand, event.occurred_at, event.event_id)
        await counts.count(self.connection, self.place, event.source, *told)
        after = Ledger(self.connection, self.place, {**self.newest, event.source: told}, self.precedence)
        best = after.best()
        assert best is not None, "one was just made"
        await counts.let_win(self.connection, self.place, best.system)
        await counts.forget(self.connection, self.place)
        return after

    async def change(self, event: Event, delta: int, occurred_at: datetime.datetime) -> None:
        await counts.change(self.connection, self.place, event.source, event.event_id, delta, occurred_at)

    async def on_hand(self) -> int:
        """Below zero where more went than was counted."""
        best = self.best()
        moved = await counts.changed_since(self.connection, self.place, best.told_at if best else None)
        counted = 0 if best is None else self.newest[best.system][0]
        return counted + moved
