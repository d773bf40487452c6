"""An order at ShipBob is one work order of ours; its shipments, perhaps from several buildings, are the parcels."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.base import FulfillmentRequest, Instance, Read
from connectors.payload import Node, each_read
from domain.records import (
    FulfillmentLineRecord,
    FulfillmentRecord,
    OrderRef,
    ParcelLineRecord,
    ParcelRecord,
    Record,
    StockRecord,
    TrackingRecord,
)
from domain.status import FulfillmentStatus, ShipmentStatus

STATUS: Final[Mapping[str, FulfillmentStatus]] = {
    "ImportReview": FulfillmentStatus.REQUESTED,
    "Processing": FulfillmentStatus.IN_PROGRESS,
    "Exception": FulfillmentStatus.ON_HOLD,
    "OnHold": FulfillmentStatus.ON_HOLD,
    "PartiallyFulfilled": FulfillmentStatus.IN_PROGRESS,
    "Fulfilled": FulfillmentStatus.COMPLETED,
    "Cancelled": FulfillmentStatus.CANCELLED,
}
# Words of shipments that carry nothing (any more).
GONE: Final = frozenset({"Cancelled", "CleanSweeped"})
CHANNEL_TAG: Final = "ordergraph-channel"


def request_body(request: FulfillmentRequest, shipping_method: str) -> Mapping[str, Any]:
    """`reference_id` is our key, which ShipBob takes once; the channel comes back to us in a tag."""
    to = request.recipient
    address = {
        "address1": to.get("line1"),
        "address2": to.get("line2"),
        "city": to.get("city"),
        "state": to.get("region"),
        "zip_code": to.get("postal_code"),
        "country": to.get("country"),
    }
    # Two lines of one SKU are one product there, as it tells them by SKU.
    return {
        "reference_id": request.key,
        "order_number": request.order.number,
        "shipping_method": request.service or shipping_method,
        "type": "DTC",
        "recipient": {
            "name": to.get("name"),
            "email": to.get("email"),
            "phone_number": to.get("phone"),
            "address": address,
        },
        "products": [{"reference_id": sku, "name": sku, "quantity": units} for sku, units in request.units().items()],
        "tags": [{"name": CHANNEL_TAG, "value": request.order.channel}],
    }


def status(order: Node) -> FulfillmentStatus:
    return order["status"].word(dict(STATUS), FulfillmentStatus.REQUESTED)


def orders(page: Node, instance: Instance) -> Read[Record]:
    return each_read(page.items(), lambda order: order["id"].id(), lambda order: fulfillment(order, instance))


def fulfillment(order: Node, instance: Instance) -> Sequence[Record]:
    """The work order, and a scan for each parcel that has arrived."""
    moving = [one for one in order["shipments"] if one["status"].text() not in GONE]
    sent = [one for one in moving if one["tracking"]["tracking_number"].maybe_text()]
    counts = _counts(sent)
    wanted = _summed((_sku(one), one["quantity"].integer()) for one in order["products"].items())
    places = dict.fromkeys(one["location"]["id"].id() for one in moving if one["location"]["id"])
    record = FulfillmentRecord(
        order=_order(order, instance),
        occurred_at=_changed_at(order),
        fulfillment_id=order["id"].id(),
        status=status(order),
        lines=tuple(FulfillmentLineRecord(sku, units, shipped=counts.get(sku, 0)) for sku, units in wanted.items()),
        location=instance.location(next(iter(places))) if len(places) == 1 else None,
        shipments=tuple(_parcel(one, instance) for one in sent),
        key=order["reference_id"].maybe_text(),
    )
    return [record, *(_delivered(one, record, instance) for one in sent if one["delivery_date"])]


def _order(order: Node, instance: Instance) -> OrderRef:
    """Ours by its tag; one that ShipBob imported itself by the channel it came from."""
    tags = {tag["name"].text(): tag["value"].maybe_text() for tag in order["tags"]}
    channel = tags.get(CHANNEL_TAG) or instance.channel(order["channel"]["name"].text())
    return OrderRef(channel, order["order_number"].maybe_text() or order["reference_id"].text())


def _sku(product: Node) -> str:
    return product["sku"].maybe_text() or product["reference_id"].text()


def _changed_at(order: Node) -> dt.datetime:
    told = [one["last_update_at"].maybe_instant(dt.UTC) for one in order["shipments"]]
    return max((at for at in told if at is not None), default=order["created_date"].instant(dt.UTC))


def _quantity(product: Node) -> int:
    """A product of several inventory items is a bundle, of which ShipBob tells only the parts: it counts as one."""
    items = list(product["inventory_items"])
    return items[0]["quantity"].integer() if len(items) == 1 else 1


def _counts(shipments: Sequence[Node]) -> Mapping[str, int]:
    return _summed((_sku(one), _quantity(one)) for shipment in shipments for one in shipment["products"])


def _summed(units: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for sku, count in units:
        found[sku] = found.get(sku, 0) + count
    return found


def _parcel(shipment: Node, instance: Instance) -> ParcelRecord:
    tracking = shipment["tracking"]
    shipped_at = tracking["shipping_date"].maybe_instant(dt.UTC)
    return ParcelRecord(
        carrier=instance.carrier(tracking["carrier"].text()),
        tracking_number=tracking["tracking_number"].text(),
        service=tracking["carrier_service"].maybe_text(),
        tracking_url=tracking["tracking_url"].maybe_text(),
        shipped_at=shipped_at or shipment["actual_fulfillment_date"].maybe_instant(dt.UTC),
        lines=tuple(ParcelLineRecord(sku, units) for sku, units in _counts([shipment]).items()),
    )


def _delivered(shipment: Node, record: FulfillmentRecord, instance: Instance) -> TrackingRecord:
    tracking = shipment["tracking"]
    return TrackingRecord(
        carrier=instance.carrier(tracking["carrier"].text()),
        tracking_number=tracking["tracking_number"].text(),
        occurred_at=shipment["delivery_date"].instant(dt.UTC),
        status=ShipmentStatus.DELIVERED,
        order=record.order,
        raw_code="delivery_date",
    )


def stock(page: Node, instance: Instance) -> Read[StockRecord]:
    """Counts per building. `read_at` is when the page was read, because ShipBob does not say when it counted."""
    read_at = page["read_at"].instant()

    def levels(item: Node) -> Iterator[StockRecord]:
        for place in item["locations"]:
            yield StockRecord(
                sku=item["sku"].text(),
                location=instance.location(place["location_id"].id()),
                occurred_at=read_at,
                on_hand=place["on_hand_quantity"].integer(),
                allocated=place["committed_quantity"].maybe_integer(),
            )

    return each_read(page["items"].items(), lambda item: item["sku"].text(), levels)
