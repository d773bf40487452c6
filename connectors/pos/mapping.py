"""Sales and returns as changes of what is on hand, counts as what is on hand."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from connectors.base import Instance
from connectors.payload import Node
from domain.records import StockChangeRecord, StockRecord

Told = Sequence[StockChangeRecord | StockRecord]


def records(message: Node, instance: Instance) -> Told:
    """All lines or, with a BadPayload for one of them, none. A type of no concern tells nothing."""
    reader = TYPES.get(message["type"].text())
    return () if reader is None else reader(message, instance)


def _sale(message: Node, instance: Instance) -> Told:
    return [_change(message, sku, -units, "sale", instance) for sku, units in _units(_lines(message), 1).items()]


def _return(message: Node, instance: Instance) -> Told:
    """Units that cannot be sold again never come back on hand."""
    lines = _lines(message)
    _units(lines, 1)  # A bad line refuses all, whether it could be sold again or not.
    back = _units([line for line in lines if not line["resaleable"] or line["resaleable"].flag()], 1)
    return [_change(message, sku, units, "return", instance) for sku, units in back.items()]


def _count(message: Node, instance: Instance) -> Told:
    return [
        StockRecord(
            sku=sku,
            location=_store(message, instance),
            occurred_at=message["occurredAt"].instant(),
            on_hand=units,
            event_id=_event_id(message, sku),
        )
        for sku, units in _units(_lines(message), 0).items()
    ]


TYPES: Final[Mapping[str, Callable[[Node, Instance], Told]]] = {"sale": _sale, "return": _return, "count": _count}


def _change(message: Node, sku: str, delta: int, reason: str, instance: Instance) -> StockChangeRecord:
    return StockChangeRecord(
        sku=sku,
        location=_store(message, instance),
        occurred_at=message["occurredAt"].instant(),
        delta=delta,
        event_id=_event_id(message, sku),
        reason=reason,
    )


def _lines(message: Node) -> Sequence[Node]:
    return message["lines"].items()


def _units(lines: Sequence[Node], least: int) -> Mapping[str, int]:
    """By SKU, because tills print one that was scanned twice on two lines, and its event is named by it."""
    found: dict[str, int] = {}
    for line in lines:
        sku, units = _sku(line), _whole(line, least)
        found[sku] = found.get(sku, 0) + units
    return found


def _event_id(message: Node, sku: str) -> str:
    """What comes back may carry the number of the receipt that it was sold with."""
    kind = "return/" if message["type"].value == "return" else ""
    return f"{message['id'].id()}/{kind}{sku}"


def _store(message: Node, instance: Instance) -> str:
    return instance.location(message["store"].id())


def _sku(line: Node) -> str:
    found = line["sku"].maybe_text()
    if found is None:
        raise line["sku"].wrong("a SKU")
    return found


def _whole(line: Node, least: int) -> int:
    quantity = line["quantity"].integer()
    if quantity < least:
        raise line["quantity"].wrong(f"a whole number from {least} up")
    return quantity
