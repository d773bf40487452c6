"""Shopify's words in ours."""

from collections.abc import Mapping
from typing import Final

from domain.reasons import CancelReason, Disposition, ReturnReason
from domain.status import FulfillmentStatus, OrderStatus, ShipmentStatus

ORDER: Final[Mapping[str, OrderStatus]] = {
    "UNFULFILLED": OrderStatus.CONFIRMED,
    "OPEN": OrderStatus.CONFIRMED,
    "RESTOCKED": OrderStatus.CONFIRMED,
    "SCHEDULED": OrderStatus.CONFIRMED,
    "FULFILLMENT_NOT_REQUIRED": OrderStatus.CONFIRMED,
    "REQUEST_DECLINED": OrderStatus.CONFIRMED,
    "PENDING_FULFILLMENT": OrderStatus.IN_PROGRESS,
    "IN_PROGRESS": OrderStatus.IN_PROGRESS,
    "ON_HOLD": OrderStatus.ON_HOLD,
    "PARTIALLY_FULFILLED": OrderStatus.PARTIALLY_SHIPPED,
    "FULFILLED": OrderStatus.SHIPPED,
}
CANCEL: Final[Mapping[str, CancelReason]] = {
    "CUSTOMER": CancelReason.CUSTOMER,
    "DECLINED": CancelReason.PAYMENT_DECLINED,
    "FRAUD": CancelReason.FRAUD,
    "INVENTORY": CancelReason.INVENTORY,
    "STAFF": CancelReason.STAFF,
}
WORK: Final[Mapping[str, FulfillmentStatus]] = {
    "OPEN": FulfillmentStatus.OPEN,
    "IN_PROGRESS": FulfillmentStatus.IN_PROGRESS,
    "CLOSED": FulfillmentStatus.COMPLETED,
    "INCOMPLETE": FulfillmentStatus.INCOMPLETE,
    "ON_HOLD": FulfillmentStatus.ON_HOLD,
    "SCHEDULED": FulfillmentStatus.SCHEDULED,
    "CANCELLED": FulfillmentStatus.CANCELLED,
}
# What was asked of the location tells more than the status, while the work is neither held nor done.
REQUEST: Final[Mapping[tuple[str, str], FulfillmentStatus]] = {
    ("OPEN", "SUBMITTED"): FulfillmentStatus.REQUESTED,
    ("OPEN", "REJECTED"): FulfillmentStatus.REJECTED,
    ("OPEN", "ACCEPTED"): FulfillmentStatus.ACCEPTED,
    ("IN_PROGRESS", "ACCEPTED"): FulfillmentStatus.ACCEPTED,
    ("IN_PROGRESS", "CANCELLATION_REQUESTED"): FulfillmentStatus.CANCELLATION_REQUESTED,
}
SCAN: Final[Mapping[str, ShipmentStatus]] = {
    "LABEL_PURCHASED": ShipmentStatus.LABEL_CREATED,
    "LABEL_PRINTED": ShipmentStatus.LABEL_CREATED,
    "CONFIRMED": ShipmentStatus.LABEL_CREATED,
    "CARRIER_PICKED_UP": ShipmentStatus.PICKED_UP,
    "IN_TRANSIT": ShipmentStatus.IN_TRANSIT,
    "OUT_FOR_DELIVERY": ShipmentStatus.OUT_FOR_DELIVERY,
    "READY_FOR_PICKUP": ShipmentStatus.READY_FOR_PICKUP,
    "ATTEMPTED_DELIVERY": ShipmentStatus.DELIVERY_ATTEMPTED,
    "DELAYED": ShipmentStatus.DELAYED,
    "FAILURE": ShipmentStatus.EXCEPTION,
    "DELIVERED": ShipmentStatus.DELIVERED,
}
# The reasons of a shop may be any handle; these are the library's own. A strange one is UNKNOWN.
RETURN: Final[Mapping[str, ReturnReason]] = {reason.value.lower().replace("_", "-"): reason for reason in ReturnReason}
DISPOSITION: Final[Mapping[str, Disposition]] = {
    "RESTOCKED": Disposition.RESTOCKED,
    "NOT_RESTOCKED": Disposition.NOT_RESTOCKED,
    "PROCESSING_REQUIRED": Disposition.PROCESSING_REQUIRED,
    "MISSING": Disposition.MISSING,
}
# Parcels of these never left.
NEVER_SENT: Final = frozenset({"CANCELLED", "ERROR", "FAILURE"})
