"""What commands tell those who follow: mutation -> journal -> relay -> hub -> payload, for every subscription."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import GraphQLSchema

import db.pool
import db.stream
from db.pool import Pool
from db.reader import PoolReader
from domain.actor import Actor, Role, of_role
from events.hub import Hub
from events.sink import Ended
from events.store_log import StoreLog
from resolvers.answer import Answer, GraphQLRequest
from resolvers.subscriptions import Subscriptions
from schema import build
from tests.resolvers.commands.house import ADMIN, DHL, PLACES, SHOPIFY, House, at, count, scan, upsert, work

EVENT = "id type entity version changed data isFirstOfStatus actor source occurredAt recordedAt cursor skipped"
RESET = "... on Checkpoint { cursor } ... on Reset { reason cursor }"
SHOP = of_role(Role.STOREFRONT, "shop")


class Received:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.payloads: list[dict[str, Any]] = []
        self.news = asyncio.Event()

    def push(self, payload: bytes, cursor: str | None) -> bool:
        (told,) = json.loads(payload)["data"].values()
        assert told.get("cursor", cursor) == cursor
        self.payloads.append(told)
        self.news.set()
        return True

    async def drained(self) -> None:
        """Never full."""

    def end(self, reason: Ended, cursor: str | None) -> None:
        """At the end of a test."""

    async def wait(self, number: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(5):
            while len(self.payloads) < number:
                self.news.clear()
                await self.news.wait()
        return self.payloads


class Followed:
    def __init__(self, house: House, hub: Hub) -> None:
        self.house = house
        self.hub = hub
        engine = house.engine
        self.streams = Subscriptions(engine, hub, engine.reader, engine.signer)

    async def send(self, name: str, *items: dict[str, Any], actor: Actor = ADMIN) -> None:
        assert await self.house.outcomes(name, *items, actor=actor) == ["APPLIED"] * len(items)

    async def relay(self) -> None:
        async with self.house.pool.acquire() as connection:
            await db.stream.move(connection, 1000)
        await self.hub.look()

    async def follow(
        self, field: str, selection: str, actor: Actor = ADMIN, after: str | None = None, **variables: Any
    ) -> Received:
        sink = Received()
        request = GraphQLRequest(f"subscription {{ {field} {{ {selection} {RESET} }} }}", None, variables)
        started = await self.streams.start(request, actor, sink, after=after)
        assert not isinstance(started, Answer), started
        return sink


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture
async def shop(core: GraphQLSchema, pool: Pool) -> AsyncIterator[Followed]:
    await pool.execute(PLACES)
    house = House(core, pool)
    hub = Hub(StoreLog(PoolReader(pool)))
    await hub.start()
    house.engine.epoch = lambda: hub.epoch
    yield Followed(house, hub)
    hub.shut_down()


async def test_an_event_says_what_changed_who_did_it_and_how_we_know(shop: Followed) -> None:
    fields = f"... on OrderChanged {{ {EVENT} order {{ number status total {{ amount }} }} }}"
    sink = await shop.follow("orderUpdates", fields)
    await shop.send("upsertOrders", upsert("e1", 2), actor=SHOPIFY)
    await shop.send("upsertOrders", upsert("e2", 3, total=6000, customer={"id": "C1"}), actor=SHOPIFY)
    await shop.send("recordFulfillmentEvents", sent("w1", 4, "P1"))
    await shop.send("recordTrackingEvents", scan("t1", 5, "DELIVERED", None), actor=DHL)
    await shop.relay()
    placed, edited, _, scanned = await sink.wait(4)
    assert {"lines", "status", "total", "acceptedAt"} - set(placed["changed"]) == set()
    recorded = dt.datetime.fromisoformat(edited.pop("recordedAt"))
    assert abs(dt.datetime.now(dt.UTC) - recorded) < dt.timedelta(minutes=5)
    assert dt.datetime.fromisoformat(edited.pop("occurredAt")) == dt.datetime.fromisoformat(at(3))
    assert len({one.get("cursor") for one in sink.payloads}) == len({one.get("id") for one in sink.payloads}) == 4
    del edited["id"], edited["cursor"]
    assert edited == {
        "type": "ORDER_UPDATED",
        "entity": "ORDER",
        "version": 2,
        "changed": ["customer", "total"],
        "data": {"channel": "web"},
        "isFirstOfStatus": False,
        "actor": "integrator:shopify-key",
        "source": "shopify",
        "skipped": 0,
        # The entity is as it is when it is shown.
        "order": {"number": "1001", "status": "PARTIALLY_DELIVERED", "total": {"amount": 6000}},
    }
    told = {name: scanned[name] for name in ("type", "entity", "version", "source", "isFirstOfStatus", "changed")}
    assert told == {
        "type": "SHIPMENT_SCANNED",
        "entity": "SHIPMENT",
        "version": 4,
        "source": "dhl",
        "isFirstOfStatus": True,
        "changed": ["lines", "shipments", "status"],
    }


def sent(event: str, hour: int, parcel: str, number: str = "1001") -> dict[str, Any]:
    """Both mugs in one parcel."""
    counts = {"packed": 2, "shipped": 2}
    parcels = [{"carrier": "dhl", "trackingNumber": parcel, "shippedAt": at(hour)}]
    return work(event, hour, "COMPLETED", [("MUG", 2, counts)], number, shipments=parcels)


def promised(event: str, hour: int, latest: str, **more: Any) -> dict[str, Any]:
    return upsert(event, hour, promise={"latest": latest, "timeZone": "UTC", **more})


async def test_promises_are_followed_and_only_those_that_moved_their_last_day_when_asked(shop: Followed) -> None:
    every = await shop.follow("promiseUpdates", "... on PromiseChanged { changed data order { number } }")
    material = await shop.follow("promiseUpdates(materialOnly: true)", "... on PromiseChanged { data }")
    await shop.send("upsertOrders", promised("e1", 2, "2026-03-06"))
    await shop.send("upsertOrders", promised("e2", 3, "2026-03-06", shipBy="2026-03-04"))
    await shop.send("upsertOrders", promised("e3", 4, "2026-03-06", shipBy="2026-03-04") | {"total": 1})
    await shop.send("upsertOrders", promised("e4", 5, "2026-03-09", shipBy="2026-03-04"))
    await shop.relay()
    moves = [(None, "2026-03-06"), ("2026-03-06", "2026-03-06"), ("2026-03-06", "2026-03-09")]
    expected = [{"from": before, "to": after} for before, after in moves]
    assert [one["data"]["promise"] for one in await every.wait(3)] == expected
    assert all("promise" in one["changed"] and one["order"] == {"number": "1001"} for one in every.payloads)
    assert [one["data"]["promise"] for one in await material.wait(2)] == [expected[0], expected[2]]


async def test_a_timeline_is_the_entries_of_one_order_its_reader_may_see(shop: Followed) -> None:
    await shop.send("upsertOrders", upsert("e1", 2, customer={"id": "C1"}), upsert("x1", 2, "1002"))
    await shop.relay()
    order_id = await shop.house.pool.fetchval("SELECT id FROM orders WHERE number = '1001'")
    mine, others = (of_role(Role.CUSTOMER, name, customer_id=name) for name in ("C1", "C2"))
    field = f'timeline(orderId: "{order_id}")'
    sinks = [await shop.follow(field, f"... on TimelineAdded {{ {EVENT} }}", actor) for actor in (ADMIN, mine, others)]
    await shop.send("upsertOrders", upsert("x2", 3, "1002", total=7))
    await shop.send("recordTrackingEvents", scan("t1", 4, "IN_TRANSIT"))
    await shop.send("upsertOrders", upsert("e2", 5, customer={"id": "C1"}, total=7))
    await shop.relay()
    for sink in sinks[:2]:
        told = await sink.wait(2)
        assert [(one["type"], one["version"]) for one in told] == [("SHIPMENT_SCANNED", 2), ("ORDER_UPDATED", 3)]
    again = await shop.follow(field, "... on TimelineAdded { type }", mine, after=sinks[1].payloads[0]["cursor"])
    assert [one["type"] for one in await again.wait(1)] == ["ORDER_UPDATED"]
    assert sinks[2].payloads == []


async def test_filters_hold_when_something_happens(shop: Followed) -> None:
    selection = "... on OrderChanged { order { number } }"
    b2b = await shop.follow('orderUpdates(filter: {channel: ["b2b"]})', selection)
    numbers = await shop.follow('orderUpdates(filter: {numbers: ["1002"]})', selection)
    status = await shop.follow("orderUpdates(filter: {status: [DELIVERED, PARTIALLY_DELIVERED]})", selection)
    flagged = await shop.follow("orderUpdates(filter: {attention: [DELIVERY_EXCEPTION]})", selection)
    parcel = await shop.follow(
        'shipmentUpdates(trackingNumbers: ["P2"])', "... on ShipmentChanged { shipment { trackingNumber status } }"
    )
    there = {"order": {"channel": "b2b", "number": "1004"}, "currency": "USD"}
    await shop.send("upsertOrders", *(upsert(f"e{number}", 2, str(number)) for number in (1001, 1002, 1003)))
    await shop.send("upsertOrders", upsert("e4", 2) | there)
    await shop.send("recordFulfillmentEvents", sent("w1", 3, "P1"))
    await shop.send("recordTrackingEvents", scan("t1", 4, "DELIVERED", None))
    await shop.send("recordTrackingEvents", scan("t2", 4, "EXCEPTION", "1003", "P2", reason="CARRIER_LOST"))
    await shop.relay()
    heard = {}
    for name, sink, number in (
        ("b2b", b2b, 1),
        ("numbers", numbers, 1),
        ("status", status, 3),
        ("flagged", flagged, 2),
    ):
        heard[name] = [one["order"]["number"] for one in await sink.wait(number)]
    # A filter is of the order as it is when the event is shown.
    assert heard == {"b2b": ["1004"], "numbers": ["1002"], "status": ["1001"] * 3, "flagged": ["1003"] * 2}
    assert await parcel.wait(1) == [{"shipment": {"trackingNumber": "P2", "status": "EXCEPTION"}}]


async def test_stock_is_followed_where_it_is_sold_and_shipped_from(shop: Followed) -> None:
    await shop.house.pool.execute("""
        INSERT INTO location_channels (location_id, channel_id) SELECT l.id, c.id FROM locations l, channels c
        WHERE (l.code, c.code) IN (('HAM', 'web'), ('PAR', 'web'), ('PAR', 'b2b'));
        INSERT INTO location_destinations (location_id, country) SELECT id, 'FR' FROM locations WHERE code = 'PAR'
    """)
    asked = {
        "everywhere": "",
        "b2b": ', channel: "b2b"',
        "germany": ', destination: {country: "DE"}',
        "nowhere": ', channel: "b2b", destination: {country: "DE"}',
    }
    selection = "... on StockChanged { version changed data item { sku } }"
    sinks = {
        name: await shop.follow(f'stockUpdates(skus: ["MUG"], delivery: EVERY_EVENT{more})', selection)
        for name, more in asked.items()
    }
    await shop.send("setStockLevels", count("c1", 2, 5), count("c2", 2, 7, location="PAR"), count("c3", 2, 1, "LAMP"))
    await shop.relay()
    await sinks["everywhere"].wait(2)
    await sinks["b2b"].wait(1)
    await sinks["germany"].wait(1)
    heard = {name: sorted(one["data"]["location"] for one in sink.payloads) for name, sink in sinks.items()}
    assert heard == {"everywhere": ["HAM", "PAR"], "b2b": ["PAR"], "germany": ["HAM"], "nowhere": []}


async def test_stock_is_folded_unless_every_event_is_asked_for(shop: Followed) -> None:
    selection = "... on StockChanged { version skipped item { stockLevels { onHand } } }"
    latest = await shop.follow('stockUpdates(skus: ["MUG"])', selection)
    every = await shop.follow('stockUpdates(skus: ["MUG"], delivery: EVERY_EVENT)', selection)
    for hour in (2, 3, 4):
        await shop.send("setStockLevels", count(f"c{hour}", hour, hour))
    await shop.relay()
    (folded,) = await latest.wait(1)
    assert (folded["version"], folded["skipped"]) == (3, 2)
    assert folded["item"]["stockLevels"] == [{"onHand": 4}]
    assert [(one["version"], one["skipped"]) for one in await every.wait(3)] == [(1, 0), (2, 0), (3, 0)]
    assert len(latest.payloads) == 1


async def test_nobody_is_woken_by_a_writer_but_only_by_the_relay(shop: Followed, database: str) -> None:
    calls: list[object] = []
    listening = await db.pool.connect(database)
    try:
        await listening.add_listener(db.stream.CHANNEL, lambda *call: calls.append(call))
        await shop.send("upsertOrders", upsert("e1", 2), upsert("x1", 2, "1002"))
        await shop.send("setStockLevels", count("c1", 2, 5))
        # Whatever had been told before is there with the answer.
        await listening.fetchval("SELECT 1")
        assert calls == []
        await shop.relay()
        await listening.fetchval("SELECT 1")
        assert len(calls) == 1
    finally:
        await listening.close()
    functions = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosrc ILIKE '%notify%'"
    assert [row["proname"] for row in await shop.house.pool.fetch(functions)] == ["move_outbox"]


async def test_numbers_of_the_journal_are_drawn_one_by_one(pool: Pool) -> None:
    # A session that keeps some in store would give an order's later change a smaller number.
    cached = "SELECT seqcache FROM pg_sequence WHERE seqrelid = pg_get_serial_sequence('journal', 'id')::regclass"
    assert await pool.fetchval(cached) == 1


async def test_who_may_know_what_is_for_sale_is_not_told_the_counts(shop: Followed) -> None:
    fields = "type version changed data actor item { sku availability { availableForSale } }"
    staff, public = [
        await shop.follow('stockUpdates(skus: ["MUG"])', f"... on StockChanged {{ {fields} }}", actor)
        for actor in (ADMIN, SHOP)
    ]
    await shop.send("setStockLevels", count("c1", 2, 5))
    await shop.relay()
    assert (await staff.wait(1))[0]["data"]["onHand"] == {"from": 0, "to": 5}
    assert await public.wait(1) == [
        {
            "type": "STOCK_COUNTED",
            "version": 1,
            "changed": [],
            "data": {},
            "actor": "admin",
            "item": {"sku": "MUG", "availability": {"availableForSale": 5}},
        }
    ]


async def test_whoever_comes_back_with_a_cursor_gets_what_it_missed_and_no_snapshot(shop: Followed) -> None:
    field, selection = "orderUpdates(snapshot: true)", "... on OrderChanged { type version cursor }"
    await shop.send("upsertOrders", upsert("e1", 2))
    await shop.relay()
    first = await shop.follow(field, selection)
    cursor = (await first.wait(1))[0]["cursor"]
    for hour in (3, 4):
        await shop.send("upsertOrders", upsert(f"e{hour}", hour, total=hour))
    await shop.relay()
    back = await shop.follow(field, selection, after=cursor)
    told = await back.wait(2)
    assert [(one["type"], one["version"]) for one in told] == [("ORDER_UPDATED", 2), ("ORDER_UPDATED", 3)]
    await shop.house.pool.execute("UPDATE stream_meta SET salt = 'restored'")
    await shop.hub.check_epoch()
    late = await shop.follow(field, selection, after=cursor)
    reset, now = await late.wait(2)
    assert (reset["reason"], now["type"], now["version"]) == ("EPOCH_CHANGED", "SNAPSHOT", 3)
