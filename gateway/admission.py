"""How many operations run at once; the few beyond wait for a moment, the rest are told to come back."""

import asyncio
import collections
import contextlib
from types import TracebackType

from domain.errors import Overloaded


class Admission:
    """`async with admission:` around each operation. The common case, a free place, never touches the event loop."""

    def __init__(self, places: int, waiting: int, patience: float) -> None:
        self.places = places
        self.waiting = waiting
        self.patience = patience
        self.running = 0
        self.queue: collections.deque[asyncio.Future[None]] = collections.deque()

    async def __aenter__(self) -> None:
        if self.running < self.places:
            self.running += 1
        else:
            await self.wait()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    async def wait(self) -> None:
        if len(self.queue) >= self.waiting:
            raise Overloaded(f"{self.places} operations run and {self.waiting} wait. Try again in a second.")
        turn = asyncio.get_running_loop().create_future()
        self.queue.append(turn)
        try:
            async with asyncio.timeout(self.patience):
                await turn
        except BaseException as error:
            self.give_up(turn)
            if isinstance(error, TimeoutError):
                raise Overloaded(
                    f"No place among {self.places} operations within {self.patience:g} s. Try again in a second."
                ) from None
            raise

    def give_up(self, turn: asyncio.Future[None]) -> None:
        """The place may have been handed over in the very moment the wait ended: pass it on."""
        if turn.done() and not turn.cancelled():
            self.leave()
        with contextlib.suppress(ValueError):
            self.queue.remove(turn)

    def leave(self) -> None:
        """Hand the place to the one who waits longest; `running` counts places, so it does not change then."""
        while self.queue:
            turn = self.queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1
