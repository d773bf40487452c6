"""Where the payloads of one subscription go: a transport implements `Sink`, the hub pushes into it.

A sink never waits and never grows without bound: when its client reads too slowly it says so; the hub stops pushing,
waits until it is drained, and goes on from the log where it left off. Nothing is dropped silently.
"""

import enum
from typing import Protocol


class Ended(enum.Enum):
    """Why the server ends a subscription. Each transport has its own code for it; docs/realtime.md lists them."""

    COMPLETE = "COMPLETE"
    SHUTDOWN = "SERVER_SHUTDOWN"
    TOKEN_EXPIRED = "SUBSCRIPTION_JWT_EXPIRED"  # noqa: S105  # the code Apollo's router uses
    REVOKED = "SUBSCRIPTION_ACCESS_REVOKED"
    SLOW = "SUBSCRIPTION_TOO_SLOW"
    LIMIT = "SUBSCRIPTION_MAX_LIMIT"
    INTERNAL = "INTERNAL_ERROR"


class Sink(Protocol):
    """One subscription's way to its client. Called from the event loop only."""

    def push(self, payload: bytes, cursor: str | None) -> bool:
        """Send one complete ExecutionResult as JSON. `cursor` is set for durable events and checkpoints.

        False means: taken, but the client lags; push nothing more until `drained` returns.
        """
        ...

    async def drained(self) -> None:
        """Returns when the client has read enough to push again. Raises TimeoutError when it makes no progress."""
        ...

    def end(self, reason: Ended, cursor: str | None) -> None:
        """The last call: tell the client why and from where it can resume. Further pushes are ignored."""
        ...
