"""Looks up API keys by the part of them that is no secret."""

import datetime
from dataclasses import dataclass

from db.pool import Record
from db.reader import Reader

BY_PREFIX = """
SELECT prefix, secret_sha256, name, role, scopes, customer_id, source, channels, expires_at, revoked_at,
       created_at
FROM api_keys WHERE prefix = $1
"""


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    prefix: str
    secret_sha256: bytes
    name: str
    role: str
    scopes: list[str] | None
    customer_id: str | None
    source: str | None
    channels: list[str] | None
    expires_at: datetime.datetime | None
    revoked_at: datetime.datetime | None
    created_at: datetime.datetime | None = None


async def by_prefix(reader: Reader, prefix: str) -> ApiKeyRow | None:
    """Raises Overloaded, DeadlineExceeded, Unavailable."""
    row: Record | None = await reader.row(BY_PREFIX, [prefix])
    return ApiKeyRow(*row) if row is not None else None
