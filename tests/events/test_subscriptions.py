"""Subscriptions on real PostgreSQL: journal -> relay -> hub -> rendered payloads."""

import asyncio
import datetime as dt
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

import db.stream
from db.pool import Pool
from db.reader import PoolReader
from domain.actor import ROLE_SCOPES, Actor, Role
from events.cursor import Signer
from events.hub import Hub
from events.sink import Ended
from events.store_log import StoreLog
from resolvers.answer import Answer, Failure, GraphQLRequest
from resolvers.execute import Engine
from resolvers.plan import Checks
from resolvers.subscriptions import Subscriptions
from schema import build

SEED = """
INSERT INTO channels (code, name, kind, currency) VALUES ('web', 'Web', 'STOREFRONT', 'EUR');
INSERT INTO orders (channel_id, number, status, currency, placed_at, customer_id, customer_email)
SELECT id, 'N' || n, 'CONFIRMED', 'EUR', now() - n * interval '1 hour', 'C-' || (n % 2), 'a@example.com'
FROM channels, generate_series(1, 4) n;
INSERT INTO order_lines (order_id, position, sku, quantity, created) SELECT id, 1, 'A', 2, 2 FROM orders;
"""
CHANGE = """
WITH changed AS (UPDATE orders SET version = version + 1, status = $2 WHERE number = $1 RETURNING id, version)
INSERT INTO journal (entity, entity_id, order_id, version, type, changed, data, source, actor, occurred_at)
SELECT 'ORDER', id, id, version, 'STATUS_CHANGED', '{status}', json_build_object('status',
       json_build_object('to', $2::text))::jsonb, 'test', 'system', now() FROM changed
"""
FIELDS = """{ __typename
  ... on OrderChanged { type version cursor isFirstOfStatus skipped order { number status lines { sku } } }
  ... on Checkpoint { cursor } ... on Reset { reason } }"""


class Received:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.payloads: list[dict[str, Any]] = []
        self.cursors: list[str | None] = []
        self.ended: Ended | None = None
        self.news = asyncio.Event()

    def push(self, payload: bytes, cursor: str | None) -> bool:
        self.payloads.append(json.loads(payload)["data"]["orderUpdates"])
        self.cursors.append(cursor)
        self.news.set()
        return True

    async def drained(self) -> None:
        """Never full."""

    def end(self, reason: Ended, cursor: str | None) -> None:
        self.ended = reason

    async def wait(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(5):
            while len(self.payloads) < count:
                self.news.clear()
                await self.news.wait()
        return self.payloads

    @property
    def told(self) -> list[tuple[str, int]]:
        return [(one["order"]["number"], one["version"]) for one in self.payloads if one.get("order")]


class Shop:
    def __init__(self, pool: Pool, streams: Subscriptions, hub: Hub) -> None:
        self.pool = pool
        self.streams = streams
        self.hub = hub

    async def change(self, number: str, status: str = "IN_PROGRESS") -> None:
        await self.pool.execute(CHANGE, number, status)

    async def relay(self) -> None:
        async with self.pool.acquire() as connection:
            await db.stream.move(connection, 1000)
        await self.hub.look()

    async def follow(self, arguments: str = "", actor: Actor | None = None, after: str | None = None) -> Received:
        sink = Received()
        request = GraphQLRequest(f"subscription {{ orderUpdates{arguments} {FIELDS} }}")
        started = await self.streams.start(request, actor or role(Role.ADMIN), sink, after=after)
        assert not isinstance(started, Answer), started
        return sink


def role(name: Role, customer: str | None = None, **more: Any) -> Actor:
    return Actor(name, "test", ROLE_SCOPES[name], customer_id=customer, **more)


@pytest.fixture
async def shop(pool: Pool) -> AsyncIterator[Shop]:
    await pool.execute(SEED)
    reader = PoolReader(pool)
    core = build.executable(build.build())
    checks = Checks(lambda _: None, lambda _: None)
    hub = Hub(StoreLog(reader))
    await hub.start()
    signer = Signer(b"test")
    engine = Engine(core, reader, checks, signer, epoch=lambda: hub.epoch)
    yield Shop(pool, Subscriptions(engine, hub, reader, signer), hub)
    hub.shut_down()


async def test_a_change_reaches_a_subscriber_with_its_own_selection(shop: Shop) -> None:
    sink = await shop.follow()
    await shop.change("N1")
    await shop.relay()
    (told,) = await sink.wait(1)
    assert told == {
        "__typename": "OrderChanged",
        "type": "STATUS_CHANGED",
        "version": 2,
        "cursor": sink.cursors[0],
        "isFirstOfStatus": True,
        "skipped": 0,
        "order": {"number": "N1", "status": "IN_PROGRESS", "lines": [{"sku": "A"}]},
    }


async def test_nobody_sees_another_customers_orders(shop: Shop) -> None:
    mine = await shop.follow(actor=role(Role.CUSTOMER, "C-1"))
    everything = await shop.follow()
    for number in ("N1", "N2", "N3", "N4"):
        await shop.change(number)
    await shop.relay()
    await everything.wait(4)
    await mine.wait(2)
    assert mine.told == [("N1", 2), ("N3", 2)]


async def test_a_filter_of_another_customer_stays_empty(shop: Shop) -> None:
    sink = await shop.follow('(filter: {customerId: "C-0"})', actor=role(Role.CUSTOMER, "C-1"))
    everything = await shop.follow()
    await shop.change("N2")
    await shop.relay()
    await everything.wait(1)
    assert sink.payloads == []


async def test_resuming_after_a_cursor_misses_and_repeats_nothing(shop: Shop) -> None:
    first = await shop.follow()
    for number in ("N1", "N2"):
        await shop.change(number)
    await shop.relay()
    await first.wait(2)
    await shop.change("N3")
    await shop.relay()
    resumed = await shop.follow(after=first.cursors[0])
    await shop.change("N4")
    await shop.relay()
    await resumed.wait(3)
    assert resumed.told == [("N2", 2), ("N3", 2), ("N4", 2)]


async def test_the_cursor_of_a_query_continues_without_a_gap(shop: Shop) -> None:
    answer = await shop.streams.engine.answer(GraphQLRequest("{ orders { nodes { number } } }"), role(Role.ADMIN))
    cursor = json.loads(answer.body)["extensions"]["cursor"]
    await shop.change("N1")
    await shop.relay()
    sink = await shop.follow(f'(after: "{cursor}")')
    assert (await sink.wait(1))[0]["order"]["number"] == "N1"


async def test_a_snapshot_comes_first_and_then_what_follows(shop: Shop) -> None:
    sink = await shop.follow('(snapshot: true, filter: {status: [CONFIRMED, IN_PROGRESS], customerId: "C-1"})')
    await shop.change("N1")
    await shop.relay()
    told = await sink.wait(3)
    assert [(one["type"], one["order"]["number"]) for one in told] == [
        ("SNAPSHOT", "N3"),
        ("SNAPSHOT", "N1"),
        ("STATUS_CHANGED", "N1"),
    ]


async def test_only_the_first_time_in_a_status_is_first(shop: Shop) -> None:
    sink = await shop.follow()
    for status in ("IN_PROGRESS", "CONFIRMED", "IN_PROGRESS"):
        await shop.change("N1", status)
    await shop.relay()
    assert [one["isFirstOfStatus"] for one in await sink.wait(3)] == [True, True, False]


async def test_another_epoch_is_a_reset_and_the_stream_goes_on(shop: Shop) -> None:
    sink = await shop.follow()
    await shop.change("N1")
    await shop.relay()
    await sink.wait(1)
    await shop.pool.execute("UPDATE stream_meta SET salt = 'restored'")
    await shop.hub.check_epoch()
    late = await shop.follow(after=sink.cursors[0])
    await shop.change("N2")
    await shop.relay()
    await late.wait(2)
    assert late.payloads[0] == {"__typename": "Reset", "reason": "EPOCH_CHANGED"}
    assert late.told == [("N2", 2)]
    assert sink.payloads[1] == {"__typename": "Reset", "reason": "EPOCH_CHANGED"}


async def test_a_cursor_of_another_caller_is_a_reset(shop: Shop) -> None:
    staff = await shop.follow()
    await shop.change("N1")
    await shop.relay()
    await staff.wait(1)
    customer = await shop.follow(actor=role(Role.CUSTOMER, "C-1"), after=staff.cursors[0])
    assert customer.payloads == [{"__typename": "Reset", "reason": "SCOPE_CHANGED"}]


async def test_same_question_same_rights_share_a_group_whatever_their_cursors(shop: Shop) -> None:
    sinks = [await shop.follow() for _ in range(3)]
    await shop.change("N1")
    await shop.relay()
    await sinks[0].wait(1)
    await shop.follow(after=sinks[0].cursors[0])
    await shop.follow(actor=role(Role.CUSTOMER, "C-1"))
    await shop.follow(actor=role(Role.CUSTOMER, "C-0"))
    assert sorted(group.members for group in shop.hub.groups.values()) == [1, 1, 4]


async def test_latest_per_entity_folds(shop: Shop) -> None:
    sink = await shop.follow("(delivery: LATEST_PER_ENTITY)")
    for status in ("IN_PROGRESS", "CONFIRMED", "IN_PROGRESS"):
        await shop.change("N1", status)
    await shop.relay()
    (told,) = await sink.wait(1)
    assert (told["version"], told["skipped"]) == (4, 2)


async def test_the_latest_of_each_parcel_is_not_hidden_by_what_happens_to_its_order(shop: Shop) -> None:
    await shop.pool.execute(
        "INSERT INTO shipments (order_id, status, tracking_number) "
        "SELECT id, 'IN_TRANSIT', 'T' || n FROM orders, generate_series(1, 2) n WHERE number = 'N1'"
    )

    class Parcels(Received):
        def push(self, payload: bytes, cursor: str | None) -> bool:
            self.payloads.append(json.loads(payload)["data"]["shipmentUpdates"])
            self.news.set()
            return True

    sink = Parcels()
    document = """subscription { shipmentUpdates(delivery: LATEST_PER_ENTITY) { ... on ShipmentChanged {
        skipped shipment { trackingNumber } } } }"""
    await shop.streams.start(GraphQLRequest(document), role(Role.ADMIN), sink)
    for number in ("T1", "T2", "T1"):
        await shop.pool.execute(
            "INSERT INTO journal (entity, entity_id, order_id, version, type, source, actor, occurred_at) "
            "SELECT 'SHIPMENT', id, order_id, 2, 'SHIPMENT_SCANNED', 'test', 'test', now() FROM shipments "
            "WHERE tracking_number = $1",
            number,
        )
    await shop.change("N1")
    await shop.relay()
    told = await sink.wait(2)
    assert [(one["shipment"]["trackingNumber"], one["skipped"]) for one in told] == [("T2", 0), ("T1", 1)]


async def test_a_refused_subscription_is_an_answer_and_joins_nothing(shop: Shop) -> None:
    sink = Received()
    request = GraphQLRequest(f"subscription {{ orderUpdates {FIELDS} }}")
    answer = await shop.streams.start(request, role(Role.STOREFRONT), sink)
    assert isinstance(answer, Answer)
    assert answer.failure is Failure.FORBIDDEN
    assert (sink.payloads, shop.hub.subscribers) == ([], set())


async def test_an_expired_actor_is_ended(shop: Shop) -> None:
    now = dt.datetime.now(dt.UTC)
    sink = await shop.follow(actor=role(Role.ADMIN, expires_at=now))
    shop.hub.check_all(now, 0)
    assert sink.ended is Ended.TOKEN_EXPIRED


async def test_stock_updates_carry_availability(shop: Shop) -> None:
    await shop.pool.execute("INSERT INTO items (sku) VALUES ('A'), ('B')")
    await shop.pool.execute(
        "INSERT INTO locations (code, name, kind, country) VALUES ('L', 'L', 'WAREHOUSE', 'DE'); "
        "INSERT INTO stock_levels (item_id, location_id, on_hand) SELECT i.id, l.id, 5 FROM items i, locations l"
    )

    class Stock(Received):
        def push(self, payload: bytes, cursor: str | None) -> bool:
            self.payloads.append(json.loads(payload)["data"]["stockUpdates"])
            self.news.set()
            return True

    sink = Stock()
    document = """subscription { stockUpdates(skus: ["A"]) { ... on StockChanged {
        item { sku availability { availableForSale } } } } }"""
    await shop.streams.start(GraphQLRequest(document), role(Role.STOREFRONT), sink)
    for sku in ("A", "B"):
        item: uuid.UUID = await shop.pool.fetchval("SELECT id FROM items WHERE sku = $1", sku)
        await shop.pool.execute(
            "INSERT INTO journal (entity, entity_id, version, type, source, actor, occurred_at) "
            "VALUES ('STOCK', $1, 2, 'STOCK_COUNTED', 'test', 'test', now())",
            item,
        )
    await shop.relay()
    await sink.wait(1)
    assert sink.payloads == [{"item": {"sku": "A", "availability": {"availableForSale": 5}}}]
