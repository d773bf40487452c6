"""What a supplier says of a purchase order, in X12: acknowledgements (855) and shipping notices (856)."""

import contextlib
import datetime as dt
import decimal
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from connectors.base import Instance
from connectors.dropship.x12 import Segment, TransactionSet, element, optional
from connectors.errors import BadPayload
from domain.records import ParcelLineRecord, ParcelRecord

# Words of an acknowledgement for units that will not be sent; with any other they will, perhaps changed or later.
GONE: Final = frozenset({"IR", "ID", "R2", "R3"})
# Of this word's line no more will be sent than it says.
LESS: Final = "IQ"
# Of a shipping notice, from the shipment down.
LEVELS: Final = "SOTPI"
# Purposes of a notice that is about one before it.
CANCELS, REPLACES = "01", "05"
SKUS: Final = frozenset({"SK", "VN", "VP", "BP", "IN"})

Words = Sequence[tuple[str, int | None]]


def acknowledged(answer: TransactionSet) -> Mapping[str, Words]:
    """The words for each line with the units each is for; without a SKU those for the whole order."""
    found: dict[str, list[tuple[str, int | None]]] = {}
    sku = ""
    for segment in answer.segments:
        if segment[0] == "PO1":
            sku = sku_of(segment)
        elif segment[0] == "ACK":
            many = units(segment, 2) if optional(segment, 2) else None
            found.setdefault(sku, []).append((element(segment, 1), many))
    word = optional(answer.first("BAK"), 2)
    return found or {"": [("IR" if word in ("RD", "RJ") else "IA", None)]}


def coming(wanted: int, sku: str, said: Mapping[str, Words] | None) -> int:
    """How many units of a line the supplier will send; what it says nothing of will come."""
    words = [] if said is None else said.get(sku) or said.get("", [])
    if not words:
        return wanted
    kept = [(word, units) for word, units in words if word not in GONE]
    if any(word == LESS for word, _ in kept):
        return min(wanted, sum(wanted if units is None else units for _, units in kept))
    gone = sum(wanted if units is None else units for word, units in words if word in GONE)
    return max(0, wanted - gone) if kept else 0


def standing(
    answers: Sequence[tuple[TransactionSet, dt.datetime]],
) -> Iterable[tuple[TransactionSet, dt.datetime]]:
    """The notices that stand: one that takes back or replaces another has its number."""
    found: list[tuple[str | None, TransactionSet, dt.datetime]] = []
    for notice, at in answers:
        if notice.kind == "856":
            head: Segment = next((segment for segment in notice.segments if segment[0] == "BSN"), ())
            purpose, number = optional(head, 1), optional(head, 2)
            if purpose in (CANCELS, REPLACES):
                found = [one for one in found if one[0] != number]
            if purpose != CANCELS:
                found.append((number, notice, at))
    return [(notice, at) for _, notice, at in found]


def parcels_of(notice: TransactionSet, purchase: str, at: dt.datetime, instance: Instance) -> Iterable[ParcelRecord]:
    """HL levels: S the shipment, O the order, P the parcel, I an item. Without P what is above it is."""
    carrier, service, shipped = "unknown", None, at
    level, here, sku = "", False, ""
    numbers: dict[str, str] = {}
    parcels: dict[str, dict[str, int]] = {}
    for segment in notice.segments:
        name = segment[0]
        if name == "HL":
            level = element(segment, 3)
            # A parcel's number is not that of the next.
            numbers = {above: one for above, one in numbers.items() if LEVELS.find(above) < LEVELS.find(level)}
        elif name == "TD5":
            carrier, service = optional(segment, 3) or carrier, optional(segment, 5)
        elif name == "DTM" and optional(segment, 1) == "011":
            shipped = day_of(element(segment, 2))
        elif name == "PRF":
            here = element(segment, 1) == purchase
        elif (name == "MAN" and optional(segment, 1) == "CP") or (name == "REF" and optional(segment, 1) == "CN"):
            numbers[level] = element(segment, 2)
        elif name == "LIN":
            sku = sku_of(segment)
        elif name == "SN1" and level == "I" and here:
            if not numbers:
                raise BadPayload("A shipped item is in no parcel: there is no REF*CN and no MAN*CP.", "MAN02")
            counts = parcels.setdefault(numbers[max(numbers, key=LEVELS.find)], {})
            counts[sku] = counts.get(sku, 0) + units(segment, 2)
    for number, counts in parcels.items():
        lines = tuple(ParcelLineRecord(one, count) for one, count in counts.items())
        yield ParcelRecord(instance.carrier(carrier), number, service=service, shipped_at=shipped, lines=lines)


def units(segment: Segment, place: int) -> int:
    """Units, which X12 may write as 2 or as 2.0."""
    text = element(segment, place)
    with contextlib.suppress(decimal.InvalidOperation):
        number = decimal.Decimal(text)
        if number.is_finite() and number >= 0 and number == number.to_integral_value():
            return int(number)
    raise BadPayload("A quantity must be a whole number.", f"{segment[0]}{place:02}")


def counted(parcels: Iterable[ParcelRecord]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for line in (line for parcel in parcels for line in parcel.lines or ()):
        counts[line.line] = counts.get(line.line, 0) + line.quantity
    return counts


def sku_of(segment: Segment) -> str:
    """Ids come in pairs of a qualifier and a value, after PO1's quantity and price or after LIN's number."""
    start = 6 if segment[0] == "PO1" else 2
    for place in range(start, len(segment) - 1, 2):
        if segment[place] in SKUS and segment[place + 1]:
            return segment[place + 1]
    raise BadPayload(f"{segment[0]} names no item by {', '.join(sorted(SKUS))}.", f"{segment[0]}{start:02}")


def day_of(text: str) -> dt.datetime:
    try:
        return dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=dt.UTC)
    except ValueError:
        raise BadPayload("A day in X12 is written 20261125.", "DTM02") from None
