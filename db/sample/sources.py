"""What the systems of origin say of an order, in their own words."""

import datetime
from collections.abc import Mapping
from typing import Final

import db.tables
from db.sample.orders import Order
from domain.status import OrderStatus

_AMAZON: Final[Mapping[OrderStatus, str]] = {
    OrderStatus.PENDING: "Pending",
    OrderStatus.PARTIALLY_SHIPPED: "PartiallyShipped",
    OrderStatus.SHIPPED: "Shipped",
    OrderStatus.PARTIALLY_DELIVERED: "Shipped",
    OrderStatus.DELIVERED: "Shipped",
    OrderStatus.COMPLETED: "Shipped",
    OrderStatus.CANCELLED: "Canceled",
    OrderStatus.UNKNOWN: "InvoiceUnconfirmed",
}
# By system: its words, and the one for everything else.
WORDS: Final[Mapping[str, tuple[Mapping[OrderStatus, str], str]]] = {
    "amazon": (_AMAZON, "Unshipped"),
    "pos": ({OrderStatus.CANCELLED: "VOID"}, "SOLD"),
    "edi": ({OrderStatus.CANCELLED: "855 IR"}, "855 IA"),
}


def claim(order: Order, field: str, system: str, value: str, raw_value: str | None, *, wins: bool) -> None:
    row = {
        "id": order.shop.book.id("claim", order.id, field, system),
        "order_id": order.id,
        "field": field,
        "system": system,
        "value": value,
        "raw_value": raw_value,
        "wins": wins,
        "observed_at": order.shop.clock,
    }
    order.claims.append(row)


def conflict(order: Order) -> bool:
    """Whether two systems give different values of one field."""
    fields = {row["field"] for row in order.claims}
    return len({(row["field"], row["value"]) for row in order.claims}) > len(fields)


def write(order: Order) -> None:
    """Connected systems were asked a moment ago, unless they have gone quiet."""
    if order.row["source"] != "ordergraph":
        words, usual = WORDS[order.row["source"]]
        asked = order.row["updated_at"] if order.silent else order.shop.now - datetime.timedelta(minutes=7)
        order.row["source_observed_at"] = max(asked, order.row["updated_at"])
        order.row["source_status"] = words.get(order.status, usual)
    for row in order.claims:
        order.shop.book.add(db.tables.source_claims, row)
