"""A limit of a vendor, kept on our side: a bucket that fills again, corrected by what the vendor says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from connectors.allowance import Allowance

FEW: Final = 10.0


@dataclass(frozen=True, slots=True)
class Rate:
    """`requests` per `seconds` on average and `burst` at once; or points, where a vendor counts those."""

    requests: float
    seconds: float = 1.0
    burst: float = 1.0


class Limiter:
    """Waits are in seconds. What a request costs is 1, unless the vendor counts points.

    `share` is the part of the limit that is this process's, because a vendor counts what all of them ask for.
    """

    def __init__(self, clock: Callable[[], float], rate: Rate | None) -> None:
        self._clock = clock
        self._rate = rate.requests / rate.seconds if rate else None
        self._most = rate.burst if rate else 1.0
        self._window = rate.seconds if rate else 1.0
        self.share = 1.0
        # When the bucket will be (or was) full, in the manner of GCRA.
        self._due = clock()
        self._paused_until = clock()
        # What the vendor would still take, and until when that is so.
        self._left = 0.0
        self._left_until = clock()
        self.taken = 0.0

    @property
    def paused(self) -> float:
        """Seconds for which the vendor wants no request."""
        return max(0.0, self._paused_until - self._clock())

    def held(self) -> float:
        """Until the vendor takes anything at all, as it said."""
        now = self._clock()
        exhausted = self._left < 1.0 and now < self._left_until
        return max(self.paused, self._left_until - now if exhausted else 0.0)

    def spare(self) -> float:
        """The part of the bucket that is left, 0 to 1; 1 where there is none, or where it holds but a few requests."""
        if self.held() > 0:
            return 0.0
        return 1.0 if self._rate is None or self._size < FEW else max(0.0, self._level() / self._size)

    def wait(self, cost: float = 1.0) -> float:
        """Until a request could go; nothing is taken. One that is larger than the bucket waits until that is full."""
        if self._rate is None:
            return self.held()
        missing = self._size - min(cost, self._size)
        return max(self.held(), self._due - missing / self._pace - self._clock())

    def take(self, cost: float = 1.0) -> float:
        """Take a place; seconds until its request may go. Who gives up then does not give it back."""
        wait = self.wait(cost)
        if self._rate is not None:
            self._due = max(self._due, self._clock() + wait) + cost / self._pace
        self.taken += cost
        self._left -= cost
        return wait

    def pause(self, seconds: float) -> None:
        """The vendor asked for no requests for so long."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def divide(self, processes: int) -> None:
        """Keep to this process's part from now on."""
        level = self._level()
        self.share = 1.0 / max(1, processes)
        self._fill(level)

    def learn(self, told: Allowance, since: float = 0.0) -> None:
        """What an answer says. `since`: `taken` when its request went; what went later it may not have counted."""
        if told.wait is not None:
            self.pause(told.wait)
        if told.rate:
            level = self._level()
            self._rate, self._most = told.rate, told.most or self._most
            self._fill(level)
        if told.left is None:
            return
        left = told.left * self.share - (self.taken - since)
        if told.rate:
            self._fill(left)
            return
        # Where it does not say when that is renewed, it is after the time for which the limit is said.
        self._left = left
        self._left_until = self._clock() + (told.resets if told.resets is not None else self._window)

    @property
    def _size(self) -> float:
        return max(1.0, self._most * self.share)

    @property
    def _pace(self) -> float:
        return max(1e-9, (self._rate or 0.0) * self.share)

    def _level(self) -> float:
        """Below 0 where more was taken than there was."""
        return self._size - max(0.0, self._due - self._clock()) * self._pace

    def _fill(self, level: float) -> None:
        self._due = self._clock() + (self._size - min(level, self._size)) / self._pace
