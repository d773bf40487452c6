"""The newest events of a process in memory, so that most who come back find what they missed without the database."""

from collections.abc import Sequence

from events.event import Event


class Ring:
    """Keeps at least the last `size` events; positions are without gaps, so a position is an index."""

    def __init__(self, size: int = 50_000) -> None:
        self.size = size
        self._kept: list[Event] = []

    def add(self, events: Sequence[Event]) -> None:
        self._kept.extend(events)
        # Cut in big steps: cutting one by one would move the whole list for every event.
        if len(self._kept) > self.size + self.size // 4:
            del self._kept[: len(self._kept) - self.size]

    def clear(self) -> None:
        self._kept.clear()

    def after(self, position: int, limit: int) -> Sequence[Event] | None:
        """Up to `limit` events after `position`; None when the first of them is no longer kept."""
        if not self._kept or self._kept[0].position > position + 1:
            return None
        start = position + 1 - self._kept[0].position
        return self._kept[start : start + limit]

    def __len__(self) -> int:
        return len(self._kept)
