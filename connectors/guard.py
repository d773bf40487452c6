"""All that stands between us and one outside system: its limits, its breaker, its places, and how its calls went."""

from collections.abc import Callable
from dataclasses import dataclass

from connectors.base import Capability, Connector
from connectors.breaker import Breaker
from connectors.budget import Budget
from connectors.bulkhead import Bulkhead
from connectors.errors import NotConnected
from connectors.health import Health
from connectors.limiter import Limiter


@dataclass(frozen=True, slots=True)
class Limits:
    """What one instance is granted. `requests` per `seconds` is the vendor's limit; None: it says none."""

    requests: float | None = None
    seconds: float = 1.0
    burst: int = 1
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
        interval = limits.seconds / limits.requests if limits.requests else None
        self.limiter = Limiter(clock, interval, limits.burst)
        self.health = Health()

    def usable(self, capability: Capability) -> Connector:
        if self.connector is None or capability not in self.capabilities:
            raise NotConnected(f"{self.name} is not connected for {capability.value}.")
        return self.connector
