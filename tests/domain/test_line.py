import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.errors import BadInput, Conflict, IllegalMove
from domain.line import HEADLINE_ORDER, LineQuantities, sum_of
from domain.status import LINE_MOVES, OrderLineStatus

QUICK = settings(max_examples=80, deadline=None)
statuses = st.sampled_from(OrderLineStatus)
lines = st.dictionaries(statuses, st.integers(0, 5)).map(LineQuantities.of)


def test_fields_are_the_stages_in_lifecycle_order() -> None:
    assert list(LineQuantities.__slots__) == [status.lower() for status in OrderLineStatus]


def test_breakdown_leaves_out_empty_stages() -> None:
    line = LineQuantities(cancelled=1, shipped=2, created=3)

    assert line.breakdown() == (
        (OrderLineStatus.CREATED, 3),
        (OrderLineStatus.SHIPPED, 2),
        (OrderLineStatus.CANCELLED, 1),
    )
    assert line.total == 6
    assert line.live == 5


def test_negative_units_are_refused() -> None:
    with pytest.raises(BadInput, match="-1 units in SHIPPED"):
        LineQuantities(shipped=-1)


@pytest.mark.parametrize(
    ("line", "headline"),
    [
        (LineQuantities(on_hold=1, created=9), "ON_HOLD"),
        (LineQuantities(backordered=1, shipped=9), "BACKORDERED"),
        (LineQuantities(created=1, allocated=9), "CREATED"),
        (LineQuantities(packed=1, delivered=9), "PACKED"),
        (LineQuantities(lost=1, shipped=9), "LOST"),
        (LineQuantities(return_requested=1, delivered=9), "RETURN_REQUESTED"),
        (LineQuantities(delivered=1, returned=9, cancelled=9), "DELIVERED"),
        (LineQuantities(returned=1, cancelled=9), "RETURNED"),
        (LineQuantities(cancelled=1), "CANCELLED"),
        (LineQuantities(), None),
    ],
)
def test_headline(line: LineQuantities, headline: str | None) -> None:
    assert line.headline == headline


def test_headline_order_has_every_stage_once() -> None:
    assert sorted(HEADLINE_ORDER) == sorted(OrderLineStatus)


@QUICK
@given(lines)
def test_headline_is_the_first_of_its_order_that_holds_units(line: LineQuantities) -> None:
    held = [status for status in HEADLINE_ORDER if dict(line.breakdown()).get(status)]
    assert line.headline == (held[0] if held else None)


@QUICK
@given(lines, statuses, statuses, st.integers(1, 6))
def test_a_move_is_legal_keeps_every_unit_and_changes_only_two_stages(
    line: LineQuantities, source: OrderLineStatus, target: OrderLineStatus, quantity: int
) -> None:
    """move() succeeds exactly when the table allows it and the units are there; then no unit appears or vanishes."""
    legal = target in LINE_MOVES[source]
    if not legal or line.get(source) < quantity:
        with pytest.raises(Conflict) as caught:
            line.move(quantity, source, target, held_from=target)
        assert isinstance(caught.value, IllegalMove) is not legal
        return
    moved = line.move(quantity, source, target, held_from=target)
    assert moved.total == line.total
    assert moved.get(source) == line.get(source) - quantity
    assert moved.get(target) == line.get(target) + quantity
    others = set(OrderLineStatus) - {source, target}
    assert all(moved.get(status) == line.get(status) for status in others)


@QUICK
@given(st.integers(1, 5), st.lists(st.tuples(statuses, statuses, st.integers(1, 5)), max_size=30))
def test_no_walk_of_moves_creates_or_loses_a_unit_or_leaves_a_final_stage(
    ordered: int, walk: list[tuple[OrderLineStatus, OrderLineStatus, int]]
) -> None:
    line = LineQuantities(created=ordered)
    for source, target, quantity in walk:
        before = line
        try:
            line = line.move(quantity, source, target, held_from=target)
        except Conflict:
            continue
        assert line.total == ordered
        assert line.cancelled >= before.cancelled
        assert line.returned >= before.returned


@QUICK
@given(statuses, statuses)
def test_held_units_return_only_to_where_they_were_held(held_from: OrderLineStatus, target: OrderLineStatus) -> None:
    assume(target not in (held_from, OrderLineStatus.CANCELLED))
    line = LineQuantities(on_hold=2)
    with pytest.raises(IllegalMove):
        line.move(1, OrderLineStatus.ON_HOLD, target, held_from=held_from)


def test_held_units_need_to_be_told_where_they_came_from() -> None:
    line = LineQuantities(on_hold=2)

    with pytest.raises(IllegalMove, match="a stage that was not given"):
        line.move(1, OrderLineStatus.ON_HOLD, OrderLineStatus.ALLOCATED)
    released = line.move(1, OrderLineStatus.ON_HOLD, OrderLineStatus.ALLOCATED, held_from=OrderLineStatus.ALLOCATED)
    assert released == LineQuantities(on_hold=1, allocated=1)
    assert line.move(2, OrderLineStatus.ON_HOLD, OrderLineStatus.CANCELLED) == LineQuantities(cancelled=2)


@pytest.mark.parametrize("quantity", [0, -1])
def test_moving_nothing_is_refused(quantity: int) -> None:
    with pytest.raises(BadInput, match="Move at least one"):
        LineQuantities(created=1).move(quantity, OrderLineStatus.CREATED, OrderLineStatus.ALLOCATED)


@QUICK
@given(st.lists(lines, max_size=5))
def test_sum_of_lines_adds_stage_by_stage(several: list[LineQuantities]) -> None:
    total = sum_of(several)
    assert all(total.get(status) == sum(line.get(status) for line in several) for status in OrderLineStatus)
