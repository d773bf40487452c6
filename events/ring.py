"""The newest events of a process in memory, so that most who come back find what they missed without the database."""

from collections.abc import Sequence

from events.event import Event


class Ring:
    """Keeps at least the last `size` events, as far as they fit into `room` bytes; positions are without gaps, so a
    position is an index."""

    def __init__(self, size: int = 50_000, room: int = 64 * 1024 * 1024) -> None:
        self.size = size
        self.room = room
        self.weight = 0
        self._kept: list[Event] = []

    def add(self, events: Sequence[Event]) -> None:
        self._kept.extend(events)
        self.weight += sum(event.weight for event in events)
        # Cut in big steps: cutting one by one would move the whole list for every event.
        if len(self._kept) > self.size + self.size // 4:
            self.cut(len(self._kept) - self.size)
        if self.weight > self.room:
            self.cut(self.excess(self.weight - self.room * 3 // 4))

    def excess(self, weight: int) -> int:
        """How many of the oldest weigh so much together."""
        for count, event in enumerate(self._kept, 1):
            weight -= event.weight
            if weight <= 0:
                return count
        return len(self._kept)

    def cut(self, count: int) -> None:
        self.weight -= sum(event.weight for event in self._kept[:count])
        del self._kept[:count]

    def clear(self) -> None:
        self._kept.clear()
        self.weight = 0

    def after(self, position: int, limit: int) -> Sequence[Event] | None:
        """Up to `limit` events after `position`; None when the first of them is no longer kept."""
        if not self._kept or self._kept[0].position > position + 1:
            return None
        start = position + 1 - self._kept[0].position
        return self._kept[start : start + limit]

    def __len__(self) -> int:
        return len(self._kept)
