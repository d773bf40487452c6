"""What is posted, by what right, and what came of it: between those who make notices and those who deliver."""

import datetime
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from domain.actor import Actor
from domain.webhook import DisabledReason
from events.event import Event, Topic


class Stopped(Exception):  # noqa: N818  # no error: the endpoint may be sent nothing any more
    """Why nothing may be sent until somebody enables the endpoint again."""

    def __init__(self, reason: DisabledReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Notice:
    """One message. `message_id` is the same however often it is sent; without `journal_id` no event is behind it."""

    message_id: str
    body: bytes
    position: int
    journal_id: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a receiver answered, or why there is no answer. `retry_after` is in seconds."""

    status: int | None = None
    error: str | None = None
    retry_after: float | None = None

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Told(Protocol):
    """What one endpoint is told with the rights its owner has now."""

    @property
    def actor(self) -> Actor: ...

    @property
    def topics(self) -> frozenset[Topic]: ...

    async def notices(self, events: Sequence[Event]) -> Sequence[Notice | None]:
        """In order; None for events that do not concern the endpoint."""
        ...

    def reset(self, reason: str, position: int) -> Notice:
        """What was missed cannot be told any more."""
        ...


# The owner as it is stored, and the endpoint's document. Raises Stopped.
Tell = Callable[[Mapping[str, Any], str | None], Awaitable[Told]]
# Address, headers, body; always answers in time.
Send = Callable[[str, Mapping[str, str], bytes], Awaitable[Attempt]]
Unseal = Callable[[bytes], bytes]
"""Raises ValueError when the key it was sealed with is not known."""


def now_seconds() -> int:
    return int(datetime.datetime.now(datetime.UTC).timestamp())
