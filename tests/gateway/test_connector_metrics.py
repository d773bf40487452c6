"""Every call to an outside system is seen in the metrics: how many, how long, how they failed, what stands open."""

from typing import Any

import prometheus_client

from connectors.base import Capability
from connectors.errors import BadPayload, Unreachable
from connectors.runtime import Limits, Runtime
from gateway.connector_metrics import ConnectorMetrics
from tests.simulators.acme import Acme, instance
from tests.simulators.base import opener


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_calls_are_seen() -> None:
    clock = Clock()
    runtime = Runtime(clock=clock)
    registry = prometheus_client.CollectorRegistry()
    registry.register(ConnectorMetrics(runtime.guards))
    async with opener() as http:
        acme = Acme(instance("http://127.0.0.1:9"), http("http://127.0.0.1:9"))
        name = acme.instance.name
        guard = runtime.add(acme, Limits(failures=2))

    def value(metric: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"ordergraph_connector_{metric}", {"instance": name, **labels})

    async def call(seconds: float, error: Exception | None = None, max_age: float = 0.0) -> None:
        async def work(_: Any) -> int:
            clock.now += seconds
            if error is not None:
                raise error
            return 1

        try:
            await runtime.ask(name, Capability.STOCK_PULL, "k", work, deadline=60.0, idempotent=False, max_age=max_age)
        except (Unreachable, BadPayload):
            return

    assert value("requests_total") == 0
    await call(0.05, max_age=60.0)
    await call(0.05, max_age=60.0)
    await call(7.0, BadPayload("what"))
    await call(40.0, Unreachable("gone"))
    assert [value("requests_total"), value("cache_hits_total"), value("retries_total")] == [3, 1, 0]
    assert [value("seconds_bucket", le=le) for le in ("0.025", "0.05", "5.0", "10.0", "30.0", "+Inf")] == [
        0,
        1,
        1,
        2,
        2,
        3,
    ]
    assert [value("seconds_count"), value("seconds_sum")] == [3, 47.05]
    assert value("errors_total", code="CONNECTOR_BAD_PAYLOAD") == 1
    assert value("errors_total", code="CONNECTOR_UNREACHABLE") == 1
    assert [value("breaker", state=state) for state in ("CLOSED", "OPEN", "HALF_OPEN")] == [1, 0, 0]
    await call(0.0, Unreachable("gone"))
    assert [value("breaker", state=state) for state in ("CLOSED", "OPEN", "HALF_OPEN")] == [0, 1, 0]
    async with guard.bulkhead.place():
        assert value("in_flight") == 1
    assert [value("in_flight"), value("calls_waiting")] == [0, 0]
