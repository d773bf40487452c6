"""Where a parcel is, from its tracking events, whatever order they arrive in and however often.

The state is a function of the set of events: they are put in the order in which the carrier says they happened, two
of the same instant by rank, and then applied one by one.
"""

import dataclasses
import datetime
import functools
from collections.abc import Iterable
from typing import Final

from domain.calendar import Calendar, check_instant, end_of_day, local_day
from domain.reasons import IncidentReason
from domain.status import SHIPMENT_MOVES, TERMINAL_SHIPMENT, ShipmentStatus

# Somebody held the parcel in hand. A label is only paper.
PHYSICAL: Final = frozenset(
    {
        ShipmentStatus.PICKED_UP,
        ShipmentStatus.IN_TRANSIT,
        ShipmentStatus.OUT_FOR_DELIVERY,
        ShipmentStatus.READY_FOR_PICKUP,
        ShipmentStatus.DELIVERY_ATTEMPTED,
        ShipmentStatus.DELIVERED,
        ShipmentStatus.RETURNING,
        ShipmentStatus.RETURNED,
    }
)
# The parcel is at its last mile or at its end: an earlier delay says nothing any more.
_PAST_DELAY: Final = TERMINAL_SHIPMENT | {ShipmentStatus.OUT_FOR_DELIVERY, ShipmentStatus.READY_FOR_PICKUP}


@dataclasses.dataclass(frozen=True, slots=True)
class TrackingEvent:
    """One fact a carrier reports; `occurred_at` is the carrier's time, not ours."""

    occurred_at: datetime.datetime
    status: ShipmentStatus
    reason: IncidentReason | None = None
    estimated_delivery_at: datetime.datetime | None = None

    def __post_init__(self) -> None:
        check_instant("a tracking event", self.occurred_at)
        check_instant("a delivery estimate", self.estimated_delivery_at)


@dataclasses.dataclass(frozen=True, slots=True)
class ShipmentState:
    """What is known of a parcel. `delayed` stands beside the stage; `reason` explains the stage or the delay."""

    status: ShipmentStatus = ShipmentStatus.UNKNOWN
    delayed: bool = False
    reason: IncidentReason | None = None
    first_scan_at: datetime.datetime | None = None
    delivered_at: datetime.datetime | None = None
    estimated_delivery_at: datetime.datetime | None = None
    last_event_at: datetime.datetime | None = None

    @property
    def done(self) -> bool:
        return self.status in TERMINAL_SHIPMENT


def resolve(events: Iterable[TrackingEvent]) -> ShipmentState:
    """The state of a parcel after all its events, in any order and with any repetition."""
    return functools.reduce(decide, sorted({_in_utc(event) for event in events}, key=_order), ShipmentState())


def decide(state: ShipmentState, event: TrackingEvent) -> ShipmentState:
    """`state` after one more event.

    An event older than the last one known changes no stage: at most it was the first scan. Where all events are at
    hand use `resolve`, which also gives a late event its place in the middle.
    """
    seen = dataclasses.replace(state, first_scan_at=_first_scan(state, event))
    if state.last_event_at is not None and event.occurred_at < state.last_event_at:
        return seen
    seen = dataclasses.replace(
        seen,
        last_event_at=event.occurred_at,
        estimated_delivery_at=event.estimated_delivery_at or state.estimated_delivery_at,
    )
    if event.status is ShipmentStatus.DELAYED and state.status is not ShipmentStatus.UNKNOWN:
        return _delayed(seen, event)
    return _moved(seen, event)


def _in_utc(event: TrackingEvent) -> TrackingEvent:
    estimate = event.estimated_delivery_at
    return dataclasses.replace(
        event,
        occurred_at=event.occurred_at.astimezone(datetime.UTC),
        estimated_delivery_at=None if estimate is None else estimate.astimezone(datetime.UTC),
    )


def _order(event: TrackingEvent) -> tuple[datetime.datetime, int, str, float]:
    """Total over everything an event holds, else two events of one rank and instant would fall back on arrival."""
    estimate = event.estimated_delivery_at
    return (
        event.occurred_at,
        event.status.rank,
        event.reason or "",
        0.0 if estimate is None else estimate.timestamp(),
    )


def _first_scan(state: ShipmentState, event: TrackingEvent) -> datetime.datetime | None:
    if event.status not in PHYSICAL:
        return state.first_scan_at
    return min(state.first_scan_at or event.occurred_at, event.occurred_at)


def _delayed(state: ShipmentState, event: TrackingEvent) -> ShipmentState:
    if state.done:
        return state
    return dataclasses.replace(state, delayed=True, reason=event.reason or state.reason)


def _moved(state: ShipmentState, event: TrackingEvent) -> ShipmentState:
    target = event.status
    if target is state.status:
        # The same stage again, such as a second attempt: only the newer reason counts.
        return dataclasses.replace(state, reason=event.reason or state.reason)
    if not _allowed(state, event):
        return state
    return dataclasses.replace(
        state,
        status=target,
        delayed=target is ShipmentStatus.DELAYED or (state.delayed and target not in _PAST_DELAY),
        reason=event.reason,
        delivered_at=event.occurred_at if target is ShipmentStatus.DELIVERED else None,
    )


def _allowed(state: ShipmentState, event: TrackingEvent) -> bool:
    """Whether the event changes the stage; the exits from a final stage need more than being in the table."""
    if event.status is ShipmentStatus.UNKNOWN:
        return False
    match state.status:
        case ShipmentStatus.CANCELLED:
            # The voided label was used after all: the parcel moves again, wherever it is seen.
            return event.status in PHYSICAL
        case ShipmentStatus.DELIVERED if event.reason is None:
            # Delivered to the wrong door is said with a reason; without one it is a carrier's leftover event.
            return False
        case _:
            return event.status in SHIPMENT_MOVES[state.status]


def stale_at(
    state: ShipmentState, carrier: Calendar, time_zone: str, *, stale_after_days: int
) -> datetime.datetime | None:
    """When the parcel counts as silent: `stale_after_days` open carrier days after its last event are over.

    None while nothing can be silent: not yet handed over, or already at its end.
    """
    if state.done or state.first_scan_at is None or state.last_event_at is None:
        return None
    last = local_day(state.last_event_at, time_zone)
    return end_of_day(carrier.add_open_days(last, stale_after_days), time_zone)
