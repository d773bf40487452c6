"""What blocks an order: its open units wait, and return to where they were."""

import datetime
from typing import Final

import db.tables
from db.sample.book import Row
from db.sample.orders import OPEN_STAGES, SYSTEM, By, Line, Order
from domain.reasons import HoldOwner, HoldReason
from domain.status import OrderLineStatus

OWNERS: Final = {
    HoldReason.AWAITING_PAYMENT: HoldOwner.PAYMENT,
    HoldReason.HIGH_RISK_OF_FRAUD: HoldOwner.MERCHANT,
    HoldReason.INCORRECT_ADDRESS: HoldOwner.CUSTOMER,
    HoldReason.INVENTORY_OUT_OF_STOCK: HoldOwner.MERCHANT,
    HoldReason.UNKNOWN_DELIVERY_DATE: HoldOwner.SUPPLIER,
    HoldReason.CUSTOMER_REQUEST: HoldOwner.CUSTOMER,
    HoldReason.COMPLIANCE: HoldOwner.MERCHANT,
    HoldReason.SUPPLIER_CONFIRMATION: HoldOwner.SUPPLIER,
}


class Hold:
    """Of the whole order, or of one line."""

    def __init__(
        self,
        order: Order,
        reason: HoldReason,
        expected_release_at: datetime.datetime | None,
        *,
        by: By = SYSTEM,
        note: str | None = None,
        line: Line | None = None,
    ) -> None:
        self.order = order
        self.row = self._row(reason, by, expected_release_at, note, line)
        self.units = self._take([line] if line else order.lines)
        order.holds.append(self)
        self._hold_works(held=True)
        self._tell("HOLD_PLACED", by)

    def release(self, by: By) -> None:
        self.lift(by)
        self._tell("HOLD_RELEASED", by)

    def lift(self, by: By) -> None:
        """Without an entry of its own, for what ends it has one."""
        for line, stage, units in self.units:
            line.move(units, OrderLineStatus.ON_HOLD, stage, held_from=stage)
        self.row |= {"released_at": self.order.shop.clock, "released_by": by.actor}
        self._hold_works(held=False)

    @property
    def active(self) -> bool:
        return self.row["released_at"] is None

    def _tell(self, type_: str, by: By) -> None:
        words = {"reason": self.row["reason"], "owner": self.row["owner"]}
        self.order.record(type_, "holds", "lines", by=by, entity=("HOLD", self.row["id"]), data=words)

    def _take(self, lines: list[Line]) -> list[tuple[Line, OrderLineStatus, int]]:
        held = [(line, stage, line.units(stage)) for line in lines for stage in OPEN_STAGES if line.units(stage)]
        for line, stage, units in held:
            line.move(units, stage, OrderLineStatus.ON_HOLD)
        return held

    def _hold_works(self, *, held: bool) -> None:
        lines = {line for line, _, _ in self.units}
        for consignment in self.order.consignments:
            if lines >= consignment.pieces.keys() and consignment.stage in OPEN_STAGES and not consignment.over:
                consignment.hold_work(held=held)

    def _row(
        self,
        reason: HoldReason,
        by: By,
        expected_release_at: datetime.datetime | None,
        note: str | None,
        line: Line | None,
    ) -> Row:
        return {
            "id": self.order.shop.book.id("hold", self.order.id, len(self.order.holds)),
            "order_id": self.order.id,
            "line_id": line.id if line else None,
            "fulfillment_id": None,
            "reason": reason,
            "owner": OWNERS[reason],
            "note": note,
            "placed_at": self.order.shop.clock,
            "placed_by": by.actor,
            "expected_release_at": expected_release_at,
            "released_at": None,
            "released_by": None,
        }


def write(order: Order) -> None:
    for hold in order.holds:
        order.shop.book.add(db.tables.holds, hold.row)
