"""Orders to suppliers and what they answer: 850 out; 855, 856 and 846 in.

A purchase order is named by the shop's order number, a dot and a piece of our key, so that its answers lead back
without a table of ours: `1001.3f9a2c`.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from connectors.base import FulfillmentRequest, Instance, Read
from connectors.dropship import notices
from connectors.dropship.x12 import Segment, TransactionSet, element, optional, parsed
from connectors.errors import BadPayload
from connectors.payload import Node, each_read
from domain.reasons import NodeRejectionReason
from domain.records import (
    FulfillmentLineRecord,
    FulfillmentRecord,
    OrderRef,
    ParcelLineRecord,
    ParcelRecord,
    StockRecord,
)
from domain.status import FulfillmentStatus

LONGEST_NUMBER: Final = 22


def purchase_order(key: str, number: str) -> str:
    name = f"{number}.{hashlib.sha256(key.encode()).hexdigest()[:6]}"
    if len(name) > LONGEST_NUMBER:
        raise BadPayload(f"An order number of more than {LONGEST_NUMBER - 7} characters has no place in X12.", "BEG03")
    return name


def order_of(purchase: str, instance: Instance) -> OrderRef:
    number, _, piece = purchase.rpartition(".")
    if not number or len(piece) != 6:
        raise BadPayload("That purchase order is none of ours.", "PRF01")
    return OrderRef(instance.option("channel", "web"), number)


def deliverable(recipient: Mapping[str, str]) -> bool:
    """Whether a supplier would know where to send it."""
    return all(recipient.get(part, "").strip() for part in ("name", "line1", "city", "country"))


def order_segments(request: FulfillmentRequest, purchase: str, at: dt.datetime) -> Sequence[Segment]:
    """An 850: a drop shipment to the customer, a PO1 per SKU."""
    to = request.recipient
    return [
        ("BEG", "00", "DS", purchase, "", f"{at:%Y%m%d}"),
        ("REF", "CO", request.order.number),
        *([("TD5", "", "", "", "", request.service)] if request.service else []),
        ("N1", "ST", to.get("name", "")),
        ("N3", to.get("line1", ""), to.get("line2", "")),
        ("N4", to.get("city", ""), to.get("region", ""), to.get("postal_code", ""), to.get("country", "")),
        *(
            ("PO1", str(place), str(count), "EA", "", "", "SK", sku)
            for place, (sku, count) in enumerate(request.units().items(), 1)
        ),
        ("CTT", str(len(request.units()))),
    ]


def ordered(sent: TransactionSet) -> Mapping[str, int]:
    """The quantities of an 850 of ours."""
    found: dict[str, int] = {}
    for line in (one for one in sent.segments if one[0] == "PO1"):
        found[notices.sku_of(line)] = found.get(notices.sku_of(line), 0) + notices.units(line, 2)
    return found


def answered(kind: TransactionSet) -> Sequence[str]:
    """The purchase orders that an 855 or 856 is about."""
    if kind.kind == "855":
        return [element(kind.first("BAK"), 3)]
    return [element(one, 1) for one in kind.segments if one[0] == "PRF"] if kind.kind == "856" else []


def work_order(
    purchase: str, lines: Mapping[str, int], answers: Sequence[tuple[TransactionSet, dt.datetime]], instance: Instance
) -> FulfillmentRecord:
    """What all answers together say; `answers` with the time each came, for sets that do not say when.

    What the supplier refused of a line is no work of its any more.
    """
    acknowledged = [one for one, _ in answers if one.kind == "855"]
    told = [
        parcel
        for notice, at in notices.standing(answers)
        for parcel in notices.parcels_of(notice, purchase, at, instance)
    ]
    # A notice that is sent again tells of the same parcels: of each the newest word counts.
    parcels = tuple({(parcel.carrier, parcel.tracking_number): parcel for parcel in told}.values())
    sent = notices.counted(parcels)
    said = notices.acknowledged(acknowledged[-1]) if acknowledged else None
    coming = {sku: max(sent.get(sku, 0), notices.coming(wanted, sku, said)) for sku, wanted in lines.items()}
    status = _status(said is not None, coming, sent)
    counted = lines if status is FulfillmentStatus.REJECTED else coming
    return FulfillmentRecord(
        order=order_of(purchase, instance),
        occurred_at=max((at for _, at in answers)),
        fulfillment_id=purchase,
        status=status,
        lines=tuple(
            FulfillmentLineRecord(sku, count, shipped=sent.get(sku, 0)) for sku, count in counted.items() if count
        ),
        location=instance.option("location"),
        shipments=parcels,
        rejection_reason=NodeRejectionReason.OTHER if status is FulfillmentStatus.REJECTED else None,
    )


def _status(said: bool, coming: Mapping[str, int], sent: Mapping[str, int]) -> FulfillmentStatus:
    if sent:
        whole = all(sent.get(sku, 0) >= count for sku, count in coming.items())
        return FulfillmentStatus.COMPLETED if whole else FulfillmentStatus.IN_PROGRESS
    if not any(coming.values()):
        return FulfillmentStatus.REJECTED
    return FulfillmentStatus.ACCEPTED if said else FulfillmentStatus.REQUESTED


def inventory(advice: TransactionSet, at: dt.datetime, instance: Instance) -> Sequence[StockRecord]:
    """An 846: what may be ordered of each item. QTY 33 is available for sale, 17 on hand; the first of them counts."""
    found: dict[str, int] = {}
    sku = ""
    for segment in advice.segments:
        if segment[0] == "LIN":
            sku = notices.sku_of(segment)
        elif segment[0] == "QTY" and optional(segment, 1) in ("33", "17") and sku:
            found.setdefault(sku, notices.units(segment, 2))
    location = instance.option("location")
    return [StockRecord(sku=sku, location=location, occurred_at=at, on_hand=count) for sku, count in found.items()]


def checked(one: TransactionSet, instance: Instance) -> None:
    """Raises BadPayload for a set that cannot be read when its turn comes."""
    at = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    for purchase in answered(one):
        list(notices.parcels_of(one, purchase, at, instance))
    if one.kind == "855":
        notices.acknowledged(one)
    if one.kind == "846":
        inventory(one, at, instance)


def rest_orders(told: Node, instance: Instance) -> Read[FulfillmentRecord]:
    """Orders of the REST API, each with all that was shipped of it so far."""
    orders = told["orders"].items()
    return each_read(orders, lambda one: one["purchase_order"].text(), lambda one: (_rest_order(one, instance),))


WORDS: Final[Mapping[str, FulfillmentStatus]] = {
    "received": FulfillmentStatus.REQUESTED,
    "accepted": FulfillmentStatus.ACCEPTED,
    "rejected": FulfillmentStatus.REJECTED,
    "in_progress": FulfillmentStatus.IN_PROGRESS,
    "shipped": FulfillmentStatus.COMPLETED,
    "cancelled": FulfillmentStatus.CANCELLED,
}


def _rest_order(order: Node, instance: Instance) -> FulfillmentRecord:
    purchase = order["purchase_order"].text()
    status = order["status"].word(dict(WORDS), FulfillmentStatus.REQUESTED)
    return FulfillmentRecord(
        order=order_of(purchase, instance),
        occurred_at=order["updated_at"].instant(),
        fulfillment_id=purchase,
        status=status,
        lines=tuple(
            FulfillmentLineRecord(line["sku"].text(), line["quantity"].integer()) for line in order["lines"].items()
        ),
        location=instance.option("location"),
        shipments=tuple(
            ParcelRecord(
                carrier=instance.carrier(parcel["carrier"].text()),
                tracking_number=parcel["tracking_number"].text(),
                shipped_at=parcel["shipped_at"].maybe_instant(),
                lines=tuple(
                    ParcelLineRecord(line["sku"].text(), line["quantity"].integer()) for line in parcel["lines"].items()
                ),
            )
            for parcel in order["parcels"]
        ),
        rejection_reason=NodeRejectionReason.OTHER if status is FulfillmentStatus.REJECTED else None,
    )


def rest_stock(told: Node, instance: Instance) -> Read[StockRecord]:
    items = told["items"].items()
    return each_read(items, lambda one: one["sku"].text(), lambda one: (_rest_level(one, instance),))


def _rest_level(item: Node, instance: Instance) -> StockRecord:
    return StockRecord(
        sku=item["sku"].text(),
        location=instance.option("location"),
        occurred_at=item["as_of"].instant(),
        on_hand=item["available"].integer(),
    )


def answers(told: Node, instance: Instance) -> Sequence[FulfillmentRecord]:
    """As `work_order`, from texts: `sent` our 850, `answers` files and when they came."""
    sent = parsed(told["sent"].text().encode())[0]
    purchase = element(sent.first("BEG"), 3)
    sets = [
        (one, answer["came_at"].instant())
        for answer in told["answers"].items()
        for one in parsed(answer["file"].text().encode())
        if purchase in answered(one)
    ]
    return [work_order(purchase, ordered(sent), sets, instance)]


def advices(told: Node, instance: Instance) -> Sequence[StockRecord]:
    """As `inventory`, from the text of a file and when it came."""
    sets = parsed(told["file"].text().encode())
    at = told["came_at"].instant()
    return [record for one in sets if one.kind == "846" for record in inventory(one, at, instance)]
