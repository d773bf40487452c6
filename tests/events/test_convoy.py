"""Events that travel together end as if each had come by itself, whatever happens to some of them."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable
from typing import Any

import asyncpg.connection
import pytest
from graphql import GraphQLSchema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import db.pool
from db.commands import orders
from db.pool import Connection
from domain.errors import OrdergraphError
from events import convoy
from events.batch import waves
from events.inbox import Applied, Event
from resolvers.commands.record_tracking_events import RecordTrackingEvents
from schema import build
from tests.resolvers.commands.house import PLACES, House, scan, upsert

RUN = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture
async def house(core: GraphQLSchema, pool: db.pool.Pool) -> House:
    await pool.execute(PLACES)
    return House(core, pool)


def event(kind: str, item: dict[str, Any]) -> Event:
    """As the mutation makes it of an item: with what the input fills in."""
    body = {"shipComplete": False, "createItems": False, **item}
    body["lines"] = [{"requiresShipping": True, **line} for line in item.get("lines") or []] or None
    return Event.of(kind, item["source"], "admin:admin", body)


async def round_trips(house: House, work: Awaitable[Any]) -> int:
    """Of everything the pool sends meanwhile."""
    sent = []

    def count(query: asyncpg.connection.LoggedQuery) -> None:
        sent.append(query.query)

    async with contextlib.AsyncExitStack() as stack:
        for _ in range(house.pool.get_max_size()):
            connection = await stack.enter_async_context(house.pool.acquire())
            connection.add_query_logger(count)
    await work
    return len(sent)


def outcomes(results: list[Applied | OrdergraphError]) -> list[str]:
    return [result.outcome.value if isinstance(result, Applied) else result.code for result in results]


def test_waves_keep_the_order_of_a_subject_and_hold_each_once() -> None:
    assert waves("abacab", str, 2) == [[["a", "b"], ["c"]], [["a", "b"]], [["a"]]]
    assert waves("abacab", str, 2, 3) == [[["a", "b"], ["c"]], [["a"], ["b"]], [["a"]]]
    assert waves("", str, 2) == []


async def test_seven_together_need_less_than_two_by_themselves(house: House) -> None:
    events = [event("ORDER", upsert(f"u{number}", 2, str(number))) for number in range(8)]
    alone = await round_trips(house, convoy.take(house.inbox, events[:1]))
    assert 10 < await round_trips(house, convoy.take(house.inbox, events[1:])) < 2 * alone


async def test_one_that_is_refused_one_that_waits_and_one_that_fails_spoil_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = RecordTrackingEvents.apply

    async def failing(self: RecordTrackingEvents, connection: Connection, event: Event) -> Applied:
        if event.event_id == "t3":
            order_id = await orders.lock(connection, "web", "3")
            # Refused by a constraint, so the transaction of the whole convoy is lost.
            await connection.execute("UPDATE orders SET status = 'NONSENSE' WHERE id = $1", order_id)
        return await apply(self, connection, event)

    monkeypatch.setattr(RecordTrackingEvents, "apply", failing)
    await house.send("upsertOrders", *(upsert(f"u{n}", 2, str(n)) for n in range(10)))
    scans = [scan(f"t{n}", 9, "PICKED_UP", str(n), f"P{n}") for n in range(10)]
    scans[4]["order"]["number"] = "unknown"
    scans[5]["reason"] = "RAIN"
    expected = ["APPLIED"] * 3 + ["PARKED", "PARKED", "REFUSED"] + ["APPLIED"] * 4
    assert await house.outcomes("recordTrackingEvents", *scans) == expected
    assert await house.pool.fetchval("SELECT count(*) FROM shipments") == 7
    assert await house.pool.fetchval("SELECT count(*) FROM journal WHERE type = 'SHIPMENT_SCANNED'") == 7
    rows = await house.pool.fetch("SELECT event_id, attempts FROM inbox WHERE state = 'PARKED' ORDER BY 1")
    assert [tuple(row) for row in rows] == [("t3", 1), ("t4", 0)]


async def test_a_scan_that_waits_for_a_parcel_made_beside_it_is_not_left_behind(house: House) -> None:
    await house.send("upsertOrders", *(upsert(f"u{n}", 2, str(n)) for n in range(10)))
    scans = [scan(f"t{n}", 9, "PICKED_UP", str(n), f"P{n}") for n in range(9)]
    without_order = scan("late", 12, "IN_TRANSIT", None, "P3")
    events = [event("TRACKING", item) for item in [without_order, *scans]]
    results = await convoy.take(house.inbox, events)
    assert set(outcomes(results)[1:]) == {"APPLIED"}
    assert await house.pool.fetch("SELECT event_id FROM inbox WHERE state <> 'DONE'") == []
    assert await house.pool.fetchval("SELECT status FROM shipments WHERE tracking_number = 'P3'") == "IN_TRANSIT"


async def test_two_names_of_one_order_are_applied_one_after_the_other(house: House) -> None:
    (made,) = await house.send("upsertOrders", upsert("u", 2))
    by_id = {**scan("t1", 9, "PICKED_UP"), "order": {"id": made["order"]["id"]}}
    others = [scan(f"x{n}", 9, "PICKED_UP", "none", f"X{n}") for n in range(8)]
    for item in others:
        item["order"]["number"] = item["trackingNumber"]
    sent = [by_id, scan("t2", 12, "DELIVERED"), *others]
    assert await house.outcomes("recordTrackingEvents", *sent) == ["APPLIED", "APPLIED", *["PARKED"] * 8]
    versions = [row["version"] for row in await house.pool.fetch("SELECT version FROM journal ORDER BY id")]
    assert versions == [1, 2, 3]


def histories() -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for number in map(str, range(9)):
        found += [
            ("upsertOrders", upsert(f"u1.{number}", 2, number)),
            ("upsertOrders", upsert(f"u2.{number}", 6, number, (("MUG", 3), ("BOOK", 1)), total=9000)),
            ("recordTrackingEvents", scan(f"t1.{number}", 10, "PICKED_UP", number, f"P{number}")),
            ("recordTrackingEvents", scan(f"t2.{number}", 20, "IN_TRANSIT", None, f"P{number}")),
            ("recordTrackingEvents", scan(f"t3.{number}", 44, "DELIVERED", number, f"P{number}")),
        ]
    return found


@settings(max_examples=10, deadline=None, phases=RUN, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
async def test_batches_at_the_same_time_on_the_same_orders_end_as_one_after_the_other(house: House, seed: int) -> None:
    await house.clear()
    for name, item in histories():
        await house.send(name, item)
    expected = await house.dump()
    await house.clear()
    chosen = random.Random(seed)
    first, second = (chosen.sample(histories(), len(histories())) for _ in range(2))
    kept = [event for event in second if chosen.random() < 0.8]
    await asyncio.gather(*(batches(house, some, chosen.randint(9, 30)) for some in (first, kept)))
    assert await house.pool.fetch("SELECT event_id FROM inbox WHERE state <> 'DONE'") == []
    assert await house.dump() == expected
    stories = await house.pool.fetch("SELECT array_agg(version ORDER BY id) AS versions FROM journal GROUP BY order_id")
    assert all(row["versions"] == list(range(1, len(row["versions"]) + 1)) for row in stories)


async def batches(house: House, history: list[tuple[str, dict[str, Any]]], size: int) -> None:
    for start in range(0, len(history), size):
        some = history[start : start + size]
        for name in ("upsertOrders", "recordTrackingEvents"):
            items = [item for field, item in some if field == name]
            if items:
                results = await house.send(name, *items)
                assert {result["outcome"] for result in results}.isdisjoint({"REFUSED"}), results
