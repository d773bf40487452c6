"""What follows from a draft by the rules of the domain: status, attention, deadlines, parcels."""

import dataclasses
import functools
from collections.abc import Sequence

from db.importing.drafts import Handover, LineDraft, OrderDraft
from domain.attention import Attention, Commitment, Deadlines, OrderFacts, Progress, deadlines, stored_flags
from domain.calendar import local_day
from domain.line import DELIVERED_OR_LATER, SHIPPED_OR_LATER, LineQuantities
from domain.order import RollUpLine, roll_up
from domain.shipment import ShipmentState, TrackingEvent, resolve
from domain.status import OrderLineStatus, OrderStatus, ShipmentStatus

_OVER = frozenset({OrderStatus.DELIVERED, OrderStatus.COMPLETED, OrderStatus.CANCELLED})


@dataclasses.dataclass(frozen=True, slots=True)
class Parcel:
    """What left one location; without a location when the rows name none."""

    location: str | None
    lines: tuple[LineDraft, ...]
    events: tuple[TrackingEvent, ...]
    state: ShipmentState
    status: ShipmentStatus


@dataclasses.dataclass(frozen=True, slots=True)
class Derived:
    """`by_dates` is what the dates say when they say more than the status; `doubts` say in words where the source
    contradicts itself or leaves something out."""

    status: OrderStatus
    attention: tuple[Attention, ...]
    due: Deadlines
    parcels: tuple[Parcel, ...]
    by_dates: OrderStatus | None
    doubts: tuple[str, ...]


def derive(draft: OrderDraft, time_zone: str) -> Derived:
    """`time_zone` is where promised days are meant."""
    parcels = _parcels(draft)
    status = _status(draft)
    by_dates = _by_dates(draft)
    facts = OrderFacts(
        placed_at=draft.placed_at,
        lines=_rolled(draft),
        shipments=tuple(parcel.status for parcel in parcels),
        first_scan_at=min((p.state.first_scan_at for p in parcels if p.state.first_scan_at is not None), default=None),
        source_conflict=by_dates is not None,
    )
    commitment = Commitment(draft.promise[1], time_zone) if draft.promise is not None else None
    progress = Progress(done=status in _OVER, first_scan_at=facts.first_scan_at)
    return Derived(
        status=status,
        attention=stored_flags(facts),
        due=deadlines(commitment, progress),
        parcels=parcels,
        by_dates=by_dates,
        doubts=(*_contradictions(draft, by_dates, time_zone), *_omissions(draft)),
    )


def _status(draft: OrderDraft) -> OrderStatus:
    if not draft.foreseen:
        return OrderStatus.UNKNOWN
    if not draft.lines and draft.cancelled:
        # `roll_up` sees units only and there are none; here the source says that the whole order was cancelled.
        return OrderStatus.CANCELLED
    return _roll_up(_rolled(draft), draft.accepted_at is not None, "closed_at" in draft.plain)


@functools.lru_cache(maxsize=4096)
def _roll_up(lines: tuple[RollUpLine, ...], accepted: bool, closed: bool) -> OrderStatus:
    return roll_up(lines, accepted=accepted, closed=closed)


def _rolled(draft: OrderDraft) -> tuple[RollUpLine, ...]:
    return tuple(_line(line.stage, line.quantity, line.requires_shipping) for line in draft.lines)


@functools.lru_cache(maxsize=4096)
def _line(stage: OrderLineStatus, quantity: int, requires_shipping: bool) -> RollUpLine:
    return RollUpLine(LineQuantities.of({stage: quantity}), requires_shipping)


def _parcels(draft: OrderDraft) -> tuple[Parcel, ...]:
    """One per location, since a parcel leaves one place; one in all when it has a number, since a number is one parcel.

    The dates of the order are the dates of each.
    """
    gone = [line for line in draft.lines if line.stage in SHIPPED_OR_LATER]
    told = draft.handover
    if not gone and told.handed_over_at is None and told.delivered_at is None and told.tracking_number is None:
        return ()
    lines = gone or list(draft.lines)
    locations = sorted({line.location for line in lines}, key=lambda code: (code is not None, code))
    if told.tracking_number is not None and len(locations) > 1:
        return (_parcel(None, lines, told),)
    return tuple(_parcel(code, [line for line in lines if line.location == code], told) for code in locations)


def _parcel(location: str | None, lines: Sequence[LineDraft], told: Handover) -> Parcel:
    dated = ((ShipmentStatus.PICKED_UP, told.handed_over_at), (ShipmentStatus.DELIVERED, told.delivered_at))
    events = tuple(TrackingEvent(instant, status) for status, instant in dated if instant is not None)
    state = resolve(events)
    return Parcel(location, tuple(lines), events, state, _parcel_status(state, {line.stage for line in lines}))


def _parcel_status(state: ShipmentState, stages: set[OrderLineStatus]) -> ShipmentStatus:
    """The dates decide, but where the lines say more than the dates: delivered, only nobody wrote when."""
    if state.done:
        return state.status
    if stages and stages <= DELIVERED_OR_LATER:
        return ShipmentStatus.DELIVERED
    if stages == {OrderLineStatus.LOST}:
        return ShipmentStatus.LOST
    if state.status is ShipmentStatus.UNKNOWN and stages & SHIPPED_OR_LATER:
        return ShipmentStatus.IN_TRANSIT
    return state.status


def _by_dates(draft: OrderDraft) -> OrderStatus | None:
    """What the dates say if they say more than the status: one of the two is wrong, and somebody should look."""
    told, stages = draft.handover, {line.stage for line in draft.lines}
    if draft.foreseen and told.delivered_at is not None and not stages & DELIVERED_OR_LATER:
        return OrderStatus.DELIVERED
    if draft.foreseen and told.handed_over_at is not None and not stages & SHIPPED_OR_LATER:
        return OrderStatus.SHIPPED
    return None


def _contradictions(draft: OrderDraft, by_dates: OrderStatus | None, time_zone: str) -> tuple[str, ...]:
    told, word = draft.handover, draft.source_status or "its status"
    if by_dates is OrderStatus.DELIVERED and told.delivered_at is not None:
        return (f"{word}, but delivered on {local_day(told.delivered_at, time_zone)}",)
    if by_dates is OrderStatus.SHIPPED and told.handed_over_at is not None:
        return (f"{word}, but handed over on {local_day(told.handed_over_at, time_zone)}",)
    return ()


def _omissions(draft: OrderDraft) -> tuple[str, ...]:
    told = draft.handover
    found = []
    if not draft.lines:
        found.append("no lines")
    if not draft.foreseen:
        found.append("a status we do not know")
    if told.delivered_at is None and draft.lines and all(line.stage in DELIVERED_OR_LATER for line in draft.lines):
        found.append("delivered, but not when")
    if told.delivered_at is not None and told.handed_over_at is not None and told.delivered_at < told.handed_over_at:
        found.append("delivered before it was handed over")
    return tuple(found)
