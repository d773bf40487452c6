import datetime
import uuid
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import WorkCalendar
from domain.errors import BadInput
from domain.promise import Basis, Timing
from domain.reasons import LocationKind
from domain.route import Destination, Node, Transit
from domain.sourcing import NOT_AVAILABLE, Demand, Group, Offer, Plan, source
from domain.stock import Incoming

QUICK = settings(max_examples=120, deadline=None)
SHIRT, SHOES, HAT = (uuid.UUID(int=number) for number in (1, 2, 3))
NOON = datetime.time(12)
ORDERED = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
EVERY_DAY = WorkCalendar("UTC", dict.fromkeys(range(1, 8), NOON))
TIMING = Timing(ORDERED)
CUSTOMER = Destination("UTC")


def transit(days: int) -> Transit:
    return Transit(days, days, "C", "S", WorkCalendar.of_weekdays("UTC", range(1, 8)))


def offer(
    code: str,
    available: dict[uuid.UUID, int],
    *,
    days: int = 1,
    incoming: dict[uuid.UUID, list[Incoming]] | None = None,
    priority: int = 100,
    calendar: WorkCalendar = EVERY_DAY,
) -> Offer:
    node = Node(uuid.uuid5(uuid.NAMESPACE_DNS, code), code, LocationKind.WAREHOUSE, calendar)
    return Offer(node, transit(days), available, incoming or {}, priority)


def plan(demands: list[Demand], offers: list[Offer]) -> Plan:
    return source(demands, offers, TIMING, CUSTOMER)


def told(group: Group) -> tuple[str | None, dict[str, int], str | None]:
    code = None if group.offer is None else group.offer.node.code
    latest = None if group.promise is None else str(group.promise.latest)
    return code, {piece.line_id: piece.quantity for piece in group.pieces}, latest


def test_one_node_that_has_everything_wins_over_faster_ones_that_have_not() -> None:
    made = plan(
        [Demand("1", SHIRT, 1), Demand("2", SHOES, 1)],
        [offer("FAST", {SHIRT: 9}), offer("SLOW", {SHIRT: 1, SHOES: 1}, days=5)],
    )

    assert [told(group) for group in made.groups] == [("SLOW", {"1": 1, "2": 1}, "2026-03-07")]


def test_of_the_nodes_that_have_everything_the_earliest_wins() -> None:
    made = plan([Demand("1", SHIRT, 1)], [offer("A", {SHIRT: 99}, days=3), offer("B", {SHIRT: 1}, days=2)])

    assert [told(group) for group in made.groups] == [("B", {"1": 1}, "2026-03-04")]


def test_equal_days_are_decided_by_priority_then_code_whatever_the_order_of_offers() -> None:
    offers = [offer("B", {SHIRT: 1}), offer("A", {SHIRT: 1}), offer("Z", {SHIRT: 1}, priority=1)]

    assert told(plan([Demand("1", SHIRT, 1)], offers).groups[0])[0] == "Z"
    assert told(plan([Demand("1", SHIRT, 1)], offers[:2]).groups[0])[0] == "A"


def test_else_the_order_is_split_in_as_few_groups_as_needed() -> None:
    made = plan(
        [Demand("1", SHIRT, 1), Demand("2", SHOES, 1), Demand("3", HAT, 1)],
        [offer("A", {SHIRT: 1, SHOES: 1}), offer("B", {SHOES: 1}), offer("C", {HAT: 1}, days=3)],
    )

    assert [told(group) for group in made.groups] == [
        ("A", {"1": 1, "2": 1}, "2026-03-03"),
        ("C", {"3": 1}, "2026-03-05"),
    ]
    assert made.complete
    assert made.latest == datetime.date(2026, 3, 5)


def test_a_line_may_be_split_when_no_node_has_all_of_it() -> None:
    made = plan([Demand("1", SHIRT, 5)], [offer("A", {SHIRT: 2}), offer("B", {SHIRT: 3})])

    assert [told(group)[:2] for group in made.groups] == [("B", {"1": 3}), ("A", {"1": 2})]


def test_whole_lines_come_before_many_units() -> None:
    made = plan(
        [Demand("1", SHIRT, 1), Demand("2", SHOES, 1), Demand("3", HAT, 5)],
        [offer("A", {SHIRT: 1, SHOES: 1}), offer("B", {HAT: 4}), offer("C", {HAT: 1})],
    )

    assert [told(group)[0] for group in made.groups] == ["A", "B", "C"]


def test_two_lines_of_one_item_share_its_units() -> None:
    """medusa #16502: each line alone was available, both together were not."""
    made = plan([Demand("1", SHIRT, 2), Demand("2", SHIRT, 2)], [offer("A", {SHIRT: 3})])

    assert [told(group)[:2] for group in made.groups] == [("A", {"1": 2, "2": 1}), (None, {"2": 1})]


def test_what_is_not_there_comes_with_the_earliest_delivery() -> None:
    incoming = {SHIRT: [Incoming(ORDERED + 9 * DAY, 5), Incoming(ORDERED + 4 * DAY, 1)]}
    made = plan([Demand("1", SHIRT, 3)], [offer("A", {SHIRT: 1}, incoming=incoming)])

    assert [told(group) for group in made.groups] == [
        ("A", {"1": 1}, "2026-03-03"),
        ("A", {"1": 1}, "2026-03-07"),
        ("A", {"1": 1}, "2026-03-12"),
    ]
    assert [group.promise.basis for group in made.groups if group.promise] == [
        Basis.ON_HAND,
        Basis.INCOMING,
        Basis.INCOMING,
    ]


def test_lines_of_one_delivery_leave_together() -> None:
    due = ORDERED + 4 * DAY
    incoming = {SHIRT: [Incoming(due, 1)], SHOES: [Incoming(due, 1)]}
    made = plan([Demand("1", SHIRT, 1), Demand("2", SHOES, 1)], [offer("A", {}, incoming=incoming)])

    assert [told(group) for group in made.groups] == [("A", {"1": 1, "2": 1}, "2026-03-07")]


def test_what_nobody_has_is_a_group_without_days_and_no_error() -> None:
    made = plan([Demand("1", SHIRT, 1), Demand("2", HAT, 4)], [offer("A", {SHIRT: 1})])

    assert [told(group) for group in made.groups] == [("A", {"1": 1}, "2026-03-03"), (None, {"2": 4}, None)]
    assert made.groups[1].problem == NOT_AVAILABLE
    assert not made.complete
    assert made.latest is None


def test_without_any_node_nothing_is_available() -> None:
    made = plan([Demand("1", SHIRT, 1), Demand("2", HAT, 1, datetime.date(2026, 5, 1))], [])

    assert [told(group) for group in made.groups] == [(None, {"1": 1, "2": 1}, None)]


def test_a_node_that_owes_units_offers_none() -> None:
    assert told(plan([Demand("1", SHIRT, 1)], [offer("A", {SHIRT: -3})]).groups[0])[0] is None


def test_a_preorder_waits_for_its_release_apart_from_the_rest() -> None:
    made = plan(
        [Demand("1", SHIRT, 1), Demand("2", HAT, 2, datetime.date(2026, 5, 1))],
        [offer("A", {SHIRT: 1}), offer("B", {SHIRT: 1}, priority=1, days=4)],
    )

    assert [told(group) for group in made.groups] == [("A", {"1": 1}, "2026-03-03"), ("B", {"2": 2}, "2026-05-05")]
    assert made.groups[1].promise is not None
    assert made.groups[1].promise.basis is Basis.PREORDER


def test_a_node_without_open_days_is_left_out_and_told() -> None:
    broken = offer("BROKEN", {SHIRT: 9}, calendar=WorkCalendar("UTC", {}))
    made = plan([Demand("1", SHIRT, 1)], [broken, offer("A", {SHIRT: 1}, days=3)])

    assert [told(group)[0] for group in made.groups] == ["A"]
    assert len(made.problems) == 1
    assert made.problems[0].startswith("BROKEN: No open day within 366 days")


def test_wrong_demands_are_bad_input() -> None:
    with pytest.raises(BadInput, match="Line 1 asks for 0 units"):
        Demand("1", SHIRT, 0)
    with pytest.raises(BadInput, match="Line 1 is asked for twice"):
        plan([Demand("1", SHIRT, 1), Demand("1", HAT, 1)], [])


items = st.sampled_from([SHIRT, SHOES, HAT])
demand_lists = st.lists(
    st.tuples(items, st.integers(1, 5), st.none() | st.just(datetime.date(2026, 5, 1))), min_size=1, max_size=4
).map(lambda rows: [Demand(str(number), *row) for number, row in enumerate(rows)])
offer_lists = st.lists(
    st.tuples(
        st.dictionaries(items, st.integers(-2, 6)),
        st.integers(0, 3),
        st.dictionaries(
            items, st.lists(st.builds(Incoming, st.integers(0, 9).map(lambda n: ORDERED + n * DAY), st.integers(0, 4)))
        ),
        st.integers(0, 2),
    ),
    max_size=4,
).map(
    lambda rows: [
        offer(f"N{number}", row[0], days=row[1], incoming=row[2], priority=row[3]) for number, row in enumerate(rows)
    ]
)


@QUICK
@given(demand_lists, offer_lists)
def test_every_unit_is_in_exactly_one_group_and_no_node_gives_more_than_it_has(
    demands: list[Demand], offers: list[Offer]
) -> None:
    made = plan(demands, offers)
    placed: Counter[str] = Counter()
    given_out: Counter[tuple[str, Basis, uuid.UUID]] = Counter()
    for group in made.groups:
        for piece in group.pieces:
            assert piece.quantity > 0
            placed[piece.line_id] += piece.quantity
            if group.offer is not None and group.promise is not None:
                given_out[group.offer.node.code, group.promise.basis, piece.item_id] += piece.quantity
    assert placed == {demand.line_id: demand.quantity for demand in demands}
    for one in offers:
        for item in (SHIRT, SHOES, HAT):
            code = one.node.code
            assert given_out[code, Basis.ON_HAND, item] <= max(0, one.available.get(item, 0))
            assert given_out[code, Basis.INCOMING, item] <= sum(due.quantity for due in one.incoming.get(item, ()))


@QUICK
@given(demand_lists, offer_lists)
def test_nothing_is_refused_or_late_that_is_on_a_shelf(demands: list[Demand], offers: list[Offer]) -> None:
    """Units wait or are refused only when every shelf is empty of them, and are refused only without a delivery."""
    regular = [demand for demand in demands if demand.preorder_ships_on is None]
    made = plan(regular, offers)
    served: Counter[tuple[Basis | None, uuid.UUID]] = Counter()
    for group in made.groups:
        for piece in group.pieces:
            served[group.promise.basis if group.promise else None, piece.item_id] += piece.quantity
    for item in (SHIRT, SHOES, HAT):
        asked = sum(demand.quantity for demand in regular if demand.item_id == item)
        shelves = sum(max(0, one.available.get(item, 0)) for one in offers)
        due = sum(one.quantity for some in offers for one in some.incoming.get(item, ()))
        assert served[Basis.ON_HAND, item] == min(asked, shelves)
        assert served[Basis.INCOMING, item] == min(asked - served[Basis.ON_HAND, item], due)


@QUICK
@given(demand_lists, offer_lists)
def test_one_node_that_can_fill_all_is_used_alone_and_the_order_of_offers_does_not_matter(
    demands: list[Demand], offers: list[Offer]
) -> None:
    regular = [demand for demand in demands if demand.preorder_ships_on is None]
    need: Counter[uuid.UUID] = Counter()
    for demand in regular:
        need[demand.item_id] += demand.quantity
    able = [one for one in offers if all(one.available.get(item, 0) >= units for item, units in need.items())]
    made = plan(regular, offers)
    assert made == plan(regular, offers[::-1])
    if able and regular:
        assert len(made.groups) == 1
        chosen = made.groups[0]
        assert chosen.promise is not None
        days = [one.transit.max_days for one in able if one.transit is not None]
        assert chosen.promise.latest == ORDERED.date() + min(days) * DAY
