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
    return [_change(message, line, -_units(line), "sale", instance) for line in _lines(message)]


def _return(message: Node, instance: Instance) -> Told:
    """Units that cannot be sold again never come back on hand."""
    back = [line for line in _lines(message) if not line["resaleable"] or line["resaleable"].flag()]
    return [_change(message, line, _units(line), "return", instance) for line in back]


def _count(message: Node, instance: Instance) -> Told:
    return [
        StockRecord(
            sku=_sku(line),
            location=_store(message, instance),
            occurred_at=message["occurredAt"].instant(),
            on_hand=_whole(line, 0),
            event_id=_event_id(message, line),
        )
        for line in _lines(message)
    ]


TYPES: Final[Mapping[str, Callable[[Node, Instance], Told]]] = {"sale": _sale, "return": _return, "count": _count}


def _change(message: Node, line: Node, delta: int, reason: str, instance: Instance) -> StockChangeRecord:
    return StockChangeRecord(
        sku=_sku(line),
        location=_store(message, instance),
        occurred_at=message["occurredAt"].instant(),
        delta=delta,
        event_id=_event_id(message, line),
        reason=reason,
    )


def _lines(message: Node) -> Sequence[Node]:
    """Each SKU once, because its event is named by it."""
    lines = message["lines"].items()
    seen: set[str] = set()
    for line in lines:
        if _sku(line) in seen:
            raise line["sku"].wrong("a SKU that no other line of the message has")
        seen.add(_sku(line))
        _whole(line, 0 if message["type"].value == "count" else 1)
    return lines


def _event_id(message: Node, line: Node) -> str:
    return f"{message['id'].id()}/{_sku(line)}"


def _store(message: Node, instance: Instance) -> str:
    return instance.location(message["store"].id())


def _sku(line: Node) -> str:
    found = line["sku"].maybe_text()
    if found is None:
        raise line["sku"].wrong("a SKU")
    return found


def _units(line: Node) -> int:
    return _whole(line, 1)


def _whole(line: Node, least: int) -> int:
    quantity = line["quantity"].integer()
    if quantity < least:
        raise line["quantity"].wrong(f"a whole number from {least} up")
    return quantity
