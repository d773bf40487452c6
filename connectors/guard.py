"""All that stands between us and one outside system: its limits, its breaker, its places, and how its calls went."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connectors.base import Capability, Connector
from connectors.breaker import Breaker
from connectors.budget import Budget
from connectors.bulkhead import Bulkhead
from connectors.errors import NotConnected
from connectors.health import Health
from connectors.limiter import Limiter, Rate


@dataclass(frozen=True, slots=True)
class Limits:
    """What one instance is granted. `rate` is the vendor's limit of all requests, `operations` those of some alone."""

    rate: Rate | None = None
    operations: Mapping[str, Rate] = field(default_factory=dict)
    at_once: int = 8
    waiting: int = 32
    failures: int = 5
    open_seconds: float = 30.0


class Guard:
    """Of one instance; `connector` is None until it was made."""

    def __init__(
        self, name: str, capabilities: frozenset[Capability], limits: Limits, clock: Callable[[], float]
    ) -> None:
        self.name = name
        self.capabilities = capabilities
        self.connector: Connector | None = None
        self.breaker = Breaker(clock, limits.failures, limits.open_seconds)
        self.budget = Budget()
        self.bulkhead = Bulkhead(name, limits.at_once, limits.waiting)
        self._clock = clock
        self._processes = 1
        self.limiters = {name: Limiter(clock, rate) for name, rate in {"": limits.rate, **limits.operations}.items()}
        self.health = Health()

    def limiter(self, operation: str = "") -> Limiter:
        """Of an operation, or of the instance as a whole. One without a figure keeps what the vendor says of it."""
        if operation not in self.limiters:
            self.limiters[operation] = Limiter(self._clock, None)
            self.limiters[operation].divide(self._processes)
        return self.limiters[operation]

    def divide(self, processes: int) -> None:
        """So many processes of ours ask this system, and the vendor counts them as one."""
        if processes != self._processes:
            self._processes = processes
            for limiter in self.limiters.values():
                limiter.divide(processes)

    def spare(self) -> float:
        """The part that is left of the limit that is nearest to its end."""
        return min(limiter.spare() for limiter in self.limiters.values())

    def usable(self, capability: Capability) -> Connector:
        if self.connector is None or capability not in self.capabilities:
            raise NotConnected(f"{self.name} is not connected for {capability.value}.")
        return self.connector
