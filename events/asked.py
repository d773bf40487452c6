"""What a system says of work we asked it for, in the words of the lines we asked for: it may know nothing but SKUs.

An order may have several lines of one SKU, and a request some of them.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import orjson

import db.connector_commands
from db.pool import Pool
from domain.records import FulfillmentLineRecord, FulfillmentRecord, ParcelLineRecord, ParcelRecord, Record

COUNTS = ("quantity", "packed", "shipped", "delivered")


@dataclasses.dataclass(frozen=True, slots=True)
class AskedLine:
    line: str
    sku: str
    quantity: int


async def in_our_lines(pool: Pool, source: str, records: Sequence[Record]) -> Sequence[Record]:
    """The same records; work that was asked for here names the lines it was asked for."""
    works = [one for one in records if isinstance(one, FulfillmentRecord)]
    if not works:
        return records
    ids, keys = [one.fulfillment_id for one in works], [one.key for one in works if one.key is not None]
    rows = await db.connector_commands.requested(pool, source, ids, keys)
    asked = {name: asked_lines(row["payload"]) for row in rows for name in (row["fulfillment_id"], str(row["id"]))}

    def told(record: Record) -> Record:
        if not isinstance(record, FulfillmentRecord):
            return record
        lines = asked.get(record.fulfillment_id) or asked.get(record.key or "")
        return by_lines(record, lines) if lines else record

    return [told(record) for record in records]


def asked_lines(payload: str) -> Sequence[AskedLine]:
    return [AskedLine(one["line"], one["sku"], one["quantity"]) for one in orjson.loads(payload)["lines"]]


def by_lines(record: FulfillmentRecord, asked: Sequence[AskedLine]) -> FulfillmentRecord:
    """Counts of a SKU go to the lines of it in the order they were asked for, each as full as it was asked for."""
    left = {one.line: one.quantity for one in asked}

    def parcel(one: ParcelRecord) -> ParcelRecord:
        if one.lines is None:
            return one
        lines = []
        for told in one.lines:
            parts = spread(told.quantity, [(name, left[name]) for name in named(told.line, asked)])
            for name, count in parts.items():
                left[name] -= count
            lines += [ParcelLineRecord(name, count) for name, count in parts.items() if count] or [told]
        return dataclasses.replace(one, lines=tuple(lines))

    lines = [part for told in record.lines for part in line_parts(told, asked)]
    return dataclasses.replace(record, lines=tuple(lines), shipments=tuple(parcel(one) for one in record.shipments))


def line_parts(told: FulfillmentLineRecord, asked: Sequence[AskedLine]) -> Iterable[FulfillmentLineRecord]:
    names = named(told.line, asked)
    if not names:
        return [told]
    room = [(one.line, one.quantity) for one in asked if one.line in names]
    counts = {name: spread(getattr(told, name), room) for name in COUNTS if getattr(told, name) is not None}
    parts = [FulfillmentLineRecord(name, **{count: counts[count][name] for count in counts}) for name in names]
    return [part for part in parts if part.quantity] or [told]


def named(ref: str, asked: Sequence[AskedLine]) -> Sequence[str]:
    """The lines that a SKU stands for; none where the system knows our lines, or was asked for something else."""
    return [] if any(one.line == ref for one in asked) else [one.line for one in asked if one.sku == ref]


def spread(count: int, room: Sequence[tuple[str, int]]) -> Mapping[str, int]:
    """What is more than there is room for goes to the last."""
    parts = {}
    for place, (name, most) in enumerate(room, 1):
        parts[name] = count if place == len(room) else min(count, max(0, most))
        count -= parts[name]
    return parts
