"""What a run leaves behind: what each client was told, in order, and what SQL says in the end."""

import base64
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cursor points, read without its key: epoch and log position."""

    epoch: str
    position: int

    @classmethod
    def of(cls, cursor: str) -> "Place":
        content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[12:].decode()
        epoch, position, _scope = content.split(".", 2)
        return cls(epoch, int(position))


@dataclass(frozen=True, slots=True)
class Joined:
    """A subscription began: after a cursor, or with a snapshot when there is none."""

    after: Place | None


@dataclass(frozen=True, slots=True)
class Told:
    """An order's event or, with type SNAPSHOT, its state. `state` is its version as the payload's entity has it."""

    place: Place
    event: str
    order: str
    version: int
    type: str
    state: int


@dataclass(frozen=True, slots=True)
class Checked:
    """A Checkpoint: everything up to here was told."""

    place: Place


@dataclass(frozen=True, slots=True)
class Reset:
    """What is between the last place and this one is not told; the client must read anew."""

    place: Place
    reason: str


Item = Joined | Told | Checked | Reset


@dataclass
class Recording:
    """One client's. `customer` narrows what it may see; None sees everything."""

    client: str
    customer: str | None = None
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the log with its journal row. `source_event` is the writer's own id for it."""

    position: int
    event: str
    order: str
    version: int
    customer: str | None
    source_event: str


@dataclass
class Truth:
    """What SQL says when all is quiet; `versions` of orders, and of which customer they are."""

    entries: list[Entry]
    versions: dict[str, int]
    customers: dict[str, str | None]
    acknowledged: set[str] = field(default_factory=set)
    rolled_back: set[str] = field(default_factory=set)

    def visible(self, customer: str | None) -> list[Entry]:
        """What concerns an order, and this customer's at that."""
        return [entry for entry in self.entries if entry.order and (customer is None or entry.customer == customer)]


@dataclass(frozen=True, slots=True)
class Stock:
    """One item at one place at one moment."""

    on_hand: int
    allocated: int
    set_aside: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process holds: KiB in RAM, file descriptors, streams and subscriptions by its own metrics."""

    memory: float
    descriptors: int
    connections: int
    subscriptions: int
