"""How it goes with one instance, as far as this process has seen."""

import bisect
import datetime as dt
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

REMEMBERED: Final = 100
# Seconds, upper ends; whatever is slower falls into one more.
BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class Health:
    """Attempts are counted, not calls. `errors` is by code, `took` by BUCKETS; the rate is over the last hundred."""

    last_success_at: dt.datetime | None = None
    last_failure_at: dt.datetime | None = None
    last_error: str | None = None
    attempts: int = 0
    retries: int = 0
    cancelled: int = 0
    cache_hits: int = 0
    seconds: float = 0.0
    took: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    errors: Counter[str] = field(default_factory=Counter)
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def succeeded(self, at: dt.datetime, seconds: float) -> None:
        self._ended(seconds, good=True)
        self.last_success_at = at

    def failed(self, at: dt.datetime, seconds: float, code: str) -> None:
        self._ended(seconds, good=False)
        self.last_failure_at = at
        self.last_error = code
        self.errors[code] += 1

    def _ended(self, seconds: float, *, good: bool) -> None:
        self.attempts += 1
        self.seconds += seconds
        self.took[bisect.bisect_left(BUCKETS, seconds)] += 1
        self.recent.append(good)

    @property
    def error_rate(self) -> float:
        """Of the last attempts, 0 to 1; 0 where there were none."""
        return self.recent.count(False) / len(self.recent) if self.recent else 0.0
