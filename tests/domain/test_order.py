import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.line import DELIVERED_OR_LATER, IN_WORK, SHIPPED_OR_LATER, LineQuantities, sum_of
from domain.order import Amounts, RollUpLine, counted, further, roll_up, roll_up_finance, roll_up_returns
from domain.reasons import ReturnResolution
from domain.status import (
    LINE_MOVES,
    FinancialStatus,
    OrderLineStatus,
    OrderStatus,
    ReturnRollup,
    ReturnStatus,
    can_move,
)

QUICK = settings(max_examples=100, deadline=None)
quantities = st.dictionaries(st.sampled_from(OrderLineStatus), st.integers(0, 3), max_size=4).map(LineQuantities.of)
roll_up_lines = st.lists(st.builds(RollUpLine, quantities, st.booleans()), max_size=4)
filled_lines = roll_up_lines.filter(lambda lines: sum_of(line.quantities for line in lines).total > 0)


def status_of(*lines: LineQuantities, accepted: bool = True, closed: bool = False) -> OrderStatus:
    return roll_up([RollUpLine(line) for line in lines], accepted=accepted, closed=closed)


@pytest.mark.parametrize(
    ("units", "status"),
    [
        (LineQuantities(created=2), "CONFIRMED"),
        (LineQuantities(allocated=1, backordered=1), "CONFIRMED"),
        (LineQuantities(preordered=1), "CONFIRMED"),
        (LineQuantities(on_hold=1, created=1), "CONFIRMED"),
        (LineQuantities(on_hold=2), "ON_HOLD"),
        (LineQuantities(on_hold=1, cancelled=1), "ON_HOLD"),
        (LineQuantities(released=1, created=1), "IN_PROGRESS"),
        (LineQuantities(packed=1, on_hold=1), "IN_PROGRESS"),
        (LineQuantities(shipped=1, packed=1), "PARTIALLY_SHIPPED"),
        (LineQuantities(lost=1, created=1), "PARTIALLY_SHIPPED"),
        (LineQuantities(shipped=2), "SHIPPED"),
        (LineQuantities(shipped=1, lost=1), "SHIPPED"),
        (LineQuantities(shipped=1, cancelled=1), "SHIPPED"),
        (LineQuantities(delivered=1, shipped=1), "PARTIALLY_DELIVERED"),
        (LineQuantities(delivered=1, created=1), "PARTIALLY_DELIVERED"),
        (LineQuantities(delivered=1, lost=1), "PARTIALLY_DELIVERED"),
        (LineQuantities(delivered=2), "DELIVERED"),
        (LineQuantities(delivered=1, cancelled=1), "DELIVERED"),
        (LineQuantities(delivered=1, return_requested=1), "DELIVERED"),
        (LineQuantities(returned=2), "DELIVERED"),
        (LineQuantities(cancelled=2), "CANCELLED"),
        (LineQuantities(), "UNKNOWN"),
    ],
)
def test_roll_up_of_an_accepted_order(units: LineQuantities, status: str) -> None:
    assert status_of(units) == status


@pytest.mark.parametrize(
    ("units", "status"),
    [
        (LineQuantities(created=1), "PENDING"),
        (LineQuantities(on_hold=1), "PENDING"),
        (LineQuantities(), "PENDING"),
        (LineQuantities(cancelled=1), "CANCELLED"),
    ],
)
def test_roll_up_of_an_order_that_is_not_accepted(units: LineQuantities, status: str) -> None:
    assert status_of(units, accepted=False) == status


def test_closed_completes_only_what_is_delivered() -> None:
    assert status_of(LineQuantities(delivered=1), closed=True) is OrderStatus.COMPLETED
    assert status_of(LineQuantities(delivered=1, shipped=1), closed=True) is OrderStatus.PARTIALLY_DELIVERED


def test_digital_lines_do_not_keep_an_order_open() -> None:
    shirt = RollUpLine(LineQuantities(delivered=1))
    gift_card = RollUpLine(LineQuantities(created=1), requires_shipping=False)

    assert roll_up([shirt, gift_card], accepted=True, closed=False) is OrderStatus.DELIVERED
    assert roll_up([gift_card], accepted=True, closed=False) is OrderStatus.CONFIRMED


def test_a_live_digital_line_keeps_an_order_from_being_cancelled() -> None:
    shirt = RollUpLine(LineQuantities(cancelled=1))
    gift_card = RollUpLine(LineQuantities(delivered=1), requires_shipping=False)

    assert roll_up([shirt, gift_card], accepted=True, closed=False) is OrderStatus.DELIVERED


@QUICK
@given(filled_lines, st.booleans())
def test_roll_up_never_lies_about_quantities(lines: list[RollUpLine], closed: bool) -> None:
    """Each status is given exactly when the units say so; all of them together leave no unit unexplained."""
    units = counted(lines)
    status = roll_up(lines, accepted=True, closed=closed)
    live = units.live
    delivered, shipped = units.among(DELIVERED_OR_LATER), units.among(SHIPPED_OR_LATER)
    everything = sum_of(line.quantities for line in lines)

    assert (status is OrderStatus.CANCELLED) == (everything.cancelled == everything.total)
    assert (status in (OrderStatus.DELIVERED, OrderStatus.COMPLETED)) == (live > 0 and delivered == live)
    assert (status is OrderStatus.COMPLETED) == (closed and live > 0 and delivered == live)
    assert (status is OrderStatus.PARTIALLY_DELIVERED) == (0 < delivered < live)
    assert (status is OrderStatus.SHIPPED) == (0 < shipped == live and delivered == 0)
    assert (status is OrderStatus.PARTIALLY_SHIPPED) == (0 < shipped < live and delivered == 0)
    assert (status is OrderStatus.IN_PROGRESS) == (live > 0 and shipped == 0 and units.among(IN_WORK) > 0)
    assert (status is OrderStatus.ON_HOLD) == (live > 0 and units.on_hold == live)
    assert status not in (OrderStatus.PENDING, OrderStatus.UNKNOWN)


@QUICK
@given(roll_up_lines, st.booleans())
def test_an_order_that_is_not_accepted_is_pending_or_cancelled(lines: list[RollUpLine], closed: bool) -> None:
    assert roll_up(lines, accepted=False, closed=closed) in (OrderStatus.PENDING, OrderStatus.CANCELLED)


PROGRESS = {
    OrderStatus.ON_HOLD: 0,
    OrderStatus.CONFIRMED: 0,
    OrderStatus.IN_PROGRESS: 1,
    OrderStatus.PARTIALLY_SHIPPED: 2,
    OrderStatus.SHIPPED: 3,
    OrderStatus.PARTIALLY_DELIVERED: 4,
    OrderStatus.DELIVERED: 5,
}
FORWARD = "CREATED ALLOCATED RELEASED PACKED SHIPPED DELIVERED RETURN_REQUESTED RETURNED".split()  # noqa: SIM905


@QUICK
@given(st.lists(st.sampled_from(FORWARD), min_size=1, max_size=4), st.lists(st.integers(0, 3), max_size=20))
def test_roll_up_is_monotone(stages: list[str], pushed: list[int]) -> None:
    """A unit that goes forward never takes the order back."""
    before = 0
    for index in pushed:
        units = LineQuantities.of(Counter(OrderLineStatus(stage) for stage in stages))
        after = PROGRESS[status_of(units)]
        assert after >= before
        before = after
        at = index % len(stages)
        stages[at] = FORWARD[min(FORWARD.index(stages[at]) + 1, len(FORWARD) - 1)]


@QUICK
@given(filled_lines, st.integers(1, 3))
def test_roll_up_ignores_the_order_of_lines_their_split_and_further_cancelled_units(
    lines: list[RollUpLine], cancelled: int
) -> None:
    status = roll_up(lines, accepted=True, closed=False)
    split = [
        RollUpLine(LineQuantities.of({stage: units}), line.requires_shipping)
        for line in reversed(lines)
        for stage, units in line.quantities.breakdown()
    ]
    assert roll_up(split, accepted=True, closed=False) is status
    more = [*lines, RollUpLine(LineQuantities(cancelled=cancelled))]
    assert roll_up(more, accepted=True, closed=False) is status


def test_every_legal_line_move_moves_the_order_legally() -> None:
    """All moves of all orders of up to three units."""
    forbidden = set()
    for number in (1, 2, 3):
        for stages in itertools.combinations_with_replacement(OrderLineStatus, number):
            line = LineQuantities.of(Counter(stages))
            for source, target in ((s, t) for s in set(stages) for t in LINE_MOVES[s]):
                for units in range(1, line.get(source) + 1):
                    before, after = status_of(line), status_of(line.move(units, source, target, held_from=target))
                    if before is not after and not can_move(before, after):
                        forbidden.add((source.value, target.value, before.value, after.value))
    assert forbidden == set()


@pytest.mark.parametrize(
    ("returns", "rollup"),
    [
        ([], "NO_RETURN"),
        ([("CANCELLED", None)], "NO_RETURN"),
        ([("REQUESTED", None)], "RETURN_REQUESTED"),
        ([("APPROVED", None)], "IN_PROGRESS"),
        ([("IN_TRANSIT", None), ("REQUESTED", None)], "IN_PROGRESS"),
        ([("PARTIALLY_RECEIVED", None)], "IN_PROGRESS"),
        ([("RECEIVED", None), ("CLOSED", "REFUND")], "IN_PROGRESS"),
        ([("INSPECTED", None), ("CLOSED", "REFUND")], "INSPECTION_COMPLETE"),
        ([("CLOSED", "REFUND"), ("DECLINED", None)], "RETURNED"),
        ([("CLOSED", "EXCHANGE")], "RETURNED"),
        ([("CLOSED", None)], "RETURNED"),
        ([("CLOSED", "REJECTED")], "RETURN_FAILED"),
        ([("DECLINED", None)], "RETURN_FAILED"),
        ([("EXPIRED", None), ("CANCELLED", None)], "RETURN_FAILED"),
    ],
)
def test_returns_in_one_word(returns: list[tuple[str, str | None]], rollup: str) -> None:
    facts = [(ReturnStatus(status), ReturnResolution(word) if word else None) for status, word in returns]

    assert roll_up_returns(facts) is ReturnRollup(rollup)


@pytest.mark.parametrize(
    ("amounts", "status"),
    [
        (Amounts(100), "PENDING"),
        (Amounts(0), "PAID"),
        (Amounts(100, authorized=100), "AUTHORIZED"),
        (Amounts(100, authorized=100, voided=40), "AUTHORIZED"),
        (Amounts(100, authorized=100, voided=100), "VOIDED"),
        (Amounts(100, authorized=100, captured=40), "PARTIALLY_PAID"),
        (Amounts(100, authorized=100, captured=100), "PAID"),
        (Amounts(100, captured=120), "OVERCHARGED"),
        (Amounts(100, captured=120, refunded=10), "OVERCHARGED"),
        (Amounts(100, captured=120, refunded=20), "PARTIALLY_REFUNDED"),
        (Amounts(100, captured=100, refunded=1), "PARTIALLY_REFUNDED"),
        (Amounts(100, captured=100, refunded=100), "REFUNDED"),
        (Amounts(0, captured=100, refunded=100), "REFUNDED"),
    ],
)
def test_money_in_one_word(amounts: Amounts, status: str) -> None:
    assert roll_up_finance(amounts) is FinancialStatus(status)


def test_an_expired_authorization_counts_only_while_nothing_is_captured() -> None:
    assert roll_up_finance(Amounts(100, authorized=100), authorization_expired=True) is FinancialStatus.EXPIRED
    captured = Amounts(100, authorized=100, captured=50)
    assert roll_up_finance(captured, authorization_expired=True) is FinancialStatus.PARTIALLY_PAID


def test_negative_money_is_refused() -> None:
    with pytest.raises(BadInput, match="The amount refunded is below zero"):
        Amounts(100, refunded=-1)


@QUICK
@given(st.builds(Amounts, *[st.integers(0, 50)] * 5))
def test_money_is_never_called_paid_when_it_is_not(amounts: Amounts) -> None:
    """PAID: the whole total is there; REFUNDED: nothing is left; OVERCHARGED: more is kept than was owed."""
    status = roll_up_finance(amounts)
    kept = amounts.captured - amounts.refunded
    if status is FinancialStatus.PAID:
        assert kept == amounts.total
    if status is FinancialStatus.REFUNDED:
        assert kept <= 0 < amounts.captured
    assert (status is FinancialStatus.OVERCHARGED) == (kept > amounts.total)


@pytest.mark.parametrize(
    ("told", "ours", "said"),
    [
        (OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.DELIVERED),
        (OrderStatus.DELIVERED, OrderStatus.SHIPPED, OrderStatus.DELIVERED),
        (OrderStatus.CONFIRMED, OrderStatus.PARTIALLY_DELIVERED, OrderStatus.PARTIALLY_DELIVERED),
        (OrderStatus.CONFIRMED, OrderStatus.ON_HOLD, OrderStatus.ON_HOLD),
        (OrderStatus.SHIPPED, OrderStatus.ON_HOLD, OrderStatus.SHIPPED),
        (OrderStatus.CANCELLED, OrderStatus.CONFIRMED, OrderStatus.CANCELLED),
        (OrderStatus.ON_HOLD, OrderStatus.CONFIRMED, OrderStatus.ON_HOLD),
        (OrderStatus.UNKNOWN, OrderStatus.DELIVERED, OrderStatus.UNKNOWN),
        (OrderStatus.CONFIRMED, OrderStatus.CANCELLED, OrderStatus.CONFIRMED),
    ],
)
def test_a_storefront_takes_nothing_back_that_it_does_not_know(
    told: OrderStatus, ours: OrderStatus, said: OrderStatus
) -> None:
    assert further(told, ours) is said
