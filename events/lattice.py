"""From what was said to where units are, whatever the order in which it was said.

Every source states facts, not changes: "of this work order 3 units are packed by now". For each thing only the newest
fact of a source counts, by the source's own version or time. How far the units of a line have come is then a sum over
facts, and the line's stages follow from it, so any order and any repetition of the same events ends in the same state.
"""

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Final

from domain.line import DELIVERED_OR_LATER, SHIPPED_OR_LATER, LineQuantities
from domain.status import FulfillmentStatus, ReturnStatus, ShipmentStatus


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Stamp:
    """When a source said something. A total order: the event id decides between facts of one instant and rank."""

    version: int
    occurred_at: datetime.datetime
    rank: int
    event_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Reached:
    """Units of a line that have come at least this far; a delivered unit counts in all from allocated to arrived.

    `arrived` is delivered or later; `sent_back` never arrived; `requested` and `returned` are of those that arrived.
    """

    allocated: int = 0
    released: int = 0
    packed: int = 0
    shipped: int = 0
    arrived: int = 0
    lost: int = 0
    sent_back: int = 0
    requested: int = 0
    returned: int = 0
    cancelled: int = 0

    def __add__(self, other: "Reached") -> "Reached":
        return Reached(*(a + b for a, b in zip(_parts(self), _parts(other), strict=True)))

    def __or__(self, other: "Reached") -> "Reached":
        """The same units, seen by two: the further count of each."""
        return Reached(*(max(a, b) for a, b in zip(_parts(self), _parts(other), strict=True)))

    def beyond(self, other: "Reached") -> "Reached":
        """What `other` does not explain."""
        return Reached(*(max(0, a - b) for a, b in zip(_parts(self), _parts(other), strict=True)))


def _parts(reached: Reached) -> tuple[int, ...]:
    return tuple(getattr(reached, name) for name in Reached.__dataclass_fields__)


def total(several: Iterable[Reached]) -> Reached:
    return sum(several, Reached())


_ASSIGNED: Final = frozenset({FulfillmentStatus.SCHEDULED, FulfillmentStatus.OPEN, FulfillmentStatus.REQUESTED})
_GIVEN_UP: Final = frozenset({FulfillmentStatus.REJECTED, FulfillmentStatus.CANCELLED})


def of_work(
    status: FulfillmentStatus,
    quantity: int,
    *,
    packed: int | None = None,
    shipped: int | None = None,
    delivered: int | None = None,
    pickup: bool = False,
) -> Reached:
    """Units in a work order. Counts that were not given follow from its status; held work moves nothing."""
    done = quantity if status is FulfillmentStatus.COMPLETED else 0
    arrived = delivered if delivered is not None else done if pickup else 0
    gone = max(arrived, shipped if shipped is not None else done)
    ready = max(gone, packed if packed is not None else quantity if status is FulfillmentStatus.PACKED else 0)
    if status in _GIVEN_UP or status is FulfillmentStatus.INCOMPLETE:
        quantity = ready = gone
    if status is FulfillmentStatus.ON_HOLD:
        quantity = ready
    released = ready if status in _ASSIGNED else quantity
    return Reached(quantity, released, ready, gone, arrived)


def of_parcel(status: ShipmentStatus, quantity: int, *, handed_over: bool) -> Reached:
    """Units in a parcel; a label alone has moved nothing."""
    if status is ShipmentStatus.CANCELLED:
        return Reached()
    arrived = quantity if status is ShipmentStatus.DELIVERED else 0
    lost = quantity if status is ShipmentStatus.LOST else 0
    back = quantity if status is ShipmentStatus.RETURNED else 0
    gone = quantity if handed_over or arrived or lost or back else 0
    return Reached(gone, gone, gone, gone, arrived, lost, back)


_RETURN_AHEAD: Final = frozenset(
    {ReturnStatus.REQUESTED, ReturnStatus.APPROVED, ReturnStatus.IN_TRANSIT, ReturnStatus.PARTIALLY_RECEIVED}
)


def of_return(status: ReturnStatus, quantity: int, received: int) -> Reached:
    """Units of a return; those received have arrived at the customer before."""
    ahead = quantity - received if status in _RETURN_AHEAD else 0
    return Reached(received, received, received, received, received, requested=ahead, returned=received)


def of_line(line: LineQuantities) -> Reached:
    """How far the units of a line have come, as its stages say. Units sent back count as arrived and returned."""
    arrived = line.among(DELIVERED_OR_LATER)
    shipped = line.among(SHIPPED_OR_LATER)
    packed = shipped + line.packed
    released = packed + line.released
    return Reached(
        released + line.allocated,
        released,
        packed,
        shipped,
        arrived,
        line.lost,
        0,
        line.return_requested,
        line.returned,
        line.cancelled,
    )


def spread(quantity: int, reached: Reached, before: LineQuantities) -> LineQuantities:
    """The stages of a line of `quantity` units. What is claimed beyond it is cut off, the furthest stage first.

    Units that nobody works on keep the stage they had in `before` (held, backordered, preordered) as far as they fit.
    """
    shipped = min(quantity, max(reached.shipped, reached.arrived + reached.lost + reached.sent_back))
    arrived = min(reached.arrived, shipped)
    lost = min(reached.lost, shipped - arrived)
    back = min(reached.sent_back, shipped - arrived - lost)
    returned = min(reached.returned, arrived)
    requested = min(reached.requested, arrived - returned)
    cancelled = min(reached.cancelled, quantity - shipped)
    room = quantity - shipped - cancelled
    packed = min(room, max(0, reached.packed - shipped))
    released = min(room - packed, max(0, reached.released - max(reached.packed, shipped)))
    waiting = room - packed - released
    held = min(before.on_hold, waiting)
    allocated = min(waiting - held, max(0, reached.allocated - max(reached.released, shipped)))
    backordered = min(before.backordered, waiting - held - allocated)
    preordered = min(before.preordered, waiting - held - allocated - backordered)
    return LineQuantities(
        created=waiting - held - allocated - backordered - preordered,
        preordered=preordered,
        backordered=backordered,
        allocated=allocated,
        on_hold=held,
        released=released,
        packed=packed,
        shipped=shipped - arrived - lost - back,
        delivered=arrived - returned - requested,
        return_requested=requested,
        returned=returned + back,
        lost=lost,
        cancelled=cancelled,
    )


def unexplained(line: LineQuantities, reached: Reached) -> Reached:
    """What a line's stages say beyond the facts behind it: an import, or the work of people."""
    return of_line(line).beyond(of_line(spread(line.total, reached, line)))


def overclaimed(quantity: int, reached: Reached) -> bool:
    """More units are said to have come somewhere than there are: two systems disagree, or one counts twice."""
    gone = max(reached.shipped, reached.arrived + reached.lost + reached.sent_back)
    return max(gone, reached.packed, reached.released, reached.allocated) > quantity
