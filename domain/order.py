"""An order in three words: its status, its returns and its money, each derived and never set by hand."""

import dataclasses
from collections.abc import Iterable
from typing import Final

from domain.errors import BadInput
from domain.line import DELIVERED_OR_LATER, IN_WORK, SHIPPED_OR_LATER, LineQuantities, sum_of
from domain.reasons import ReturnResolution
from domain.status import FinancialStatus, OrderStatus, ReturnRollup, ReturnStatus


@dataclasses.dataclass(frozen=True, slots=True)
class RollUpLine:
    """What the roll-up needs to know of one line."""

    quantities: LineQuantities
    requires_shipping: bool = True


def counted(lines: Iterable[RollUpLine]) -> LineQuantities:
    """The quantities that decide the status, summed.

    Lines that are not shipped (digital goods, services) count only when nothing live is shipped, else a gift card
    would keep every order from being DELIVERED.
    """
    every = tuple(lines)
    shippable = sum_of(line.quantities for line in every if line.requires_shipping)
    return shippable if shippable.live else sum_of(line.quantities for line in every)


def roll_up(lines: Iterable[RollUpLine], *, accepted: bool, closed: bool) -> OrderStatus:
    """The status of an order, from its lines alone.

    `accepted`: paid or approved, so that work may start; `closed`: return window and finance are over.
    An order without any units is PENDING or UNKNOWN, not CANCELLED: nobody cancelled it and its lines may follow.
    """
    units = counted(lines)
    if units.total and not units.live:
        return OrderStatus.CANCELLED
    if not accepted:
        return OrderStatus.PENDING
    if not units.live:
        return OrderStatus.UNKNOWN
    return _progress(units, closed=closed)


def _progress(units: LineQuantities, *, closed: bool) -> OrderStatus:
    live = units.live
    delivered = units.among(DELIVERED_OR_LATER)
    shipped = units.among(SHIPPED_OR_LATER)
    if delivered == live:
        return OrderStatus.COMPLETED if closed else OrderStatus.DELIVERED
    if delivered:
        return OrderStatus.PARTIALLY_DELIVERED
    if shipped == live:
        return OrderStatus.SHIPPED
    if shipped:
        return OrderStatus.PARTIALLY_SHIPPED
    if units.among(IN_WORK):
        return OrderStatus.IN_PROGRESS
    return OrderStatus.ON_HOLD if units.on_hold == live else OrderStatus.CONFIRMED


_PATH: Final = (
    OrderStatus.PENDING,
    OrderStatus.CONFIRMED,
    OrderStatus.IN_PROGRESS,
    OrderStatus.PARTIALLY_SHIPPED,
    OrderStatus.SHIPPED,
    OrderStatus.PARTIALLY_DELIVERED,
    OrderStatus.DELIVERED,
    OrderStatus.COMPLETED,
)


def further(told: OrderStatus, ours: OrderStatus) -> OrderStatus:
    """What to say of an order whose system of origin says `told` while all systems together make it `ours`.

    A storefront knows of no delivery, and may hear of a dispatch later than we do: on the way of an order the further
    word is true. A cancellation or a hold that it tells is news; a hold of ours it does not know.
    """
    if told in _PATH and ours in _PATH:
        return max(told, ours, key=_PATH.index)
    return ours if ours is OrderStatus.ON_HOLD and told in _PATH[:3] else told


_RETURN_UNDERWAY: Final = frozenset(
    {
        ReturnStatus.APPROVED,
        ReturnStatus.IN_TRANSIT,
        ReturnStatus.PARTIALLY_RECEIVED,
        ReturnStatus.RECEIVED,
    }
)
# A cancelled return is as if it had never been asked for.
_RETURN_FAILED: Final = frozenset({ReturnStatus.DECLINED, ReturnStatus.EXPIRED})


def roll_up_returns(
    returns: Iterable[tuple[ReturnStatus, ReturnResolution | None]],
) -> ReturnRollup:
    """All returns of an order in one word: what is still open comes before what is over."""
    facts = tuple(returns)
    statuses = {status for status, _ in facts}
    if statuses & _RETURN_UNDERWAY:
        return ReturnRollup.IN_PROGRESS
    if ReturnStatus.REQUESTED in statuses:
        return ReturnRollup.RETURN_REQUESTED
    if ReturnStatus.INSPECTED in statuses:
        return ReturnRollup.INSPECTION_COMPLETE
    closed = {resolution for status, resolution in facts if status is ReturnStatus.CLOSED}
    if closed - {ReturnResolution.REJECTED}:
        return ReturnRollup.RETURNED
    return ReturnRollup.RETURN_FAILED if closed or statuses & _RETURN_FAILED else ReturnRollup.NO_RETURN


@dataclasses.dataclass(frozen=True, slots=True)
class Amounts:
    """Money of one order in minor units of its currency, each summed over all its payments.

    `authorized` is everything ever authorised: what was captured or voided came out of it.
    """

    total: int
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    voided: int = 0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if getattr(self, field.name) < 0:
                raise BadInput(f"The amount {field.name} is below zero. Give minor units, zero or more.")


def roll_up_finance(amounts: Amounts, *, authorization_expired: bool = False) -> FinancialStatus:
    """The money of an order in one word; what was captured says more than what was only authorised."""
    if amounts.captured:
        return _captured(amounts)
    if amounts.authorized > amounts.voided:
        return FinancialStatus.EXPIRED if authorization_expired else FinancialStatus.AUTHORIZED
    if amounts.voided:
        return FinancialStatus.VOIDED
    return FinancialStatus.PENDING if amounts.total else FinancialStatus.PAID


def _captured(amounts: Amounts) -> FinancialStatus:
    if amounts.refunded >= amounts.captured:
        return FinancialStatus.REFUNDED
    if amounts.captured - amounts.refunded > amounts.total:
        return FinancialStatus.OVERCHARGED
    if amounts.refunded:
        return FinancialStatus.PARTIALLY_REFUNDED
    return FinancialStatus.PARTIALLY_PAID if amounts.captured < amounts.total else FinancialStatus.PAID
