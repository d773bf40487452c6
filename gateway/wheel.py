"""One timer for all connections: pings, heartbeats, deadlines and expiries, to a quarter of a second."""

import asyncio
import math
from typing import Final, Protocol

import structlog

log = structlog.get_logger()

SECONDS: Final = 0.25
# Not on the wheel.
NEVER: Final = -1


class Timed(Protocol):
    """`slot` is the wheel's; it begins as NEVER."""

    slot: int

    def tick(self, now: float) -> float | None:
        """What is due at `now` (loop time). Returns when to be called next, None for not again."""
        ...


class Wheel:
    """Turns by itself while anything is on it, so nobody has to start or stop it."""

    def __init__(self) -> None:
        self.slots: dict[int, set[Timed]] = {}
        self.reached = 0
        self.timer: asyncio.TimerHandle | None = None

    def put(self, timed: Timed, due: float) -> None:
        """Call `timed.tick` at `due` instead of whenever it was to be called before."""
        self.remove(timed)
        if self.timer is None:
            self.reached = int(asyncio.get_running_loop().time() / SECONDS)
            self.arm()
        timed.slot = max(math.ceil(due / SECONDS), self.reached + 1)
        self.slots.setdefault(timed.slot, set()).add(timed)

    def remove(self, timed: Timed) -> None:
        if timed.slot == NEVER:
            return
        slot = self.slots.get(timed.slot)
        if slot is not None:
            slot.discard(timed)
            if not slot:
                del self.slots[timed.slot]
        timed.slot = NEVER

    def turn(self) -> None:
        now = asyncio.get_running_loop().time()
        last = int(now / SECONDS)
        due = [self.slots.pop(slot, ()) for slot in range(self.reached + 1, last + 1)]
        self.reached = max(self.reached, last)
        for timed in (timed for slot in due for timed in slot):
            # Unless a tick before this one took it off or put it elsewhere.
            if NEVER < timed.slot <= last:
                timed.slot = NEVER
                self.call(timed, now)
        self.timer = None
        if self.slots:
            self.arm()

    def arm(self) -> None:
        """At the border between two slots, so that nothing is later than its slot."""
        self.timer = asyncio.get_running_loop().call_at((self.reached + 1) * SECONDS, self.turn)

    def call(self, timed: Timed, now: float) -> None:
        try:
            again = timed.tick(now)
        except Exception:
            log.exception("tick_failed", kind=type(timed).__name__)
            return
        if again is not None:
            self.put(timed, again)
