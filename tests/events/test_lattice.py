"""Where units are, from facts."""

from hypothesis import given
from hypothesis import strategies as st

from domain.line import LineQuantities
from domain.status import FulfillmentStatus, ReturnStatus, ShipmentStatus
from events.lattice import Reached, of_line, of_parcel, of_return, of_work, overclaimed, spread, total, unexplained

counts = st.integers(0, 6)
claims = st.builds(Reached, *[counts] * 10)


@given(st.integers(1, 5), claims)
def test_stages_always_add_up_whatever_is_claimed(quantity: int, reached: Reached) -> None:
    assert spread(quantity, reached, LineQuantities(created=quantity)).total == quantity


@given(st.integers(1, 5), claims)
def test_what_facts_explain_is_not_counted_twice(quantity: int, reached: Reached) -> None:
    assert unexplained(spread(quantity, reached, LineQuantities()), reached) == Reached()


@given(st.lists(claims))
def test_a_sum_of_facts_knows_no_order(several: list[Reached]) -> None:
    assert total(several) == total(reversed(several))


def test_an_import_is_what_facts_do_not_explain() -> None:
    line = LineQuantities(created=1, shipped=2)
    assert unexplained(line, Reached()) == of_line(line) == Reached(2, 2, 2, 2)


def test_work_says_what_its_status_implies() -> None:
    assert of_work(FulfillmentStatus.OPEN, 3) == Reached(allocated=3)
    assert of_work(FulfillmentStatus.ACCEPTED, 3) == Reached(3, 3)
    assert of_work(FulfillmentStatus.PACKED, 3) == Reached(3, 3, 3)
    assert of_work(FulfillmentStatus.COMPLETED, 3) == Reached(3, 3, 3, 3)
    assert of_work(FulfillmentStatus.COMPLETED, 3, pickup=True) == Reached(3, 3, 3, 3, 3)
    assert of_work(FulfillmentStatus.REJECTED, 3) == Reached()
    assert of_work(FulfillmentStatus.INCOMPLETE, 3, shipped=1) == Reached(1, 1, 1, 1)
    assert of_work(FulfillmentStatus.IN_PROGRESS, 3, packed=2, shipped=1) == Reached(3, 3, 2, 1)


def test_a_label_has_moved_nothing() -> None:
    assert of_parcel(ShipmentStatus.LABEL_CREATED, 2, handed_over=False) == Reached()
    assert of_parcel(ShipmentStatus.IN_TRANSIT, 2, handed_over=True) == Reached(2, 2, 2, 2)
    assert of_parcel(ShipmentStatus.LOST, 2, handed_over=False) == Reached(2, 2, 2, 2, lost=2)
    assert of_parcel(ShipmentStatus.CANCELLED, 2, handed_over=True) == Reached()


def test_what_came_back_had_arrived() -> None:
    back = of_return(ReturnStatus.PARTIALLY_RECEIVED, 3, 1)
    assert (back.arrived, back.requested, back.returned) == (1, 2, 1)
    assert of_return(ReturnStatus.DECLINED, 3, 0) == Reached()


def test_held_units_stay_held_until_they_are_worked_on() -> None:
    before = LineQuantities(on_hold=2, backordered=1)
    assert spread(3, Reached(), before) == before
    assert spread(3, Reached(1, 1), before) == LineQuantities(on_hold=2, released=1)


def test_more_than_there_is_is_noticed() -> None:
    assert overclaimed(2, Reached(3, 3))
    assert not overclaimed(2, Reached(2, 2, 2, 1, 1, lost=0))
    assert overclaimed(2, Reached(arrived=2, lost=1))
