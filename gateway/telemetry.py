"""What the process says about itself: structured logs, and metrics for Prometheus. Neither holds personal data."""

import logging
import re
import sys
from collections.abc import Callable, Iterator
from typing import Final

import prometheus_client
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from structlog.typing import EventDict, WrappedLogger

CONTENT_TYPE: Final = prometheus_client.CONTENT_TYPE_LATEST
# Whatever a caller passes under these names never reaches a log.
SECRET: Final = frozenset(
    {"authorization", "token", "secret", "password", "cookie", "variables", "query", "document", "body", "dsn"}
)
ROW_VALUES: Final = re.compile(r"^(DETAIL|CONTEXT|QUERY|WHERE): .*$", re.MULTILINE)
# Seconds; an answer from one statement takes about a thousandth.
BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


def configure_logging(level: str = "INFO", *, as_json: bool = True) -> None:
    """Send our own logs and those of every library to stderr, one line each, JSON unless a person reads along."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    # Tracebacks are text here, so that the renderer for people does not print the local variables of each frame.
    printer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(sort_keys=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                without_row_values,
                printer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for name in SECRET.intersection(event):
        event[name] = "[redacted]"
    return event


def without_row_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """PostgreSQL puts values of rows, such as a customer's email, into the details of its errors."""
    if "exception" in event:
        event["exception"] = ROW_VALUES.sub(r"\1:  [redacted]", event["exception"])
    return event


class Metrics:
    """A registry of our own, so that two apps in one process (as in tests) do not meet."""

    def __init__(self) -> None:
        self.registry = prometheus_client.CollectorRegistry(auto_describe=True)
        prometheus_client.ProcessCollector(registry=self.registry)
        self.operations = prometheus_client.Counter(
            "ordergraph_operations",
            "Operations by kind, transport and how they ended.",
            ["kind", "transport", "outcome"],
            registry=self.registry,
        )
        self.seconds = prometheus_client.Histogram(
            "ordergraph_operation_seconds",
            "Time from the whole request to the whole answer.",
            ["kind", "transport"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.refused = prometheus_client.Counter(
            "ordergraph_requests_refused",
            "Requests that never became an operation, by code.",
            ["code"],
            registry=self.registry,
        )
        self.watched = Watched()
        self.registry.register(self.watched)
        # Looking a child up by labels costs more than counting; the combinations are few.
        self.counters: dict[tuple[str, str, str], prometheus_client.Counter] = {}
        self.timers: dict[tuple[str, str], prometheus_client.Histogram] = {}

    def operation(self, kind: str, transport: str, outcome: str, seconds: float) -> None:
        counter = self.counters.get((kind, transport, outcome))
        if counter is None:
            counter = self.counters[kind, transport, outcome] = self.operations.labels(kind, transport, outcome)
        timer = self.timers.get((kind, transport))
        if timer is None:
            timer = self.timers[kind, transport] = self.seconds.labels(kind, transport)
        counter.inc()
        timer.observe(seconds)

    def watch(self, name: str, help_text: str, read: Callable[[], float], *, counter: bool = False) -> None:
        """Show a number that someone else keeps, such as the hits of the plan cache, read when asked for."""
        kind = CounterMetricFamily if counter else GaugeMetricFamily
        self.watched.numbers.append((kind, name, help_text, read))

    def exposition(self) -> bytes:
        return prometheus_client.generate_latest(self.registry)


class Watched(Collector):
    def __init__(self) -> None:
        self.numbers: list[
            tuple[type[CounterMetricFamily] | type[GaugeMetricFamily], str, str, Callable[[], float]]
        ] = []

    def collect(self) -> Iterator[Metric]:
        for kind, name, help_text, read in self.numbers:
            yield kind(name, help_text, value=read())
