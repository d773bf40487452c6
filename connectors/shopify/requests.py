"""Fulfillment requests: Shopify has the work already, and is asked to submit it to its location's service.

What stands is read first: each request carries its key as the message, by which it is found again, whatever Shopify
made of the work since. A request for a part splits it, and what is left looks like work that nobody asked for.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.base import FulfillmentAnswer, FulfillmentRequest
from connectors.payload import Node
from connectors.shopify import documents
from connectors.shopify.api import Api
from connectors.shopify.webhooks import gid
from connectors.shopify.works import number, order_ref, status
from domain.status import FulfillmentStatus

NOT_ASKED: Final = frozenset({"UNSUBMITTED", "REJECTED", "CANCELLATION_ACCEPTED"})
ENDED: Final = frozenset({"CLOSED", "CANCELLED", "INCOMPLETE"})


async def request(api: Api, wanted: FulfillmentRequest) -> FulfillmentAnswer:
    works = await _works(api, wanted)
    if (asked := next((one for one in works if _asked(one, wanted.key)), None)) is not None:
        return FulfillmentAnswer(number(asked), status(asked))
    work = _fitting(works, wanted, api.instance.vendor_location(wanted.location))
    if work is None:
        return FulfillmentAnswer(None, FulfillmentStatus.REJECTED, "NO_FULFILLMENT_ORDER")
    if work["requestStatus"].text() not in NOT_ASKED or work["status"].text() in ENDED:
        return FulfillmentAnswer(number(work), status(work))
    lines = _lines(work, wanted)
    if lines is None:
        return FulfillmentAnswer(number(work), FulfillmentStatus.REJECTED, "LINES_DO_NOT_MATCH")
    variables = {"id": work["id"].text(), "lines": lines, "message": wanted.key}
    told = (await api.ask(documents.REQUEST, variables))["fulfillmentOrderSubmitFulfillmentRequest"]
    if refused := _refused(told):
        return FulfillmentAnswer(number(work), status(work), refused)
    submitted = told["submittedFulfillmentOrder"]
    return FulfillmentAnswer(number(submitted), status(submitted))


async def _works(api: Api, wanted: FulfillmentRequest) -> list[Node]:
    """All work of that order."""
    name = wanted.order.number.replace("\\", "\\\\").replace("'", "\\'")
    data = await api.whole(await api.ask(documents.WORK_FOR, {"query": f"name:'{name}'"}))
    return [
        work
        for order in data["orders"]["nodes"].items()
        if order_ref(order, api.instance) == wanted.order
        for work in order["fulfillmentOrders"]["nodes"].items()
    ]


def _asked(work: Node, key: str) -> bool:
    return any(one["message"].maybe_text() == key for one in work["merchantRequests"]["nodes"].items())


def _fitting(works: Sequence[Node], wanted: FulfillmentRequest, place: str) -> Node | None:
    """The work at that location: one that waits to be asked for before one that was."""
    there = [
        work
        for work in works
        if work["assignedLocation"]["location"] and number(work["assignedLocation"]["location"]) == place
    ]
    fitting = [work for work in there if _lines(work, wanted) is not None]
    return min(fitting or there, key=lambda work: work["status"].text() in ENDED, default=None)


def _lines(work: Node, wanted: FulfillmentRequest) -> list[Mapping[str, Any]] | None:
    """The work's lines for what is wanted; None where it does not have as much of them."""
    ours = {number(line["lineItem"]): line for line in work["lineItems"]["nodes"].items()}
    if any(
        line.line not in ours or line.quantity > ours[line.line]["totalQuantity"].integer() for line in wanted.lines
    ):
        return None
    return [{"id": ours[line.line]["id"].text(), "quantity": line.quantity} for line in wanted.lines]


async def cancel(api: Api, ident: str) -> FulfillmentAnswer:
    work_id = gid("FulfillmentOrder", Node(ident, "id"))
    work = (await api.ask(documents.WORK, {"id": work_id}))["fulfillmentOrder"]
    if not work:
        return FulfillmentAnswer(ident, FulfillmentStatus.REJECTED, "NOT_FOUND")
    if work["status"].text() in ENDED:
        late = None if work["status"].text() == "CANCELLED" else "ALREADY_DONE"
        return FulfillmentAnswer(ident, status(work), late)
    asked = work["requestStatus"].text()
    if asked in NOT_ASKED or asked == "CANCELLATION_REQUESTED":
        return FulfillmentAnswer(ident, status(work), "NOT_REQUESTED" if asked in NOT_ASKED else None)
    told = (await api.ask(documents.CANCEL, {"id": work_id, "message": None}))[
        "fulfillmentOrderSubmitCancellationRequest"
    ]
    if refused := _refused(told):
        return FulfillmentAnswer(ident, status(work), refused)
    return FulfillmentAnswer(ident, status(told["fulfillmentOrder"]))


def _refused(told: Node) -> str | None:
    """The fields that Shopify finds wrong; its sentences may hold what somebody wrote and are left out."""
    for error in told["userErrors"]:
        return f"REFUSED: {'.'.join(part.text() for part in error['field'])}".rstrip(": ")
    return None
