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


class LiveRun:
    """The live calls of one operation and what became of them."""

    def __init__(self, fetchers: Mapping[str, LiveFetch]) -> None:
        self.fetchers = fetchers
        self.report: list[dict[str, Any]] = []

    async def fetch(self, source: Live, path: tuple[str, ...], calls: Sequence[LiveCall]) -> Sequence[LiveResult]:
        """One result per call, in order. Never raises for what the source does."""
        if not calls:
            return []
        started = time.perf_counter()
        results, reason = await self.attempt(source, calls)
        self.report.append(
            {
                "path": list(path),
                "source": source.source,
                "calls": len(calls),
                "latencyMs": round((time.perf_counter() - started) * 1000, 1),
                "stale": reason is not None or any(result.reason for result in results),
                "reason": reason or next((result.reason for result in results if result.reason), None),
            }
        )
        return results

    async def attempt(self, source: Live, calls: Sequence[LiveCall]) -> tuple[Sequence[LiveResult], str | None]:
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
        if len(results) != len(calls):
            return failed(calls, "BAD_ANSWER")
        return results, None


def failed(calls: Sequence[LiveCall], reason: str) -> tuple[Sequence[LiveResult], str]:
    return [LiveResult(reason=reason)] * len(calls), reason
