"""The common parts of stories: an order is accepted, sourced, sent and closed."""

import dataclasses
import datetime
import itertools
from collections.abc import Mapping
from typing import Final

import db.tables
from db.sample import consignments, payments, sourcing
from db.sample.consignments import Consignment
from db.sample.journeys import Journey, straight
from db.sample.orders import OPEN_STAGES, SYSTEM, By, Line, Order
from db.sample.parcels import Parcel
from db.sample.promises import Promises
from db.sample.shop import Story
from domain.calendar import local_day
from domain.promise import Basis
from domain.reasons import CancelReason
from domain.sourcing import Group, Plan
from domain.status import FulfillmentStatus, OrderLineStatus, OrderStatus, ReturnRollup

RETURN_WINDOW: Final = 14


def placed(order: Order) -> Plan:
    """The first thing that happens: an order, and what it was promised."""
    plan = sourcing.plan(order, loose(order).items())
    order.promises = Promises(order, plan)
    order.place(order.customer if order.basket.channel.source == "ordergraph" else order.channel_actor)
    return plan


def loose(order: Order) -> dict[Line, int]:
    """Units that nobody has been given yet."""
    created = OrderLineStatus.CREATED
    return {line: line.units(created) for line in order.lines if line.units(created)}


def accepted(order: Order, *, minutes: float = 6) -> Story:
    """Paid for or promised to be; what is only downloaded is delivered at once."""
    yield order.shop.later(minutes=minutes)
    prepaid = order.basket.channel.source != "ordergraph"
    if not prepaid:
        payments.authorize(order)
    order.row["accepted_at"] = order.shop.clock
    order.record("ORDER_ACCEPTED", "acceptedAt", by=order.channel_actor)
    if prepaid:
        payments.capture(order)
    _hand_out_downloads(order)


@dataclasses.dataclass(frozen=True, slots=True)
class Course:
    """How it goes with one consignment; `until` ends the work after that entry of the journal."""

    journey: Journey = straight
    until: str | None = None
    # Packed on the day of the order, though the next one was promised.
    brisk: bool = True


USUAL: Final = Course()


def send(
    order: Order,
    *courses: Course,
    without: frozenset[str] = frozenset(),
    replaces: Consignment | None = None,
    hold_released_at: datetime.datetime | None = None,
) -> list[Consignment]:
    """Source what is loose and let each site begin; the last course is for all consignments that follow."""
    plan = sourcing.plan(order, loose(order).items(), without=without, hold_released_at=hold_released_at)
    if replaces or hold_released_at or any(order.promises.of(line) is None for line in loose(order)):
        order.promises.replan(plan)
    made = []
    for number, group in enumerate(group for group in plan.groups if group.offer):
        one = consignments.of_group(order, group, replaces)
        course = courses[min(number, len(courses) - 1)] if courses else USUAL
        order.shop.start(_ended(one, course.until, _fulfilled(one, basis(group), course)))
        made.append(one)
    return made


def basis(group: Group) -> Basis:
    assert group.promise, "a group with an offer has a promise"
    return group.promise.basis


def _ended(one: Consignment, entry: str | None, story: Story) -> Story:
    """`story` up to and including that entry of the journal, or until its units are taken away."""
    while not one.over:
        moment = next(story, None)
        if moment is None or entry in one.told:
            return
        yield moment


def _fulfilled(one: Consignment, units: Basis, course: Course) -> Story:
    """From the shelf to the door, through the hands of the site."""
    if units is not Basis.ON_HAND:
        one.wait(units)
        yield from _stocked(one)
    one.allocate()
    yield one.order.shop.later(minutes=3)
    one.request()
    yield one.order.shop.worked_at(one.site)
    one.accept()
    yield one.order.shop.later(minutes=20)
    one.begin()
    yield _packed_at(one, brisk=course.brisk)
    one.pack()
    if one.order.basket.pickup:
        yield one.order.shop.later(hours=20)
        collect(one)
        return
    yield one.order.shop.later(minutes=12)
    yield from course.journey(Parcel(one))


def collect(one: Consignment) -> None:
    """The customer takes it along."""
    one.advance(OrderLineStatus.DELIVERED)
    one.leave()
    payments.capture(one.order)
    one.tell("ORDER_DELIVERED", "lines", by=one.by)


def closed(order: Order) -> Story:
    """The return window ends, and so does the order."""
    while order.status is not OrderStatus.DELIVERED:
        yield order.shop.later(hours=7)
    yield order.shop.later(days=RETURN_WINDOW)
    while order.row["return_status"] not in (ReturnRollup.NO_RETURN, ReturnRollup.RETURNED, ReturnRollup.RETURN_FAILED):
        yield order.shop.later(hours=9)
    order.row["closed_at"] = order.shop.clock
    order.record("ORDER_COMPLETED", "closedAt")


def cancel(order: Order, reason: CancelReason, by: By) -> None:
    """All that is not packed yet."""
    for hold in order.holds:
        if hold.active:
            hold.lift(by)
    stopped = [one for one in order.consignments if not one.over and one.stage in OPEN_STAGES]
    for one in stopped:
        one.give_up()
    for line, units in loose(order).items():
        line.move(units, OrderLineStatus.CREATED, OrderLineStatus.CANCELLED)
    order.row |= {"cancelled_at": order.shop.clock, "cancel_reason": reason, "cancelled_by": by.actor}
    order.record("ORDER_CANCELLED", "cancelReason", "cancelledAt", "lines", by=by, data={"reason": reason})
    for one in stopped:
        one.stop_work(by)
    payments.void(order)


def cancel_line(order: Order, line: Line, reason: CancelReason, by: By) -> None:
    """All of one line that is not with a site yet, and its money."""
    units = line.units(OrderLineStatus.CREATED)
    line.move(units, OrderLineStatus.CREATED, OrderLineStatus.CANCELLED)
    data = {"sku": line.product.sku, "quantity": units, "reason": reason}
    order.record("LINES_CANCELLED", "lines", by=by, data=data)
    payments.refund(order, line.row["total_amount"])


def _stocked(one: Consignment) -> Story:
    """Until the shelf has enough; what is on preorder waits for its day, which is still to come."""
    while any(one.shelf(line).available < units for line, units in one.pieces.items()):
        yield one.order.shop.later(hours=5)
    if one.stage is OrderLineStatus.PREORDERED:
        yield one.order.shop.later(days=60)


def _packed_at(one: Consignment, *, brisk: bool) -> datetime.datetime:
    """On the promised day; brisk sites do today what is due tomorrow."""
    shop, site = one.order.shop, one.site
    if brisk and not site.facts.lead_days:
        return shop.later(hours=shop.chance.uniform(1, 2))
    today = local_day(shop.clock, site.facts.time_zone)
    day = site.node.calendar.add_open_days(today, site.facts.lead_days + site.facts.handling_days)
    return site.at(day, shop.chance.uniform(8.5, 12))


def _hand_out_downloads(order: Order) -> None:
    """No shelf, no parcel: released and delivered by ourselves."""
    pieces = {line: line.row["quantity"] for line in order.lines if line.product.digital}
    if not pieces:
        return
    created, allocated, released = OrderLineStatus.CREATED, OrderLineStatus.ALLOCATED, OrderLineStatus.RELEASED
    packed, delivered = OrderLineStatus.PACKED, OrderLineStatus.DELIVERED
    _shift(pieces, created, allocated, released)
    order.record("LINES_RELEASED", "lines")
    _shift(pieces, released, packed, delivered)
    _write_download(order, pieces)
    payments.capture(order)
    whole = order.rolled_up() is OrderStatus.DELIVERED
    order.record("ORDER_DELIVERED" if whole else "LINES_DELIVERED", "lines", "fulfillments", by=SYSTEM)


def _shift(pieces: Mapping[Line, int], *stages: OrderLineStatus) -> None:
    for source, target in itertools.pairwise(stages):
        for line, units in pieces.items():
            line.move(units, source, target)


def _write_download(order: Order, pieces: Mapping[Line, int]) -> None:
    book, at = order.shop.book, order.shop.clock
    work = {
        "id": book.id("fulfillment", order.id, "download"),
        "order_id": order.id,
        "status": FulfillmentStatus.COMPLETED,
        "pickup": False,
        "source": "ordergraph",
        "created_at": at,
        "updated_at": at,
    }
    book.add(db.tables.fulfillments, work)
    for line, units in pieces.items():
        row = {"fulfillment_id": work["id"], "line_id": line.id, "order_id": order.id, "quantity": units}
        book.add(db.tables.fulfillment_lines, row)
