"""Tokens we sign ourselves (`ordergraph token`): JWT by HS256, under a secret that can be rotated without a gap."""

import datetime
import secrets
from collections.abc import Sequence
from typing import Any, Final

import jwt

import domain.actor
from domain.actor import Actor, Role
from domain.errors import BadInput
from gateway import claims
from gateway.errors import InvalidToken

ISSUER: Final = "ordergraph"
AUDIENCE: Final = "ordergraph"
ALGORITHM: Final = "HS256"
# As long as the hash, as RFC 7518 section 3.2 demands.
SECRET_BYTES: Final = 32


def issue_token(
    secret: str,
    role: Role,
    *,
    ttl: datetime.timedelta,
    now: datetime.datetime,
    subject: str | None = None,
    customer_id: str | None = None,
    source: str | None = None,
    channels: frozenset[str] | None = None,
    extra_scopes: frozenset[str] = frozenset(),
) -> str:
    """A bearer token; BadInput when the actor it describes could not be (a customer without an id, say)."""
    if len(secret.encode()) < SECRET_BYTES:
        raise BadInput(f"The secret for tokens is shorter than {SECRET_BYTES} bytes. Make one: openssl rand -hex 32.")
    actor = domain.actor.of_role(
        role,
        subject or f"{role}:{customer_id or source or 'token'}",
        customer_id=customer_id,
        source=source,
        channels=channels,
        extra_scopes=extra_scopes,
        expires_at=now + ttl,
    )
    payload: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": actor.subject,
        "role": str(role),
        "iat": int(now.timestamp()),
        "exp": int((now + ttl).timestamp()),
        "jti": secrets.token_urlsafe(12),
    }
    optional = {
        "customer": customer_id,
        "source": source,
        "channels": None if channels is None else sorted(channels),
        "scopes": sorted(extra_scopes) or None,
    }
    payload |= {claim: value for claim, value in optional.items() if value is not None}
    return jwt.encode(payload, secret, algorithm=ALGORITHM)


class OwnTokens:
    """Verifies what `issue_token` signed with the current secret or, while rotating, the one before."""

    algorithms: Final = frozenset({ALGORITHM})

    def __init__(self, secrets: Sequence[str]) -> None:
        for secret in secrets:
            if len(secret.encode()) < SECRET_BYTES:
                raise BadInput(f"ORDERGRAPH_TOKEN_SECRET is shorter than {SECRET_BYTES} bytes: openssl rand -hex 32.")
        self.secrets = tuple(secrets)

    def actor(self, token: str, now: float) -> Actor:
        payload = self.verified(token)
        expires_at = claims.check_times(payload, now)
        try:
            return domain.actor.of_role(
                Role(claims.text(payload, "role") or ""),
                claims.text(payload, "sub") or "token",
                customer_id=claims.text(payload, "customer"),
                source=claims.text(payload, "source"),
                channels=claims.words(payload, "channels"),
                extra_scopes=claims.words(payload, "scopes") or frozenset(),
                expires_at=expires_at,
                token_id=claims.text(payload, "jti"),
                issued_at=claims.instant(payload, "iat"),
            )
        except (ValueError, BadInput):
            raise InvalidToken("The token describes nobody we know: check its role, scopes and customer.") from None

    def verified(self, token: str) -> dict[str, Any]:
        for secret in self.secrets:
            try:
                return decode(token, secret, ALGORITHM, AUDIENCE, ISSUER)
            except jwt.InvalidSignatureError:
                continue
        raise InvalidToken("The token's signature is wrong: it was changed, or signed with another secret.")


def decode(token: str, key: Any, algorithm: str, audience: str, issuer: str) -> dict[str, Any]:
    """The claims of a token signed by `key` for `audience`; the times are left to `claims.check_times`."""
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=audience,
            issuer=issuer,
            options={"require": ["exp", "sub"], "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.InvalidSignatureError:
        raise
    except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
        raise InvalidToken("The token is not for this service: its audience or issuer (aud, iss) is another.") from None
    except jwt.MissingRequiredClaimError as error:
        raise InvalidToken(f"The token lacks the claim {error.claim}.") from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise InvalidToken("The token is malformed.") from None
