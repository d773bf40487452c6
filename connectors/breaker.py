"""A circuit breaker: a system that keeps failing is left alone for a while, then one call asks whether it is back."""

import enum
from collections.abc import Callable


class State(enum.StrEnum):
    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class Breaker:
    """Opens after `failures` in a row, for `seconds`; then one call at a time may try, and decides.

    Each `admit` that says yes is followed by one of `succeeded`, `failed` or `abandoned`.
    """

    def __init__(self, clock: Callable[[], float], failures: int = 5, seconds: float = 30.0) -> None:
        self._clock = clock
        self._allowed = failures
        self._seconds = seconds
        self._in_a_row = 0
        self._open_until: float | None = None
        self._probing = False

    @property
    def state(self) -> State:
        if self._open_until is None:
            return State.CLOSED
        return State.OPEN if self._clock() < self._open_until else State.HALF_OPEN

    @property
    def retry_after(self) -> float:
        """Seconds until a call may be admitted, as far as time alone decides."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._clock())

    def admit(self) -> bool:
        state = self.state
        if state is State.HALF_OPEN and not self._probing:
            self._probing = True
            return True
        return state is State.CLOSED

    def succeeded(self) -> None:
        """While it is open, an answer to an earlier call changes nothing."""
        if self.state is State.OPEN:
            return
        self._in_a_row = 0
        self._open_until = None
        self._probing = False

    def failed(self) -> None:
        if self.state is State.OPEN:
            return
        self._in_a_row += 1
        if self._in_a_row >= self._allowed:
            self._open_until = self._clock() + self._seconds
            self._probing = False

    def abandoned(self) -> None:
        """Cancelled, or ended by what says nothing of the system."""
        self._probing = False
