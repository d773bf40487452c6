"""Pulls again and again; any number of processes may, the leases in the store divide the work between them."""

import asyncio
import dataclasses
import random
from collections.abc import Sequence
from typing import Final

import structlog

from domain.errors import OrdergraphError
from events.pulling import Pulling, Target

log = structlog.get_logger(__name__)

SHORTEST_SECONDS: Final = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Due:
    """A target and how often it is pulled."""

    target: Target
    every_seconds: float


class Syncing:
    """Runs until cancelled. A system that fails is asked again at its next turn, and delays no other."""

    def __init__(self, pulling: Pulling, dues: Sequence[Due]) -> None:
        self.pulling = pulling
        self.dues = dues

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for due in self.dues:
                tasks.create_task(self._keep(due))

    async def _keep(self, due: Due) -> None:
        # More often than it is due, because another process may have had the last turn.
        pause = max(SHORTEST_SECONDS, due.every_seconds / 10)
        while True:
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # spreads processes, keeps no secret
            try:
                await self.pulling.run(due.target, after_seconds=due.every_seconds)
            except OrdergraphError as error:
                told = {"instance": due.target.instance, "capability": due.target.capability, "code": error.code}
                log.warning("pull failed", **told)
            except Exception:
                log.exception("pull failed", instance=due.target.instance, capability=due.target.capability)
