"""What a command is given, and the order of work that all commands on an order share."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from db.commands import facts, journal
from db.pool import Connection
from domain.precedence import Precedence
from events.inbox import Event
from resolvers.commands import fields, references


@dataclass(frozen=True, slots=True)
class OrderCommand:
    """Commands whose items speak of one order."""

    precedence: Precedence = field(default=Precedence())
    opens = False

    async def locate(self, connection: Connection, event: Event) -> str:
        return await references.locate(connection, event.body)

    async def find(self, connection: Connection, event: Event) -> Mapping[str, Any]:
        return await references.entities(connection, event.body)


def origin(event: Event) -> journal.Origin:
    return journal.Origin(event.actor, event.source, event.event_id, event.occurred_at)


def said(event: Event, rank: int = 0) -> facts.Said:
    version: int = fields.count(event.body, "sourceVersion")
    return facts.Said(event.source, event.event_id, event.occurred_at, version, rank)


def stale_entry(kind: str, order_id: uuid.UUID) -> journal.Entry:
    """What is older than what we know is part of the story, and changes nothing."""
    return journal.Entry("STALE_EVENT_RECORDED", "ORDER", order_id, (), {"kind": kind, "stale": True})
