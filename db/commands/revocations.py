"""SQL of withdrawn access. It is announced by the journal, so that it reaches every process in the log's order."""

import datetime
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import db.commands.journal
from db.commands.journal import Entry, Origin
from db.pool import Connection
from domain.revocation import Revocation, Revoked

ENTITY = "ACCESS"
SOURCE = "ordergraph"

WRITE = """
INSERT INTO revocations (kind, name, reason, actor, expires_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (kind, name) DO UPDATE SET
    version = revocations.version + 1, revoked_at = now(), reason = excluded.reason, actor = excluded.actor,
    expires_at = excluded.expires_at
RETURNING id, version, revoked_at
"""
# An API key is an actor with one key, which is not found any more either.
END_KEY = "UPDATE api_keys SET revoked_at = now() WHERE 'key:' || prefix = $1 AND revoked_at IS NULL"

# Those of tokens that have expired by themselves count for nobody.
READ = "SELECT kind, name, revoked_at FROM revocations WHERE expires_at IS NULL OR expires_at > now()"
FORGET = "DELETE FROM revocations WHERE expires_at < now() - interval '1 day'"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A revocation as it was stored."""

    id: uuid.UUID
    revoked_at: datetime.datetime


async def revoke(
    connection: Connection,
    kind: Revoked,
    name: str,
    *,
    actor: str,
    reason: str | None = None,
    expires_at: datetime.datetime | None = None,
) -> Withdrawn:
    """Store and announce it, in the caller's transaction. `actor` is who does it (role:subject); after `expires_at`
    nobody could use the token any more."""
    row = await connection.fetchrow(WRITE, kind.value, name, reason, actor, expires_at)
    assert row is not None, "what is inserted or updated is returned"
    if kind is Revoked.ACTOR:
        await connection.execute(END_KEY, name)
    # Whom it concerns is not said here: the journal is shown to more people than revocations are.
    entry = Entry("ACCESS_REVOKED", ENTITY, row["id"], (), {"kind": kind.value})
    origin = Origin(actor, SOURCE, str(row["id"]), row["revoked_at"])
    await db.commands.journal.write(connection, entry, origin, version=row["version"])
    return Withdrawn(row["id"], row["revoked_at"])


def of_row(row: Any) -> Revocation:
    return Revocation(Revoked(row["kind"]), row["name"], row["revoked_at"])


def of_rows(rows: Sequence[Any]) -> list[Revocation]:
    return [of_row(row) for row in rows]
