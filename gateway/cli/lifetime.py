"""How long the process lives: until it is asked to end, then for a few seconds at most."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

# From the first request to end until we end whatever still goes on; 5 s are promised.
MOST_SECONDS = 4.0
PARENT_CHECK_SECONDS = 0.2
ENDED_HARD = 1


class Lifetime:
    """Turns signals into one call of `on_end`, or KeyboardInterrupt while there is nobody to call."""

    def __init__(self) -> None:
        self.on_end: Callable[[], None] | None = None
        self.ending = False

    def watch_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # What nohup or a shell in the background ignores stays ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._asked)

    def watch_parent(self) -> None:
        """End with the process that started us, however that ends: `make demo` killed must not leave us behind."""
        parent = os.getppid()

        def watch() -> None:
            while os.getppid() == parent:
                time.sleep(PARENT_CHECK_SECONDS)
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=watch, daemon=True, name="watch-parent").start()

    def _asked(self, number: int, frame: FrameType | None) -> None:
        first = not self.ending
        self.ending = True
        if first:
            # The embedded server follows by itself when we are gone (see db.embedded.server.WATCHDOG).
            timer = threading.Timer(MOST_SECONDS, os._exit, (ENDED_HARD,))
            timer.daemon = True
            timer.start()
        if self.on_end is not None:
            self.on_end()
        elif first:
            raise KeyboardInterrupt
