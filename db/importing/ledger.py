"""What each source said last of each thing, by digest: the same again is left alone, whatever was done here since."""

import dataclasses
import hashlib
import uuid
from collections.abc import Sequence

from db.pool import Connection

# The thing must still be there: what was deleted here and is told again is new.
_SAID = """
SELECT m.key, m.entity_id, m.digest, m.version, o.version AS now
FROM imported m LEFT JOIN orders o ON o.id = m.entity_id
LEFT JOIN items i ON i.id = m.entity_id LEFT JOIN locations l ON l.id = m.entity_id
WHERE m.source = $1 AND m.channel = $2 AND m.kind = $3 AND m.key = ANY($4)
  AND CASE m.kind WHEN 'ORDER' THEN o.id WHEN 'ITEM' THEN i.id ELSE l.id END IS NOT NULL
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """`version` is the order's as we left it, `now` as it is: another one means that somebody else changed it."""

    entity_id: uuid.UUID
    digest: bytes
    version: int | None
    now: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Unfinished:
    """An import that has begun: its fingerprint, its staging table and how many rows are in it."""

    fingerprint: str
    staging: str
    rows: int


@dataclasses.dataclass(frozen=True, slots=True)
class Ledger:
    """Of one source; `channel` is blank for what belongs to no channel."""

    source: str
    channel: str
    kind: str

    async def said(self, connection: Connection, keys: Sequence[str]) -> dict[str, Said]:
        found = await connection.fetch(_SAID, self.source, self.channel, self.kind, keys)
        return {row["key"]: Said(row["entity_id"], row["digest"], row["version"], row["now"]) for row in found}

    def entry(self, key: str, entity_id: uuid.UUID, digest: bytes, version: int | None = None) -> dict[str, object]:
        """A row of `imported`."""
        return {
            "source": self.source,
            "channel": self.channel,
            "kind": self.kind,
            "key": key,
            "entity_id": entity_id,
            "digest": digest,
            "version": version,
        }


async def unfinished(connection: Connection, source: str, channel: str) -> Unfinished | None:
    row = await connection.fetchrow(
        "SELECT fingerprint, staging, rows FROM import_runs WHERE source = $1 AND channel = $2", source, channel
    )
    return Unfinished(*row) if row is not None else None


async def begin(connection: Connection, source: str, channel: str, run: Unfinished) -> None:
    await connection.execute(
        "INSERT INTO import_runs (source, channel, fingerprint, staging, rows) VALUES ($1, $2, $3, $4, $5)",
        *(source, channel, run.fingerprint, run.staging, run.rows),
    )


async def end(connection: Connection, source: str, channel: str) -> None:
    await connection.execute("DELETE FROM import_runs WHERE source = $1 AND channel = $2", source, channel)


def digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
