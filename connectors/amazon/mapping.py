"""Amazon's orders, stock and milestones as records. Amounts are in the currency of the marketplace."""

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Sequence
from typing import Final

from connectors.amazon import words
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
    ParcelLineRecord,
    ParcelRecord,
    PromiseRecord,
    Record,
    StockRecord,
    TrackingRecord,
)
from domain.status import FulfillmentStatus, OrderStatus, ShipmentStatus

# Amazon's warehouses are one location.
FBA: Final = "FBA"
# When Amazon does not say when it counted: any count that it dates is newer.
LONG_AGO: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
# The payment, or the goods before their day of release, are waited for.
WAITING: Final = frozenset({"PENDING", "PENDING_AVAILABILITY"})


def orders(page: Node, instance: Instance) -> Read[Record]:
    return each_read(page["orders"].items(), lambda one: one["orderId"].text(), lambda one: _records(one, instance))


def order(answer: Node, instance: Instance) -> Sequence[Record]:
    return _records(answer["order"], instance)


def _records(told: Node, instance: Instance) -> Sequence[Record]:
    """The order, then a work order for each package of ours."""
    record = _order(told, instance)
    return [record, *_packages(told, record, instance)]


def _order(told: Node, instance: Instance) -> OrderRecord:
    """Amazon tells no amounts while the payment is pending."""
    state = told["fulfillment"]["fulfillmentStatus"]
    total = told["proceeds"]["grandTotal"]
    currency = total["currencyCode"].maybe_text()
    cancelled = state.value == "CANCELLED"
    changed_at = told["lastUpdatedTime"].instant()
    return OrderRecord(
        order=OrderRef(instance.channel(told["salesChannel"]["marketplaceId"].text()), told["orderId"].text()),
        occurred_at=changed_at,
        lines=tuple(_line(item, cancelled) for item in told["orderItems"].items()),
        create_items=True,
        status=state.word(dict(words.ORDER), OrderStatus.UNKNOWN) if state else None,
        source_status=_source_status(told),
        customer=_customer(told["buyer"]),
        shipping_address=_address(told["recipient"]["deliveryAddress"]),
        currency=currency,
        total=total["amount"].money(currency) if currency else None,
        promise=_promise(told["fulfillment"], instance),
        placed_at=told["createdTime"].instant(),
        accepted_at=told["createdTime"].instant() if state and state.text() not in WAITING else None,
        cancelled_at=changed_at if cancelled else None,
    )


def _source_status(told: Node) -> str | None:
    """Amazon's word, and who ships."""
    fulfillment = told["fulfillment"]
    said = (fulfillment["fulfillmentStatus"].maybe_text(), fulfillment["fulfilledBy"].maybe_text())
    return " ".join(filter(None, said)) or None


def _line(item: Node, cancelled: bool) -> LineRecord:
    """Units that were neither sent nor are to be sent were cancelled."""
    ordered, done = item["quantityOrdered"].integer(), item["fulfillment"]
    left = ordered - (done["quantityFulfilled"].integer() + done["quantityUnfulfilled"].integer() if done else ordered)
    product = item["product"]
    price = product["price"]["unitPrice"]
    return LineRecord(
        sku=product["sellerSku"].maybe_text() or product["asin"].text(),
        quantity=ordered,
        line_id=item["orderItemId"].id(),
        title=product["title"].maybe_text(),
        cancelled=ordered if cancelled else max(0, left),
        unit_price=_money(price),
        discount=_part(item, "DISCOUNT"),
        tax=_part(item, "TAX"),
        total=_money(item["proceeds"]["proceedsTotal"]),
    )


def _money(told: Node) -> int | None:
    return told["amount"].money(told["currencyCode"].text()) if told else None


def _part(item: Node, kind: str) -> int | None:
    found = [_money(one["subtotal"]) for one in item["proceeds"]["breakdowns"] if one["type"].value == kind]
    known = [abs(amount) for amount in found if amount is not None]
    return sum(known) if known else None


def _customer(buyer: Node) -> CustomerRecord | None:
    if not buyer:
        return None
    return CustomerRecord(name=buyer["buyerName"].maybe_text(), email=buyer["buyerEmail"].maybe_text())


def _address(address: Node) -> AddressRecord | None:
    if not address["countryCode"].value:
        return None
    return AddressRecord(
        name=address["name"].maybe_text(),
        line1=address["addressLine1"].maybe_text(),
        line2=address["addressLine2"].maybe_text(),
        city=address["city"].maybe_text(),
        region=address["stateOrRegion"].maybe_text(),
        postal_code=address["postalCode"].maybe_text(),
        country=address["countryCode"].text(),
    )


def _promise(fulfillment: Node, instance: Instance) -> PromiseRecord | None:
    """Amazon writes its days as instants: the end of the last one in the marketplace's own time."""
    zone = zoneinfo.ZoneInfo(instance.option("time_zone", "UTC"))
    window, ship_by = fulfillment["deliverByWindow"], fulfillment["shipByWindow"]["latestDateTime"].maybe_instant()
    latest, earliest = window["latestDateTime"].maybe_instant(), window["earliestDateTime"].maybe_instant()
    if latest is None:
        return None
    return PromiseRecord(
        latest=latest.astimezone(zone).date(),
        time_zone=zone.key,
        earliest=earliest.astimezone(zone).date() if earliest else None,
        ship_by=ship_by.astimezone(zone).date() if ship_by else None,
    )


def _packages(told: Node, record: OrderRecord, instance: Instance) -> Iterator[FulfillmentRecord]:
    for package in told["packages"]:
        state, items = package["packageStatus"]["status"], list(package["packageItems"])
        if not items:
            continue
        status = FulfillmentStatus.IN_PROGRESS
        if state:
            status = state.word(dict(words.PACKAGE), status)
        sent = status is FulfillmentStatus.COMPLETED
        yield FulfillmentRecord(
            order=record.order,
            occurred_at=record.occurred_at,
            fulfillment_id=f"{record.order.number}/{package['packageReferenceId'].id()}",
            status=status,
            lines=tuple(_sent(item, sent) for item in items),
            shipments=tuple(_parcel(package, items, instance)) if sent else (),
        )


def _sent(item: Node, sent: bool) -> FulfillmentLineRecord:
    quantity = item["quantity"].integer()
    return FulfillmentLineRecord(item["orderItemId"].id(), quantity, shipped=quantity if sent else None)


def _parcel(package: Node, items: Sequence[Node], instance: Instance) -> Iterator[ParcelRecord]:
    numbered = package["trackingNumber"].maybe_text()
    if numbered is not None:
        yield ParcelRecord(
            carrier=instance.carrier(package["carrier"].maybe_text() or "other"),
            tracking_number=numbered,
            service=package["shippingService"].maybe_text(),
            shipped_at=package["shipTime"].maybe_instant(),
            lines=tuple(ParcelLineRecord(one["orderItemId"].id(), one["quantity"].integer()) for one in items),
        )


def stock(page: Node, instance: Instance) -> Read[StockRecord]:
    """What lies in Amazon's warehouses, sold or not; what is on its way there is not told."""
    summaries = page["payload"]["inventorySummaries"].items()
    return each_read(summaries, lambda one: one["sellerSku"].text(), lambda one: (_level(one, instance),))


def _level(told: Node, instance: Instance) -> StockRecord:
    details = told["inventoryDetails"]
    reserved = details["reservedQuantity"]
    damaged = details["unfulfillableQuantity"]["totalUnfulfillableQuantity"].maybe_integer() or 0
    held = reserved["totalReservedQuantity"].maybe_integer() or 0
    promised = reserved["pendingCustomerOrderQuantity"].maybe_integer() or 0
    return StockRecord(
        sku=told["sellerSku"].text(),
        location=instance.location(FBA),
        occurred_at=LONG_AGO if told["lastUpdatedTime"].value == "" else told["lastUpdatedTime"].instant(),
        on_hand=details["fulfillableQuantity"].integer() + held + damaged,
        allocated=promised,
        damaged=damaged,
        set_aside=max(0, held - promised),
    )


def tracking(answer: Node, instance: Instance) -> Sequence[TrackingRecord]:
    """All milestones, oldest first."""
    detail = answer["trackingDetail"]
    carrier, numbered = _identified(detail["identifier"], instance)
    estimate = _estimate(detail)
    milestones = sorted(detail["milestoneHistory"].items(), key=lambda one: one["occurredAt"].instant())
    return [_milestone(one, carrier, numbered, estimate if last else None) for last, one in _marked(milestones)]


def _marked(milestones: Sequence[Node]) -> Iterator[tuple[bool, Node]]:
    for place, one in enumerate(milestones, 1):
        yield place == len(milestones), one


def _identified(identifier: Node, instance: Instance) -> tuple[str, str]:
    """By the carrier's number, else by one of Amazon's own."""
    theirs = identifier["carrierTracking"]
    if theirs:
        return instance.carrier(theirs["carrierCode"].maybe_text() or "other"), theirs["trackingNumber"].text()
    return "amazon", (identifier["aftn"] if identifier["aftn"] else identifier["id"]).text()


def _estimate(detail: Node) -> Node | None:
    wanted = (one for one in detail["trackingEstimates"] if one["type"].text() == "ESTIMATED_DELIVERY_DATE")
    return next((one["estimatedInterval"]["endTime"] for one in wanted), None)


def _milestone(told: Node, carrier: str, numbered: str, estimate: Node | None) -> TrackingRecord:
    """Amazon's estimate is of now, so it goes with the latest."""
    status, address = told["status"], told["location"]["address"]
    codes = (status["code"].text(), status["subCode"].maybe_text())
    return TrackingRecord(
        carrier=carrier,
        tracking_number=numbered,
        occurred_at=told["occurredAt"].instant(),
        status=status["code"].word(dict(words.MILESTONE), ShipmentStatus.UNKNOWN),
        raw_code="/".join(filter(None, codes)),
        raw_text=status["description"].maybe_text(),
        city=address["city"].maybe_text(),
        region=address["region"].maybe_text(),
        country=address["countryCode"].maybe_text(),
        estimated_delivery_at=estimate.maybe_instant() if estimate else None,
    )
