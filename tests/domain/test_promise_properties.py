"""What holds for every promise, whatever the place, the season and the durations."""

import dataclasses
import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import WorkCalendar, local_day
from domain.promise import ON_HAND, Basis, Supply, Timing, promise
from domain.reasons import LocationKind
from domain.route import Destination, Node, Transit, delivery_calendar

QUICK = settings(max_examples=120, deadline=None)
HOUR = datetime.timedelta(hours=1)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Pacific/Kiritimati", "Pacific/Pago_Pago"]
anytime = st.datetimes(
    datetime.datetime(2005, 1, 1),  # noqa: DTZ001  hypothesis wants naive bounds and adds the zone
    datetime.datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.just(datetime.UTC),
)
# Half of the cases fall where holidays are dense: Christmas, and Japan's first days of May.
holiday_seasons = st.builds(
    lambda year, month, hours: datetime.datetime(year, month, 20, tzinfo=datetime.UTC) + hours * HOUR,
    st.integers(2010, 2030),
    st.sampled_from([4, 12]),
    st.integers(0, 24 * 16),
)
instants = anytime | holiday_seasons
countries = st.sampled_from([None, "DE", "US", "JP", "XX"])
few = st.integers(0, 4)
nodes = st.builds(
    Node,
    id=st.uuids(),
    code=st.just("N"),
    kind=st.sampled_from(LocationKind),
    calendar=st.builds(
        WorkCalendar,
        time_zone=st.sampled_from(ZONES),
        cutoffs=st.dictionaries(st.integers(1, 7), st.times(), min_size=1),
        holiday_country=countries,
    ),
    handling_days=few,
    fulfillment_delay=st.integers(0, 90_000),
    lead_days=few,
)
carriers = st.builds(
    WorkCalendar.of_weekdays, st.sampled_from(ZONES), st.sets(st.integers(1, 7), min_size=1), holiday_country=countries
)
transits = st.none() | st.tuples(few, few, few, carriers).map(
    lambda parts: Transit(parts[0], parts[0] + parts[1], "C", "S", parts[3], parts[2])
)
destinations = st.none() | st.builds(Destination, st.sampled_from(ZONES), countries)
waits = st.timedeltas(datetime.timedelta(0), datetime.timedelta(days=5))
supplies = st.one_of(
    st.just(ON_HAND),
    instants.map(lambda instant: Supply(Basis.INCOMING, instant)),
    st.dates(datetime.date(2005, 1, 1), datetime.date(2035, 1, 1)).map(
        lambda ships_from: Supply(Basis.PREORDER, ships_from=ships_from)
    ),
)


@QUICK
@given(instants, st.none() | instants, nodes, transits, destinations, supplies)
def test_a_promise_is_possible_and_keeps_to_open_days(
    ordered: datetime.datetime,
    released: datetime.datetime | None,
    node: Node,
    transit: Transit | None,
    destination: Destination | None,
    supply: Supply,
) -> None:
    """Never before the goods can be ready, handled and carried; never on a closed day or holiday; first <= last."""
    made = promise(Timing(ordered, released), node, transit, destination, supply)

    ready = max(instant for instant in (ordered, released, supply.expected_at) if instant is not None)
    ready += datetime.timedelta(seconds=node.fulfillment_delay)
    first_day = local_day(ready, node.calendar.time_zone)
    assert made.ship_by >= first_day + datetime.timedelta(days=node.lead_days + node.handling_days)
    assert supply.ships_from is None or made.ship_by >= supply.ships_from
    carried = 0 if transit is None else transit.min_days
    reserve = 0 if transit is None else transit.max_days + transit.buffer_days
    assert made.earliest >= made.ship_by + datetime.timedelta(days=carried)
    assert made.latest >= made.ship_by + datetime.timedelta(days=reserve)
    assert made.ship_by <= made.earliest <= made.latest

    assert node.calendar.is_open(made.ship_by)
    delivery = delivery_calendar(node, transit, destination)
    assert delivery.is_open(made.earliest)
    assert delivery.is_open(made.latest)


@settings(max_examples=200, deadline=None)
@given(instants, waits, nodes, transits, destinations, supplies)
def test_a_later_order_never_gets_an_earlier_promise(
    ordered: datetime.datetime,
    wait: datetime.timedelta,
    node: Node,
    transit: Transit | None,
    destination: Destination | None,
    supply: Supply,
) -> None:
    now = promise(Timing(ordered), node, transit, destination, supply)
    later = promise(Timing(ordered + wait), node, transit, destination, supply)
    assert (now.ship_by, now.earliest, now.latest) == tuple(
        min(pair)
        for pair in zip(
            (now.ship_by, now.earliest, now.latest), (later.ship_by, later.earliest, later.latest), strict=True
        )
    )


@QUICK
@given(instants, nodes, transits, destinations, st.integers(1, 3))
def test_more_work_never_makes_it_earlier(
    ordered: datetime.datetime, node: Node, transit: Transit | None, destination: Destination | None, more: int
) -> None:
    """More handling, transit or reserve can only lengthen a promise."""
    before = promise(Timing(ordered), node, transit, destination)
    slower = dataclasses.replace(node, handling_days=node.handling_days + more)
    assert promise(Timing(ordered), slower, transit, destination).earliest >= before.earliest
    if transit is not None:
        longer = dataclasses.replace(transit, max_days=transit.max_days + more)
        assert promise(Timing(ordered), node, longer, destination).latest > before.latest


@QUICK
@given(instants, st.sampled_from(ZONES), nodes, transits, destinations)
def test_the_zone_an_instant_is_written_in_does_not_matter(
    ordered: datetime.datetime, written: str, node: Node, transit: Transit | None, destination: Destination | None
) -> None:
    elsewhere = ordered.astimezone(WorkCalendar(written, {}).tz)
    assert promise(Timing(elsewhere), node, transit, destination) == promise(
        Timing(ordered), node, transit, destination
    )
