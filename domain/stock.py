"""What can be sold: one named formula each, given back with its parts so that two answers can be compared."""

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

from domain.reasons import BackorderPolicy, UnavailableReason

K = TypeVar("K", bound=Hashable)

FORMULAS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "NODE_AVAILABLE": "on_hand - allocated - reserved - unavailable - safety_stock",
        "AVAILABLE_FOR_SALE": "max(0, sum(node available over eligible nodes) - channel_buffer)",
        "BACKORDERABLE": "policy CONTINUE: max(0, min(limit, incoming by horizon - backordered)); DENY: 0",
        "AVAILABLE_TO_PROMISE": "on_hand + incoming by date - demand due by date",
    }
)


class Accuracy(enum.StrEnum):
    """How much the numbers may be trusted now."""

    LIVE = "LIVE"
    CACHED = "CACHED"
    STALE = "STALE"


@dataclasses.dataclass(frozen=True, slots=True)
class NodeStock:
    """One item at one node. `reserved` counts active reservations only; `allocated` may exceed `on_hand`."""

    location_id: uuid.UUID
    on_hand: int
    allocated: int = 0
    reserved: int = 0
    unavailable: Mapping[UnavailableReason, int] = dataclasses.field(default_factory=dict)
    safety_stock: int = 0

    @property
    def unavailable_total(self) -> int:
        return sum(self.unavailable.values())

    @property
    def available(self) -> int:
        """NODE_AVAILABLE; below zero when more is promised than is there."""
        return self.on_hand - self.allocated - self.reserved - self.unavailable_total - self.safety_stock

    @property
    def oversold(self) -> bool:
        return self.allocated > self.on_hand


@dataclasses.dataclass(frozen=True, slots=True)
class Incoming:
    """Units still to come at one instant: ordered minus received."""

    expected_at: datetime.datetime
    quantity: int


@dataclasses.dataclass(frozen=True, slots=True)
class Backorder:
    """How far an item may be sold beyond what is there; `limit` None is no limit but the incoming supply."""

    policy: BackorderPolicy = BackorderPolicy.DENY
    limit: int | None = None
    horizon: datetime.datetime | None = None
    backordered: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Availability:
    """What a channel may sell of one item, with the parts it was computed from."""

    available_for_sale: int
    backorderable: int
    channel_buffer: int
    nodes: tuple[NodeStock, ...]
    formula: str
    as_of: datetime.datetime
    accuracy: Accuracy

    @property
    def sellable(self) -> bool:
        return self.available_for_sale + self.backorderable > 0

    def source_lag_seconds(self, now: datetime.datetime) -> float:
        return max(0.0, (now - self.as_of).total_seconds())


def available_for_sale(nodes: Iterable[NodeStock], *, channel_buffer: int = 0) -> int:
    """AVAILABLE_FOR_SALE over nodes that are eligible: active, sell to the channel, ship to the destination."""
    return max(0, sum(node.available for node in nodes) - channel_buffer)


def backorderable(backorder: Backorder, incoming: Iterable[Incoming]) -> int:
    """BACKORDERABLE; without a horizon every known supply counts."""
    if backorder.policy is BackorderPolicy.DENY:
        return 0
    horizon = backorder.horizon
    expected = sum(supply.quantity for supply in incoming if horizon is None or supply.expected_at <= horizon)
    free = expected - backorder.backordered
    return max(0, free if backorder.limit is None else min(backorder.limit, free))


def availability(
    nodes: Iterable[NodeStock],
    *,
    channel_buffer: int = 0,
    backorder: Backorder | None = None,
    incoming: Iterable[Incoming] = (),
    as_of: datetime.datetime,
    accuracy: Accuracy = Accuracy.LIVE,
) -> Availability:
    """The answer for one item in one channel; `as_of` is the oldest count among the nodes."""
    eligible = tuple(nodes)
    return Availability(
        available_for_sale=available_for_sale(eligible, channel_buffer=channel_buffer),
        backorderable=backorderable(backorder or Backorder(), incoming),
        channel_buffer=channel_buffer,
        nodes=eligible,
        formula="AVAILABLE_FOR_SALE",
        as_of=as_of,
        accuracy=accuracy,
    )


def accuracy_at(
    as_of: datetime.datetime,
    now: datetime.datetime,
    *,
    live_for: datetime.timedelta,
    stale_after: datetime.timedelta,
) -> Accuracy:
    """LIVE up to `live_for` old, STALE beyond `stale_after`, CACHED in between."""
    age = now - as_of
    if age <= live_for:
        return Accuracy.LIVE
    return Accuracy.CACHED if age <= stale_after else Accuracy.STALE


def available_to_promise(
    on_hand: int,
    incoming: Iterable[tuple[datetime.date, int]],
    demand: Iterable[tuple[datetime.date, int]],
    day: datetime.date,
) -> int:
    """AVAILABLE_TO_PROMISE on `day`; below zero is a shortage, which is worth seeing."""
    supplied = sum(quantity for expected, quantity in incoming if expected <= day)
    due = sum(quantity for when, quantity in demand if when <= day)
    return on_hand + supplied - due


def withhold(buffer: int, nodes: Sequence[Mapping[K, int]]) -> list[dict[K, int]]:
    """Units per item and node after the channel's buffer is kept back, from the last node first.

    So a promise can use as many units in all as AVAILABLE_FOR_SALE allows, and the preferred nodes stay whole.
    """
    kept = [dict(node) for node in nodes]
    for item in {item for node in nodes for item in node}:
        # A node below zero lowers the sum that may be sold, just as the buffer does.
        owed = buffer + sum(-min(0, node.get(item, 0)) for node in nodes)
        for node in reversed(kept):
            taken = min(owed, max(0, node.get(item, 0)))
            owed -= taken
            if item in node:
                node[item] = max(0, node[item]) - taken
    return kept
