"""Shopify's orders and stock as records.

Amounts are in the shop's own currency (`shopMoney`), in which its books are kept and in which it refunds; what the
customer saw in another currency is not told. An id is the number at the end of Shopify's `gid://`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from connectors.base import Instance, Read
from connectors.payload import Node, each_read
from connectors.shopify import words
from connectors.shopify.returns import returns as returns  # so that samples find it here
from connectors.shopify.works import number, work_records
from connectors.shopify.works import order_ref as order_ref
from domain.reasons import CancelReason
from domain.records import (
    AddressRecord,
    CustomerRecord,
    LineRecord,
    OrderRecord,
    PaymentRecord,
    Record,
    StockRecord,
)
from domain.status import OrderStatus

UNPAID: Final = frozenset({"PENDING", "EXPIRED", "VOIDED"})
RISKY: Final = frozenset({"CANCEL", "INVESTIGATE"})


def orders(page: Node, instance: Instance) -> Read[Record]:
    return read_orders(page["nodes"].items(), instance)


def read_orders(orders: Iterable[Node], instance: Instance) -> Read[Record]:
    return each_read(orders, lambda order: order["name"].text(), lambda order: order_records(order, instance))


def order_records(order: Node, instance: Instance) -> Sequence[Record]:
    """The order, then each fulfillment order with its parcels, then the scans."""
    ref = order_ref(order, instance)
    works = [one for work in order["fulfillmentOrders"]["nodes"] for one in work_records(work, ref, instance)]
    return [_order(order, instance), *works]


def _order(order: Node, instance: Instance) -> OrderRecord:
    currency = order["currencyCode"].text()
    cancelled_at = order["cancelledAt"].maybe_instant()
    reason = order["cancelReason"]
    return OrderRecord(
        order=order_ref(order, instance),
        occurred_at=order["updatedAt"].instant(),
        lines=_lines(order, currency),
        create_items=True,
        status=OrderStatus.CANCELLED if cancelled_at else _status(order),
        source_status=_source_status(order),
        customer=_customer(order["customer"]),
        shipping_address=_address(order["shippingAddress"]),
        currency=currency,
        subtotal=_money(order["currentSubtotalPriceSet"], currency),
        shipping_total=_money(order["currentShippingPriceSet"], currency),
        tax_total=_money(order["currentTotalTaxSet"], currency),
        discount_total=_money(order["currentTotalDiscountsSet"], currency),
        total=_money(order["currentTotalPriceSet"], currency),
        payment=_payment(order, currency),
        placed_at=order["processedAt"].instant(),
        accepted_at=order["processedAt"].instant() if _accepted(order) else None,
        closed_at=order["closedAt"].maybe_instant(),
        cancelled_at=cancelled_at,
        cancel_reason=reason.word(dict(words.CANCEL), CancelReason.OTHER) if reason else None,
    )


def _status(order: Node) -> OrderStatus:
    return order["displayFulfillmentStatus"].word(dict(words.ORDER), OrderStatus.UNKNOWN)


def _accepted(order: Node) -> bool:
    """An order waits while its payment does, unless something was sent all the same, as for payment on delivery."""
    return order["displayFinancialStatus"].maybe_text() not in UNPAID or any(_sent(order).values())


def _source_status(order: Node) -> str:
    """Shopify's words for goods and money, and its advice where it sees a risk, which alone holds nothing."""
    told = [order["displayFulfillmentStatus"].text(), order["displayFinancialStatus"].maybe_text() or "NO_PAYMENT"]
    advice = order["risk"]["recommendation"].maybe_text()
    return " ".join([*told, f"RISK_{advice}"] if advice in RISKY else told)


def _lines(order: Node, currency: str) -> tuple[LineRecord, ...]:
    sent = _sent(order)
    return tuple(_line(line, currency, sent) for line in order["lineItems"]["nodes"].items())


def _sent(order: Node) -> Mapping[str, int]:
    """How many of each line have left, by the line's id."""
    sent: dict[str, int] = {}
    for work in order["fulfillmentOrders"]["nodes"]:
        if work["status"].text() != "CANCELLED":
            for line in work["lineItems"]["nodes"]:
                done = line["totalQuantity"].integer() - line["remainingQuantity"].integer()
                sent[number(line["lineItem"])] = sent.get(number(line["lineItem"]), 0) + done
    return sent


def _line(line: Node, currency: str, sent: Mapping[str, int]) -> LineRecord:
    """Units taken off and neither sent nor to be sent were cancelled; those taken off later came back."""
    ident, quantity = number(line), line["quantity"].integer()
    removed = quantity - line["currentQuantity"].integer()
    never_sent = quantity - sent.get(ident, 0) - line["unfulfilledQuantity"].integer()
    full = _money(line["originalTotalSet"], currency)
    discount = sum(_money(one["allocatedAmountSet"], currency) for one in line["discountAllocations"])
    return LineRecord(
        sku=line["sku"].maybe_text() or f"shopify-line-{ident}",
        quantity=quantity,
        line_id=ident,
        title=line["title"].maybe_text(),
        cancelled=max(0, min(removed, never_sent)),
        requires_shipping=line["requiresShipping"].flag(),
        unit_price=_money(line["originalUnitPriceSet"], currency),
        discount=discount,
        tax=sum(_money(tax["priceSet"], currency) for tax in line["taxLines"]),
        total=full - discount,
    )


def _money(bag: Node, currency: str) -> int:
    return bag["shopMoney"]["amount"].money(currency)


def _payment(order: Node, currency: str) -> PaymentRecord:
    received = _money(order["totalReceivedSet"], currency)
    return PaymentRecord(
        authorized=received + _money(order["totalCapturableSet"], currency),
        captured=received,
        refunded=_money(order["totalRefundedSet"], currency),
        authorization_expired=order["displayFinancialStatus"].maybe_text() == "EXPIRED",
    )


def _customer(customer: Node) -> CustomerRecord | None:
    if not customer:
        return None
    return CustomerRecord(
        id=number(customer),
        name=customer["displayName"].maybe_text(),
        email=customer["defaultEmailAddress"]["emailAddress"].maybe_text(),
        phone=customer["defaultPhoneNumber"]["phoneNumber"].maybe_text(),
    )


def _address(address: Node) -> AddressRecord | None:
    if not address:
        return None
    return AddressRecord(
        name=address["name"].maybe_text(),
        line1=address["address1"].maybe_text(),
        line2=address["address2"].maybe_text(),
        city=address["city"].maybe_text(),
        region=address["provinceCode"].maybe_text(),
        postal_code=address["zip"].maybe_text(),
        country=address["countryCodeV2"].maybe_text(),
    )


def stock(page: Node, instance: Instance) -> Read[StockRecord]:
    """Items without a SKU are of no use to us and left out."""

    def levels(item: Node) -> Iterator[StockRecord]:
        sku = item["sku"].maybe_text()
        if sku is not None:
            yield from (level_record(level, sku, instance) for level in item["inventoryLevels"]["nodes"])

    return each_read(page["nodes"].items(), lambda item: item["sku"].text(), levels)


def level_record(level: Node, sku: str, instance: Instance) -> StockRecord:
    counts = {one["name"].text(): one["quantity"] for one in level["quantities"].items()}
    if "on_hand" not in counts:
        raise level["quantities"].wrong("a list with on_hand")
    others = {name: max(0, count.integer()) for name, count in counts.items()}
    return StockRecord(
        sku=sku,
        location=instance.location(number(level["location"])),
        occurred_at=level["updatedAt"].instant(),
        on_hand=counts["on_hand"].integer(),
        allocated=others.get("committed"),
        damaged=others.get("damaged"),
        quality_control=others.get("quality_control"),
        set_aside=others.get("reserved"),
        safety_stock=others.get("safety_stock"),
    )
