"""Units that leave one site together: set aside, worked on, packed; the fulfillment of an order in the making."""

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import db.tables
from db.sample.book import Row
from db.sample.orders import By, Line, Order
from db.sample.shelves import Shelf
from db.sample.shop import Site
from domain.calendar import end_of_day
from domain.promise import Basis
from domain.reasons import NodeRejectionReason
from domain.route import Transit
from domain.sourcing import Group
from domain.status import FulfillmentStatus, OrderLineStatus, check_move

if TYPE_CHECKING:
    from db.sample.parcels import Parcel

_MOVES_UNITS = frozenset({FulfillmentStatus.REQUESTED, FulfillmentStatus.REJECTED, FulfillmentStatus.PACKED})
_WAITING = {Basis.INCOMING: OrderLineStatus.BACKORDERED, Basis.PREORDER: OrderLineStatus.PREORDERED}


class Consignment:
    """`stage` is where all its units are (while they are held: where they return to)."""

    def __init__(
        self,
        order: Order,
        site: Site,
        transit: Transit | None,
        pieces: Mapping[Line, int],
        replaces: "Consignment | None" = None,
    ) -> None:
        self.order = order
        self.site = site
        # None when the customer collects.
        self.transit = transit
        self.pieces = dict(pieces)
        self.id = order.shop.book.id("fulfillment", order.id, len(order.consignments))
        self.replaces = replaces
        self.stage = OrderLineStatus.CREATED
        # Rejected or cancelled: nothing more will happen to it.
        self.over = False
        self.set_aside = False
        self.set_aside_at = order.shop.clock
        self.work: Row | None = None
        self.parcel: Parcel | None = None
        # Types of what happened to it, for stories that end at a certain point.
        self.told: list[str] = []
        order.consignments.append(self)

    @property
    def by(self) -> By:
        """The system of the site, which reports what is done there."""
        return By(f"connector:{self.site.facts.source}", self.site.facts.source)

    def shelf(self, line: Line) -> Shelf:
        return self.order.shop.shelves[line.product.sku, self.site.initial]

    def advance(self, target: OrderLineStatus) -> None:
        for line, units in self.pieces.items():
            line.move(units, self.stage, target)
        self.stage = target

    def tell(self, type_: str, *changed: str, by: By, **data: Any) -> None:
        self.told.append(type_)
        entity = ("FULFILLMENT", self.id) if self.work else None
        self.order.record(type_, *changed, by=by, entity=entity, data=data)

    def wait(self, basis: Basis) -> None:
        """No units yet: they are on their way, or not on sale before a day."""
        self.advance(_WAITING[basis])
        self.tell(f"LINES_{self.stage}", "lines", by=By(), lines=self.listed())
        if self.stage is OrderLineStatus.PREORDERED:
            self._open(FulfillmentStatus.SCHEDULED)

    def allocate(self) -> None:
        self._shelve(allocated=1)
        self.set_aside, self.set_aside_at = True, self.order.shop.clock
        self.advance(OrderLineStatus.ALLOCATED)
        self.tell("LINES_ALLOCATED", "lines", by=By(), location=self.site.facts.code, lines=self.listed())
        self._open(FulfillmentStatus.OPEN)

    def request(self) -> None:
        self.advance(OrderLineStatus.RELEASED)
        self._work(FulfillmentStatus.REQUESTED, By())

    def accept(self) -> None:
        self._work(FulfillmentStatus.ACCEPTED, self.by)

    def begin(self) -> None:
        self._work(FulfillmentStatus.IN_PROGRESS, self.by)

    def reject(self, reason: NodeRejectionReason) -> None:
        """The site gives its units back; they may be sourced again, elsewhere."""
        assert self.work, "only what was requested can be rejected"
        self._give_back()
        self.advance(OrderLineStatus.CREATED)
        self.over = True
        self.work["rejection_reason"] = reason
        self._work(FulfillmentStatus.REJECTED, self.by, reason=reason)

    def pack(self) -> None:
        self.advance(OrderLineStatus.PACKED)
        self._work(FulfillmentStatus.PACKED, self.by)

    def leave(self) -> None:
        """Off the shelf for good: a carrier or the customer has it."""
        self._shelve(on_hand=-1, allocated=-1)
        self.set_aside = False
        self._work(FulfillmentStatus.COMPLETED, self.by)

    def give_up(self) -> None:
        """Its units are cancelled, and its stock is free again."""
        self._give_back()
        self.advance(OrderLineStatus.CANCELLED)
        self.over = True

    def stop_work(self, by: By) -> None:
        """A site that has begun is asked first."""
        if self.work is None:
            return
        if self.work["status"] in (FulfillmentStatus.ACCEPTED, FulfillmentStatus.IN_PROGRESS):
            self._work(FulfillmentStatus.CANCELLATION_REQUESTED, by)
        self._work(FulfillmentStatus.CANCELLED, by)

    def hold_work(self, *, held: bool) -> None:
        """The work order follows the hold of its units, without an entry of its own."""
        if self.work and self.stage is not OrderLineStatus.RELEASED:
            back = FulfillmentStatus.SCHEDULED if self.stage is OrderLineStatus.PREORDERED else FulfillmentStatus.OPEN
            target = FulfillmentStatus.ON_HOLD if held else back
            check_move(self.work["status"], target)
            self.work |= {"status": target, "updated_at": self.order.shop.clock}

    def listed(self) -> list[dict[str, object]]:
        return [{"sku": line.product.sku, "quantity": units} for line, units in self.pieces.items()]

    def _give_back(self) -> None:
        if self.set_aside:
            self._shelve(allocated=-1)
        self.set_aside = False

    def _shelve(self, *, on_hand: int = 0, allocated: int = 0) -> None:
        for line, units in self.pieces.items():
            self.shelf(line).change(self.order.shop.clock, on_hand=on_hand * units, allocated=allocated * units)

    def _open(self, status: FulfillmentStatus) -> None:
        promise = max(
            (made.promise for line in self.pieces if (made := self.order.promises.of(line))),
            key=lambda one: one.ship_by,
        )
        scheduled = status is FulfillmentStatus.SCHEDULED
        self.work = {
            "id": self.id,
            "order_id": self.order.id,
            "location_id": self.site.node.id,
            "status": status,
            "replaces_id": self.replaces.id if self.replaces else None,
            "rejection_reason": None,
            "pickup": self.order.basket.pickup is not None or self.order.country is None,
            "source": self.site.facts.source,
            "source_fulfillment_id": None,
            "fulfill_at": self.site.at(promise.ship_by, 8) if scheduled else None,
            "fulfill_by": end_of_day(promise.ship_by, self.site.facts.time_zone),
            "created_at": self.order.shop.clock,
            "updated_at": self.order.shop.clock,
        }

    def _work(self, status: FulfillmentStatus, by: By, **data: Any) -> None:
        assert self.work, "work starts with stock set aside"
        before = self.work["status"]
        check_move(before, status, where=f"fulfillment of sample order {self.order.basket.number}")
        self.work |= {"status": status, "updated_at": self.order.shop.clock}
        words = {"fulfillmentStatus": {"from": before, "to": status}, "location": self.site.facts.code}
        changed = ("fulfillments", "lines") if status in _MOVES_UNITS else ("fulfillments",)
        self.tell(f"FULFILLMENT_{status}", *changed, by=by, **words, **data)


def of_group(order: Order, group: Group, replaces: Consignment | None = None) -> Consignment:
    assert group.offer, "units that are nowhere do not leave"
    lines = {str(line.id): line for line in order.lines}
    site = next(site for site in order.shop.sites.values() if site.node is group.offer.node)
    pieces = {lines[piece.line_id]: piece.quantity for piece in group.pieces}
    return Consignment(order, site, group.offer.transit, pieces, replaces)


def write(order: Order) -> None:
    for consignment in order.consignments:
        if consignment.work:
            _write_work(consignment, consignment.work)
    _write_allocations(order)


def _write_work(consignment: Consignment, work: Row) -> None:
    book = consignment.order.shop.book
    book.add(db.tables.fulfillments, work)
    for line, units in consignment.pieces.items():
        row = {"fulfillment_id": work["id"], "line_id": line.id, "order_id": work["order_id"], "quantity": units}
        book.add(db.tables.fulfillment_lines, row)


def _write_allocations(order: Order) -> None:
    """One per line and site, though several consignments may have made it."""
    units: dict[tuple[Line, Site], tuple[int, datetime.datetime]] = {}
    for one in order.consignments:
        for line, quantity in one.pieces.items() if one.set_aside else ():
            known, at = units.get((line, one.site), (0, one.set_aside_at))
            units[line, one.site] = (known + quantity, at)
    for (line, site), (quantity, at) in units.items():
        row = {
            "id": order.shop.book.id("allocation", line.id, site.initial),
            "order_id": order.id,
            "line_id": line.id,
            "item_id": line.row["item_id"],
            "location_id": site.node.id,
            "quantity": quantity,
            "allocated_at": at,
        }
        order.shop.book.add(db.tables.allocations, row)
