"""SQL of idempotency keys: who works on a key, and the answer kept for its next 24 hours."""

import uuid
from typing import Any

from db.pool import Pool, Record

# A key whose owner died is taken over by the same request only; an expired one by any.
CLAIM = """
INSERT INTO idempotency_keys (subject, key, fingerprint, state, owner, lease_until, expires_at)
VALUES ($1, $2, $3, 'IN_PROGRESS', $4, now() + $5 * interval '1 second', now() + interval '24 hours')
ON CONFLICT (subject, key) DO UPDATE SET fingerprint = excluded.fingerprint, state = 'IN_PROGRESS', response = NULL,
    owner = excluded.owner, created_at = now(), lease_until = excluded.lease_until, expires_at = excluded.expires_at
WHERE idempotency_keys.expires_at < now()
   OR (idempotency_keys.state = 'IN_PROGRESS' AND idempotency_keys.lease_until < now()
       AND idempotency_keys.fingerprint = excluded.fingerprint)
RETURNING true
"""

FIND = "SELECT fingerprint, state, response FROM idempotency_keys WHERE subject = $1 AND key = $2"

RENEW = """
UPDATE idempotency_keys SET lease_until = now() + $4 * interval '1 second'
WHERE subject = $1 AND key = $2 AND owner = $3 AND state = 'IN_PROGRESS'
"""

KEEP = """
UPDATE idempotency_keys SET state = 'DONE', response = $4
WHERE subject = $1 AND key = $2 AND owner = $3 AND state = 'IN_PROGRESS'
"""

RELEASE = "DELETE FROM idempotency_keys WHERE subject = $1 AND key = $2 AND owner = $3 AND state = 'IN_PROGRESS'"

FORGET = "DELETE FROM idempotency_keys WHERE expires_at < now()"


async def claim(
    pool: Pool, subject: str, key: str, fingerprint: bytes, owner: uuid.UUID, lease_seconds: int
) -> Record | None:
    """None when the key is now ours; else what is known of it."""
    while True:
        if await pool.fetchval(CLAIM, subject, key, fingerprint, owner, lease_seconds):
            return None
        row: Any = await pool.fetchrow(FIND, subject, key)
        if row is not None:
            found: Record = row
            return found


async def renew(pool: Pool, subject: str, key: str, owner: uuid.UUID, lease_seconds: int) -> None:
    await pool.execute(RENEW, subject, key, owner, lease_seconds)


async def keep(pool: Pool, subject: str, key: str, owner: uuid.UUID, response: bytes) -> None:
    await pool.execute(KEEP, subject, key, owner, response)


async def release(pool: Pool, subject: str, key: str, owner: uuid.UUID) -> None:
    await pool.execute(RELEASE, subject, key, owner)


async def forget(pool: Pool) -> None:
    """Keys whose time has passed."""
    await pool.execute(FORGET)
