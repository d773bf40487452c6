"""Returns: what comes back and what becomes of it."""

import datetime as dt

import strawberry

from db import tables
from domain.reasons import Disposition, ReturnReason, ReturnResolution
from domain.status import ReturnStatus
from resolvers.fields import column, joined, many, one, rows
from resolvers.sql import words
from schema.order_line import OrderLine


@rows(tables.return_lines)
@strawberry.type(description="Units of a line that come back.")
class ReturnLine:
    quantity: int = column("Units announced.")
    received: int = column("Units received.")
    reason: ReturnReason = column("Why.")
    disposition: Disposition | None = column("What became of them.")
    line: OrderLine = one("The order line.", joined("id", "line_id"))


@rows(tables.returns)
@strawberry.type(description="One return.")
class Return:
    id: strawberry.ID = column("Its id.")
    number: str = column("The number the customer knows.")
    status: ReturnStatus = column("Where it stands.")
    next_statuses: list[ReturnStatus] = column("What the status may become.", words.next_statuses(ReturnStatus))
    resolution: ReturnResolution | None = column("How it ended.")
    tracking_number: str | None = column("The parcel that brings it back.")
    source: str = column("The system that told us of it.")
    requested_at: dt.datetime = column("Asked for.")
    approved_at: dt.datetime | None = column("Allowed.")
    received_at: dt.datetime | None = column("Received in full.")
    closed_at: dt.datetime | None = column("Settled.")
    lines: list[ReturnLine] = many(
        "What comes back.",
        joined("return_id", "id"),
        order_by=lambda child, _: [child.c.line_id],
        size=2,
    )
