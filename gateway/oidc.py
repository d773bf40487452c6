"""Tokens of an OpenID Connect provider, verified with the keys it publishes (JWKS), which are fetched and kept here."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import jwt
import orjson
import structlog

import domain.actor
from domain.actor import SCOPES, Actor, Role
from domain.errors import BadInput, Unavailable
from gateway import claims, tokens
from gateway.errors import InvalidToken

log = structlog.get_logger()

ALGORITHMS: Final = {"RSA": "RS256", "EC": "ES256"}
KEY_TYPES: Final = {algorithm: key_type for key_type, algorithm in ALGORITHMS.items()}
# A provider publishes a handful of keys, a few kilobytes.
LONGEST_KEY_SET: Final = 256 * 1024
MOST_KEYS: Final = 64
SMALLEST_RSA_BITS: Final = 2048
FETCH_SECONDS: Final = 5.0
# An unknown key id may be forged, so it makes us ask again at most this often.
RETRY_SECONDS: Final = 60.0
FIRST_RETRY_SECONDS: Final = 2.0
FRESH_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Oidc:
    """How a provider's tokens are read. `roles` maps what the role claim may say to ours: `support+pii:read`.

    `role_claim` may be a path (`realm_access.roles`); the first entry of `roles` that the claim holds decides.
    """

    issuer: str
    audience: str
    jwks_url: str
    roles: Mapping[str, str]
    role_claim: str = "role"
    customer_claim: str = "customer_id"
    source_claim: str = "source"
    channels_claim: str = "channels"

    def __post_init__(self) -> None:
        for ours in self.roles.values():
            role, *scopes = ours.split("+")
            if role not in list(Role) or not SCOPES.issuperset(scopes):
                raise BadInput(f"ORDERGRAPH_OIDC_ROLES: {ours} is no role with scopes, such as support+pii:read.")


class KeySet:
    """The provider's keys by id. When it does not answer, the keys known so far stay good."""

    def __init__(self, url: str, http: aiohttp.ClientSession, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self.http = http
        self.clock = clock
        self.keys: dict[str | None, jwt.PyJWK] = {}
        self.tried_at = self.fetched_at = -math.inf
        self.refreshing: asyncio.Task[None] | None = None

    async def key(self, key_id: str | None, algorithm: str) -> jwt.PyJWK:
        refreshing = self.refresh_if_due(key_id)
        if key_id not in self.keys and refreshing is not None:
            # The fetch serves all who wait, so it goes on when the request that began it is cancelled.
            await asyncio.shield(refreshing)
        found = self.keys.get(key_id)
        if found is None:
            if not self.keys:
                raise Unavailable("The identity provider's keys cannot be fetched, so tokens cannot be checked. Retry.")
            raise InvalidToken("The token is signed with a key that the identity provider does not publish.")
        if found.key_type != KEY_TYPES[algorithm]:
            raise InvalidToken("The token's algorithm does not fit the key it names.")
        return found

    def refresh_if_due(self, key_id: str | None) -> asyncio.Task[None] | None:
        if self.refreshing is not None:
            return self.refreshing
        now = self.clock()
        wanted = key_id not in self.keys or now - self.fetched_at > FRESH_SECONDS
        if wanted and now - self.tried_at >= (RETRY_SECONDS if self.keys else FIRST_RETRY_SECONDS):
            self.tried_at = now
            self.refreshing = asyncio.create_task(self.refresh())
        return self.refreshing

    async def refresh(self) -> None:
        try:
            self.keys = usable(await self.fetch())
            self.fetched_at = self.clock()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            log.warning("jwks_fetch_failed", url=self.url, error=type(error).__name__, keys_kept=len(self.keys))
        finally:
            self.refreshing = None

    async def close(self) -> None:
        if self.refreshing is not None:
            self.refreshing.cancel()
            await asyncio.wait([self.refreshing])

    async def fetch(self) -> bytes:
        timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        async with self.http.get(self.url, timeout=timeout, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            body = await response.content.read(LONGEST_KEY_SET + 1)
            while len(body) <= LONGEST_KEY_SET and (more := await response.content.read(LONGEST_KEY_SET)):
                body += more
        if len(body) > LONGEST_KEY_SET:
            raise ValueError("key set too long")
        return body


def usable(key_set: bytes) -> dict[str | None, jwt.PyJWK]:
    """The signing keys we can use, by id; a single key also answers for tokens that name none."""
    described = orjson.loads(key_set)
    listed = described.get("keys") if isinstance(described, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no key set")
    keys: dict[str | None, jwt.PyJWK] = {}
    for key in listed[:MOST_KEYS]:
        algorithm = ALGORITHMS.get(str(key.get("kty"))) if isinstance(key, dict) else None
        if algorithm is None or key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
            continue
        try:
            usable_key = jwt.PyJWK(key, algorithm=algorithm)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        if getattr(usable_key.key, "key_size", 0) >= (SMALLEST_RSA_BITS if algorithm == "RS256" else 256):
            keys[usable_key.key_id] = usable_key
    if not keys:
        raise ValueError("no key of a kind we use")
    if len(keys) == 1:
        keys[None] = next(iter(keys.values()))
    return keys


@dataclass(frozen=True, slots=True)
class OidcTokens:
    oidc: Oidc
    key_set: KeySet
    algorithms: frozenset[str] = field(default=frozenset(KEY_TYPES), init=False)

    async def actor(self, token: str, header: Mapping[str, object], now: float) -> Actor:
        """`header` is the token's own, whose `alg` is one of `algorithms`; the key decides whether that is true."""
        algorithm, key_id = str(header["alg"]), header.get("kid")
        if key_id is not None and not isinstance(key_id, str):
            raise InvalidToken("The token is malformed.")
        key = await self.key_set.key(key_id, algorithm)
        try:
            payload = tokens.decode(token, key.key, algorithm, self.oidc.audience, self.oidc.issuer)
        except jwt.InvalidSignatureError:
            raise InvalidToken("The token's signature is wrong: it was changed, or signed with another key.") from None
        expires_at = claims.check_times(payload, now)
        role, extra_scopes = self.role(payload)
        try:
            return domain.actor.of_role(
                role,
                f"oidc:{claims.text(payload, 'sub')}",
                customer_id=claims.text(payload, self.oidc.customer_claim),
                source=claims.text(payload, self.oidc.source_claim),
                channels=claims.words(payload, self.oidc.channels_claim),
                extra_scopes=extra_scopes,
                expires_at=expires_at,
                token_id=claims.text(payload, "jti"),
                issued_at=claims.issued_at(payload),
            )
        except BadInput as error:
            raise InvalidToken(f"The token does not fit its role {role}: {error.message}") from None

    def role(self, payload: Mapping[str, object]) -> tuple[Role, frozenset[str]]:
        value: object = payload
        for step in self.oidc.role_claim.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        held = value if isinstance(value, list) else [value]
        for theirs, ours in self.oidc.roles.items():
            if theirs in held:
                role, *scopes = ours.split("+")
                return Role(role), frozenset(scopes)
        raise InvalidToken(f"The token's claim {self.oidc.role_claim} holds no role that ORDERGRAPH_OIDC_ROLES maps.")
