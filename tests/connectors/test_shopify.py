"""Shopify: documents the real schema knows, pulls that end, a file read in pieces, commands that may be repeated."""

import dataclasses
import datetime as dt
import gzip
import json
from functools import cache
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_client_schema, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Forged, Pushed, StockPlace, StockTarget
from connectors.errors import BadPayload, NotYet, RateLimited
from connectors.payload import Node
from connectors.shopify import bulk, create, documents, webhooks
from domain.reasons import CancelReason
from domain.records import (
    FulfillmentRecord,
    OrderRecord,
    OrderRef,
    ParcelLineRecord,
    Record,
    ReturnRecord,
    StockRecord,
    TrackingRecord,
)
from domain.status import FulfillmentStatus, OrderStatus, ShipmentStatus
from tests.simulators.base import opener
from tests.simulators.shopify import REQUEST, SECRET, START, Server, delivery, instance

SCHEMA = Path(__file__).parents[3] / "shared/vendor/shopify/admin_2026-10.json.gz"
NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)


@cache
def schema() -> GraphQLSchema:
    found = json.loads(gzip.decompress(SCHEMA.read_bytes()))
    # Shopify deprecates fields that its interfaces keep, which graphql-core would refuse.
    return build_client_schema(found.get("data", found), assume_valid=True)


@pytest.mark.skipif(not SCHEMA.exists(), reason="Shopify's schema is not in ../shared/vendor")
@pytest.mark.parametrize("name", sorted(documents.ALL))
def test_the_real_schema_knows_every_document(name: str) -> None:
    assert [error.message for error in validate(schema(), parse(documents.ALL[name]))] == []


async def pulled(server: Server, since: dt.datetime | None) -> list[Record]:
    records: list[Record] = []
    async with opener() as http:
        cursor: str | None = None
        while True:
            page = await create(instance(server.url), http).pull_orders(since, cursor)
            records.extend(page.records)
            if (cursor := page.cursor) is None:
                return records


async def test_a_pull_reads_connections_to_their_ends() -> None:
    async with Server().running() as server:
        for _ in range(6):
            server.add({f"SKU-{place}": 1 for place in range(45)})
        records = await pulled(server, START)
        orders = [one for one in records if isinstance(one, OrderRecord)]
        assert [len(one.lines or ()) for one in orders] == [45] * 6
        assert [len(one.lines) for one in records if isinstance(one, FulfillmentRecord)] == [45] * 6


async def test_a_parcel_its_scans_and_its_arrival() -> None:
    async with Server().running() as server:
        server.add({"MUG": 2})
        server.ship(1001, "JD01", count=1)
        server.scan(1001, "IN_TRANSIT", "Leipzig")
        server.scan(1001, "TELEPORTED")
        order, work, *scans = await pulled(server, START)
        assert isinstance(order, OrderRecord)
        assert isinstance(work, FulfillmentRecord)
        assert (order.status, order.source_status) == (OrderStatus.PARTIALLY_SHIPPED, "PARTIALLY_FULFILLED PAID")
        assert (work.status, work.location, work.lines[0].shipped) == (FulfillmentStatus.IN_PROGRESS, "east", 1)
        assert (work.shipments[0].carrier, work.shipments[0].lines) == ("dhl", (ParcelLineRecord("10010", 1),))
        assert [(one.status, one.raw_code, one.city) for one in scans if isinstance(one, TrackingRecord)] == [
            (ShipmentStatus.IN_TRANSIT, "IN_TRANSIT", "Leipzig"),
            (ShipmentStatus.UNKNOWN, "TELEPORTED", None),
        ]


async def test_what_is_cancelled_before_it_is_sent_is_not_what_came_back() -> None:
    async with Server().running() as server:
        server.add({"MUG": 3})
        server.ship(1001, "JD01", count=1)
        line = server.orders[1001]["lineItems"][0]
        # One of the two unsent is refunded, and the sent one comes back.
        line |= {"currentQuantity": 1, "unfulfilledQuantity": 1}
        order = (await pulled(server, START))[0]
        assert isinstance(order, OrderRecord)
        assert order.lines
        assert (order.lines[0].quantity, order.lines[0].cancelled) == (3, 1)


async def test_a_cancelled_order_says_why() -> None:
    async with Server().running() as server:
        server.add({"MUG": 2})
        server.cancel(1001, "DECLINED")
        order, work = await pulled(server, START)
        assert isinstance(order, OrderRecord)
        assert isinstance(work, FulfillmentRecord)
        assert (order.status, order.cancel_reason) == (OrderStatus.CANCELLED, CancelReason.PAYMENT_DECLINED)
        assert order.lines
        assert order.lines[0].cancelled == 2
        assert (work.status, work.lines[0].shipped) == (FulfillmentStatus.CANCELLED, None)


async def test_a_sale_at_a_till_of_the_shop_has_its_own_channel_and_is_collected() -> None:
    async with Server().running() as server:
        server.add({"MUG": 1}, source="pos", location=2, method="RETAIL")
        order, work = await pulled(server, START)
        assert isinstance(order, OrderRecord)
        assert isinstance(work, FulfillmentRecord)
        assert order.order == OrderRef("store-berlin", "1001")
        assert (work.pickup, work.location) == (True, "store-berlin")


async def test_a_backfill_reads_the_file_of_a_bulk_operation_and_waits_for_it() -> None:
    async with Server(running_bulk=1).running() as server, opener() as http:
        for _ in range(3):
            server.add({"MUG": 2})
        server.ship(1001, "JD01")
        server.scan(1001, "DELIVERED")
        connector = create(instance(server.url), http)
        started = await connector.pull_orders(None, None)
        assert started.records == ()
        with pytest.raises(NotYet):
            await connector.pull_orders(None, started.cursor)
        page = await connector.pull_orders(None, started.cursor)
        assert page.cursor is None
        assert (started.listed, started.total, page.listed, page.total) == (0, None, 3, 3)
        kinds = [type(one).__name__ for one in page.records]
        assert kinds.count("OrderRecord") == kinds.count("FulfillmentRecord") == 3
        (scan,) = [one for one in page.records if isinstance(one, TrackingRecord)]
        assert (scan.status, scan.raw_code) == (ShipmentStatus.DELIVERED, "deliveredAt")


async def test_a_backfill_waits_for_another_bulk_operation_of_the_shop() -> None:
    async with Server(busy_bulk=1).running() as server, opener() as http:
        server.add({"MUG": 2})
        connector = create(instance(server.url), http)
        with pytest.raises(NotYet, match="another bulk operation"):
            await connector.pull_orders(None, None)
        started = await connector.pull_orders(None, None)
        assert started.cursor is not None


async def test_what_is_delivered_without_a_number_has_arrived() -> None:
    """The shop's own driver brings it."""
    async with Server().running() as server:
        server.add({"MUG": 2, "PLATE": 1})
        server.ship(1001, "", count=1)
        server.scan(1001, "DELIVERED")
        (work,) = [one for one in await pulled(server, START) if isinstance(one, FulfillmentRecord)]
        assert work.shipments == ()
        assert [(one.quantity, one.shipped, one.delivered) for one in work.lines] == [(2, 1, 1), (1, 1, 1)]


@pytest.mark.parametrize(("money", "accepted"), [("PAID", True), ("PENDING", False), ("VOIDED", False)])
async def test_an_order_waits_for_its_payment(money: str, accepted: bool) -> None:
    async with Server().running() as server:
        server.add({"MUG": 2})["displayFinancialStatus"] = money
        (order,) = [one for one in await pulled(server, START) if isinstance(one, OrderRecord)]
        assert (order.accepted_at is not None) is accepted


async def test_what_was_refunded_of_the_shipping_is_no_part_of_the_totals() -> None:
    async with Server().running() as server:
        told = server.add({"MUG": 2})
        told["currentShippingPriceSet"] = {"shopMoney": {"amount": "3.90"}}
        (order,) = [one for one in await pulled(server, START) if isinstance(one, OrderRecord)]
        assert order.shipping_total == 390


@settings(max_examples=25, deadline=None)
@given(size=st.integers(1, 3000))
async def test_pieces_of_any_size_are_the_whole_file(size: int) -> None:
    async with Server().running() as server, opener() as http:
        for _ in range(4):
            server.add({"MUG": 1, "CUP": 2})
        connector = create(instance(server.url), http)
        place: bulk.Place | None = bulk.place_of((await connector.pull_orders(None, None)).cursor or "")
        found: list[Node] = []
        while place is not None:
            nodes, place = await bulk.piece(http(server.url), f"{server.url}/files/bulk.jsonl", place, size)
            found.extend(nodes)
        assert sorted(one["name"].text() for one in found) == ["#1001", "#1002", "#1003", "#1004"]
        assert {len(one["lineItems"]["nodes"].items()) for one in found} == {2}


def test_a_file_out_of_order_is_refused_by_its_line() -> None:
    with pytest.raises(BadPayload) as error:
        bulk.gathered([b'{"id": "gid://shopify/LineItem/1", "__typename": "LineItem", "__parentId": "gid://x"}'])
    assert error.value.path == "lines.0.__parentId"


async def test_an_empty_bucket_says_how_long_to_wait() -> None:
    async with Server(points=5.0, cost=105.0, rate=50.0).running() as server, opener() as http:
        with pytest.raises(RateLimited) as error:
            await create(instance(server.url), http).pull_orders(START, None)
        assert error.value.retry_after == 2.0


async def test_stock_pushed_twice_with_its_key_is_set_once() -> None:
    async with Server().running() as server, opener() as http:
        server.count("MUG", 1, 10)
        connector = create(instance(server.url), http)
        target = StockTarget("MUG", "east", 7, "key-1")
        assert await connector.push_stock([target]) == [Pushed()]
        server.count("MUG", 1, 9)
        assert await connector.push_stock([target]) == [Pushed()]
        (told,) = await connector.look_up_stock([StockPlace("MUG", "east")])
        assert told is not None
        assert told.on_hand == 9
        refused = [StockTarget("NONE", "east", 1, "k2"), StockTarget("MUG", "store-berlin", 1, "k3")]
        assert await connector.push_stock(refused) == [Pushed("UNKNOWN_SKU"), Pushed("INVALID_LOCATION")]


async def test_a_request_asked_twice_is_submitted_once_and_can_be_taken_back() -> None:
    async with Server().running() as server, opener() as http:
        server.add({"MUG": 2})
        connector = create(instance(server.url), http)
        first = await connector.request_fulfillment(REQUEST)
        assert (first.fulfillment_id, first.status) == ("1001", FulfillmentStatus.REQUESTED)
        assert await connector.request_fulfillment(REQUEST) == first
        assert sum(b"fulfillmentOrderSubmitFulfillmentRequest" in one.body for one in server.seen) == 1
        taken_back = await connector.cancel_fulfillment("1001", "k")
        assert (taken_back.status, taken_back.refused) == (FulfillmentStatus.OPEN, None)
        assert (await connector.cancel_fulfillment("99", "k")).refused == "NOT_FOUND"
        ((work,),) = await connector.look_up_fulfillments(["1001"])
        assert isinstance(work, FulfillmentRecord)
        assert work.order == REQUEST.order


async def test_a_request_for_a_part_asked_twice_does_not_ask_for_the_rest() -> None:
    async with Server().running() as server, opener() as http:
        server.add({"MUG": 4})
        connector = create(instance(server.url), http)
        first = await connector.request_fulfillment(REQUEST)
        assert await connector.request_fulfillment(REQUEST) == first
        works = server.orders[1001]["fulfillmentOrders"]
        assert sorted((one["requestStatus"], one["lineItems"][0]["totalQuantity"]) for one in works) == [
            ("SUBMITTED", 2),
            ("UNSUBMITTED", 2),
        ]
        second = await connector.request_fulfillment(dataclasses.replace(REQUEST, key="key-2"))
        assert second.fulfillment_id != first.fulfillment_id
        assert {one["requestStatus"] for one in works} == {"SUBMITTED"}


async def test_a_webhook_points_to_what_is_read_as_it_is_now() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        server.add({"MUG": 2})
        server.ship(1001, "JD01")
        request = delivery(SECRET, NOW)
        told = connector.verify(request)
        assert (told.id, told.topic, told.sent_at) == ("delivery-1", "orders/create", NOW)
        order, _ = await connector.records_of(told, request.body)
        assert isinstance(order, OrderRecord)
        assert order.status is OrderStatus.SHIPPED
        with pytest.raises(Forged):
            connector.verify(delivery("another-secret", NOW))


@pytest.mark.parametrize(
    ("topic", "body", "work"),
    [
        ("cancelled", {"fulfillment_order": {"id": 7}}, "gid://shopify/FulfillmentOrder/7"),
        ("moved", {"original_fulfillment_order": {"id": 8}}, "gid://shopify/FulfillmentOrder/8"),
        (
            "fulfillment_request_submitted",
            {"original_fulfillment_order": {"id": 8}, "submitted_fulfillment_order": {"id": 9}},
            "gid://shopify/FulfillmentOrder/9",
        ),
        ("merged", {"fulfillment_order_merges": [{}]}, None),
    ],
)
def test_deliveries_about_work_say_which(topic: str, body: dict[str, object], work: str | None) -> None:
    assert webhooks.work_in(f"fulfillment_orders/{topic}", Node(body)) == work


def test_a_delivery_that_lacks_its_work_is_bad_and_one_about_risk_names_no_order() -> None:
    with pytest.raises(BadPayload):
        webhooks.work_in("fulfillment_orders/moved", Node({"fulfillment_order": {"id": 7}}))
    assert webhooks.order_in("orders/risk_assessment_changed", Node({"risk_level": "HIGH"})) is None


async def test_a_stock_webhook_reads_the_level() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        server.count("MUG", 1, 4)
        (_, body), told = server.told[-1], connector.verify(delivery(SECRET, NOW))
        level = type(told)(told.id, "inventory_levels/update")
        (record,) = await connector.records_of(level, json.dumps(body).encode())
        assert isinstance(record, StockRecord)
        assert (record.sku, record.location, record.on_hand) == ("MUG", "east", 4)


async def test_returns_have_reasons_and_what_became_of_them() -> None:
    async with Server().running() as server, opener() as http:
        server.add({"MUG": 2})
        server.ship(1001, "JD01")
        sent = server.orders[1001]["fulfillmentOrders"][0]["fulfillments"][0]["fulfillmentLineItems"][0]
        server.orders[1001]["returns"] = [returned(sent)]
        (record,) = (await create(instance(server.url), http).pull_returns(START, None)).records
        assert isinstance(record, ReturnRecord)
        line = record.lines[0]
        assert (record.return_number, record.status.value) == ("#1001-R1", "PARTIALLY_RECEIVED")
        assert (line.line, line.quantity, line.received, line.reason, line.disposition) == (
            "10010",
            2,
            1,
            "SIZE_TOO_SMALL",
            "RESTOCKED",
        )


def returned(sent: dict[str, object]) -> dict[str, object]:
    return {
        "id": "gid://shopify/Return/5",
        "__typename": "Return",
        "name": "#1001-R1",
        "status": "OPEN",
        "createdAt": "2026-11-21T08:00:00Z",
        "requestApprovedAt": "2026-11-21T09:00:00Z",
        "closedAt": None,
        "returnLineItems": [
            {
                "id": "gid://shopify/ReturnLineItem/6",
                "__typename": "ReturnLineItem",
                "quantity": 2,
                "processedQuantity": 1,
                "returnReasonDefinition": {"handle": "size-too-small"},
                "fulfillmentLineItem": sent,
            }
        ],
        "reverseFulfillmentOrders": [
            {
                "lineItems": [
                    {
                        "fulfillmentLineItem": sent,
                        "dispositions": [{"type": "RESTOCKED", "quantity": 1, "createdAt": "2026-11-23T08:00:00Z"}],
                    }
                ]
            }
        ],
    }
