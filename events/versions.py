"""Whether the log tells each order's versions one after the other: the alarm for a defect that no reader could see.

Commands raise an order's version by one with each entry they write. A version that is missing in the log, or that comes
again or too late, means that a change was lost, written past the journal, or stamped in the wrong order.
"""

import collections
import uuid
from collections.abc import Iterable
from typing import Final

import structlog

log = structlog.get_logger(__name__)

# Orders whose last version is remembered; the first entry of any other is taken as it comes.
REMEMBERED: Final = 100_000


class Versions:
    """Fed with the log in its order; `gaps` counts what did not follow."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self.remembered = remembered
        self.gaps = 0
        self._last: collections.OrderedDict[uuid.UUID, int] = collections.OrderedDict()

    def forget(self) -> None:
        """What follows does not follow from what was seen so far."""
        self._last.clear()

    def follow(self, entries: Iterable[tuple[int, uuid.UUID, int]]) -> None:
        """(position, order, version) of each."""
        for position, order, version in entries:
            last = self._last.pop(order, None)
            if last is not None and version != last + 1:
                self.gaps += 1
                log.error("versions of an order do not follow", order=str(order), position=position,
                          version=version, before=last)  # fmt: skip
            self._last[order] = version if last is None else max(version, last)
        while len(self._last) > self.remembered:
            self._last.popitem(last=False)
