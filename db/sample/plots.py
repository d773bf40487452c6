"""What can happen to an order, from beginning to end; each plot is made of the common parts in `stories`."""

import datetime
from collections.abc import Callable
from typing import Final, TypeAlias

from db.sample import consignments, journeys, payments, sources, sourcing, stories
from db.sample.consignments import Consignment
from db.sample.holds import Hold
from db.sample.orders import JONAS, MARIA, SYSTEM, By, Order
from db.sample.returns import Return
from db.sample.shop import Shop, Story
from db.sample.stories import Course, accepted, closed, placed, send
from domain.reasons import (
    CancelReason,
    Disposition,
    HoldReason,
    NodeRejectionReason,
    ReturnReason,
    ReturnResolution,
)
from domain.status import OrderLineStatus, ReturnStatus

Plot: TypeAlias = Callable[[Order], Story]


def usual(*courses: Course) -> Plot:
    """Ordered, paid, sent."""

    def plot(order: Order) -> Story:
        placed(order)
        yield from accepted(order)
        chance = order.shop.chance
        send(order, *(courses or (Course(brisk=chance.random() < 0.6),)))
        if not courses and chance.random() < 0.07:
            reason = chance.choice((ReturnReason.SIZE_TOO_SMALL, ReturnReason.UNWANTED, ReturnReason.NOT_AS_DESCRIBED))
            order.shop.start(_returned(order, REFUNDED, reason))
        yield from closed(order)

    return plot


def unpaid(order: Order) -> Story:
    """By bank transfer, which has not come."""
    placed(order)
    yield from ()


def over_the_counter(order: Order) -> Story:
    """Paid and taken along within a minute, unless the shelf turns out to be empty."""
    placed(order)
    yield from accepted(order, minutes=0)
    plan = sourcing.plan(order, stories.loose(order).items())
    if not plan.complete:
        stories.cancel(order, CancelReason.INVENTORY, order.channel_actor)
        return
    for group in plan.groups:
        one = consignments.of_group(order, group)
        one.allocate()
        one.request()
        one.accept()
        one.pack()
        stories.collect(one)
    yield from closed(order)


def held(reason: HoldReason, note: str, *, days_left: float | None = 2, course: Course | None = None) -> Plot:
    """Blocked until now, by a hold on the whole order; with a `course` only after the work has come so far."""

    def plot(order: Order) -> Story:
        placed(order)
        yield from accepted(order)
        if course:
            send(order, course)
        yield order.shop.later(hours=1)
        release_at = None if days_left is None else order.shop.now + datetime.timedelta(days=days_left)
        Hold(order, reason, release_at, by=SYSTEM if reason is HoldReason.HIGH_RISK_OF_FRAUD else MARIA, note=note)
        if release_at and not course:
            units = {line: line.units(OrderLineStatus.ON_HOLD) for line in order.lines}
            order.promises.replan(sourcing.plan(order, units.items(), hold_released_at=release_at))

    return plot


def held_in_part(order: Order) -> Story:
    """The first line waits for the customer, the others are sent."""
    placed(order)
    yield from accepted(order)
    first = order.lines[0]
    Hold(order, HoldReason.CUSTOMER_REQUEST, None, by=MARIA, note="Customer decides on the size.", line=first)
    yield order.shop.later(minutes=20)
    send(order, Course(until="FULFILLMENT_ACCEPTED"))


def released(reason: HoldReason, hours: float, *courses: Course, by: By = MARIA) -> Plot:
    """Blocked for some hours, then sent like any other."""

    def plot(order: Order) -> Story:
        placed(order)
        yield from accepted(order)
        hold = Hold(order, reason, order.shop.later(hours=hours), note="Called back, all in order.")
        yield order.shop.later(hours=hours)
        hold.release(by)
        send(order, *courses, hold_released_at=order.shop.clock)
        yield from closed(order)

    return plot


def rejected(reason: NodeRejectionReason, *, again: bool = True) -> Plot:
    """The first site gives the work back; another takes it, or nobody can."""

    def plot(order: Order) -> Story:
        placed(order)
        yield from accepted(order)
        (first,) = send(order, Course(until="FULFILLMENT_REQUESTED"))
        yield from _told(first, "FULFILLMENT_REQUESTED")
        yield order.shop.worked_at(first.site)
        first.reject(reason)
        if reason is NodeRejectionReason.DAMAGED:
            for line, units in first.pieces.items():
                first.shelf(line).change(order.shop.clock, damaged=units)
        yield order.shop.later(minutes=4)
        if again:
            send(order, without=frozenset(first.site.initial), replaces=first)
            yield from closed(order)
        else:
            Hold(order, HoldReason.INVENTORY_OUT_OF_STOCK, None, by=JONAS, note="Asked the supplier for a new date.")

    return plot


def cancelled(reason: CancelReason, *, course: Course | None = None, hours: float = 5, paid: bool = True) -> Plot:
    """Given up before it left, by the customer or by us."""

    def plot(order: Order) -> Story:
        placed(order)
        if paid:
            yield from accepted(order)
        if course:
            send(order, course)
        yield order.shop.later(hours=hours)
        by = {CancelReason.CUSTOMER: order.customer, CancelReason.MARKETPLACE: order.channel_actor}.get(reason, SYSTEM)
        stories.cancel(order, reason, JONAS if reason is CancelReason.FRAUD else by)

    return plot


def cancelled_in_part(order: Order) -> Story:
    """One line cannot be had after all; the rest is sent, the money for it given back."""
    placed(order)
    yield from accepted(order)
    payments.capture(order)
    yield order.shop.later(hours=1)
    stories.cancel_line(order, order.lines[-1], CancelReason.INVENTORY, MARIA)
    send(order)
    yield from closed(order)


def lost(*, refunded: bool) -> Plot:
    """Two parcels, of which one never comes."""

    def plot(order: Order) -> Story:
        placed(order)
        yield from accepted(order)
        _, second = send(order, Course(), Course(journeys.lost))
        yield from _told(second, "LINES_LOST")
        if not refunded:
            return
        yield order.shop.later(days=1)
        second.advance(OrderLineStatus.CANCELLED)
        order.record(
            "LINES_CANCELLED", "lines", by=MARIA, data={"reason": CancelReason.OTHER, "lines": second.listed()}
        )
        payments.refund(order, sum(line.row["total_amount"] for line in second.pieces))
        yield from closed(order)

    return plot


Step: TypeAlias = Callable[[Return], None]
APPROVED: Final[tuple[Step, ...]] = (lambda one: one.move(ReturnStatus.APPROVED),)
IN_TRANSIT: Final[tuple[Step, ...]] = (*APPROVED, Return.hand_in)
RECEIVED: Final[tuple[Step, ...]] = (*IN_TRANSIT, Return.receive)
INSPECTED: Final[tuple[Step, ...]] = (*RECEIVED, lambda one: one.inspect(Disposition.RESTOCKED))
REFUNDED: Final[tuple[Step, ...]] = (*INSPECTED, lambda one: one.close(ReturnResolution.REFUND))
RETURNS: Final[dict[str, tuple[Step, ...]]] = {
    "requested": (),
    "approved": APPROVED,
    "in transit": IN_TRANSIT,
    "received in part": (*IN_TRANSIT, lambda one: one.receive({next(iter(one.lines)): 1})),
    "received": RECEIVED,
    "inspected": INSPECTED,
    "refunded": REFUNDED,
    "exchanged": (*INSPECTED, lambda one: one.close(ReturnResolution.EXCHANGE)),
    "damaged": (
        *RECEIVED,
        lambda one: one.inspect(Disposition.DAMAGED),
        lambda one: one.close(ReturnResolution.REJECTED),
    ),
    "declined": (lambda one: one.refuse(ReturnStatus.DECLINED),),
    "cancelled": (lambda one: one.refuse(ReturnStatus.CANCELLED, one.order.customer),),
    "expired": (*APPROVED, lambda one: one.refuse(ReturnStatus.EXPIRED, SYSTEM)),
}


def returned(steps: tuple[Step, ...], reason: ReturnReason) -> Plot:
    """Delivered, and then all of its lines on their way back as far as `steps` go."""

    def plot(order: Order) -> Story:
        placed(order)
        yield from accepted(order)
        send(order)
        order.shop.start(_returned(order, steps, reason))
        yield from closed(order)

    return plot


def disputed(order: Order) -> Story:
    """We have sent it; the marketplace says that it was cancelled."""
    placed(order)
    yield from accepted(order)
    (one,) = send(order, Course(journeys.overdue))
    yield from _told(one, "FULFILLMENT_COMPLETED")
    yield order.shop.later(hours=2)
    sources.claim(order, "status", "ordergraph", order.status, None, wins=True)
    sources.claim(order, "status", "amazon", "CANCELLED", "Canceled", wins=False)
    data = {"field": "status", "systems": ["ordergraph", "amazon"]}
    order.record("SOURCE_CONFLICT_FOUND", "sources", by=order.channel_actor, data=data)


def quiet(order: Order) -> Story:
    """Its system of origin has not been heard of since."""
    order.silent = True
    placed(order)
    yield from accepted(order)
    send(order, Course(until="FULFILLMENT_ACCEPTED"))


def empty(order: Order) -> Story:
    """Accepted by the marketplace, but it has not told us the lines yet."""
    order.row["accepted_at"] = order.shop.clock
    placed(order)
    yield from ()


def recounted(shop: Shop, sku: str) -> Story:
    """Somebody counts the shelf and finds one unit fewer than is promised."""
    for initial in shop.sites:
        shelf = shop.shelves.get((sku, initial))
        if shelf and shelf.allocated:
            shelf.count(shop.clock, shelf.allocated - 1)
    yield from ()


def _told(one: Consignment, entry: str) -> Story:
    while entry not in one.told:
        yield one.order.shop.later(hours=1)


def _returned(order: Order, steps: tuple[Step, ...], reason: ReturnReason) -> Story:
    while "ORDER_DELIVERED" not in order.told:
        yield order.shop.later(hours=6)
    yield order.shop.later(days=2)
    delivered = {line: line.units(OrderLineStatus.DELIVERED) for line in order.lines if not line.product.digital}
    one = Return(order, delivered, reason)
    for step in steps:
        yield order.shop.later(days=order.shop.chance.uniform(0.5, 2))
        step(one)
