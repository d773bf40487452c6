"""When the call that runs must have ended; whatever it asks for can look."""

import contextvars
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Seconds that are left, by the clock of whoever set it.
_left: contextvars.ContextVar[Callable[[], float] | None] = contextvars.ContextVar(
    "connector_seconds_left", default=None
)


def seconds_left() -> float | None:
    """Until the end of the call; None outside of one."""
    left = _left.get()
    return None if left is None else left()


@contextmanager
def until(ends_at: float, clock: Callable[[], float]) -> Iterator[None]:
    token = _left.set(lambda: ends_at - clock())
    try:
        yield
    finally:
        _left.reset(token)
