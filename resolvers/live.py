"""Live fields: one batched call per source and field in an operation, all at once, within their deadlines.

A source that fails or is late never fails the operation: its fields keep the stored value, and `extensions.sources`
says what happened.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from resolvers.sources import Live, LiveCall, LiveFetch, LiveResult

log = structlog.get_logger(__name__)

BAD_ANSWER = "BAD_ANSWER"


class LiveRun:
    """The live calls of one operation and what became of them."""

    def __init__(self, fetchers: Mapping[str, LiveFetch]) -> None:
        self.fetchers = fetchers
        self.report: list[dict[str, Any]] = []

    async def values(self, source: Live, path: tuple[str, ...], calls: Sequence[LiveCall]) -> Sequence[object]:
        """What is stored merged with what came back, one value per call, in order.

        Never raises for what the source does. The report has the calls in the order in which they were begun.
        """
        if not calls:
            return []
        # A name of the response has a letter; the numbers in a path are places of our own, such as those of entities.
        entry: dict[str, Any] = {"path": [name for name in path if not name.isdigit()], "source": source.source}
        self.report.append(entry)
        started = time.perf_counter()
        results = await self.attempt(source, calls)
        latency = round((time.perf_counter() - started) * 1000, 1)
        merged = [merge(source, call, result) for call, result in zip(calls, results, strict=True)]
        reason = next((reason for _, reason in merged if reason), None)
        entry |= {"calls": len(calls), "latencyMs": latency, "stale": reason is not None, "reason": reason}
        return [value for value, _ in merged]

    async def attempt(self, source: Live, calls: Sequence[LiveCall]) -> Sequence[LiveResult]:
        fetch = self.fetchers.get(source.source)
        if fetch is None:
            return failed(calls, "NOT_CONFIGURED")
        try:
            async with asyncio.timeout(source.timeout):
                results = await fetch(calls, source.timeout)
        except TimeoutError:
            return failed(calls, "TIMEOUT")
        except Exception as error:  # whatever a connector does, the operation goes on
            log.warning("live source failed", source=source.source, error=type(error).__name__)
            return failed(calls, "FAILED")
        return results if is_answer(results, len(calls)) else failed(calls, BAD_ANSWER)


def failed(calls: Sequence[LiveCall], reason: str) -> Sequence[LiveResult]:
    return [LiveResult(reason=reason)] * len(calls)


def is_answer(results: object, size: int) -> bool:
    """One result per call; a connector may be somebody else's code, which no type checker has seen."""
    return (
        isinstance(results, list | tuple)
        and len(results) == size
        and all(isinstance(result, LiveResult) for result in results)
    )


def merge(source: Live, call: LiveCall, result: LiveResult) -> tuple[object, str | None]:
    """The value and why it is the stored one, if it is. A result that cannot be merged is as good as none."""
    if result.reason is None:
        try:
            return source.merge(call.keys, result), None
        except Exception as error:
            log.warning("live result not understood", source=source.source, error=type(error).__name__)
            result = LiveResult(reason=BAD_ANSWER)
    return source.merge(call.keys, result), result.reason
