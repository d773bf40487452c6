"""What an outside system is told of our stock: how much of it, and under which key."""

import datetime as dt
import enum
import uuid
from dataclasses import dataclass
from typing import Final

from domain.stock import NodeStock

# Longer than a call of ours may be on its way: what was sent before has arrived by then, or never will.
SETTLED_AFTER: Final = dt.timedelta(minutes=3)
OWN_COUNT: Final = "OWN_COUNT"


class PushState(enum.StrEnum):
    """WAITING: not told yet, or to be told once more. DEAD: given up. The next change makes all of them WAITING."""

    WAITING = "WAITING"
    TOLD = "TOLD"
    REFUSED = "REFUSED"
    DEAD = "DEAD"


def offered(node: NodeStock | None, *, active: bool) -> int:
    """Units that a system may offer from one location: NODE_AVAILABLE, none below zero or where nothing is sold."""
    return max(0, node.available) if node is not None and active else 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one target is. `asked` is the key of a telling whose end we do not know.

    `retell_at`: from then on it is told even though it was told, because an older telling may have arrived after it.
    """

    wanted: int | None = None
    told: int | None = None
    asked: uuid.UUID | None = None
    retell_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """`key` None: the system has been told just that."""

    available: int
    key: uuid.UUID | None
    retell_at: dt.datetime | None


def telling(standing: Standing, available: int, now: dt.datetime, new_key: uuid.UUID) -> Telling:
    """The same value goes out again under the same key until the system answers; every other one under a new key."""
    if standing.asked is not None and standing.wanted == available:
        return Telling(available, standing.asked, standing.retell_at)
    due = standing.retell_at is not None and standing.retell_at <= now
    if standing.asked is not None:
        return Telling(available, new_key, now + SETTLED_AFTER)
    if standing.told == available and not due:
        return Telling(available, None, standing.retell_at)
    return Telling(available, new_key, None if due else standing.retell_at)
