"""Who asks: an `Authorization` header to an actor, remembered so that a token is not verified for every request."""

import collections
import hashlib
import time
from collections.abc import Callable
from typing import Final

import jwt

from domain.actor import ANONYMOUS, Actor
from domain.revocation import Revocations
from gateway import api_keys, claims
from gateway.api_keys import ApiKeys
from gateway.errors import InvalidToken
from gateway.oidc import OidcTokens
from gateway.tokens import OwnTokens

LONGEST_TOKEN: Final = 8192
# How long a key may go on that was withdrawn in its row alone.
API_KEY_SECONDS: Final = 1.0
REMEMBERED: Final = 10_000


class Authenticator:
    """No header is an anonymous actor; a header that does not hold is always refused, never taken as anonymous."""

    def __init__(
        self,
        own: OwnTokens | None = None,
        oidc: OidcTokens | None = None,
        keys: ApiKeys | None = None,
        clock: Callable[[], float] = time.time,
        revocations: Revocations | None = None,
    ) -> None:
        self.own = own
        self.oidc = oidc
        self.keys = keys
        self.clock = clock
        # Kept by whoever reads the log.
        self.revocations = Revocations() if revocations is None else revocations
        # Digests, so that no memory dump shows a token; with each its actor and how long that may be believed.
        self.remembered: collections.OrderedDict[bytes, tuple[Actor, float]] = collections.OrderedDict()

    def known(self, authorization: bytes | None) -> Actor | None:
        """The actor without any waiting, when the header came before not long ago. InvalidToken when it was revoked."""
        if authorization is None:
            return ANONYMOUS
        digest = hashlib.sha256(authorization).digest()
        known = self.remembered.get(digest)
        if known is None:
            return None
        if known[1] <= self.clock():
            del self.remembered[digest]
            return None
        self.remembered.move_to_end(digest)
        self.check(known[0])
        return known[0]

    def check(self, actor: Actor) -> None:
        if self.revocations.cover(actor):
            raise InvalidToken("The token was revoked. Ask for a new one.")

    async def actor(self, authorization: bytes | None) -> Actor:
        """InvalidToken says what is wrong with the header; Unavailable that nobody can tell just now."""
        known = self.known(authorization)
        if known is not None or authorization is None:
            return known or ANONYMOUS
        token = bearer(authorization)
        if not token:
            return ANONYMOUS
        now = self.clock()
        if token.startswith(api_keys.MARK):
            actor, until = await self.of_api_key(token, now), now + API_KEY_SECONDS
        else:
            actor, until = await self.of_jwt(token, now), float("inf")
        if actor.expires_at is not None:
            leeway = 0 if token.startswith(api_keys.MARK) else claims.LEEWAY_SECONDS
            until = min(until, actor.expires_at.timestamp() + leeway)
        self.remember(hashlib.sha256(authorization).digest(), actor, until)
        self.check(actor)
        return actor

    async def of_api_key(self, key: str, now: float) -> Actor:
        if self.keys is None:
            raise InvalidToken("API keys are not accepted here.")
        return await self.keys.actor(key, now)

    async def of_jwt(self, token: str, now: float) -> Actor:
        """The algorithm only chooses who verifies; each verifier accepts its own algorithms and keys, no others."""
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError):
            raise InvalidToken("The token is malformed: neither a JSON Web Token nor an API key.") from None
        # As text: what stands there may be anything JSON can say.
        algorithm = str(header.get("alg"))
        if self.own is not None and algorithm in self.own.algorithms:
            return self.own.actor(token, now)
        if self.oidc is not None and algorithm in self.oidc.algorithms:
            return await self.oidc.actor(token, header, now)
        raise InvalidToken("The token's algorithm is not accepted here.")

    def remember(self, digest: bytes, actor: Actor, until: float) -> None:
        self.remembered[digest] = (actor, until)
        while len(self.remembered) > REMEMBERED:
            self.remembered.popitem(last=False)


def bearer(authorization: bytes) -> str:
    """The token; empty when there is only the word Bearer, as in a form nobody filled in."""
    scheme, _, token = authorization.partition(b" ")
    if scheme.lower() != b"bearer":
        raise InvalidToken("The Authorization header must be: Bearer, a space, and the token.")
    if len(token) > LONGEST_TOKEN:
        raise InvalidToken(f"The token is longer than {LONGEST_TOKEN} bytes.")
    try:
        return token.strip().decode("ascii")
    except UnicodeDecodeError:
        raise InvalidToken("The token is malformed: it holds characters beyond ASCII.") from None
