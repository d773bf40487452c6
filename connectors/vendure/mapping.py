"""Vendure's orders and stock as records. Its amounts are minor units already; lines keep what was placed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from connectors.base import Instance, Read
from connectors.payload import Node, each_read
from domain.records import (
    AddressRecord,
    CustomerRecord,
    FulfillmentLineRecord,
    FulfillmentRecord,
    LineRecord,
    OrderRecord,
    OrderRef,
    ParcelRecord,
    PaymentRecord,
    Record,
    StockRecord,
    TrackingRecord,
)
from domain.status import FulfillmentStatus, OrderStatus, ShipmentStatus

STATUS: Final[Mapping[str, OrderStatus]] = {
    "PaymentAuthorized": OrderStatus.CONFIRMED,
    "PaymentSettled": OrderStatus.CONFIRMED,
    "Modifying": OrderStatus.ON_HOLD,
    "ArrangingAdditionalPayment": OrderStatus.ON_HOLD,
    "PartiallyShipped": OrderStatus.PARTIALLY_SHIPPED,
    "Shipped": OrderStatus.SHIPPED,
    "PartiallyDelivered": OrderStatus.PARTIALLY_DELIVERED,
    "Delivered": OrderStatus.DELIVERED,
    "Cancelled": OrderStatus.CANCELLED,
}
FULFILLMENT: Final[Mapping[str, FulfillmentStatus]] = {
    "Created": FulfillmentStatus.OPEN,
    "Pending": FulfillmentStatus.IN_PROGRESS,
    "Shipped": FulfillmentStatus.COMPLETED,
    "Delivered": FulfillmentStatus.COMPLETED,
    "Cancelled": FulfillmentStatus.CANCELLED,
}


def orders(page: Node, instance: Instance) -> Read[Record]:
    return each_read(page.items(), lambda order: order["code"].text(), lambda order: order_records(order, instance))


def order_records(order: Node, instance: Instance) -> Sequence[Record]:
    """The order, then its fulfillments, then a scan for each parcel that has arrived."""
    told = _order(order, instance)
    works = list(order["fulfillments"])
    arrived = [one for one in works if one["state"].text() == "Delivered" and one["trackingCode"].maybe_text()]
    return [
        told,
        *(_fulfillment(one, told.order, instance) for one in works),
        *(_delivered(one, told.order, instance) for one in arrived),
    ]


def _order(order: Node, instance: Instance) -> OrderRecord:
    state = order["state"]
    cancelled = state.text() == "Cancelled"
    changed_at = order["updatedAt"].instant()
    return OrderRecord(
        order=OrderRef(instance.option("channel", "web"), order["code"].text()),
        occurred_at=changed_at,
        lines=tuple(_line(line) for line in order["lines"].items()),
        create_items=True,
        status=state.word(dict(STATUS), OrderStatus.UNKNOWN),
        source_status=state.text(),
        customer=_customer(order["customer"]),
        shipping_address=_address(order["shippingAddress"]),
        currency=order["currencyCode"].text(),
        subtotal=order["subTotalWithTax"].integer(),
        shipping_total=order["shippingWithTax"].integer(),
        tax_total=sum(rate["taxTotal"].integer() for rate in order["taxSummary"]),
        discount_total=-sum(discount["amountWithTax"].integer() for discount in order["discounts"]),
        total=order["totalWithTax"].integer(),
        payment=_payment(order["payments"]),
        placed_at=order["orderPlacedAt"].maybe_instant(),
        accepted_at=order["orderPlacedAt"].maybe_instant() if state.text() in STATUS and not cancelled else None,
        cancelled_at=changed_at if cancelled else None,
    )


def _line(line: Node) -> LineRecord:
    """Cancelling takes units off `quantity`; what was placed stays in `orderPlacedQuantity`."""
    left, placed = line["quantity"].integer(), line["orderPlacedQuantity"].integer()
    full, paid = line["linePriceWithTax"].integer(), line["proratedLinePriceWithTax"].integer()
    return LineRecord(
        sku=line["productVariant"]["sku"].text(),
        quantity=max(left, placed),
        line_id=line["id"].id(),
        title=line["productVariant"]["name"].maybe_text(),
        cancelled=max(0, placed - left),
        unit_price=line["unitPriceWithTax"].integer(),
        discount=full - paid,
        tax=line["lineTax"].integer(),
        total=paid,
    )


def _customer(customer: Node) -> CustomerRecord | None:
    if not customer:
        return None
    names = (customer["firstName"].maybe_text(), customer["lastName"].maybe_text())
    return CustomerRecord(
        id=customer["id"].id(),
        name=" ".join(name for name in names if name) or None,
        email=customer["emailAddress"].maybe_text(),
        phone=customer["phoneNumber"].maybe_text(),
    )


def _address(address: Node) -> AddressRecord | None:
    """None for an order that carries nothing, which Vendure writes as an address without a country."""
    if not address["countryCode"].value:
        return None
    return AddressRecord(
        name=address["fullName"].maybe_text(),
        line1=address["streetLine1"].maybe_text(),
        line2=address["streetLine2"].maybe_text(),
        city=address["city"].maybe_text(),
        region=address["province"].maybe_text(),
        postal_code=address["postalCode"].maybe_text(),
        country=address["countryCode"].text().upper(),
    )


def _payment(payments: Node) -> PaymentRecord | None:
    sums: dict[str, int] = {"refunded": 0}
    for payment in payments:
        state = payment["state"].text()
        sums[state] = sums.get(state, 0) + payment["amount"].integer()
        settled = (refund for refund in payment["refunds"] if refund["state"].text() == "Settled")
        sums["refunded"] += sum(refund["total"].integer() for refund in settled)
    captured = sums.get("Settled", 0)
    return PaymentRecord(
        authorized=sums.get("Authorized", 0) + captured,
        captured=captured,
        refunded=sums["refunded"],
        voided=sums.get("Cancelled", 0),
    )


def _fulfillment(work: Node, order: OrderRef, instance: Instance) -> FulfillmentRecord:
    state = work["state"].text()
    shipped, delivered = state in ("Shipped", "Delivered"), state == "Delivered"
    tracking = work["trackingCode"].maybe_text()
    at = work["updatedAt"].instant()
    parcel = ParcelRecord(
        carrier=instance.carrier(work["method"].text()),
        tracking_number=tracking or "",
        shipped_at=at if state == "Shipped" else None,
    )
    return FulfillmentRecord(
        order=order,
        occurred_at=at,
        fulfillment_id=work["id"].id(),
        status=work["state"].word(dict(FULFILLMENT), FulfillmentStatus.OPEN),
        lines=tuple(
            FulfillmentLineRecord(
                line=line["orderLineId"].id(),
                quantity=line["quantity"].integer(),
                shipped=line["quantity"].integer() if shipped else None,
                delivered=line["quantity"].integer() if delivered and not tracking else None,
            )
            for line in work["lines"].items()
        ),
        shipments=(parcel,) if shipped and tracking else (),
    )


def _delivered(work: Node, order: OrderRef, instance: Instance) -> TrackingRecord:
    return TrackingRecord(
        carrier=instance.carrier(work["method"].text()),
        tracking_number=work["trackingCode"].text(),
        occurred_at=work["updatedAt"].instant(),
        status=ShipmentStatus.DELIVERED,
        order=order,
        raw_code="Delivered",
    )


def stock(page: Node, instance: Instance) -> Read[StockRecord]:
    return each_read(page.items(), lambda variant: variant["sku"].text(), lambda variant: _levels(variant, instance))


def _levels(variant: Node, instance: Instance) -> Iterator[StockRecord]:
    for level in variant["stockLevels"].items():
        yield StockRecord(
            sku=variant["sku"].text(),
            location=instance.location(level["stockLocationId"].id()),
            occurred_at=level["updatedAt"].instant(),
            on_hand=level["stockOnHand"].integer(),
            allocated=max(0, level["stockAllocated"].integer()),
            title=variant["name"].text(),
        )
