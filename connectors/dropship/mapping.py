"""Orders to suppliers and what they answer: 850 out; 855, 856 and 846 in.

A purchase order is named by the shop's order number, a dot and a piece of our key, so that its answers lead back
without a table of ours: `1001.3f9a2c`.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from connectors.base import FulfillmentRequest, Instance
from connectors.dropship.x12 import Segment, TransactionSet, element, optional, parsed
from connectors.errors import BadPayload
from connectors.payload import Node
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
# Words of an acknowledgement for a line that will not be sent; with any other it will, perhaps changed or later.
GONE: Final = frozenset({"IR", "ID", "R2", "R3"})
SKUS: Final = frozenset({"SK", "VN", "VP", "BP", "IN"})


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


def order_segments(request: FulfillmentRequest, purchase: str, at: dt.datetime) -> Sequence[Segment]:
    """An 850: a drop shipment to the customer, a PO1 per line."""
    to = request.recipient
    return [
        ("BEG", "00", "DS", purchase, "", f"{at:%Y%m%d}"),
        ("REF", "CO", request.order.number),
        *([("TD5", "", "", "", "", request.service)] if request.service else []),
        ("N1", "ST", to.get("name", "")),
        ("N3", to.get("line1", ""), to.get("line2", "")),
        ("N4", to.get("city", ""), to.get("region", ""), to.get("postal_code", ""), to.get("country", "")),
        *(
            ("PO1", str(place), str(line.quantity), "EA", "", "", "SK", line.sku)
            for place, line in enumerate(request.lines, 1)
        ),
        ("CTT", str(len(request.lines))),
    ]


def ordered(sent: TransactionSet) -> Mapping[str, int]:
    """The quantities of an 850 of ours."""
    return {_sku(one): int(element(one, 2)) for one in sent.segments if one[0] == "PO1"}


def answered(kind: TransactionSet) -> Sequence[str]:
    """The purchase orders that an 855 or 856 is about."""
    if kind.kind == "855":
        return [element(kind.first("BAK"), 3)]
    return [element(one, 1) for one in kind.segments if one[0] == "PRF"] if kind.kind == "856" else []


def work_order(
    purchase: str, lines: Mapping[str, int], answers: Sequence[tuple[TransactionSet, dt.datetime]], instance: Instance
) -> FulfillmentRecord:
    """What all answers together say; `answers` with the time each came, for sets that do not say when."""
    acknowledged = [one for one in answers if one[0].kind == "855"]
    notices = [one for one in answers if one[0].kind == "856"]
    parcels = tuple(parcel for notice, at in notices for parcel in _parcels(notice, purchase, at, instance))
    sent = _counts(parcels)
    said = _acknowledged(acknowledged[-1][0]) if acknowledged else {}
    refused = bool(said) and all(word in GONE for word in said.values())
    if parcels and all(sent.get(sku, 0) >= wanted for sku, wanted in lines.items() if said.get(sku) not in GONE):
        status = FulfillmentStatus.COMPLETED
    elif parcels:
        status = FulfillmentStatus.IN_PROGRESS
    elif refused:
        status = FulfillmentStatus.REJECTED
    else:
        status = FulfillmentStatus.ACCEPTED if said else FulfillmentStatus.REQUESTED
    return FulfillmentRecord(
        order=order_of(purchase, instance),
        occurred_at=max((at for _, at in answers)),
        fulfillment_id=purchase,
        status=status,
        lines=tuple(FulfillmentLineRecord(sku, wanted) for sku, wanted in lines.items()),
        location=instance.option("location"),
        shipments=parcels,
        rejection_reason=NodeRejectionReason.OTHER if status is FulfillmentStatus.REJECTED else None,
    )


def _acknowledged(answer: TransactionSet) -> Mapping[str, str]:
    """The word for each line; an acknowledgement without lines is for the whole order."""
    found: dict[str, str] = {}
    sku = ""
    for segment in answer.segments:
        if segment[0] == "PO1":
            sku = _sku(segment)
        elif segment[0] == "ACK":
            found[sku] = element(segment, 1)
    word = optional(answer.first("BAK"), 2)
    return found or {"": "IR" if word in ("RD", "RJ") else "IA"}


def _parcels(notice: TransactionSet, purchase: str, at: dt.datetime, instance: Instance) -> Iterable[ParcelRecord]:
    """HL levels: S the shipment, O the order, P the parcel, I an item. Without P the shipment is the parcel."""
    carrier, service, shipped, tracking = "unknown", None, at, ""
    level, here, sku = "", False, ""
    parcels: dict[str, dict[str, int]] = {}
    for segment in notice.segments:
        name = segment[0]
        if name == "HL":
            level = element(segment, 3)
        elif name == "TD5":
            carrier, service = optional(segment, 3) or carrier, optional(segment, 5)
        elif name == "DTM" and optional(segment, 1) == "011":
            shipped = _day(element(segment, 2))
        elif name == "PRF":
            here = element(segment, 1) == purchase
        elif (name == "MAN" and optional(segment, 1) == "CP") or (name == "REF" and optional(segment, 1) == "CN"):
            tracking = element(segment, 2)
        elif name == "LIN":
            sku = _sku(segment)
        elif name == "SN1" and level == "I" and here:
            if not tracking:
                raise BadPayload("A shipped item is in no parcel: there is no REF*CN and no MAN*CP.", "MAN02")
            counts = parcels.setdefault(tracking, {})
            counts[sku] = counts.get(sku, 0) + int(element(segment, 2))
    for number, counts in parcels.items():
        lines = tuple(ParcelLineRecord(one, count) for one, count in counts.items())
        yield ParcelRecord(instance.carrier(carrier), number, service=service, shipped_at=shipped, lines=lines)


def _counts(parcels: Iterable[ParcelRecord]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for line in (line for parcel in parcels for line in parcel.lines or ()):
        counts[line.line] = counts.get(line.line, 0) + line.quantity
    return counts


def _sku(segment: Segment) -> str:
    """Ids come in pairs of a qualifier and a value, after PO1's quantity and price or after LIN's number."""
    start = 6 if segment[0] == "PO1" else 2
    for place in range(start, len(segment) - 1, 2):
        if segment[place] in SKUS and segment[place + 1]:
            return segment[place + 1]
    raise BadPayload(f"{segment[0]} names no item by {', '.join(sorted(SKUS))}.", f"{segment[0]}{start:02}")


def _day(text: str) -> dt.datetime:
    try:
        return dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=dt.UTC)
    except ValueError:
        raise BadPayload("A day in X12 is written 20261125.", "DTM02") from None


def inventory(advice: TransactionSet, at: dt.datetime, instance: Instance) -> Sequence[StockRecord]:
    """An 846: what may be ordered of each item. QTY 33 is available for sale, 17 on hand; the first of them counts."""
    found: dict[str, int] = {}
    sku = ""
    for segment in advice.segments:
        if segment[0] == "LIN":
            sku = _sku(segment)
        elif segment[0] == "QTY" and optional(segment, 1) in ("33", "17") and sku:
            quantity = element(segment, 2)
            if not quantity.isdecimal():
                raise BadPayload("A quantity must be a whole number.", "QTY02")
            found.setdefault(sku, int(quantity))
    location = instance.option("location")
    return [StockRecord(sku=sku, location=location, occurred_at=at, on_hand=count) for sku, count in found.items()]


def checked(one: TransactionSet, instance: Instance) -> None:
    """Raises BadPayload for a set that cannot be read when its turn comes."""
    at = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    for purchase in answered(one):
        list(_parcels(one, purchase, at, instance))
    if one.kind == "855":
        _acknowledged(one)
    if one.kind == "846":
        inventory(one, at, instance)


def rest_orders(told: Node, instance: Instance) -> Sequence[FulfillmentRecord]:
    """Orders of the REST API, each with all that was shipped of it so far."""
    return [_rest_order(order, instance) for order in told["orders"].items()]


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


def rest_stock(told: Node, instance: Instance) -> Sequence[StockRecord]:
    return [
        StockRecord(
            sku=item["sku"].text(),
            location=instance.option("location"),
            occurred_at=item["as_of"].instant(),
            on_hand=item["available"].integer(),
        )
        for item in told["items"].items()
    ]


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
