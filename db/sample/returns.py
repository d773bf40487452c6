"""Goods that come back: one return authorisation of an order in the making."""

from collections.abc import Mapping
from typing import Final

import db.tables
from db.sample import payments
from db.sample.book import Row
from db.sample.orders import MARIA, By, Line, Order
from domain.order import roll_up_returns
from domain.reasons import Disposition, ReturnReason, ReturnResolution
from domain.status import OrderLineStatus, ReturnStatus, check_move

DOCK: Final = By("connector:wms", "wms")
_STAMPS: Final = {
    ReturnStatus.APPROVED: "approved_at",
    ReturnStatus.RECEIVED: "received_at",
    ReturnStatus.CLOSED: "closed_at",
    ReturnStatus.DECLINED: "closed_at",
    ReturnStatus.CANCELLED: "closed_at",
    ReturnStatus.EXPIRED: "closed_at",
}


class Return:
    """Units of some delivered lines; `row["status"]` moves as `domain.status` allows."""

    def __init__(self, order: Order, pieces: Mapping[Line, int], reason: ReturnReason) -> None:
        self.order = order
        self.row = self._row()
        self.lines = {line: self._line(line, units, reason) for line, units in pieces.items()}
        order.returns.append(self)
        self._move_units(pieces, OrderLineStatus.RETURN_REQUESTED, source=OrderLineStatus.DELIVERED)
        self._tell("RETURN_REQUESTED", order.customer, {"reason": reason})

    @property
    def open_units(self) -> dict[Line, int]:
        return {line: left for line, row in self.lines.items() if (left := row["quantity"] - row["received"])}

    def move(self, status: ReturnStatus, by: By = MARIA) -> None:
        before = self.row["status"]
        check_move(before, status, where=f"return {self.row['number']}")
        self.row["status"] = status
        if status in _STAMPS:
            self.row[_STAMPS[status]] = self.order.shop.clock
        self._tell(f"RETURN_{status}", by, {"returnStatus": {"from": before, "to": status}})

    def refuse(self, status: ReturnStatus, by: By = MARIA) -> None:
        """Declined, cancelled or expired: the customer keeps what has not come back."""
        self._move_units(self.open_units, OrderLineStatus.DELIVERED)
        self.move(status, by)

    def hand_in(self) -> None:
        """The customer posts it."""
        self.row["tracking_number"] = f"RET{self.row['id'].int % 10**9:09d}"
        self.move(ReturnStatus.IN_TRANSIT, By("connector:dhl", "dhl"))

    def receive(self, pieces: Mapping[Line, int] | None = None) -> None:
        """All that is still missing, or only `pieces`."""
        arrived = pieces or self.open_units
        self._move_units(arrived, OrderLineStatus.RETURNED)
        for line, units in arrived.items():
            self.lines[line]["received"] += units
        self.move(ReturnStatus.PARTIALLY_RECEIVED if self.open_units else ReturnStatus.RECEIVED, DOCK)

    def inspect(self, disposition: Disposition) -> None:
        for line, row in self.lines.items():
            row["disposition"] = disposition
            shelf = next(one.shelf(line) for one in self.order.consignments if line in one.pieces)
            damaged = row["received"] if disposition is Disposition.DAMAGED else 0
            shelf.change(self.order.shop.clock, on_hand=row["received"], damaged=damaged)
        self.move(ReturnStatus.INSPECTED, DOCK)

    def close(self, resolution: ReturnResolution) -> None:
        self.row["resolution"] = resolution
        self.move(ReturnStatus.CLOSED)
        if resolution is ReturnResolution.REFUND:
            shares = (line.row["total_amount"] * row["received"] // row["quantity"] for line, row in self.lines.items())
            payments.refund(self.order, sum(shares))

    def _move_units(
        self,
        pieces: Mapping[Line, int],
        target: OrderLineStatus,
        source: OrderLineStatus = OrderLineStatus.RETURN_REQUESTED,
    ) -> None:
        for line, units in pieces.items():
            line.move(units, source, target)

    def _tell(self, type_: str, by: By, words: dict[str, object]) -> None:
        before = self.order.row["return_status"]
        after = roll_up_returns((one.row["status"], one.row["resolution"]) for one in self.order.returns)
        self.order.row["return_status"] = after
        changed = ["returns", "lines"] if before == after else ["returns", "lines", "returnStatus"]
        self.order.record(type_, *changed, by=by, entity=("RETURN", self.row["id"]), data=words)

    def _row(self) -> Row:
        number = len(self.order.returns) + 1
        return {
            "id": self.order.shop.book.id("return", self.order.id, number),
            "order_id": self.order.id,
            "number": f"R{self.order.basket.number}-{number}",
            "status": ReturnStatus.REQUESTED,
            "resolution": None,
            "tracking_number": None,
            "source": self.order.basket.channel.source,
            "requested_at": self.order.shop.clock,
        }

    def _line(self, line: Line, units: int, reason: ReturnReason) -> Row:
        return {
            "return_id": self.row["id"],
            "line_id": line.id,
            "order_id": self.order.id,
            "quantity": units,
            "received": 0,
            "reason": reason,
            "disposition": None,
        }


def write(order: Order) -> None:
    for one in order.returns:
        order.shop.book.add(db.tables.returns, one.row)
        for row in one.lines.values():
            order.shop.book.add(db.tables.return_lines, row)
