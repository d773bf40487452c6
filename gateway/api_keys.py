"""API keys, `og_<prefix>_<secret>`: found by the prefix, proven by the secret, of which we store only the digest."""

import base64
import datetime
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import domain.actor
from db.api_keys import ApiKeyRow
from domain.actor import Actor, Role
from domain.errors import BadInput
from gateway.claims import rfc3339
from gateway.errors import InvalidToken

MARK: Final = "og_"
# Longer ones were not made here.
LONGEST: Final = 128
NOBODYS_DIGEST: Final = bytes(32)

Find = Callable[[str], Awaitable[ApiKeyRow | None]]


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """`key` is shown once to its owner; `prefix` and `secret_sha256` are stored."""

    key: str
    prefix: str
    secret_sha256: bytes


def new_api_key() -> NewApiKey:
    prefix = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    # The secret has 256 random bits, so a plain hash is as good as a slow one.
    secret = secrets.token_urlsafe(32)
    return NewApiKey(f"{MARK}{prefix}_{secret}", prefix, digest(secret))


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


class ApiKeys:
    """Verifies API keys against the rows that `find` looks up by prefix."""

    def __init__(self, find: Find) -> None:
        self.find = find

    async def actor(self, key: str, now: float) -> Actor:
        prefix, _, secret = key.removeprefix(MARK).partition("_")
        if not secret or len(key) > LONGEST or not prefix.isalnum():
            raise InvalidToken("The API key is malformed: og_, a prefix, an underscore and a secret are expected.")
        row = await self.find(prefix)
        # The same work and the same answer for an unknown prefix and a wrong secret.
        right = hmac.compare_digest(digest(secret), row.secret_sha256 if row else NOBODYS_DIGEST)
        if row is None or not right:
            raise InvalidToken("The API key is unknown.")
        return living(row, now)


def living(row: ApiKeyRow, now: float) -> Actor:
    if row.revoked_at is not None:
        raise InvalidToken("The API key was revoked.")
    if row.expires_at is not None and row.expires_at.timestamp() <= now:
        raise InvalidToken(f"The API key expired at {rfc3339(row.expires_at.astimezone(datetime.UTC))}.")
    try:
        return domain.actor.of_role(
            Role(row.role),
            f"key:{row.prefix}",
            customer_id=row.customer_id,
            source=row.source,
            channels=None if row.channels is None else frozenset(row.channels),
            extra_scopes=frozenset(row.scopes or ()),
            expires_at=row.expires_at,
            issued_at=row.created_at,
        )
    except (ValueError, BadInput):
        raise InvalidToken("The API key describes nobody we know: check its role, scopes and customer.") from None
