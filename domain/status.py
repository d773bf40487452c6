"""The words for where things stand, and which word may follow which."""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from domain.errors import IllegalMove


class OrderStatus(enum.StrEnum):
    """Roll-up of an order's line quantities; never set by hand (`domain.order.roll_up`)."""

    PENDING = "PENDING"
    ON_HOLD = "ON_HOLD"
    CONFIRMED = "CONFIRMED"
    IN_PROGRESS = "IN_PROGRESS"
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED"
    SHIPPED = "SHIPPED"
    PARTIALLY_DELIVERED = "PARTIALLY_DELIVERED"
    DELIVERED = "DELIVERED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"


class OrderLineStatus(enum.StrEnum):
    """Stage of some quantity of a line, in lifecycle order."""

    CREATED = "CREATED"
    PREORDERED = "PREORDERED"
    BACKORDERED = "BACKORDERED"
    ALLOCATED = "ALLOCATED"
    ON_HOLD = "ON_HOLD"
    RELEASED = "RELEASED"
    PACKED = "PACKED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    RETURN_REQUESTED = "RETURN_REQUESTED"
    RETURNED = "RETURNED"
    LOST = "LOST"
    CANCELLED = "CANCELLED"


class FulfillmentStatus(enum.StrEnum):
    """One work order at one node; PACKED means ready for pickup when the customer collects."""

    SCHEDULED = "SCHEDULED"
    OPEN = "OPEN"
    ON_HOLD = "ON_HOLD"
    REQUESTED = "REQUESTED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    IN_PROGRESS = "IN_PROGRESS"
    PACKED = "PACKED"
    COMPLETED = "COMPLETED"
    INCOMPLETE = "INCOMPLETE"
    CANCELLATION_REQUESTED = "CANCELLATION_REQUESTED"
    CANCELLED = "CANCELLED"


class ShipmentStatus(enum.StrEnum):
    """Where one parcel is, in rising rank: of two scans at the same instant the later one here wins."""

    UNKNOWN = "UNKNOWN"
    LABEL_CREATED = "LABEL_CREATED"
    PICKED_UP = "PICKED_UP"
    IN_TRANSIT = "IN_TRANSIT"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    READY_FOR_PICKUP = "READY_FOR_PICKUP"
    DELIVERY_ATTEMPTED = "DELIVERY_ATTEMPTED"
    DELAYED = "DELAYED"
    EXCEPTION = "EXCEPTION"
    DELIVERED = "DELIVERED"
    RETURNING = "RETURNING"
    RETURNED = "RETURNED"
    LOST = "LOST"
    CANCELLED = "CANCELLED"

    @property
    def rank(self) -> int:
        return _SHIPMENT_RANK[self]


class ReturnStatus(enum.StrEnum):
    """One return authorisation."""

    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    CANCELLED = "CANCELLED"
    IN_TRANSIT = "IN_TRANSIT"
    PARTIALLY_RECEIVED = "PARTIALLY_RECEIVED"
    RECEIVED = "RECEIVED"
    EXPIRED = "EXPIRED"
    INSPECTED = "INSPECTED"
    CLOSED = "CLOSED"


class ReturnRollup(enum.StrEnum):
    """All returns of an order in one word (Shopify's OrderReturnStatus)."""

    NO_RETURN = "NO_RETURN"
    RETURN_REQUESTED = "RETURN_REQUESTED"
    IN_PROGRESS = "IN_PROGRESS"
    INSPECTION_COMPLETE = "INSPECTION_COMPLETE"
    RETURNED = "RETURNED"
    RETURN_FAILED = "RETURN_FAILED"


class FinancialStatus(enum.StrEnum):
    """Money on an order in one word (Shopify's eight, and Saleor's OVERCHARGED)."""

    PENDING = "PENDING"
    AUTHORIZED = "AUTHORIZED"
    EXPIRED = "EXPIRED"
    VOIDED = "VOIDED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    OVERCHARGED = "OVERCHARGED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"


_SHIPMENT_RANK: Mapping[ShipmentStatus, int] = MappingProxyType(
    {status: rank for rank, status in enumerate(ShipmentStatus)}
)

S = TypeVar("S", bound=enum.StrEnum)


def _moves(kind: type[S], rows: Mapping[str, str]) -> Mapping[S, frozenset[S]]:
    """Read a table of `from: "to to to"`; a status without a row is terminal."""
    return MappingProxyType({status: frozenset(kind(word) for word in rows.get(status, "").split()) for status in kind})


def _everything_but(kind: type[S], status: S) -> str:
    return " ".join(other for other in kind if other is not status)


# Derived, so only these are legal; anything else is a bug or two sources that disagree. LOST units take an order back:
# lost after delivery they are shipped and no more, and once they are refunded (cancelled) nothing of them was shipped.
# docs/decisions/0008-lost-units-take-an-order-back.md
ORDER_MOVES: Mapping[OrderStatus, frozenset[OrderStatus]] = _moves(
    OrderStatus,
    {
        "PENDING": "CONFIRMED ON_HOLD CANCELLED",
        "CONFIRMED": "ON_HOLD IN_PROGRESS PARTIALLY_SHIPPED SHIPPED CANCELLED",
        "ON_HOLD": "CONFIRMED IN_PROGRESS CANCELLED",
        # CONFIRMED: the node rejected and the order is sourced again. DELIVERED: collected in store.
        "IN_PROGRESS": "CONFIRMED ON_HOLD PARTIALLY_SHIPPED SHIPPED PARTIALLY_DELIVERED DELIVERED CANCELLED",
        "PARTIALLY_SHIPPED": "CONFIRMED ON_HOLD IN_PROGRESS SHIPPED PARTIALLY_DELIVERED DELIVERED",
        "SHIPPED": "PARTIALLY_SHIPPED PARTIALLY_DELIVERED DELIVERED CANCELLED",
        "PARTIALLY_DELIVERED": "PARTIALLY_SHIPPED SHIPPED DELIVERED",
        "DELIVERED": "SHIPPED PARTIALLY_DELIVERED COMPLETED",
        "COMPLETED": "DELIVERED",
        "UNKNOWN": _everything_but(OrderStatus, OrderStatus.UNKNOWN),
    },
)

# ON_HOLD returns only to the stage it was held from: here are all such stages, `domain.line` checks which.
LINE_MOVES: Mapping[OrderLineStatus, frozenset[OrderLineStatus]] = _moves(
    OrderLineStatus,
    {
        "CREATED": "PREORDERED BACKORDERED ALLOCATED ON_HOLD CANCELLED",
        "PREORDERED": "ALLOCATED ON_HOLD CANCELLED",
        "BACKORDERED": "ALLOCATED ON_HOLD CANCELLED",
        "ALLOCATED": "RELEASED CREATED BACKORDERED ON_HOLD CANCELLED",
        "ON_HOLD": "CREATED PREORDERED BACKORDERED ALLOCATED RELEASED CANCELLED",
        "RELEASED": "PACKED SHIPPED CREATED ON_HOLD CANCELLED",
        "PACKED": "SHIPPED DELIVERED RELEASED CANCELLED",
        "SHIPPED": "DELIVERED LOST RETURNED",
        "DELIVERED": "RETURN_REQUESTED LOST",
        "RETURN_REQUESTED": "RETURNED DELIVERED",
        "LOST": "DELIVERED CANCELLED",
    },
)

FULFILLMENT_MOVES: Mapping[FulfillmentStatus, frozenset[FulfillmentStatus]] = _moves(
    FulfillmentStatus,
    {
        "SCHEDULED": "OPEN ON_HOLD CANCELLED",
        "OPEN": "REQUESTED IN_PROGRESS ON_HOLD CANCELLED",
        "ON_HOLD": "OPEN SCHEDULED CANCELLED",
        "REQUESTED": "ACCEPTED REJECTED CANCELLED",
        "ACCEPTED": "IN_PROGRESS PACKED COMPLETED CANCELLATION_REQUESTED INCOMPLETE",
        "CANCELLATION_REQUESTED": "CANCELLED ACCEPTED",
        "IN_PROGRESS": "PACKED COMPLETED INCOMPLETE CANCELLATION_REQUESTED",
        "PACKED": "COMPLETED IN_PROGRESS",
    },
)

# Carriers do go back (out for delivery, then in transit again); rules that need more than two words, such as "only
# with a newer event and a reason", are in `domain.shipment`.
SHIPMENT_MOVES: Mapping[ShipmentStatus, frozenset[ShipmentStatus]] = _moves(
    ShipmentStatus,
    {status.value: _everything_but(ShipmentStatus, status) for status in list(ShipmentStatus)[:9]}
    | {
        "RETURNING": "RETURNED DELIVERED",
        "LOST": "DELIVERED RETURNING",
        "DELIVERED": "EXCEPTION",
        "CANCELLED": "IN_TRANSIT",
    },
)

RETURN_MOVES: Mapping[ReturnStatus, frozenset[ReturnStatus]] = _moves(
    ReturnStatus,
    {
        "REQUESTED": "APPROVED DECLINED CANCELLED",
        "APPROVED": "IN_TRANSIT PARTIALLY_RECEIVED RECEIVED CANCELLED EXPIRED",
        "IN_TRANSIT": "PARTIALLY_RECEIVED RECEIVED",
        "PARTIALLY_RECEIVED": "RECEIVED",
        "RECEIVED": "INSPECTED",
        "INSPECTED": "CLOSED",
    },
)

TERMINAL_ORDER = frozenset({OrderStatus.CANCELLED})
TERMINAL_LINE = frozenset({OrderLineStatus.RETURNED, OrderLineStatus.CANCELLED})
TERMINAL_FULFILLMENT = frozenset(status for status, after in FULFILLMENT_MOVES.items() if not after)
# Terminal to the reader; SHIPMENT_MOVES lists the few corrections that leave them.
TERMINAL_SHIPMENT = frozenset(
    {ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED, ShipmentStatus.LOST, ShipmentStatus.CANCELLED}
)
TERMINAL_RETURN = frozenset(status for status, after in RETURN_MOVES.items() if not after)

# Each table maps a kind of word to itself, which the key type of one mapping cannot say.
_TABLES: Mapping[type[enum.StrEnum], Mapping[Any, frozenset[Any]]] = MappingProxyType(
    {
        OrderStatus: ORDER_MOVES,
        OrderLineStatus: LINE_MOVES,
        FulfillmentStatus: FULFILLMENT_MOVES,
        ShipmentStatus: SHIPMENT_MOVES,
        ReturnStatus: RETURN_MOVES,
    }
)


def next_statuses(status: S) -> tuple[S, ...]:
    """What `status` may become, in the order of its enum."""
    after = _TABLES[type(status)][status]
    return tuple(word for word in type(status) if word in after)


def can_move(source: S, target: S) -> bool:
    return target in _TABLES[type(source)][source]


def check_move(source: S, target: S, *, where: str = "") -> None:
    """Raise IllegalMove unless `source` may become `target`; `where` names it: "order 1001"."""
    if can_move(source, target):
        return
    legal = ", ".join(next_statuses(source)) or "nothing: it is final"
    kind = type(source).__name__
    raise IllegalMove(
        f"{where or kind} cannot go from {source} to {target}. From {source} it can go to {legal}. "
        "Read its current status and ask for one of these."
    )
