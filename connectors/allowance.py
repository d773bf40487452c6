"""What a system says of its limit with its answers, in headers that many of them share.

`Retry-After` (RFC 9110), `RateLimit` and `RateLimit-*` (drafts of the IETF), `X-RateLimit-*`. A client whose vendor has
words of its own sets `Http.reading` to a function that understands them.
"""

import contextlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

TOO_MANY: Final = 429
LEFT: Final = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
RESETS: Final = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")
# Later than this is an instant (seconds since 1970) and not a number of seconds.
INSTANT: Final = 1e9
# `"name";r=12;t=30`: so many are left, for so many seconds. There may be several, each of which holds.
MEMBER: Final = re.compile(r"(?:^|,)[^,;]+((?:;\s*[a-z]+=[^,;]+)+)")


@dataclass(frozen=True, slots=True)
class Allowance:
    """None: nothing was said of it. Units are requests, or the vendor's points where it counts those.

    `wait`: nothing for so many seconds. `left`: units it would still take, until `resets` seconds are over. `rate` and
    `most`: units that come back per second, and that a full bucket holds.
    """

    wait: float | None = None
    left: float | None = None
    resets: float | None = None
    rate: float | None = None
    most: float | None = None


NOTHING: Final = Allowance()


def of(status: int, headers: Mapping[str, str]) -> Allowance:
    """By the headers (lower case) of any answer. One that cannot be read counts as not there."""
    wait = retry_after(headers) if status == TOO_MANY else None
    left, resets = _members(headers.get("ratelimit", ""))
    if left is None:
        left, resets = number(headers, *LEFT), _seconds(number(headers, *RESETS))
    return Allowance(wait, left, resets)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from `Retry-After` (seconds or a date) or `x-retry-after`; None when neither is there or readable."""
    given = headers.get("retry-after") or headers.get("x-retry-after")
    if not given:
        return None
    with contextlib.suppress(ValueError):
        return max(0.0, float(given))
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, parsedate_to_datetime(given).timestamp() - time.time())
    return None


def number(headers: Mapping[str, str], *names: str) -> float | None:
    """The first of these that is there and is a number from 0."""
    for name in names:
        with contextlib.suppress(KeyError, ValueError):
            found = float(headers[name])
            if 0.0 <= found < float("inf"):
                return found
    return None


def _seconds(told: float | None) -> float | None:
    return told if told is None or told < INSTANT else max(0.0, told - time.time())


def _members(header: str) -> tuple[float | None, float | None]:
    """Of the policy that leaves the least."""
    found: list[tuple[float, float | None]] = []
    for member in MEMBER.finditer(header):
        given = dict(part.strip().split("=", 1) for part in member[1].split(";") if "=" in part)
        if (left := number(given, "r")) is not None:
            found.append((left, number(given, "t")))
    return min(found, key=lambda one: one[0]) if found else (None, None)
