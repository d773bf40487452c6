"""What somebody should look at, whatever the status says.

Flags that depend on facts are stored; those that depend on the time are stored as deadlines, so that "late" is
`late_at <= now` and no job is needed for it to become true.
"""

import dataclasses
import datetime
import enum
from collections.abc import Iterable
from typing import Final

from domain.calendar import end_of_day
from domain.line import SHIPPED_OR_LATER, sum_of
from domain.order import RollUpLine, counted
from domain.status import TERMINAL_RETURN, ReturnStatus, ShipmentStatus


class Attention(enum.StrEnum):
    PARTIAL_HOLD = "PARTIAL_HOLD"
    BACKORDER = "BACKORDER"
    PREORDER_WAITING = "PREORDER_WAITING"
    OVERSOLD = "OVERSOLD"
    SPLIT_PENDING = "SPLIT_PENDING"
    LATE_RISK = "LATE_RISK"
    LATE = "LATE"
    STALE_TRACKING = "STALE_TRACKING"
    DELIVERY_EXCEPTION = "DELIVERY_EXCEPTION"
    RETURN_OPEN = "RETURN_OPEN"
    SOURCE_CONFLICT = "SOURCE_CONFLICT"
    STALE_DATA = "STALE_DATA"
    HANDOVER_BEFORE_ORDER = "HANDOVER_BEFORE_ORDER"


TIMED: Final = frozenset({Attention.LATE, Attention.LATE_RISK, Attention.STALE_TRACKING})
_TROUBLE: Final = frozenset({ShipmentStatus.EXCEPTION, ShipmentStatus.RETURNING})


@dataclasses.dataclass(frozen=True, slots=True)
class OrderFacts:
    """What the stored flags are derived from.

    `oversold`: a node holds fewer units than are allocated there, some of them to this order. `source_conflict`: two
    systems disagree. `stale_data`: a connector was last heard of longer ago than it should be.
    """

    placed_at: datetime.datetime
    lines: tuple[RollUpLine, ...]
    shipments: tuple[ShipmentStatus, ...] = ()
    returns: tuple[ReturnStatus, ...] = ()
    first_scan_at: datetime.datetime | None = None
    oversold: bool = False
    source_conflict: bool = False
    stale_data: bool = False


def stored_flags(facts: OrderFacts) -> tuple[Attention, ...]:
    """The flags that hold until a fact changes, in the order of the enum."""
    units = sum_of(line.quantities for line in facts.lines)
    raised = {
        Attention.PARTIAL_HOLD: 0 < units.on_hold < units.live,
        Attention.BACKORDER: units.backordered > 0,
        Attention.PREORDER_WAITING: units.preordered > 0,
        Attention.OVERSOLD: facts.oversold,
        Attention.SPLIT_PENDING: _split_pending(facts),
        Attention.DELIVERY_EXCEPTION: _delivery_exception(facts, units.lost, units.shipped),
        Attention.RETURN_OPEN: units.return_requested > 0 or bool(set(facts.returns) - TERMINAL_RETURN),
        Attention.SOURCE_CONFLICT: facts.source_conflict,
        Attention.STALE_DATA: facts.stale_data,
        Attention.HANDOVER_BEFORE_ORDER: facts.first_scan_at is not None and facts.first_scan_at < facts.placed_at,
    }
    return tuple(flag for flag in Attention if raised.get(flag))


def _split_pending(facts: OrderFacts) -> bool:
    """Some units are on their way and others will follow in another parcel."""
    units = counted(facts.lines)
    return 0 < units.among(SHIPPED_OR_LATER) < units.live


def _delivery_exception(facts: OrderFacts, lost: int, shipped: int) -> bool:
    """A lost parcel stays LOST for ever, so it counts only while its units are not yet replaced or refunded."""
    statuses = set(facts.shipments)
    return lost > 0 or bool(statuses & _TROUBLE) or (shipped > 0 and ShipmentStatus.LOST in statuses)


@dataclasses.dataclass(frozen=True, slots=True)
class Deadlines:
    """When each timed flag becomes true; None means never, as things stand."""

    late_at: datetime.datetime | None = None
    at_risk_at: datetime.datetime | None = None
    stale_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Commitment:
    """The latest promise: local days of `time_zone`; `ship_by` None when only delivery was promised."""

    latest: datetime.date
    time_zone: str
    ship_by: datetime.date | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How far the goods of a promise have come. `estimate_at` is when `estimated_delivery_at` was learned."""

    done: bool = False
    first_scan_at: datetime.datetime | None = None
    estimated_delivery_at: datetime.datetime | None = None
    estimate_at: datetime.datetime | None = None
    stale_at: datetime.datetime | None = None


def deadlines(commitment: Commitment | None, progress: Progress) -> Deadlines:
    """The deadlines of one promise; none at all once delivered or cancelled (`progress.done`)."""
    if progress.done:
        return Deadlines()
    if commitment is None:
        return Deadlines(stale_at=progress.stale_at)
    late_at = end_of_day(commitment.latest, commitment.time_zone)
    return Deadlines(late_at, _at_risk_at(commitment, progress, late_at), progress.stale_at)


def _at_risk_at(commitment: Commitment, progress: Progress, late_at: datetime.datetime) -> datetime.datetime | None:
    """The first sign that the promise may break: not handed over by its day, or the carrier expects to be late.

    A parcel in the carrier's hands is judged by the carrier's estimate, when there is one, and not by the handover.
    """
    estimate = progress.estimated_delivery_at
    if estimate is not None and estimate >= late_at:
        return progress.estimate_at or progress.first_scan_at or estimate
    if commitment.ship_by is None or (estimate is not None and progress.first_scan_at is not None):
        return None
    ship_end = end_of_day(commitment.ship_by, commitment.time_zone)
    in_time = progress.first_scan_at is not None and progress.first_scan_at < ship_end
    return None if in_time else min(ship_end, late_at)


def earliest(several: Iterable[Deadlines]) -> Deadlines:
    """The deadlines of an order with several parcels or promises: the first of each kind."""
    every = tuple(several)
    return Deadlines(
        late_at=_first(one.late_at for one in every),
        at_risk_at=_first(one.at_risk_at for one in every),
        stale_at=_first(one.stale_at for one in every),
    )


def _first(instants: Iterable[datetime.datetime | None]) -> datetime.datetime | None:
    return min((instant for instant in instants if instant is not None), default=None)


def flags_at(stored: Iterable[Attention], due: Deadlines, now: datetime.datetime) -> tuple[Attention, ...]:
    """Stored flags and those that have become true by `now`, in the order of the enum."""
    timed = {
        Attention.LATE: due.late_at,
        Attention.LATE_RISK: due.at_risk_at,
        Attention.STALE_TRACKING: due.stale_at,
    }
    raised = set(stored) | {flag for flag, instant in timed.items() if instant is not None and instant <= now}
    return tuple(flag for flag in Attention if flag in raised)
