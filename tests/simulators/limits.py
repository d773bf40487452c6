"""What vendors grant, as they count it: a bucket that fills again, or so many in any span of time."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Bucket:
    """`rate` units come back per second, up to `most`."""

    rate: float
    most: float
    clock: Callable[[], float] = time.monotonic
    left: float = field(init=False)
    at: float = field(init=False)

    def __post_init__(self) -> None:
        self.left, self.at = self.most, self.clock()

    def fill(self) -> float:
        now = self.clock()
        self.left, self.at = min(self.most, self.left + (now - self.at) * self.rate), now
        return self.left

    def take(self, cost: float = 1.0) -> bool:
        """Whether it is granted; what is refused costs nothing. A rounding is forgiven."""
        if self.fill() < cost - 1e-6:
            return False
        self.left -= cost
        return True


@dataclass(slots=True)
class Window:
    """`most` in any `seconds`."""

    most: int
    seconds: float
    clock: Callable[[], float] = time.monotonic
    taken: deque[float] = field(default_factory=deque)

    def left(self) -> int:
        while self.taken and self.taken[0] <= self.clock() - self.seconds:
            self.taken.popleft()
        return self.most - len(self.taken)

    def take(self) -> bool:
        if self.left() <= 0:
            return False
        self.taken.append(self.clock())
        return True

    def renewed(self) -> float:
        """Seconds until one more is granted."""
        return max(0.0, self.taken[0] + self.seconds - self.clock()) if self.left() <= 0 else 0.0
