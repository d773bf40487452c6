"""Each invariant holds for a good recording and is seen to fail on a bad one."""

from dataclasses import replace

from tests.chaos import invariants
from tests.chaos.recording import Checked, Entry, Item, Joined, Place, Recording, Reset, Stock, Told, Truth, Usage


def place(position: int, epoch: str = "e") -> Place:
    return Place(epoch, position)


def entry(position: int, order: str, version: int) -> Entry:
    return Entry(position, f"event-{position}", order, version, "C-1" if order == "a" else "C-2", f"write-{position}")


def truth() -> Truth:
    """a1 b1 a2 b2 a3"""
    entries = [entry(1, "a", 1), entry(2, "b", 1), entry(3, "a", 2), entry(4, "b", 2), entry(5, "a", 3)]
    acknowledged = {one.source_event for one in entries}
    return Truth(entries, {"a": 3, "b": 2}, {"a": "C-1", "b": "C-2"}, acknowledged, {"rolled"})


def told(one: Entry) -> Told:
    return Told(place(one.position), one.event, one.order, one.version, "STATUS_CHANGED", one.version)


def all_of(*positions: int) -> list[Item]:
    by_position = {one.position: one for one in truth().entries}
    return [told(by_position[position]) for position in positions]


def client(*items: Item, customer: str | None = None) -> list[Recording]:
    return [Recording("client", customer, [Joined(place(0)), *items])]


def test_a_good_recording_breaks_nothing() -> None:
    for good in (
        client(*all_of(1, 2, 3, 4, 5)),
        client(*all_of(1, 2, 3), Joined(place(3)), *all_of(4, 5)),
        client(*all_of(1, 3, 5), Checked(place(5)), customer="C-1"),
        client(*all_of(1, 2, 3), Joined(place(2)), *all_of(3, 4, 5)),
    ):
        assert invariants.nothing_acknowledged_is_missing(good, truth()) == []
        assert invariants.versions_rise(good) == []
        assert invariants.nothing_is_invented(good, truth()) == []
        assert invariants.nobody_sees_foreign_rows(good, truth()) == []
        assert invariants.segments_join(good, truth()) == []
        assert invariants.cursors_never_go_back(good) == []
        assert invariants.clients_end_as_sql(good, truth()) == []


def test_i1_sees_a_write_that_is_not_logged_and_a_client_that_was_not_told_the_end() -> None:
    facts = truth()
    facts.acknowledged.add("write-6")
    assert invariants.nothing_acknowledged_is_missing(client(*all_of(1, 2, 3, 4, 5)), facts) == [
        "I1 acknowledged, not in the log: write-6"
    ]
    assert invariants.nothing_acknowledged_is_missing(client(*all_of(1, 2, 3)), truth()) == [
        "I1 client was never told 2 events: [4, 5]"
    ]
    assert len(invariants.nothing_acknowledged_is_missing([Recording("mute")], truth())) == 1


def test_i1_sees_a_gap_in_positions() -> None:
    facts = truth()
    del facts.entries[1]
    assert "I1 the log's positions are not 1..n" in invariants.nothing_acknowledged_is_missing([], facts)


def test_i2_sees_an_inversion_and_ignores_repetition() -> None:
    assert invariants.versions_rise(client(*all_of(1, 5, 3))) == ["I2 client: version 2 of a after 3"]
    assert invariants.versions_rise(client(*all_of(1, 3, 1, 3, 5))) == []


def test_i3_sees_what_never_was_and_what_was_rolled_back() -> None:
    (real,) = all_of(3)
    assert isinstance(real, Told)
    for phantom in (replace(real, event="other"), replace(real, version=9), replace(real, place=place(4))):
        assert len(invariants.nothing_is_invented(client(phantom), truth())) == 1
    facts = truth()
    facts.rolled_back.add("write-2")
    assert invariants.nothing_is_invented([], facts) == ["I3 rolled back, but logged: write-2"]


def test_i4_sees_a_foreign_event_and_a_foreign_snapshot() -> None:
    (foreign,) = all_of(2)
    assert isinstance(foreign, Told)
    for one in (foreign, replace(foreign, type="SNAPSHOT")):
        assert invariants.nobody_sees_foreign_rows(client(one, customer="C-1"), truth()) == [
            "I4 client of C-1 was told of b of C-2"
        ]


def test_i5_sees_a_hole_within_a_connection_across_two_and_before_a_checkpoint() -> None:
    holes = ["I5 client skipped 1 events: [3]"]
    assert invariants.segments_join(client(*all_of(1, 2, 4, 5)), truth()) == holes
    assert invariants.segments_join(client(*all_of(1, 2), Joined(place(2)), *all_of(4, 5)), truth()) == holes
    assert invariants.segments_join(client(*all_of(1, 2), Checked(place(3)), *all_of(4, 5)), truth()) == holes


def test_a_reset_excuses_what_was_before_it_and_nothing_after() -> None:
    reset = Reset(place(3), "RETENTION_PASSED")
    assert invariants.segments_join(client(*all_of(1), reset, *all_of(4, 5)), truth()) == []
    assert invariants.segments_join(client(*all_of(1), reset, *all_of(5)), truth()) == [
        "I5 client skipped 1 events: [4]"
    ]


def test_i6_sees_a_cursor_that_goes_back_and_an_event_told_twice() -> None:
    assert invariants.cursors_never_go_back(client(*all_of(1, 2), Checked(place(1)))) == ["I6 client: 1 after 2"]
    assert invariants.cursors_never_go_back(client(*all_of(1, 2, 2))) == ["I6 client: 2 after 2"]
    assert invariants.cursors_never_go_back(client(*all_of(4), Reset(place(1, "other"), "EPOCH_CHANGED"))) == []


def test_i7_sees_a_client_that_is_behind_sql() -> None:
    assert invariants.clients_end_as_sql(client(*all_of(1, 2, 3, 4)), truth()) == ["I7 client has a at 2, SQL at 3"]


def test_i8_sees_stock_below_zero_and_a_change_that_was_lost_or_doubled() -> None:
    assert invariants.stock_adds_up([Stock(10, 0, 0), Stock(12, 0, 0)], 10, [5, -3]) == []
    assert len(invariants.stock_adds_up([Stock(-1, 0, 0), Stock(12, 0, 0)], 10, [5, -3])) == 1
    assert invariants.stock_adds_up([Stock(15, 0, 0)], 10, [5, -3]) == ["I8 15 on hand, 12 by the changes acknowledged"]


def test_i9_sees_memory_streams_and_descriptors_that_stay() -> None:
    before = {"one": Usage(1000, 10, 0, 0)}
    assert invariants.nothing_grows(before, {"one": Usage(1500, 12, 0, 0)}, 1000) == []
    for bad in (Usage(2500, 10, 0, 0), Usage(1000, 31, 0, 0), Usage(1000, 10, 1, 0), Usage(1000, 10, 0, 1)):
        assert len(invariants.nothing_grows(before, {"one": bad}, 1000)) == 1


def test_i10_sees_two_histories_of_the_same_facts_that_differ() -> None:
    assert invariants.order_of_arrival_is_nothing([[{"total": 1}, {"total": 1}]]) == []
    assert len(invariants.order_of_arrival_is_nothing([[{"total": 1}, {"total": 2}]])) == 1
