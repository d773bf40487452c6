"""What each request of one instance passes, and where its answer says what the vendor still grants."""

from collections.abc import Awaitable, Callable

from connectors.allowance import Allowance
from connectors.deadline import seconds_left
from connectors.errors import RateLimited
from connectors.guard import Guard


class Gate:
    """A request counts in the limit of the instance, and in that of its operation where it names one."""

    def __init__(self, guard: Guard, sleep: Callable[[float], Awaitable[None]]) -> None:
        self.guard = guard
        self._sleep = sleep

    async def enter(self, operation: str = "", cost: float = 1.0) -> float:
        """Wait for a place; what `learn` wants to know. Raises RateLimited when it would be too late for the caller."""
        own, all_ = self.guard.limiter(operation), self.guard.limiter()
        shared = all_ if operation else None
        self._in_time(max(own.wait(cost), shared.wait() if shared else 0.0))
        since = own.taken
        if (seconds := max(own.take(cost), shared.take() if shared else 0.0)) > 0:
            await self._sleep(seconds)
            if (more := max(own.held(), all_.held())) > 0:  # The vendor said so while this one waited.
                self._in_time(more)
                await self._sleep(more)
        return since + cost

    def learn(self, operation: str, told: Allowance, since: float) -> None:
        self.guard.limiter(operation).learn(told, since)

    def _in_time(self, seconds: float) -> None:
        left = seconds_left()
        if left is not None and seconds >= left:
            raise RateLimited(f"The limit of {self.guard.name} leaves no request for {seconds:.1f} s.", seconds)
