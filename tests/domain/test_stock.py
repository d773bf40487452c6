import dataclasses
import datetime
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.reasons import BackorderPolicy, UnavailableReason
from domain.stock import (
    FORMULAS,
    Accuracy,
    Backorder,
    Incoming,
    NodeStock,
    accuracy_at,
    availability,
    available_for_sale,
    available_to_promise,
    backorderable,
    withhold,
)

QUICK = settings(max_examples=80, deadline=None)
NOW = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
units = st.integers(0, 20)
nodes = st.builds(
    NodeStock,
    location_id=st.uuids(),
    on_hand=units,
    allocated=units,
    reserved=units,
    unavailable=st.dictionaries(st.sampled_from(UnavailableReason), units),
    safety_stock=units,
)
supplies = st.lists(st.builds(Incoming, st.integers(0, 30).map(lambda days: NOW + days * DAY), units), max_size=5)


def node(on_hand: int, allocated: int = 0) -> NodeStock:
    return NodeStock(uuid.UUID(int=1), on_hand, allocated)


def test_each_part_of_a_node_is_subtracted_once() -> None:
    stock = NodeStock(
        location_id=uuid.UUID(int=1),
        on_hand=100,
        allocated=10,
        reserved=5,
        unavailable={
            UnavailableReason.DAMAGED: 1,
            UnavailableReason.QUALITY_CONTROL: 2,
            UnavailableReason.SET_ASIDE: 3,
        },
        safety_stock=4,
    )

    assert stock.unavailable_total == 6
    assert stock.available == 75
    assert not stock.oversold


def test_more_allocated_than_there_is_is_oversold_and_below_zero() -> None:
    assert node(1, allocated=3).oversold
    assert node(1, allocated=3).available == -2


def test_a_channel_sums_its_nodes_and_keeps_its_buffer() -> None:
    assert available_for_sale([node(10), node(5, allocated=2)], channel_buffer=3) == 10
    assert available_for_sale([node(2)], channel_buffer=3) == 0
    assert available_for_sale([]) == 0


def test_what_one_node_owes_is_taken_from_the_others() -> None:
    assert available_for_sale([node(10), node(0, allocated=4)]) == 6


@pytest.mark.parametrize(
    ("backorder", "expected"),
    [
        (Backorder(), 0),
        (Backorder(BackorderPolicy.DENY, limit=50), 0),
        (Backorder(BackorderPolicy.CONTINUE), 30),
        (Backorder(BackorderPolicy.CONTINUE, limit=12), 12),
        (Backorder(BackorderPolicy.CONTINUE, limit=0), 0),
        (Backorder(BackorderPolicy.CONTINUE, horizon=NOW + 5 * DAY), 10),
        (Backorder(BackorderPolicy.CONTINUE, horizon=NOW + 4 * DAY), 0),
        (Backorder(BackorderPolicy.CONTINUE, backordered=8), 22),
        (Backorder(BackorderPolicy.CONTINUE, limit=5, backordered=40), 0),
    ],
)
def test_backorderable(backorder: Backorder, expected: int) -> None:
    assert backorderable(backorder, [Incoming(NOW + 5 * DAY, 10), Incoming(NOW + 9 * DAY, 20)]) == expected


def test_an_answer_names_its_formula_and_gives_its_parts() -> None:
    answer = availability(
        [node(10)],
        channel_buffer=2,
        backorder=Backorder(BackorderPolicy.CONTINUE),
        incoming=[Incoming(NOW, 7)],
        as_of=NOW,
        accuracy=Accuracy.CACHED,
    )

    assert (answer.available_for_sale, answer.backorderable, answer.channel_buffer) == (8, 7, 2)
    assert answer.nodes == (node(10),)
    assert answer.formula in FORMULAS
    assert answer.sellable
    assert answer.accuracy is Accuracy.CACHED
    assert answer.source_lag_seconds(NOW + datetime.timedelta(seconds=90)) == 90.0
    assert answer.source_lag_seconds(NOW - DAY) == 0.0


def test_nothing_there_and_nothing_to_come_is_not_sellable() -> None:
    assert not availability([], as_of=NOW).sellable


@pytest.mark.parametrize(
    ("seconds", "accuracy"), [(0, "LIVE"), (10, "LIVE"), (11, "CACHED"), (60, "CACHED"), (61, "STALE")]
)
def test_accuracy_by_age(seconds: int, accuracy: str) -> None:
    now = NOW + datetime.timedelta(seconds=seconds)
    live_for, stale_after = datetime.timedelta(seconds=10), datetime.timedelta(seconds=60)

    assert accuracy_at(NOW, now, live_for=live_for, stale_after=stale_after) == accuracy


def test_available_to_promise_counts_up_to_the_day_itself() -> None:
    day = NOW.date()
    incoming = [(day, 5), (day + DAY, 100)]
    demand = [(day - DAY, 4), (day, 2), (day + DAY, 1)]

    assert available_to_promise(1, incoming, demand, day) == 0
    assert available_to_promise(1, incoming, demand, day + DAY) == 99
    assert available_to_promise(1, [], demand, day) == -5


@QUICK
@given(st.lists(nodes, max_size=5), units)
def test_for_sale_is_never_negative_and_never_more_than_the_shelves_hold(several: list[NodeStock], buffer: int) -> None:
    offered = available_for_sale(several, channel_buffer=buffer)
    assert 0 <= offered <= sum(stock.on_hand for stock in several)


@QUICK
@given(st.lists(nodes, max_size=5), units)
def test_the_parts_add_up_to_the_answer(several: list[NodeStock], buffer: int) -> None:
    """Whoever adds the parts of the answer by its formula gets the answer."""
    answer = availability(several, channel_buffer=buffer, as_of=NOW)
    total = sum(
        stock.on_hand - stock.allocated - stock.reserved - sum(stock.unavailable.values()) - stock.safety_stock
        for stock in answer.nodes
    )
    assert answer.available_for_sale == max(0, total - answer.channel_buffer)


@QUICK
@given(st.lists(nodes, min_size=1, max_size=5), st.integers(1, 10))
def test_taking_units_never_raises_what_is_for_sale(several: list[NodeStock], taken: int) -> None:
    """Allocating, reserving, setting aside: each takes exactly its units, down to zero."""
    before = sum(stock.available for stock in several)
    first, *others = several
    for less in (
        dataclasses.replace(first, allocated=first.allocated + taken),
        dataclasses.replace(first, reserved=first.reserved + taken),
        dataclasses.replace(first, safety_stock=first.safety_stock + taken),
        dataclasses.replace(first, on_hand=first.on_hand - taken),
    ):
        assert available_for_sale([less, *others]) == max(0, before - taken)


@QUICK
@given(supplies, st.integers(0, 30), st.integers(0, 30), units, st.none() | units)
def test_a_longer_horizon_never_allows_fewer_backorders(
    incoming: list[Incoming], days: int, more: int, backordered: int, limit: int | None
) -> None:
    near = Backorder(BackorderPolicy.CONTINUE, limit, NOW + days * DAY, backordered)
    far = Backorder(BackorderPolicy.CONTINUE, limit, NOW + (days + more) * DAY, backordered)
    assert 0 <= backorderable(near, incoming) <= backorderable(far, incoming)
    assert backorderable(far, incoming) + backordered <= max(backordered, sum(supply.quantity for supply in incoming))


def test_the_buffer_is_kept_back_at_the_last_node_first() -> None:
    assert withhold(3, [{"shirt": 5}, {"shirt": 2, "hat": 4}]) == [{"shirt": 4}, {"shirt": 0, "hat": 1}]
    assert withhold(0, [{"shirt": 5}, {"shirt": -2}]) == [{"shirt": 3}, {"shirt": 0}]


@QUICK
@given(units, st.lists(nodes, max_size=4))
def test_a_promise_can_use_exactly_what_is_for_sale(buffer: int, several: list[NodeStock]) -> None:
    kept = withhold(buffer, [{"item": stock.available} for stock in several])
    assert sum(left["item"] for left in kept) == available_for_sale(several, channel_buffer=buffer)
    pairs = zip(kept, several, strict=True)
    assert all(0 <= left["item"] <= max(0, stock.available) for left, stock in pairs)
