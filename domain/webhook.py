"""Outgoing webhooks: what stops an endpoint, how long to wait before the next attempt, and the words for it."""

import enum
from typing import Final

# Seconds before the second attempt; each further one waits twice as long, up to the longest.
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 900.0
# However long a receiver asks to be left alone.
LONGEST_ASKED: Final = 3600.0
GONE: Final = 410


class EndpointState(enum.StrEnum):
    """Whether anything is sent."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class DisabledReason(enum.StrEnum):
    """Why nothing is sent any more."""

    OWNER = "OWNER"
    GONE = "GONE"
    FAILING = "FAILING"
    ACCESS_REVOKED = "ACCESS_REVOKED"
    SECRET_LOST = "SECRET_LOST"  # noqa: S105  # a word, no secret
    DOCUMENT_INVALID = "DOCUMENT_INVALID"


class DeadReason(enum.StrEnum):
    """Why one event was given up."""

    FAILING = "FAILING"
    TOO_LARGE = "TOO_LARGE"


class DeadState(enum.StrEnum):
    """What is to become of an event that was given up."""

    DEAD = "DEAD"
    QUEUED = "QUEUED"


def pause(attempts: int, spread: float, asked: float | None) -> float:
    """Seconds until the next attempt after `attempts` failures; `spread` in 0..1 is chance, so that many receivers that
    failed together do not come back together. `asked` is the receiver's Retry-After."""
    doubled = FIRST_PAUSE * float(1 << min(attempts - 1, 16))
    own = min(doubled, LONGEST_PAUSE) * (0.75 + spread / 2)
    return max(own, min(asked or 0.0, LONGEST_ASKED))
