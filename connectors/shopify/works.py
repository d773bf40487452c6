"""Fulfillment orders as work orders, fulfillments as their parcels, fulfillment events as scans."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from connectors.base import Instance
from connectors.payload import Node
from connectors.shopify import words
from domain.records import (
    FulfillmentLineRecord,
    FulfillmentRecord,
    OrderRef,
    ParcelLineRecord,
    ParcelRecord,
    Record,
    TrackingRecord,
)
from domain.status import FulfillmentStatus, ShipmentStatus

# The customer comes for it, or carried it out of the store.
COLLECTED: Final = frozenset({"PICK_UP", "RETAIL"})


def number(thing: Node) -> str:
    """The number at the end of the `gid://shopify/...` of `thing`."""
    ident = thing["id"].text().rpartition("/")[2].partition("?")[0]
    if not ident:
        raise thing["id"].wrong("an id such as gid://shopify/Order/1")
    return ident


def order_ref(order: Node, instance: Instance) -> OrderRef:
    """The channel is the order's source, such as `web`, `pos`, or the number of an app; the number has no #."""
    source = order["sourceName"].maybe_text() or "web"
    return OrderRef(instance.channel(source), order["name"].text().removeprefix("#"))


def status(work: Node) -> FulfillmentStatus:
    word, asked = work["status"], work["requestStatus"].text()
    return words.REQUEST.get((word.text(), asked)) or word.word(dict(words.WORK), FulfillmentStatus.OPEN)


def work_records(work: Node, ref: OrderRef, instance: Instance) -> Sequence[Record]:
    parcels = [one for one in work["fulfillments"]["nodes"] if one["status"].text() not in words.NEVER_SENT]
    lines = work["lineItems"]["nodes"].items()
    place = work["assignedLocation"]["location"]
    gone = work["status"].text() == "CANCELLED"
    arrived = _arrived(parcels)
    record = FulfillmentRecord(
        order=ref,
        occurred_at=work["updatedAt"].instant(),
        fulfillment_id=number(work),
        status=status(work),
        lines=tuple(_line(line, gone, arrived) for line in lines),
        location=instance.location(number(place)) if place else None,
        shipments=tuple(parcel for one in parcels for parcel in _parcels(one, lines, instance)),
        pickup=work["deliveryMethod"]["methodType"].maybe_text() in COLLECTED,
        fulfill_at=work["fulfillAt"].maybe_instant(),
        fulfill_by=work["fulfillBy"].maybe_instant(),
    )
    return [record, *(scan for one in parcels for scan in _scans(one, ref, instance))]


def _line(line: Node, gone: bool, arrived: Mapping[str, int]) -> FulfillmentLineRecord:
    """What remains of cancelled work is nothing, though nothing was sent."""
    total, ident = line["totalQuantity"].integer(), number(line["lineItem"])
    sent = None if gone else total - line["remainingQuantity"].integer()
    return FulfillmentLineRecord(line=ident, quantity=total, shipped=sent, delivered=arrived.get(ident))


def _arrived(fulfillments: Sequence[Node]) -> Mapping[str, int]:
    """Units by line that were delivered without a number, as by the shop's own driver: no parcel can tell of them."""
    found: dict[str, int] = {}
    for one in fulfillments:
        if one["deliveredAt"] and next(_numbered(one), None) is None:
            for line in one["fulfillmentLineItems"]["nodes"]:
                ident = number(line["lineItem"])
                found[ident] = found.get(ident, 0) + line["quantity"].integer()
    return found


def _numbered(fulfillment: Node) -> Iterator[Node]:
    return (one for one in fulfillment["trackingInfo"].items() if one["number"].maybe_text())


def _carrier(tracking: Node, instance: Instance) -> str:
    return instance.carrier(tracking["company"].maybe_text() or "other")


def _parcels(fulfillment: Node, lines: Sequence[Node], instance: Instance) -> Iterator[ParcelRecord]:
    """Which of several numbers of a fulfillment carries what is not told: all lines are with the first."""
    ours = {number(line["lineItem"]) for line in lines}
    told = fulfillment["fulfillmentLineItems"]
    carried = [one for one in told["nodes"] if number(one["lineItem"]) in ours]
    known = tuple(ParcelLineRecord(number(one["lineItem"]), one["quantity"].integer()) for one in carried)
    for place, tracking in enumerate(_numbered(fulfillment)):
        yield ParcelRecord(
            carrier=_carrier(tracking, instance),
            tracking_number=tracking["number"].text(),
            tracking_url=tracking["url"].maybe_text(),
            shipped_at=fulfillment["createdAt"].instant(),
            estimated_delivery_at=fulfillment["estimatedDeliveryAt"].maybe_instant(),
            lines=(known if place == 0 else ()) if told else None,
        )


def _scans(fulfillment: Node, ref: OrderRef, instance: Instance) -> Iterator[TrackingRecord]:
    """Its events are of the first number. Where none are told (bulk), the arrival is."""
    tracking = next(_numbered(fulfillment), None)
    if tracking is None:
        return
    carrier, numbered = _carrier(tracking, instance), tracking["number"].text()
    events = list(fulfillment["events"]["nodes"])
    for event in events:
        yield TrackingRecord(
            carrier=carrier,
            tracking_number=numbered,
            occurred_at=event["happenedAt"].instant(),
            status=event["status"].word(dict(words.SCAN), ShipmentStatus.UNKNOWN),
            event_id=number(event),
            order=ref,
            raw_code=event["status"].text(),
            raw_text=event["message"].maybe_text(),
            city=event["city"].maybe_text(),
            region=event["province"].maybe_text(),
            estimated_delivery_at=event["estimatedDeliveryAt"].maybe_instant(),
        )
    if fulfillment["deliveredAt"] and not any(event["status"].text() == "DELIVERED" for event in events):
        at = fulfillment["deliveredAt"].instant()
        yield TrackingRecord(carrier, numbered, at, ShipmentStatus.DELIVERED, order=ref, raw_code="deliveredAt")
