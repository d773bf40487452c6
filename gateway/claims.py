"""The claims of a verified token, read with suspicion: whoever signed it may still have written nonsense."""

import datetime
import math
from collections.abc import Mapping
from typing import Final

from gateway.errors import InvalidToken

# For clocks that disagree a little.
LEEWAY_SECONDS: Final = 10


def check_times(claims: Mapping[str, object], now: float) -> datetime.datetime:
    """The instant of expiry, which every token must have; refuses one that is over or has not begun."""
    expiry = instant(claims, "exp")
    if expiry is None:
        raise InvalidToken("The token has no expiry (exp). Get one that has.")
    if now >= expiry.timestamp() + LEEWAY_SECONDS:
        raise InvalidToken(f"The token expired at {rfc3339(expiry)}. Get a new one.")
    for claim in ("nbf", "iat"):
        begin = instant(claims, claim)
        if begin is not None and now < begin.timestamp() - LEEWAY_SECONDS:
            raise InvalidToken(f"The token is not valid before {rfc3339(begin)} ({claim}). Check the issuer's clock.")
    return expiry


def instant(claims: Mapping[str, object], claim: str) -> datetime.datetime | None:
    value = claims.get(claim)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidToken(f"The token's claim {claim} is no number of seconds.")
    try:
        return datetime.datetime.fromtimestamp(value, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidToken(f"The token's claim {claim} is no instant.") from None


def issued_at(claims: Mapping[str, object]) -> datetime.datetime | None:
    """When somebody else issued it, on the safe side: their clock may be ahead of ours, by which access is revoked."""
    said = instant(claims, "iat")
    return said - datetime.timedelta(seconds=LEEWAY_SECONDS) if said is not None else None


def rfc3339(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def text(claims: Mapping[str, object], claim: str) -> str | None:
    value = claims.get(claim)
    if value is not None and (not isinstance(value, str) or not value):
        raise InvalidToken(f"The token's claim {claim} is no text.")
    return value


def words(claims: Mapping[str, object], claim: str) -> frozenset[str] | None:
    value = claims.get(claim)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise InvalidToken(f"The token's claim {claim} is no list of texts.")
    return frozenset(value)
