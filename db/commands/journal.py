"""SQL of the journal: one row per change, in the transaction that makes it."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from db.pool import Connection

WRITE = """
INSERT INTO journal (entity, entity_id, order_id, version, type, changed, data, source, source_event_id, actor,
    occurred_at)
VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10, $11)
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who did it (role:subject), and from which event of which system we know."""

    actor: str
    source: str
    event_id: str
    occurred_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened, in the past tense. `data` is shown to everybody who may see the thing: no personal data."""

    type: str
    entity: str
    entity_id: uuid.UUID
    changed: Sequence[str] = ()
    data: Mapping[str, Any] | None = None


async def write(
    connection: Connection, entry: Entry, origin: Origin, *, version: int, order_id: uuid.UUID | None = None
) -> None:
    await connection.execute(
        WRITE,
        entry.entity,
        entry.entity_id,
        order_id,
        version,
        entry.type,
        list(entry.changed),
        orjson.dumps(entry.data or {}).decode(),
        origin.source,
        origin.event_id,
        origin.actor,
        origin.occurred_at,
    )
