"""Every event once, none lost: parking, failing, giving up, replaying."""

import datetime as dt
from typing import Any

import pytest
from graphql import GraphQLSchema

import db.pool
from db.commands import orders
from db.pool import Connection
from domain.errors import DeadlineExceeded, Unavailable
from events.inbox import TRIES, Applied, Event
from events.kinds import TRACKING
from events.retrying import Retrying
from resolvers.commands.record_tracking_events import RecordTrackingEvents
from schema import build
from tests.resolvers.commands.house import DHL, PLACES, SHOPIFY, House, at, scan, upsert, work

PARKED = "{ parkedEvents { totalCount nodes { source eventId kind key state attempts error } } }"


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture
async def house(core: GraphQLSchema, pool: db.pool.Pool) -> House:
    await pool.execute(PLACES)
    return House(core, pool)


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Numbers of orders whose carrier events cannot be applied."""
    numbers: set[str] = set()
    apply = RecordTrackingEvents.apply

    async def failing(self: RecordTrackingEvents, connection: Connection, event: Event) -> Applied:
        if (event.body.get("order") or {}).get("number") in numbers:
            # After something was written, so that a half-applied event would be seen.
            order_id = await orders.lock(connection, "web", event.body["order"]["number"])
            await connection.execute("UPDATE orders SET version = version + 100 WHERE id = $1", order_id)
            raise RuntimeError("boom")
        return await apply(self, connection, event)

    monkeypatch.setattr(RecordTrackingEvents, "apply", failing)
    return numbers


async def states(house: House) -> dict[str, str]:
    return {row["event_id"]: row["state"] for row in await house.pool.fetch("SELECT event_id, state FROM inbox")}


async def test_events_before_their_order_wait_and_are_applied_in_their_own_order(house: House) -> None:
    early = [scan("t2", 20, "DELIVERED"), scan("t1", 10, "PICKED_UP")]
    assert await house.outcomes("recordTrackingEvents", *early) == ["PARKED", "PARKED"]
    assert (await house.ask(PARKED))["parkedEvents"]["totalCount"] == 2
    (made,) = await house.send("upsertOrders", upsert("u1", 2))
    assert made["outcome"] == "APPLIED"
    assert set((await states(house)).values()) == {"DONE"}
    story = await house.pool.fetch("SELECT type, source_event_id FROM journal ORDER BY id")
    assert [tuple(row) for row in story] == [
        ("ORDER_PLACED", "u1"),
        ("SHIPMENT_SCANNED", "t1"),
        ("SHIPMENT_SCANNED", "t2"),
    ]
    assert await house.pool.fetchval("SELECT count(*) FROM inbox WHERE raw IS NOT NULL") == 0


async def test_a_scan_without_an_order_waits_for_the_parcel(house: House) -> None:
    await house.send("upsertOrders", upsert("u1", 2))
    assert await house.outcomes("recordTrackingEvents", scan("t1", 10, "PICKED_UP", None)) == ["PARKED"]
    sent = work("w1", 9, "COMPLETED", [("MUG", 2, {})], shipments=[{"carrier": "dhl", "trackingNumber": "P1"}])
    assert await house.outcomes("recordFulfillmentEvents", sent) == ["APPLIED"]
    assert await house.pool.fetchval("SELECT status FROM shipments") == "PICKED_UP"
    assert await house.line("MUG") == {"shipped": 2}


async def test_an_id_with_another_content_is_refused_and_counted(house: House) -> None:
    await house.send("upsertOrders", upsert("u1", 2))
    before = await house.dump(journal=True)
    for times in (1, 2):
        (result,) = await house.send("upsertOrders", upsert("u1", 2, total=1))
        assert (result["outcome"], result["error"]["code"]) == ("REFUSED", "EVENT_ID_REUSED")
        assert await house.pool.fetchval("SELECT reused FROM inbox") == times
    assert await house.dump(journal=True) == before
    assert await house.outcomes("upsertOrders", upsert("u1", 2, source="other", lines=None, status="CONFIRMED")) == [
        "APPLIED"
    ]


async def test_a_poison_event_parks_its_order_and_no_other(house: House, poison: set[str]) -> None:
    await house.send("upsertOrders", upsert("u1", 2), upsert("u2", 2, number="1002"))
    poison.add("1001")
    before = await house.pool.fetchval("SELECT version FROM orders WHERE number = '1001'")
    events = [scan("t1", 10, "PICKED_UP"), scan("t2", 11, "IN_TRANSIT"), scan("t3", 10, "PICKED_UP", "1002", "P9")]
    assert await house.outcomes("recordTrackingEvents", *events) == ["PARKED", "PARKED", "APPLIED"]
    assert await house.outcomes("upsertOrders", upsert("u3", 3, total=1)) == ["PARKED"]
    assert await house.pool.fetchval("SELECT version FROM orders WHERE number = '1001'") == before
    assert await states(house) == {
        "u1": "DONE",
        "u2": "DONE",
        "t1": "PARKED",
        "t2": "PARKED",
        "t3": "DONE",
        "u3": "PARKED",
    }
    poison.clear()
    assert await house.inbox.replay() == {"applied": 3, "waiting": 0, "dead": 0}
    assert set((await states(house)).values()) == {"DONE"}
    assert await house.inbox.replay() == {"applied": 0, "waiting": 0, "dead": 0}
    assert await house.pool.fetchval("SELECT status FROM shipments WHERE tracking_number = 'P1'") == "IN_TRANSIT"


async def test_a_repetition_is_told_what_became_of_the_first(house: House, poison: set[str]) -> None:
    await house.send("upsertOrders", upsert("u1", 2))
    poison.add("1001")
    story = []
    for state in ("PARKED", "PARKED", "DEAD"):
        (told,) = await house.send("recordTrackingEvents", scan("t1", 10, "PICKED_UP"))
        story.append((told["outcome"], told["error"]["code"], (await states(house))["t1"]))
        assert story[-1] == ("PARKED", "EVENT_PARKED", state)
        while state == "PARKED" and len(story) == 2 and (await states(house))["t1"] == "PARKED":
            await house.inbox.replay()
    poison.clear()
    assert await house.inbox.replay(dead=True) == {"applied": 1, "waiting": 0, "dead": 0}
    assert await house.outcomes("recordTrackingEvents", scan("t1", 10, "PICKED_UP")) == ["DUPLICATE"]


@pytest.mark.parametrize(
    "failure",
    [
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "SELECT pg_sleep(3)",
        "DO $$ BEGIN RAISE SQLSTATE '53100' USING MESSAGE = 'could not extend file: No space left on device'; END $$",
        "SET TRANSACTION READ ONLY; DELETE FROM items",
    ],
)
async def test_what_ails_the_database_is_not_held_against_the_event(
    house: House, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    await house.send("upsertOrders", upsert("u1", 2))
    before = await house.dump(journal=True), await states(house)
    apply = RecordTrackingEvents.apply

    async def failing(self: RecordTrackingEvents, connection: Connection, event: Event) -> Applied:
        await connection.execute(failure)
        return await apply(self, connection, event)

    with monkeypatch.context() as patch:
        patch.setattr(RecordTrackingEvents, "apply", failing)
        with pytest.raises((DeadlineExceeded, Unavailable)):
            await house.inbox.take(
                Event.of(TRACKING, "dhl", "integrator:dhl", {"source": "dhl", **scan("t1", 10, "PICKED_UP")})
            )
    assert (await house.dump(journal=True), await states(house)) == before
    assert await house.outcomes("recordTrackingEvents", scan("t1", 10, "PICKED_UP")) == ["APPLIED"]


async def test_it_is_given_up_after_eight_attempts_and_those_behind_it_go_on(house: House, poison: set[str]) -> None:
    await house.send("upsertOrders", upsert("u1", 2))
    poison.add("1001")
    await house.send("recordTrackingEvents", scan("t1", 10, "PICKED_UP"))
    await house.send("recordFulfillmentEvents", work("w1", 12, "ACCEPTED", [("MUG", 2, {})]))
    for attempt in range(2, TRIES):
        assert await house.inbox.replay() == {"applied": 0, "waiting": 1, "dead": 0}
        assert await house.pool.fetchval("SELECT attempts FROM inbox WHERE event_id = 't1'") == attempt
    assert await house.inbox.replay() == {"applied": 1, "waiting": 0, "dead": 1}
    assert await states(house) == {"u1": "DONE", "t1": "DEAD", "w1": "DONE"}
    assert await house.line("MUG") == {"released": 2}
    assert await house.inbox.replay() == {"applied": 0, "waiting": 0, "dead": 0}
    poison.clear()
    assert await house.inbox.replay(dead=True, source="dhl", number="1001") == {"applied": 1, "waiting": 0, "dead": 0}
    assert await states(house) == {"u1": "DONE", "t1": "DONE", "w1": "DONE"}


async def test_the_worker_tries_again_when_the_time_has_come(house: House, poison: set[str]) -> None:
    await house.send("upsertOrders", upsert("u1", 2))
    poison.add("1001")
    await house.send("recordTrackingEvents", scan("t1", 10, "PICKED_UP"))
    poison.clear()
    worker = Retrying(house.inbox)
    await worker.round()
    assert (await states(house))["t1"] == "PARKED"
    assert worker.oldest_parked_seconds > 0
    await house.pool.execute("UPDATE inbox SET next_attempt_at = now() WHERE event_id = 't1'")
    await worker.round()
    assert (await states(house))["t1"] == "DONE"


async def test_a_misspelt_line_waits_and_is_given_up(house: House) -> None:
    await house.send("upsertOrders", upsert("u1", 2))
    before = await house.dump()
    (result,) = await house.send("recordFulfillmentEvents", work("w1", 3, "ACCEPTED", [("MUGG", 1, {})]))
    assert (result["outcome"], result["error"]["code"]) == ("PARKED", "EVENT_PARKED")
    assert result["error"]["message"] == "The order has no line MUGG yet."
    assert await house.dump() == before
    for _ in range(TRIES):
        await house.inbox.replay()
    assert (await states(house))["w1"] == "DEAD"


async def test_who_sees_what_waits(house: House) -> None:
    await house.send("recordTrackingEvents", scan("t1", 10, "PICKED_UP"))
    await house.send("upsertOrders", upsert("u1", 2, number="7", lines=None, placedAt=None))
    seen: dict[str, Any] = {}
    for name, actor in (("dhl", DHL), ("shopify", SHOPIFY)):
        nodes = (await house.ask(PARKED, actor=actor))["parkedEvents"]["nodes"]
        seen[name] = [(node["eventId"], node["key"], node["state"]) for node in nodes]
    assert seen == {"dhl": [("t1", "order:web/1001", "PARKED")], "shopify": [("u1", "order:web/7", "PARKED")]}
    everything = await house.ask('{ parkedEvents(source: "dhl", first: 1) { totalCount nodes { eventId } } }')
    assert everything["parkedEvents"] == {"totalCount": 1, "nodes": [{"eventId": "t1"}]}


async def test_events_are_forgotten_after_thirty_days(house: House) -> None:
    await house.send("upsertOrders", upsert("u1", 2))
    await house.pool.execute("UPDATE inbox SET received_at = now() - interval '29 days'")
    assert await house.outcomes("upsertOrders", upsert("u1", 2)) == ["DUPLICATE"]
    await house.pool.execute("UPDATE inbox SET received_at = now() - interval '31 days'")
    await Retrying(house.inbox).round()
    assert await states(house) == {}


async def test_a_clock_that_runs_ahead_is_refused(house: House) -> None:
    ahead = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    (result,) = await house.send("upsertOrders", {**upsert("u1", 2), "occurredAt": ahead})
    assert (result["error"]["code"], result["error"]["path"]) == ("BAD_USER_INPUT", ["items", "0", "occurredAt"])
    (naive,) = await house.send("upsertOrders", {**upsert("u1", 2), "occurredAt": "2026-03-02T10:00:00"})
    assert naive["error"]["path"] == ["items", "0", "occurredAt"]
    assert at(2) == "2026-03-02T02:00:00+00:00"
