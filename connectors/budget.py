"""How often may be retried: a share of the calls, so that a system in trouble never gets many times its load."""

from collections.abc import Callable


class Budget:
    """Retries are at most `most` at once and `share` of all first attempts over time."""

    def __init__(self, share: float = 0.1, most: float = 10.0) -> None:
        self._share = share
        self._most = most
        self.left = most

    def called(self) -> None:
        self.left = min(self._most, self.left + self._share)

    def spend(self) -> bool:
        """Whether one more retry is paid for."""
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


def pause(attempt: int, random: Callable[[], float], base: float = 0.1, longest: float = 5.0) -> float:
    """Seconds before retry number `attempt` (from 0): anywhere up to twice as long each time, so that callers part."""
    return float(random() * min(longest, base * 2.0 ** min(attempt, 16)))
