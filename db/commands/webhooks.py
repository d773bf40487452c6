"""SQL of whoever manages webhook endpoints. Each change takes the endpoint from whoever delivers to it: what was begun
with the old address, document or secret can write nothing any more, and the next holder reads the new ones."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from db.pool import Connection, Record
from db.stream import EPOCH

# The place in the log is that of this transaction: whatever commits later is sent.
CREATE = f"""
INSERT INTO webhook_endpoints (owner, owner_name, url, description, document, state, position, epoch, secret)
SELECT $1::jsonb, $2, $3, $4, $5, 'ENABLED', coalesce($6, last_pos), ({EPOCH}), $7 FROM stream_meta RETURNING id
"""  # noqa: S608  # made of constants

COUNT = "SELECT count(*)::int FROM webhook_endpoints WHERE owner_name = $1"
TAKE_TURNS = "SELECT pg_advisory_xact_lock(hashtextextended('webhooks of ' || $1, 0))"

FIND = """
SELECT id, owner::text AS owner, url, document, state, position, epoch, secret, version,
    CASE WHEN secret_before_until > now() THEN secret_before END AS secret_before
FROM webhook_endpoints WHERE id = $1 AND ($2::text IS NULL OR owner_name = $2) FOR UPDATE
"""

TAKEN_BACK = "fence = fence + 1, lease_until = NULL, version = version + 1, updated_at = now()"
AFRESH = "attempts = 0, failing_since = NULL, next_attempt_at = NULL"

CHANGE = f"""
UPDATE webhook_endpoints SET url = $2, description = coalesce($3, description), document = $4, next_attempt_at = NULL,
    {TAKEN_BACK} WHERE id = $1 RETURNING version
"""  # noqa: S608

ROTATE = f"""
UPDATE webhook_endpoints SET secret_before = CASE WHEN $3 > 0 THEN secret END,
    secret_before_until = CASE WHEN $3 > 0 THEN now() + $3 * interval '1 hour' END, secret = $2, {TAKEN_BACK}
WHERE id = $1 RETURNING version
"""  # noqa: S608

ENABLE = f"""
UPDATE webhook_endpoints SET state = 'ENABLED', disabled_reason = NULL, last_error = NULL, position = $2, {AFRESH},
    {TAKEN_BACK} WHERE id = $1 RETURNING version
"""  # noqa: S608

DISABLE = f"""
UPDATE webhook_endpoints SET state = 'DISABLED', disabled_reason = 'OWNER', {AFRESH}, {TAKEN_BACK}
WHERE id = $1 RETURNING version
"""  # noqa: S608

REWIND = f"""
UPDATE webhook_endpoints SET position = $2, epoch = $3, {AFRESH}, {TAKEN_BACK} WHERE id = $1 RETURNING version
"""  # noqa: S608

DELETE = "DELETE FROM webhook_endpoints WHERE id = $1 RETURNING version + 1"

# A letter that is sent again makes its endpoint look for it.
QUEUE = """
UPDATE webhook_dead_letters SET state = 'QUEUED' WHERE endpoint_id = $1 AND ($2::uuid[] IS NULL OR id = ANY($2))
"""
TOUCH = f"UPDATE webhook_endpoints SET {AFRESH}, {TAKEN_BACK} WHERE id = $1 RETURNING version"  # noqa: S608

# The event that the endpoint was disabled for; those behind it were never tried.
LAST_DEAD = """
SELECT max(position) FROM webhook_dead_letters WHERE endpoint_id = $1 AND reason = 'FAILING' AND state = 'DEAD'
"""


async def count(connection: Connection, owner_name: str) -> int:
    """How many this owner has; until the transaction ends nobody else counts or creates for it."""
    await connection.execute(TAKE_TURNS, owner_name)
    found: int = await connection.fetchval(COUNT, owner_name)
    return found


async def create(
    connection: Connection,
    *,
    owner: Mapping[str, Any],
    owner_name: str,
    url: str,
    description: str,
    document: str | None,
    position: int | None,
    secret: bytes,
) -> uuid.UUID:
    """`secret` is encrypted; without `position` the endpoint begins where the log ends now."""
    encoded = orjson.dumps(owner).decode()
    found: uuid.UUID = await connection.fetchval(
        CREATE, encoded, owner_name, url, description, document, position, secret
    )
    return found


async def find(connection: Connection, endpoint: uuid.UUID, owner_name: str | None) -> Record | None:
    """Locked until the transaction ends; only that owner's unless None."""
    return await connection.fetchrow(FIND, endpoint, owner_name)


async def change(
    connection: Connection, endpoint: uuid.UUID, url: str, description: str | None, document: str | None
) -> int:
    return await _version(connection, CHANGE, endpoint, url, description, document)


async def rotate(connection: Connection, endpoint: uuid.UUID, secret: bytes, overlap_hours: int) -> int:
    return await _version(connection, ROTATE, endpoint, secret, overlap_hours)


async def enable(connection: Connection, endpoint: uuid.UUID, position: int) -> int:
    return await _version(connection, ENABLE, endpoint, position)


async def disable(connection: Connection, endpoint: uuid.UUID) -> int:
    return await _version(connection, DISABLE, endpoint)


async def rewind(connection: Connection, endpoint: uuid.UUID, position: int, epoch: str) -> int:
    return await _version(connection, REWIND, endpoint, position, epoch)


async def delete(connection: Connection, endpoint: uuid.UUID) -> int:
    return await _version(connection, DELETE, endpoint)


async def queue(connection: Connection, endpoint: uuid.UUID, letters: Sequence[uuid.UUID] | None) -> tuple[int, int]:
    """(how many will be sent again, version); all of them when `letters` is None."""
    told = await connection.execute(QUEUE, endpoint, None if letters is None else list(letters))
    return int(told.rpartition(" ")[2]), await _version(connection, TOUCH, endpoint)


async def last_dead(connection: Connection, endpoint: uuid.UUID) -> int | None:
    found: int | None = await connection.fetchval(LAST_DEAD, endpoint)
    return found


async def _version(connection: Connection, statement: str, *given: object) -> int:
    found: int = await connection.fetchval(statement, *given)
    return found
