"""What was promised for an order: as it was sold, and as it stands, per line and as a whole."""

import dataclasses
import datetime
import json
from collections.abc import Iterable
from typing import Literal, TypeAlias

import db.tables
from db.sample.orders import Line, Order
from domain.attention import Commitment
from domain.promise import Promise, carrier_promise
from domain.sourcing import Group, Plan

Kind: TypeAlias = Literal["ORIGINAL", "CURRENT"]
KINDS: tuple[Kind, ...] = ("ORIGINAL", "CURRENT")


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """A promise, when it was made, and the sites it counts on."""

    promise: Promise
    at: datetime.datetime
    locations: tuple[str, ...]

    @property
    def commitment(self) -> Commitment:
        return Commitment(self.promise.latest, self.promise.time_zone, self.promise.ship_by)


class Promises:
    """Of one order. A line without any cannot be promised, and then neither can the whole order."""

    def __init__(self, order: Order, plan: Plan) -> None:
        self._order = order
        self._made: dict[tuple[Line, Kind], Made] = {}
        for line, promise in _by_line(order, plan.groups).items():
            for kind in KINDS:
                self._made[line, kind] = Made(promise, order.shop.clock, _locations(plan.groups, line))

    def of(self, line: Line, kind: Kind = "CURRENT") -> Made | None:
        return self._made.get((line, kind))

    def whole(self, kind: Kind) -> Made | None:
        """The line that comes last decides for the order."""
        lines = [line for line in self._order.lines if not line.product.digital and line.quantities.live]
        made = [found for line in lines if (found := self.of(line, kind))]
        return (
            max(made, key=lambda one: (one.promise.latest, one.promise.earliest))
            if len(made) == len(lines) > 0
            else None
        )

    def replan(self, plan: Plan) -> None:
        """Commit to what sourcing says now."""
        before = self.whole("CURRENT")
        for line, promise in _by_line(self._order, plan.groups).items():
            self._made[line, "CURRENT"] = Made(promise, self._order.shop.clock, _locations(plan.groups, line))
        self._tell(before)

    def follow_carrier(self, lines: Iterable[Line], estimate: datetime.datetime) -> None:
        """Commit to the carrier's estimate where it is later than what was promised."""
        before = self.whole("CURRENT")
        for line in lines:
            known = self.of(line)
            person = self._order.basket.person
            assert known, "what is sent was promised"
            assert person, "a parcel has an address"
            promise = carrier_promise(estimate, known.promise.ship_by, person.place.time_zone)
            if promise.latest > known.promise.latest:
                self._made[line, "CURRENT"] = Made(promise, self._order.shop.clock, known.locations)
        self._tell(before)

    def _tell(self, before: Made | None) -> None:
        after = self.whole("CURRENT")
        if after and (before is None or _days(before) != _days(after)):
            last_day = {"from": str(before.promise.latest) if before else None, "to": str(after.promise.latest)}
            self._order.record("PROMISE_CHANGED", "promise", data={"promise": last_day})


def _by_line(order: Order, groups: Iterable[Group]) -> dict[Line, Promise]:
    """The latest promise of each line that has all its units in promised groups."""
    promised: dict[Line, Promise] = {}
    lines = {str(line.id): line for line in order.lines}
    nowhere = {piece.line_id for group in groups if group.promise is None for piece in group.pieces}
    for group in groups:
        for piece in group.pieces:
            line = lines[piece.line_id]
            if group.promise and piece.line_id not in nowhere:
                known = promised.get(line, group.promise)
                promised[line] = max(known, group.promise, key=lambda one: one.latest)
    return promised


def _locations(groups: Iterable[Group], line: Line) -> tuple[str, ...]:
    mine = [group for group in groups if any(piece.line_id == str(line.id) for piece in group.pieces)]
    return tuple(group.offer.node.code for group in mine if group.offer)


def write(order: Order) -> None:
    """The order's two promises, and those of lines that differ from them."""
    for kind in KINDS:
        whole = order.promises.whole(kind)
        if whole:
            _write(order, None, kind, whole)
        for line in order.lines:
            made = order.promises.of(line, kind)
            if made and (whole is None or _days(made) != _days(whole)):
                _write(order, line, kind, made)


def _days(made: Made) -> tuple[object, ...]:
    promise = made.promise
    return (promise.ship_by, promise.earliest, promise.latest, promise.basis)


def _write(order: Order, line: Line | None, kind: Kind, made: Made) -> None:
    promise = made.promise
    reasons = [
        {"step": reason.step, "text": reason.text, "day": reason.day.isoformat() if reason.day else None}
        for reason in promise.reasons
    ]
    row = {
        "id": order.shop.book.id("promise", order.id, line.id if line else None, kind),
        "order_id": order.id,
        "line_id": line.id if line else None,
        "kind": kind,
        **{
            name: getattr(promise, name)
            for name in ("ship_by", "earliest", "latest", "time_zone", "basis", "confidence")
        },
        "inputs": json.dumps({"locations": made.locations, "reasons": reasons}),
        "computed_at": made.at,
    }
    order.shop.book.add(db.tables.promises, row)
