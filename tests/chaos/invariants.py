"""Invariants I1 to I10 as functions over recordings: a sentence for each breach, nothing when it holds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.recording import Checked, Entry, Joined, Place, Recording, Reset, Stock, Told, Truth, Usage


@dataclass(frozen=True, slots=True)
class Gap:
    """Entries a client should have been told between two places; `end` when the recording ended there."""

    missing: Sequence[Entry]
    end: bool


def told(recording: Recording) -> Iterator[Told]:
    """Events proper, without snapshots."""
    return (item for item in recording.items if isinstance(item, Told) and item.type != "SNAPSHOT")


def gaps(recording: Recording, truth: Truth) -> Iterator[Gap]:
    """Walks from place to place. A Reset, or a snapshot asked for without a cursor, begins anew without a claim on
    what lies before it; what was joined with a cursor goes on after it."""
    visible = truth.visible(recording.customer)
    at: int | None = None
    for item in recording.items:
        match item:
            case Joined(after):
                at = None if after is None else after.position
            case Reset(place):
                at = place.position
            case Told(place) | Checked(place):
                last = place.position - (isinstance(item, Told) and item.type != "SNAPSHOT")
                missing = [one for one in visible if at is not None and at < one.position <= last]
                if missing:
                    yield Gap(missing, end=False)
                at = place.position if at is None else max(at, place.position)
    missing = [one for one in visible if at is not None and at < one.position]
    if missing or at is None:
        yield Gap(missing or visible, end=True)


def nothing_acknowledged_is_missing(recordings: Sequence[Recording], truth: Truth) -> list[str]:
    """I1: what a writer was promised is in the log, in positions 1..n, and every client was told to the end."""
    logged = {entry.source_event for entry in truth.entries}
    found = [f"I1 acknowledged, not in the log: {one}" for one in sorted(truth.acknowledged - logged)]
    positions = [entry.position for entry in truth.entries]
    if positions != list(range(1, len(positions) + 1)):
        found.append("I1 the log's positions are not 1..n")
    for one in recordings:
        found += [f"I1 {one.client} was never told {gap_text(gap)}" for gap in gaps(one, truth) if gap.end]
    return found


def versions_rise(recordings: Sequence[Recording]) -> list[str]:
    """I2: an order's versions strictly rise once repetitions of one event are dropped."""
    found = []
    for one in recordings:
        seen: set[str] = set()
        newest: dict[tuple[str, str], int] = {}
        for item in told(one):
            if item.event in seen:
                continue
            seen.add(item.event)
            key = (item.place.epoch, item.order)
            if item.version <= newest.get(key, 0):
                found.append(f"I2 {one.client}: version {item.version} of {item.order} after {newest[key]}")
            newest[key] = max(item.version, newest.get(key, 0))
    return found


def nothing_is_invented(recordings: Sequence[Recording], truth: Truth) -> list[str]:
    """I3: what was told is in the log at that position as it was told; nothing that was rolled back is."""
    logged = {(entry.position, entry.event, entry.order, entry.version) for entry in truth.entries}
    found = [f"I3 rolled back, but logged: {entry.source_event}" for entry in truth.entries
             if entry.source_event in truth.rolled_back]  # fmt: skip
    for one in recordings:
        found += [
            f"I3 {one.client} was told what never was: {item.event} at {item.place.position}"
            for item in told(one)
            if (item.place.position, item.event, item.order, item.version) not in logged
        ]
    return found


def nobody_sees_foreign_rows(recordings: Sequence[Recording], truth: Truth) -> list[str]:
    """I4: a client with narrower rights is told of its own orders only, by snapshot and by event."""
    return [
        f"I4 {one.client} of {one.customer} was told of {item.order} of {truth.customers.get(item.order)}"
        for one in recordings
        if one.customer is not None
        for item in one.items
        if isinstance(item, Told) and truth.customers.get(item.order) != one.customer
    ]


def segments_join(recordings: Sequence[Recording], truth: Truth) -> list[str]:
    """I5: between two places that a client was told nothing that concerns it is skipped, reconnects included."""
    return [f"I5 {one.client} skipped {gap_text(gap)}" for one in recordings for gap in gaps(one, truth) if not gap.end]


def cursors_never_go_back(recordings: Sequence[Recording]) -> list[str]:
    """I6: within an epoch the places of a client never decrease, and an event comes only once per connection."""
    found = []
    for one in recordings:
        last: Place | None = None
        for item in one.items:
            if isinstance(item, Joined):
                last = item.after
                continue
            again = isinstance(item, Told) and item.type != "SNAPSHOT"
            if (
                last is not None
                and last.epoch == item.place.epoch
                and (item.place.position < last.position or (again and item.place.position == last.position))
            ):
                found.append(f"I6 {one.client}: {item.place.position} after {last.position}")
            last = item.place
    return found


def clients_end_as_sql(recordings: Sequence[Recording], truth: Truth) -> list[str]:
    """I7: the newest version a client has of each order is the one in the table."""
    found = []
    for one in recordings:
        state: dict[str, int] = {}
        for item in one.items:
            if isinstance(item, Told):
                state[item.order] = max(item.version, item.state, state.get(item.order, 0))
        for order, version in truth.versions.items():
            mine = one.customer is None or truth.customers[order] == one.customer
            if mine and state.get(order) != version:
                found.append(f"I7 {one.client} has {order} at {state.get(order)}, SQL at {version}")
    return found


def stock_adds_up(samples: Sequence[Stock], began: int, changes: Sequence[int]) -> list[str]:
    """I8: no figure is ever below zero, and the last count is the first one plus every acknowledged change."""
    found = [f"I8 below zero: {one}" for one in samples if min(one.on_hand, one.allocated, one.set_aside) < 0]
    if samples and samples[-1].on_hand != began + sum(changes):
        found.append(f"I8 {samples[-1].on_hand} on hand, {began + sum(changes)} by the changes acknowledged")
    return found


def nothing_grows(before: Mapping[str, Usage], after: Mapping[str, Usage], memory: float) -> list[str]:
    """I9: once the clients are gone, no process holds a stream, a subscription or a descriptor of theirs, and none
    has grown by more than `memory` KiB."""
    found = []
    for name, now in after.items():
        was = before[name]
        if now.connections or now.subscriptions:
            found.append(f"I9 {name} holds {now.connections} connections, {now.subscriptions} subscriptions of nobody")
        # Database connections come and go between the pool's least and most.
        if now.descriptors > was.descriptors + 20:
            found.append(f"I9 {name} has {now.descriptors} descriptors, {was.descriptors} before")
        if now.memory > was.memory + memory:
            found.append(f"I9 {name} has {now.memory:.0f} KiB, {was.memory:.0f} before")
    return found


def order_of_arrival_is_nothing(twins: Sequence[Sequence[Mapping[str, object]]]) -> list[str]:
    """I10: orders told the same facts in any order, any number of times, are equal; each group is one such set."""
    return [
        f"I10 the same facts made {dict(group[0])} and {dict(other)}"
        for group in twins
        for other in group[1:]
        if other != group[0]
    ]


def gap_text(gap: Gap) -> str:
    positions = [entry.position for entry in gap.missing]
    return f"{len(positions)} events: {positions[:5]}" if positions else "anything at all"
