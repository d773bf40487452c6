"""One entry of the event log as it travels through a process: its place, and what it can be found by."""

import uuid
from dataclasses import dataclass
from typing import Any

import db.commands.revocations
from domain.revocation import Revocation

Topic = tuple[str, str]

# Bytes of an event without its texts: its numbers, its two ids and the object itself.
BARE = 500
EVERYTHING: Topic = ("all", "")
ORDERS: Topic = ("orders", "")


@dataclass(frozen=True, slots=True)
class Event:
    """`journal_id` leads to the whole story; the rest is what decides whom it concerns."""

    position: int
    journal_id: int
    entity: str
    entity_id: uuid.UUID
    order_id: uuid.UUID | None
    customer_id: str | None
    sku: str | None = None
    revocation: Revocation | None = None

    @classmethod
    def of(cls, row: Any) -> "Event":
        """From a row of db.stream.READ."""
        names = ("pos", "journal_id", "entity", "entity_id", "order_id", "customer_id", "sku")
        fields = [row[name] for name in names]
        fields.append(db.commands.revocations.of_row(row) if row["kind"] is not None else None)
        return cls(*fields)

    @property
    def weight(self) -> int:
        """About how many bytes of memory it takes."""
        return BARE + len(self.customer_id or "") + len(self.sku or "")

    def topics(self) -> tuple[Topic, ...]:
        """Everything a subscriber may have asked for that this event belongs to."""
        found: list[Topic] = [EVERYTHING, ("entity", self.entity), ("id", str(self.entity_id))]
        if self.order_id is not None:
            found += [ORDERS, ("order", str(self.order_id))]
        if self.customer_id is not None:
            found.append(("customer", self.customer_id))
        if self.sku is not None:
            found.append(("sku", self.sku))
        return tuple(found)
