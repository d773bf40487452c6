"""Returns as records: reasons of the lines, and what became of what came back."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from connectors.base import Instance, Read
from connectors.payload import Node, each_read
from connectors.shopify import words
from connectors.shopify.works import number, order_ref
from domain.reasons import Disposition, ReturnReason
from domain.records import OrderRef, ReturnLineRecord, ReturnRecord
from domain.status import ReturnStatus

STATUS: Final[Mapping[str, ReturnStatus]] = {
    "REQUESTED": ReturnStatus.REQUESTED,
    "OPEN": ReturnStatus.APPROVED,
    "DECLINED": ReturnStatus.DECLINED,
    "CANCELED": ReturnStatus.CANCELLED,
    "CLOSED": ReturnStatus.CLOSED,
}


def returns(page: Node, instance: Instance) -> Read[ReturnRecord]:
    """By order, because returns have no place outside of one."""

    def of(order: Node) -> Iterator[ReturnRecord]:
        ref = order_ref(order, instance)
        yield from (_return(one, ref) for one in order["returns"]["nodes"])

    return each_read(page["nodes"].items(), lambda order: order["name"].text(), of)


def _return(told: Node, ref: OrderRef) -> ReturnRecord:
    dispositions = _dispositions(told)
    items = [line for line in told["returnLineItems"]["nodes"].items() if line["fulfillmentLineItem"]]
    lines = tuple(_line(line, dispositions.get(number(line["fulfillmentLineItem"]), ())) for line in items)
    created, approved = told["createdAt"].instant(), told["requestApprovedAt"].maybe_instant()
    closed = told["closedAt"].maybe_instant()
    moved = [one["createdAt"].instant() for several in dispositions.values() for one in several]
    return ReturnRecord(
        order=ref,
        # Returns carry no time of their last change: the latest of the times in it is.
        occurred_at=max(filter(None, (created, approved, closed, *moved))),
        return_number=told["name"].text(),
        status=_status(told, lines),
        lines=lines,
        requested_at=created,
        approved_at=approved,
        received_at=_complete(lines, moved),
        closed_at=closed,
    )


def _dispositions(told: Node) -> Mapping[str, Sequence[Node]]:
    """By the line of the fulfillment that they are of."""
    found: dict[str, list[Node]] = {}
    for line in _reverse_lines(told):
        if line["fulfillmentLineItem"]:
            found.setdefault(number(line["fulfillmentLineItem"]), []).extend(line["dispositions"])
    return found


def _reverse_lines(told: Node) -> Iterator[Node]:
    for reverse in told["reverseFulfillmentOrders"]["nodes"]:
        yield from reverse["lineItems"]["nodes"]


def _line(line: Node, dispositions: Sequence[Node]) -> ReturnLineRecord:
    """One word for all units: the last disposition's, which Shopify gives per unit."""
    arrived = (one["quantity"].integer() for one in dispositions if one["type"].text() != "MISSING")
    quantity = line["quantity"].integer()
    handle = line["returnReasonDefinition"]["handle"].maybe_text()
    last = max(dispositions, key=lambda one: one["createdAt"].instant(), default=None)
    unknown = Disposition.PROCESSING_REQUIRED
    return ReturnLineRecord(
        line=number(line["fulfillmentLineItem"]["lineItem"]),
        quantity=quantity,
        received=min(quantity, sum(arrived)),
        reason=words.RETURN.get(handle, ReturnReason.UNKNOWN) if handle else None,
        disposition=last["type"].word(dict(words.DISPOSITION), unknown) if last else None,
    )


def _status(told: Node, lines: Sequence[ReturnLineRecord]) -> ReturnStatus:
    """An open return that has come back in part or in full is further than approved."""
    status = told["status"].word(dict(STATUS), ReturnStatus.REQUESTED)
    received = sum(line.received or 0 for line in lines)
    if status is not ReturnStatus.APPROVED or not received:
        return status
    whole = received == sum(line.quantity for line in lines)
    return ReturnStatus.RECEIVED if whole else ReturnStatus.PARTIALLY_RECEIVED


def _complete(lines: Sequence[ReturnLineRecord], moved: Sequence[dt.datetime]) -> dt.datetime | None:
    whole = bool(lines) and all(line.received == line.quantity for line in lines)
    return max(moved) if whole and moved else None
