"""When an order can be there: local days, computed from one node's calendar, a carrier's and a supply, with reasons.

Store a promise as sold: later knowledge makes a new one beside it, never changes the old one.
"""

import dataclasses
import datetime
import enum
from collections.abc import Iterator
from typing import Final

from domain.calendar import Calendar, Closed, check_instant, local_day
from domain.reasons import LocationKind
from domain.route import Destination, Node, Transit, delivery_calendar


class Basis(enum.StrEnum):
    """What the promise rests on."""

    ON_HAND = "ON_HAND"
    INCOMING = "INCOMING"
    PREORDER = "PREORDER"
    CARRIER_EDD = "CARRIER_EDD"


class Confidence(enum.StrEnum):
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class Step(enum.StrEnum):
    """One step of the way from the order to the door."""

    ORDERED = "ORDERED"
    HOLD_RELEASED = "HOLD_RELEASED"
    SUPPLY_EXPECTED = "SUPPLY_EXPECTED"
    FULFILLMENT_DELAY = "FULFILLMENT_DELAY"
    CUTOFF_MISSED = "CUTOFF_MISSED"
    CLOSED_DAY = "CLOSED_DAY"
    HOLIDAY = "HOLIDAY"
    SUPPLIER_LEAD = "SUPPLIER_LEAD"
    HANDLING = "HANDLING"
    PREORDER_RELEASE = "PREORDER_RELEASE"
    TRANSIT = "TRANSIT"
    BUFFER = "BUFFER"
    PICKUP = "PICKUP"
    CARRIER_ESTIMATE = "CARRIER_ESTIMATE"
    HOLIDAYS_UNKNOWN = "HOLIDAYS_UNKNOWN"


@dataclasses.dataclass(frozen=True, slots=True)
class Reason:
    """Why a day is what it is: `step` for machines, `text` for people."""

    step: Step
    text: str
    day: datetime.date | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Supply:
    """Where the units come from: the shelf, a delivery due at `expected_at`, or a release on `ships_from`."""

    basis: Basis = Basis.ON_HAND
    expected_at: datetime.datetime | None = None
    receiving_lead: datetime.timedelta = datetime.timedelta()
    ships_from: datetime.date | None = None

    def __post_init__(self) -> None:
        check_instant("the expected supply", self.expected_at)


ON_HAND: Final = Supply()


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """When the order was placed and, if it was or will be held, when it is free."""

    ordered_at: datetime.datetime
    hold_released_at: datetime.datetime | None = None

    def __post_init__(self) -> None:
        check_instant("the order", self.ordered_at)
        check_instant("the release from hold", self.hold_released_at)


@dataclasses.dataclass(frozen=True, slots=True)
class Promise:
    """`ship_by` is a day at the node; `earliest` to `latest`, both included, are days in `time_zone`."""

    ship_by: datetime.date
    earliest: datetime.date
    latest: datetime.date
    time_zone: str
    basis: Basis
    confidence: Confidence
    reasons: tuple[Reason, ...]


def promise(
    timing: Timing, node: Node, transit: Transit | None, destination: Destination | None, supply: Supply = ON_HAND
) -> Promise:
    """The days one group of lines can be promised for.

    Without `transit` the customer collects at the node. A closed day is never promised, neither to ship nor to
    deliver. Raises BadInput when a calendar has no open day within a year.
    """
    ready_at, reasons = _ready(timing, node, supply)
    start = node.calendar.work_day(ready_at)
    ship_by, worked = _shipped(node, supply, ready_at, start)
    delivery = delivery_calendar(node, transit, destination)
    earliest, latest, carried = _carried(node, transit, delivery, ship_by)
    gaps = tuple(dict.fromkeys((*node.calendar.gaps(), *delivery.gaps())))
    return Promise(
        ship_by=ship_by,
        earliest=earliest,
        latest=latest,
        time_zone=destination.time_zone if destination and transit else node.calendar.time_zone,
        basis=supply.basis,
        confidence=_confidence(supply.basis, node, gaps),
        reasons=(*reasons, *worked, *carried, *(Reason(Step.HOLIDAYS_UNKNOWN, gap) for gap in gaps)),
    )


def carrier_promise(estimated_delivery_at: datetime.datetime, ship_by: datetime.date, time_zone: str) -> Promise:
    """What the carrier itself now expects, as a promise of one day."""
    day = local_day(estimated_delivery_at, time_zone)
    reason = Reason(Step.CARRIER_ESTIMATE, f"The carrier expects to deliver on {day}.", day)
    return Promise(min(ship_by, day), day, day, time_zone, Basis.CARRIER_EDD, Confidence.HIGH, (reason,))


def _ready(timing: Timing, node: Node, supply: Supply) -> tuple[datetime.datetime, list[Reason]]:
    """The instant work can start, and what decided it: the latest of the order, its hold and its supply."""
    causes = [(timing.ordered_at, Step.ORDERED, "Ordered")]
    if timing.hold_released_at is not None:
        causes.append((timing.hold_released_at, Step.HOLD_RELEASED, "Released from hold"))
    if supply.expected_at is not None:
        received = supply.expected_at + supply.receiving_lead
        causes.append((received, Step.SUPPLY_EXPECTED, "Supply expected"))
    decisive = max(causes, key=lambda cause: cause[0])
    reasons = [
        _at(node, step, what, instant)
        for instant, step, what in causes
        if step is Step.ORDERED or instant == decisive[0]
    ]
    if not node.fulfillment_delay:
        return decisive[0], reasons
    # Seconds are real time: added on the wall clock they would lose or gain an hour when the clocks change.
    ready_at = decisive[0].astimezone(datetime.UTC) + datetime.timedelta(seconds=node.fulfillment_delay)
    return ready_at, [*reasons, _at(node, Step.FULFILLMENT_DELAY, "Order passed on to the node", ready_at)]


def _at(node: Node, step: Step, what: str, instant: datetime.datetime) -> Reason:
    time_zone = node.calendar.time_zone
    day = local_day(instant, time_zone)
    clock = instant.astimezone(node.calendar.tz).strftime("%H:%M")
    return Reason(step, f"{what} on {day} at {clock} ({time_zone}).", day)


def _shipped(
    node: Node, supply: Supply, ready_at: datetime.datetime, start: datetime.date
) -> tuple[datetime.date, list[Reason]]:
    """The day the node hands over, and what happens there until then."""
    arrived = local_day(ready_at, node.calendar.time_zone)
    ship_by = node.calendar.add_open_days(start, node.lead_days + node.handling_days)
    reasons = [*_cutoff(node, ready_at, arrived)]
    if supply.ships_from is not None and supply.ships_from > ship_by:
        ship_by = node.calendar.next_open(supply.ships_from)
        reasons.append(_preorder(supply.ships_from))
        return ship_by, [*reasons, *_closed(node.code, node.calendar, supply.ships_from, ship_by)]
    reasons += _closed(node.code, node.calendar, arrived, ship_by)
    if node.lead_days:
        text = f"{node.code} starts {_days(node.lead_days)} after it is asked."
        reasons.append(Reason(Step.SUPPLIER_LEAD, text))
    text = f"{node.code} needs {_days(node.handling_days)} and hands over on {ship_by}."
    return ship_by, [*reasons, Reason(Step.HANDLING, text, ship_by)]


def _preorder(ships_from: datetime.date) -> Reason:
    return Reason(Step.PREORDER_RELEASE, f"On preorder: ships from {ships_from}.", ships_from)


def _cutoff(node: Node, ready_at: datetime.datetime, arrived: datetime.date) -> Iterator[Reason]:
    cutoff = node.calendar.cutoff_at(arrived)
    if cutoff is not None and ready_at > cutoff and node.calendar.is_open(arrived):
        clock = node.calendar.cutoffs[arrived.isoweekday()].strftime("%H:%M")
        yield Reason(Step.CUTOFF_MISSED, f"After the cutoff of {node.code} at {clock} on {arrived}.", arrived)


def _closed(who: str, calendar: Calendar, first: datetime.date, last: datetime.date) -> Iterator[Reason]:
    for closed in calendar.closed_days(first, last):
        if closed.why is Closed.HOLIDAY:
            yield Reason(Step.HOLIDAY, f"{who}: {closed.day} is a holiday, {closed.name}.", closed.day)
        else:
            yield Reason(Step.CLOSED_DAY, f"{who}: closed on {closed.day} ({closed.name}).", closed.day)


def _carried(
    node: Node, transit: Transit | None, delivery: Calendar, ship_by: datetime.date
) -> tuple[datetime.date, datetime.date, list[Reason]]:
    """The first and last day of arrival, and the carrier's part of the reasons."""
    if transit is None:
        text = f"Ready for pickup at {node.code} on {ship_by}."
        return ship_by, ship_by, [Reason(Step.PICKUP, text, ship_by)]
    earliest = delivery.add_open_days(ship_by, transit.min_days)
    unbuffered = delivery.add_open_days(ship_by, transit.max_days)
    latest = delivery.add_open_days(unbuffered, transit.buffer_days)
    who = f"{transit.carrier} {transit.service}"
    span = f"{transit.min_days} to {_days(transit.max_days)}" if transit.min_days != transit.max_days else ""
    text = f"{who} takes {span or _days(transit.max_days)}: {earliest} to {unbuffered}."
    reasons = [*_closed(who, delivery, ship_by, latest), Reason(Step.TRANSIT, text, unbuffered)]
    if transit.buffer_days:
        text = f"{_days(transit.buffer_days)} of reserve: {latest} at the latest."
        reasons.append(Reason(Step.BUFFER, text, latest))
    return earliest, latest, reasons


def _days(number: int) -> str:
    return "1 open day" if number == 1 else f"{number} open days"


def _confidence(basis: Basis, node: Node, gaps: tuple[str, ...]) -> Confidence:
    """The supply decides; a supplier's slow word and unknown holidays cost one step each."""
    levels = tuple(Confidence)
    start = {Basis.ON_HAND: 0, Basis.CARRIER_EDD: 0, Basis.INCOMING: 1, Basis.PREORDER: 2}[basis]
    doubts = (node.kind is LocationKind.SUPPLIER) + bool(gaps)
    return levels[min(start + doubts, len(levels) - 1)]
