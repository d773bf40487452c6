"""Holds: what blocks an order, who owns it and until when."""

import datetime as dt

import strawberry

from db import tables
from domain.reasons import HoldOwner, HoldReason
from resolvers.fields import column, joined, one, rows
from resolvers.sql import holds
from schema.order_line import OrderLine


@rows(tables.holds)
@strawberry.type(description="Something that blocks an order, with an owner and a deadline.")
class Hold:
    id: strawberry.ID = column("Its id.")
    reason: HoldReason = column("Why.")
    owner: HoldOwner = column("Who must act.")
    note: str | None = column("What was written beside it; for callers with pii:read.", masked=holds.hidden)
    placed_at: dt.datetime = column("Since when.")
    placed_by: str = column("Who placed it.")
    expected_release_at: dt.datetime | None = column("Until when it should last.")
    released_at: dt.datetime | None = column("When it ended.")
    released_by: str | None = column("Who ended it.")
    active: bool = column("Whether it still blocks.", holds.active)
    overdue: bool = column("Still blocking past its expected release.", holds.overdue)
    line: OrderLine | None = one("The line it blocks; without one, the whole order.", joined("id", "line_id"))
