"""The vendor's rate limit, kept on our side: a bucket of tokens, and a pause when the vendor asks for one."""

from collections.abc import Callable


class Limiter:
    """At most `burst` requests at once and one more every `interval` seconds; None for no limit of its own."""

    def __init__(self, clock: Callable[[], float], interval: float | None, burst: int = 1) -> None:
        self._clock = clock
        self._interval = interval
        self._ahead = (burst - 1) * interval if interval else 0.0
        # When the bucket will be (or was) full, in the manner of GCRA.
        self._due = clock()
        self._paused_until = clock()

    def wait(self) -> float:
        """Seconds until the next request could go; nothing is taken."""
        now = self._clock()
        waiting = max(0.0, self._paused_until - now)
        if self._interval is None:
            return waiting
        return max(waiting, self._due - self._ahead - now)

    def take(self) -> float:
        """Take a place; seconds until its request may go. Who gives up then does not give it back."""
        wait = self.wait()
        if self._interval is not None:
            self._due = max(self._due, self._clock() + wait) + self._interval
        return wait

    def pause(self, seconds: float) -> None:
        """The vendor asked for no requests for so long."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)
