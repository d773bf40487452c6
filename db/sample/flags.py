"""What somebody should look at: the stored flags and deadlines of an order, by the rules of `domain.attention`."""

import datetime
from collections.abc import Iterator
from typing import Final

from db.sample import sources
from db.sample.orders import Line, Order
from domain.attention import Deadlines, OrderFacts, Progress, deadlines, earliest, stored_flags
from domain.line import SHIPPED_OR_LATER
from domain.status import OrderLineStatus

PATIENCE: Final = datetime.timedelta(days=1)
_WAITING: Final = frozenset(OrderLineStatus) - SHIPPED_OR_LATER - {OrderLineStatus.CANCELLED}


def write(order: Order) -> None:
    """Into the order's row, when its story has been told."""
    order.row["attention"] = [str(flag) for flag in stored_flags(_facts(order))]
    due = earliest(_deadlines(order))
    order.row |= {"late_at": due.late_at, "at_risk_at": due.at_risk_at, "stale_at": due.stale_at}


def _facts(order: Order) -> OrderFacts:
    parcels = [one.parcel for one in order.consignments if one.parcel]
    scans = [parcel.state.first_scan_at for parcel in parcels if parcel.state.first_scan_at]
    observed = order.row["source_observed_at"]
    return OrderFacts(
        placed_at=order.row["placed_at"],
        lines=order.roll_up_lines(),
        shipments=tuple(parcel.state.status for parcel in parcels),
        returns=tuple(one.row["status"] for one in order.returns),
        first_scan_at=min(scans, default=None),
        oversold=any(one.shelf(line).oversold for one in order.consignments if one.set_aside for line in one.pieces),
        source_conflict=sources.conflict(order),
        stale_data=observed is not None and order.shop.now - observed > PATIENCE,
    )


def _deadlines(order: Order) -> Iterator[Deadlines]:
    for line in order.lines:
        made = order.promises.of(line)
        for progress in _open(order, line):
            yield deadlines(made.commitment if made else None, progress)


def _open(order: Order, line: Line) -> Iterator[Progress]:
    """How far those units of the line are that the customer is still waiting for."""
    if line.units(*_WAITING) and not line.product.digital:
        yield Progress()
    for one in order.consignments:
        if one.parcel and line in one.pieces and line.units(OrderLineStatus.SHIPPED, OrderLineStatus.LOST):
            yield one.parcel.progress
