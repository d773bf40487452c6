import datetime
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import WorkCalendar
from domain.errors import BadInput
from domain.reasons import IncidentReason
from domain.shipment import PHYSICAL, ShipmentState, TrackingEvent, decide, resolve, stale_at
from domain.status import SHIPMENT_MOVES, TERMINAL_SHIPMENT, ShipmentStatus

QUICK = settings(max_examples=100, deadline=None)
START = datetime.datetime(2026, 3, 2, 8, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
CARRIER = WorkCalendar.of_weekdays("Europe/Berlin", range(1, 6), holiday_country="DE")
hours = st.integers(0, 6).map(lambda number: START + number * HOUR)
zoned = hours.flatmap(lambda instant: st.sampled_from([instant, instant.astimezone(CARRIER.tz)]))
events = st.lists(
    st.builds(
        TrackingEvent,
        occurred_at=zoned,
        status=st.sampled_from(ShipmentStatus),
        reason=st.none() | st.sampled_from([IncidentReason.CARRIER_DELAY, IncidentReason.CONSIGNEE_ABSENT]),
        estimated_delivery_at=st.none() | zoned,
    ),
    max_size=8,
)


def event(hour: int, status: str, reason: IncidentReason | None = None) -> TrackingEvent:
    return TrackingEvent(START + hour * HOUR, ShipmentStatus(status), reason)


def story(words: str) -> list[TrackingEvent]:
    """One event an hour."""
    return [event(hour, word) for hour, word in enumerate(words.split())]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("", "UNKNOWN"),
        ("UNKNOWN", "UNKNOWN"),
        ("LABEL_CREATED", "LABEL_CREATED"),
        ("LABEL_CREATED PICKED_UP IN_TRANSIT OUT_FOR_DELIVERY DELIVERED", "DELIVERED"),
        ("IN_TRANSIT OUT_FOR_DELIVERY IN_TRANSIT", "IN_TRANSIT"),
        ("DELIVERY_ATTEMPTED OUT_FOR_DELIVERY", "OUT_FOR_DELIVERY"),
        ("IN_TRANSIT EXCEPTION IN_TRANSIT", "IN_TRANSIT"),
        ("IN_TRANSIT UNKNOWN", "IN_TRANSIT"),
        ("DELIVERED IN_TRANSIT", "DELIVERED"),
        ("DELIVERED LOST", "DELIVERED"),
        ("DELIVERED EXCEPTION", "DELIVERED"),
        ("RETURNING IN_TRANSIT", "RETURNING"),
        ("RETURNING RETURNED", "RETURNED"),
        ("RETURNING DELIVERED", "DELIVERED"),
        ("RETURNED DELIVERED", "RETURNED"),
        ("LOST IN_TRANSIT", "LOST"),
        ("LOST DELIVERED", "DELIVERED"),
        ("LOST RETURNING", "RETURNING"),
        ("CANCELLED LABEL_CREATED", "CANCELLED"),
        ("CANCELLED EXCEPTION", "CANCELLED"),
        ("CANCELLED IN_TRANSIT", "IN_TRANSIT"),
        ("CANCELLED PICKED_UP", "PICKED_UP"),
        ("CANCELLED DELIVERED", "DELIVERED"),
        ("DELAYED", "DELAYED"),
        ("DELAYED IN_TRANSIT", "IN_TRANSIT"),
        ("IN_TRANSIT DELAYED", "IN_TRANSIT"),
    ],
)
def test_stage_after_a_story(words: str, status: str) -> None:
    assert resolve(story(words)).status == status


@pytest.mark.parametrize(
    ("words", "delayed"),
    [
        ("DELAYED", True),
        ("IN_TRANSIT DELAYED", True),
        ("IN_TRANSIT DELAYED IN_TRANSIT", True),
        ("DELAYED IN_TRANSIT", True),
        ("IN_TRANSIT DELAYED OUT_FOR_DELIVERY", False),
        ("IN_TRANSIT DELAYED DELIVERED", False),
        ("DELIVERED DELAYED", False),
        ("IN_TRANSIT", False),
    ],
)
def test_delay_stands_beside_the_stage_until_the_last_mile(words: str, delayed: bool) -> None:
    assert resolve(story(words)).delayed is delayed


@pytest.mark.parametrize(
    ("lower", "higher"),
    [("LABEL_CREATED", "PICKED_UP"), ("IN_TRANSIT", "OUT_FOR_DELIVERY"), ("IN_TRANSIT", "CANCELLED")],
)
def test_of_two_events_of_one_instant_the_higher_rank_wins(lower: str, higher: str) -> None:
    assert resolve([event(1, higher), event(1, lower)]).status == higher


def test_an_older_event_that_arrives_late_does_not_take_the_parcel_back() -> None:
    """nearmerch #214: a late "shipped" made a delivered order undelivered."""
    assert resolve([event(5, "DELIVERED"), event(1, "IN_TRANSIT")]).status is ShipmentStatus.DELIVERED


def test_delivery_to_the_wrong_door_is_corrected_with_a_reason_and_later_only() -> None:
    wrong_door = IncidentReason.CARRIER_MISDELIVERED
    delivered = event(3, "DELIVERED")

    corrected = resolve([delivered, event(4, "EXCEPTION", wrong_door)])
    assert (corrected.status, corrected.reason, corrected.delivered_at) == (ShipmentStatus.EXCEPTION, wrong_door, None)
    assert resolve([delivered, event(3, "EXCEPTION", wrong_door)]).status is ShipmentStatus.DELIVERED
    assert resolve([delivered, event(2, "EXCEPTION", wrong_door)]).status is ShipmentStatus.DELIVERED
    again = resolve([delivered, event(4, "EXCEPTION", wrong_door), event(6, "DELIVERED")])
    assert again.delivered_at == START + 6 * HOUR


def test_a_cancelled_label_needs_a_scan_after_it() -> None:
    assert resolve([event(2, "CANCELLED"), event(2, "IN_TRANSIT")]).status is ShipmentStatus.CANCELLED
    assert resolve([event(2, "CANCELLED"), event(1, "IN_TRANSIT")]).status is ShipmentStatus.CANCELLED


def test_first_scan_is_never_the_label() -> None:
    state = resolve(story("LABEL_CREATED UNKNOWN PICKED_UP IN_TRANSIT"))

    assert state.first_scan_at == START + 2 * HOUR
    assert resolve(story("LABEL_CREATED")).first_scan_at is None


def test_delivered_at_is_the_delivery_and_not_its_echo() -> None:
    state = resolve(story("IN_TRANSIT DELIVERED DELIVERED"))

    assert state.delivered_at == START + HOUR
    assert state.last_event_at == START + 2 * HOUR


def test_the_latest_estimate_counts() -> None:
    first = TrackingEvent(START, ShipmentStatus.IN_TRANSIT, estimated_delivery_at=START + 48 * HOUR)
    newer = TrackingEvent(START + HOUR, ShipmentStatus.DELAYED, estimated_delivery_at=START + 72 * HOUR)
    silent = event(2, "IN_TRANSIT")

    assert resolve([silent, newer, first]).estimated_delivery_at == START + 72 * HOUR


def test_reason_explains_the_delay_and_goes_with_the_next_stage() -> None:
    delayed = [event(0, "IN_TRANSIT"), event(1, "DELAYED", IncidentReason.WEATHER_SNOW)]

    assert resolve(delayed).reason is IncidentReason.WEATHER_SNOW
    assert resolve([*delayed, event(2, "OUT_FOR_DELIVERY")]).reason is None


def test_a_second_attempt_brings_its_own_reason() -> None:
    absent, refused = IncidentReason.CONSIGNEE_ABSENT, IncidentReason.CONSIGNEE_REFUSED
    attempts = [event(1, "DELIVERY_ATTEMPTED", absent), event(2, "DELIVERY_ATTEMPTED", refused)]

    assert resolve(attempts).reason is refused
    assert resolve([*attempts, event(3, "DELIVERY_ATTEMPTED")]).reason is refused


def test_of_two_reasons_of_one_instant_the_last_by_name_counts_in_every_process() -> None:
    """Not the one that a hash, which differs between processes, happens to put last."""
    for first, second in itertools.combinations(IncidentReason, 2):
        same = [event(1, "EXCEPTION", first), event(1, "EXCEPTION", second)]
        assert resolve(same).reason == max(first, second)


def test_one_event_at_a_time_an_older_one_is_at_most_the_first_scan() -> None:
    state = resolve([event(5, "OUT_FOR_DELIVERY")])
    late = decide(state, event(1, "PICKED_UP"))

    assert late == ShipmentState(
        ShipmentStatus.OUT_FOR_DELIVERY, first_scan_at=START + HOUR, last_event_at=START + 5 * HOUR
    )


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInput, match="a tracking event has no zone"):
        TrackingEvent(START.replace(tzinfo=None), ShipmentStatus.IN_TRANSIT)


@QUICK
@given(events, st.data())
def test_any_order_and_any_repetition_of_the_same_events_gives_the_same_state(
    several: list[TrackingEvent], data: st.DataObject
) -> None:
    expected = resolve(several)
    shuffled = data.draw(st.permutations(several))
    repeated = [*shuffled, *data.draw(st.lists(st.sampled_from(several), max_size=5) if several else st.just([]))]
    assert resolve(repeated) == expected
    assert repr(resolve(repeated)) == repr(expected)


def test_every_order_of_a_hard_story_gives_the_same_state() -> None:
    hard = [
        event(1, "CANCELLED"),
        event(1, "IN_TRANSIT"),
        event(2, "DELIVERED"),
        event(2, "LOST"),
        event(3, "EXCEPTION", IncidentReason.CARRIER_MISDELIVERED),
        event(3, "DELAYED", IncidentReason.CARRIER_DELAY),
    ]

    assert {resolve(order) for order in itertools.permutations(hard)} == {resolve(hard)}


@QUICK
@given(events)
def test_the_state_holds_only_what_the_events_say(several: list[TrackingEvent]) -> None:
    """Stage, scan, delivery and last event are those of some event; nothing is invented."""
    state = resolve(several)
    at = {one.occurred_at for one in several}
    assert state.status in {ShipmentStatus.UNKNOWN, *(one.status for one in several)}
    assert state.last_event_at == max(at, default=None)
    assert state.first_scan_at == min((one.occurred_at for one in several if one.status in PHYSICAL), default=None)
    delivered = {one.occurred_at for one in several if one.status is ShipmentStatus.DELIVERED}
    assert (state.delivered_at in delivered) == (state.status is ShipmentStatus.DELIVERED)
    assert state.delivered_at is None or state.status is ShipmentStatus.DELIVERED


@QUICK
@given(events, st.sampled_from(ShipmentStatus), st.booleans())
def test_one_more_event_moves_the_parcel_only_where_it_may(
    several: list[TrackingEvent], status: ShipmentStatus, reasoned: bool
) -> None:
    """A later event changes the stage along SHIPMENT_MOVES; a voided label that moves passes through IN_TRANSIT."""
    state = resolve(several)
    reason = IncidentReason.CARRIER_OTHER if reasoned else None
    after = resolve([*several, TrackingEvent(START + 10 * HOUR, status, reason)]).status
    if after is not state.status:
        assert after is status
        voided = state.status is ShipmentStatus.CANCELLED
        assert after in (PHYSICAL if voided else SHIPMENT_MOVES[state.status])
    if state.status is ShipmentStatus.RETURNED:
        assert after is ShipmentStatus.RETURNED
    if state.status in TERMINAL_SHIPMENT and not reasoned and state.status is ShipmentStatus.DELIVERED:
        assert after is ShipmentStatus.DELIVERED


def test_silent_after_open_carrier_days() -> None:
    """Last seen on Thursday before Easter; two open days later is Wednesday, over at midnight in Berlin."""
    seen = TrackingEvent(datetime.datetime(2026, 4, 2, 20, tzinfo=datetime.UTC), ShipmentStatus.IN_TRANSIT)

    assert stale_at(resolve([seen]), CARRIER, "Europe/Berlin", stale_after_days=2) == datetime.datetime(
        2026, 4, 8, 22, tzinfo=datetime.UTC
    )


@pytest.mark.parametrize("words", ["", "LABEL_CREATED", "IN_TRANSIT DELIVERED", "IN_TRANSIT LOST", "CANCELLED"])
def test_what_is_not_on_its_way_cannot_be_silent(words: str) -> None:
    assert stale_at(resolve(story(words)), CARRIER, "Europe/Berlin", stale_after_days=2) is None
