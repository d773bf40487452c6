"""One order line: how many of its units are in which stage, and how they may move."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Final

from domain.errors import BadInput, Conflict, IllegalMove
from domain.status import OrderLineStatus, check_move

# What an operator should look at first: units that wait for somebody, then the least advanced open stage, then what
# is over, the most telling first. SQL writes a CASE in this order, so the headline is the first with a quantity.
HEADLINE_ORDER: Final[tuple[OrderLineStatus, ...]] = (
    OrderLineStatus.ON_HOLD,
    OrderLineStatus.BACKORDERED,
    OrderLineStatus.PREORDERED,
    OrderLineStatus.CREATED,
    OrderLineStatus.ALLOCATED,
    OrderLineStatus.RELEASED,
    OrderLineStatus.PACKED,
    OrderLineStatus.LOST,
    OrderLineStatus.SHIPPED,
    OrderLineStatus.RETURN_REQUESTED,
    OrderLineStatus.DELIVERED,
    OrderLineStatus.RETURNED,
    OrderLineStatus.CANCELLED,
)

DELIVERED_OR_LATER: Final = frozenset(
    {OrderLineStatus.DELIVERED, OrderLineStatus.RETURN_REQUESTED, OrderLineStatus.RETURNED}
)
# LOST was shipped; the order says so and raises attention.
SHIPPED_OR_LATER: Final = DELIVERED_OR_LATER | {OrderLineStatus.SHIPPED, OrderLineStatus.LOST}
IN_WORK: Final = frozenset({OrderLineStatus.RELEASED, OrderLineStatus.PACKED})


@dataclasses.dataclass(frozen=True, slots=True)
class LineQuantities:
    """Units of one line per stage, named as the columns of `order_lines`; their sum is the ordered quantity."""

    created: int = 0
    preordered: int = 0
    backordered: int = 0
    allocated: int = 0
    on_hold: int = 0
    released: int = 0
    packed: int = 0
    shipped: int = 0
    delivered: int = 0
    return_requested: int = 0
    returned: int = 0
    lost: int = 0
    cancelled: int = 0

    def __post_init__(self) -> None:
        for status in OrderLineStatus:
            if self.get(status) < 0:
                raise BadInput(f"A line cannot have {self.get(status)} units in {status}. Give zero or more per stage.")

    @classmethod
    def of(cls, quantities: Mapping[OrderLineStatus, int]) -> "LineQuantities":
        return cls(**{status.value.lower(): quantity for status, quantity in quantities.items()})

    def get(self, status: OrderLineStatus) -> int:
        quantity: int = getattr(self, status.value.lower())
        return quantity

    def among(self, statuses: Iterable[OrderLineStatus]) -> int:
        return sum(self.get(status) for status in statuses)

    @property
    def total(self) -> int:
        return self.among(OrderLineStatus)

    @property
    def live(self) -> int:
        return self.total - self.cancelled

    def breakdown(self) -> tuple[tuple[OrderLineStatus, int], ...]:
        """The stages that hold units, in lifecycle order."""
        return tuple((status, self.get(status)) for status in OrderLineStatus if self.get(status))

    @property
    def headline(self) -> OrderLineStatus | None:
        """The first of HEADLINE_ORDER that holds units; None for a line without units."""
        return next((status for status in HEADLINE_ORDER if self.get(status)), None)

    def move(
        self,
        quantity: int,
        source: OrderLineStatus,
        target: OrderLineStatus,
        *,
        held_from: OrderLineStatus | None = None,
    ) -> "LineQuantities":
        """Take `quantity` units from stage `source` to stage `target`.

        Leaving ON_HOLD needs `held_from`, the stage the units were held in: they return there or are cancelled.
        Raises IllegalMove (not in LINE_MOVES), Conflict (fewer units there), BadInput (quantity below 1).
        """
        check_move(source, target, where="an order line")
        _check_release(source, target, held_from)
        if quantity < 1:
            raise BadInput(f"Cannot move {quantity} units from {source} to {target}. Move at least one.")
        if quantity > self.get(source):
            raise Conflict(
                f"Cannot move {quantity} units from {source} to {target}: the line has {self.get(source)} there. "
                "Read the line again and ask for at most that."
            )
        moved = {status: self.get(status) for status in OrderLineStatus}
        moved[source] -= quantity
        moved[target] += quantity
        return LineQuantities.of(moved)


def _check_release(source: OrderLineStatus, target: OrderLineStatus, held_from: OrderLineStatus | None) -> None:
    if source is not OrderLineStatus.ON_HOLD or target in (OrderLineStatus.CANCELLED, held_from):
        return
    raise IllegalMove(
        f"Held units cannot go to {target}: they were held from {held_from or 'a stage that was not given'}. "
        f"Release them to that stage or cancel them."
    )


def sum_of(lines: Iterable[LineQuantities]) -> LineQuantities:
    """All lines as if they were one."""
    totals = dict.fromkeys(OrderLineStatus, 0)
    for line in lines:
        for status, quantity in line.breakdown():
            totals[status] += quantity
    return LineQuantities.of(totals)
