"""SQL of facts: the newest word of each source on each thing."""

import datetime
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from db.pool import Connection

# The row comparison is events.lattice.Stamp's order; event ids compare byte by byte whatever the database's collation.
SAY = """
INSERT INTO facts (subject_id, kind, source, ref, source_version, occurred_at, rank, event_id, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb)
ON CONFLICT (subject_id, kind, source, ref) DO UPDATE SET source_version = excluded.source_version,
    occurred_at = excluded.occurred_at, rank = excluded.rank, event_id = excluded.event_id, body = excluded.body
WHERE (facts.source_version, facts.occurred_at, facts.rank, facts.event_id COLLATE "C")
    < (excluded.source_version, excluded.occurred_at, excluded.rank, excluded.event_id COLLATE "C")
RETURNING true
"""

TOLD = """
SELECT (body->>'version')::int FROM facts WHERE subject_id = $1 AND kind = $2 AND source = $3 AND ref = $4
"""

SAY_FIRST = """
INSERT INTO facts (subject_id, kind, source, ref, source_version, occurred_at, rank, event_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (subject_id, kind, source, ref) DO UPDATE SET source_version = excluded.source_version,
    occurred_at = excluded.occurred_at, rank = excluded.rank, event_id = excluded.event_id
WHERE (facts.source_version, facts.occurred_at, facts.rank, facts.event_id COLLATE "C")
    > (excluded.source_version, excluded.occurred_at, excluded.rank, excluded.event_id COLLATE "C")
RETURNING true
"""


@dataclass(frozen=True, slots=True)
class Said:
    """Which source says it of what, and when by its own count."""

    source: str
    event_id: str
    occurred_at: datetime.datetime
    version: int = 0
    rank: int = 0


async def say(
    connection: Connection, subject_id: uuid.UUID, kind: str, ref: str, said: Said, body: Mapping[str, Any]
) -> bool:
    """False when the source has said something newer of it: then nothing is changed."""
    newer = await connection.fetchval(
        SAY,
        subject_id,
        kind,
        said.source,
        ref,
        said.version,
        said.occurred_at,
        said.rank,
        said.event_id,
        orjson.dumps(body).decode(),
    )
    return newer is True


async def say_first(connection: Connection, subject_id: uuid.UUID, kind: str, ref: str, said: Said) -> bool:
    """Like `say` for what only the oldest word decides; false when an older one is known."""
    older = await connection.fetchval(
        SAY_FIRST, subject_id, kind, said.source, ref, said.version, said.occurred_at, said.rank, said.event_id
    )
    return older is True


async def told(connection: Connection, subject_id: uuid.UUID, kind: str, source: str, ref: str) -> int:
    """How often a source's newest word on it has changed; kept in the fact for things without a version column."""
    found: int | None = await connection.fetchval(TOLD, subject_id, kind, source, ref)
    return found or 0
