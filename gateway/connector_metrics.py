"""How this process's calls to outside systems go, as metrics; what all processes share is in `connector_numbers`."""

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.breaker import State
from connectors.health import BUCKETS, Health
from connectors.runtime import Guard

NAME: Final = "ordergraph_connector_"
INSTANCE: Final = ("instance",)


class ConnectorMetrics(Collector):
    """Reads the guards when asked. `requests` are attempts of calls, which may make several HTTP requests."""

    def __init__(self, guards: Mapping[str, Guard]) -> None:
        self.guards = guards

    def collect(self) -> Iterator[Metric]:
        yield from self._counters()
        yield from self._gauges()
        seconds = HistogramMetricFamily(f"{NAME}seconds", "How long requests took.", labels=INSTANCE)
        for name, guard in self.guards.items():
            seconds.add_metric([name], _buckets(guard.health), guard.health.seconds)
        yield seconds

    def _counters(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(f"{NAME}requests", "Requests that ended, well or not.", labels=INSTANCE)
        retries = CounterMetricFamily(f"{NAME}retries", "Those that repeated one that failed.", labels=INSTANCE)
        hits = CounterMetricFamily(f"{NAME}cache_hits", "Answers kept that were young enough.", labels=INSTANCE)
        errors = CounterMetricFamily(f"{NAME}errors", "Requests that failed, by code.", labels=("instance", "code"))
        for name, guard in self.guards.items():
            health = guard.health
            requests.add_metric([name], health.attempts)
            retries.add_metric([name], health.retries)
            hits.add_metric([name], health.cache_hits)
            for code, number in sorted(health.errors.items()):
                errors.add_metric([name, code], number)
        yield from (requests, retries, hits, errors)

    def _gauges(self) -> Iterator[Metric]:
        breaker = GaugeMetricFamily(f"{NAME}breaker", "1 for the state it is in.", labels=("instance", "state"))
        flying = GaugeMetricFamily(f"{NAME}in_flight", "Calls that run now.", labels=INSTANCE)
        waiting = GaugeMetricFamily(f"{NAME}calls_waiting", "Calls that wait for a place.", labels=INSTANCE)
        for name, guard in self.guards.items():
            for state in State:
                breaker.add_metric([name, state.value], guard.breaker.state is state)
            flying.add_metric([name], guard.bulkhead.in_flight)
            waiting.add_metric([name], guard.bulkhead.waiting)
        yield from (breaker, flying, waiting)


def _buckets(health: Health) -> list[tuple[str, float]]:
    """Each holds all that were as fast or faster."""
    total, found = 0, []
    for limit, number in zip((*map(str, BUCKETS), "+Inf"), health.took, strict=True):
        total += number
        found.append((limit, float(total)))
    return found
