"""How it goes with one instance, as far as this process has seen."""

import datetime as dt
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

REMEMBERED: Final = 100


@dataclass(slots=True)
class Health:
    """Attempts are counted, not calls. `errors` is by code; the rate is over the last hundred."""

    last_success_at: dt.datetime | None = None
    last_failure_at: dt.datetime | None = None
    last_error: str | None = None
    attempts: int = 0
    retries: int = 0
    cancelled: int = 0
    cache_hits: int = 0
    seconds: float = 0.0
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
        self.recent.append(good)

    @property
    def error_rate(self) -> float:
        """Of the last attempts, 0 to 1; 0 where there were none."""
        return self.recent.count(False) / len(self.recent) if self.recent else 0.0
