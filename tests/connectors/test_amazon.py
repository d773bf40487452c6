"""Amazon: its own sandbox pairs through our client, tokens, limits, and notifications in each of their wrappings."""

import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.amazon import create, mapping, notifications
from connectors.base import Forged, Parcel, Pushed, StockTarget
from connectors.errors import BadPayload, RateLimited, Unauthorized
from connectors.payload import Node
from domain.records import (
    FulfillmentRecord,
    OrderRecord,
    OrderRef,
    PromiseRecord,
    Record,
    StockRecord,
    TrackingRecord,
)
from domain.status import FulfillmentStatus, OrderStatus, ShipmentStatus
from tests.connectors.answered import well
from tests.simulators.amazon import (
    SECRET,
    START,
    VENDOR,
    Pair,
    Server,
    changed,
    delivery,
    enveloped,
    instance,
    pairs,
    signed,
)
from tests.simulators.base import opener

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
ABSENT = "Amazon's models are not in ../shared/vendor"


def sandbox(file: str) -> list[Any]:
    """The pairs, or one place that skips with the reason."""
    if not VENDOR.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]
    found = [(one, place) for place, one in enumerate(pairs(file))]
    assert found
    return [pytest.param(one, id=f"{one.status}-{place}") for one, place in found]


@pytest.mark.parametrize("pair", sandbox("orders_2026-01-01.json"))
async def test_every_order_pair_of_the_sandbox_is_read(pair: Pair) -> None:
    async with Server(pairs=[pair]).running() as server, opener() as http:
        marketplaces, token = pair.params.get("marketplaceIds", "any"), pair.params.get("paginationToken")
        connector = create(instance(server.url, marketplaces), http)
        if "orderId" in pair.params:
            told = pair.response.get("order")
            ref = OrderRef(told["salesChannel"]["marketplaceId"] if told else "x", pair.params["orderId"])
            (records,) = await connector.look_up_orders([ref])
            check(records, [told] if told else [])
        elif pair.status == 400:
            with pytest.raises(BadPayload):
                await connector.pull_orders(START, None)
        else:
            page = await connector.pull_orders(START, f"2026-11-20T08:00:00Z|{token}" if token else None)
            check(page.records, pair.response["orders"])
            following = pair.response.get("pagination", {}).get("nextToken")
            assert page.cursor == (f"2026-11-20T08:00:00Z|{following}" if following else None)


def check(records: Any, told: list[dict[str, Any]]) -> None:
    """Every order, line and package of the answer is in the records, and nothing is unknown."""
    orders = [one for one in records if isinstance(one, OrderRecord)]
    assert [one.order.number for one in orders] == [one["orderId"] for one in told]
    for record, raw in zip(orders, told, strict=True):
        assert record.status is not OrderStatus.UNKNOWN
        assert record.lines is not None
        assert [(one.sku, one.quantity) for one in record.lines] == [
            (one["product"]["sellerSku"], one["quantityOrdered"]) for one in raw["orderItems"]
        ]
        assert all(one.cancelled == 0 for one in record.lines) is (record.status is not OrderStatus.CANCELLED)
    packages = sum(len(one.get("packages", [])) for one in told)
    assert len(records) - len(orders) == packages


@pytest.mark.parametrize("pair", sandbox("tracking_2026-01-30.json"))
async def test_every_tracking_pair_of_the_sandbox_is_read(pair: Pair) -> None:
    async with Server(pairs=[pair]).running() as server, opener() as http:
        connector = create(instance(server.url), http)
        carried = "carrierTracking.trackingNumber" in pair.params
        number = pair.params.get("carrierTracking.trackingNumber") or pair.params.get("aftn")
        # One pair is asked for by an id that only Amazon knows: it is found by the number of the parcel.
        ident = pair.params.get("id")
        server.pairs = [Pair(pair.path, {"aftn": ident}, 200, pair.response)] if ident else server.pairs
        parcel = Parcel("ups" if carried else "amazon", number or ident or "none")
        if pair.status == 400:
            server.pairs = [Pair(pair.path, {}, 400, pair.response)]
            with pytest.raises(BadPayload):
                await connector.track([parcel])
            return
        (scans,) = well(await connector.track([parcel]))
        history = pair.response["trackingDetail"]["milestoneHistory"]
        assert [one.raw_text for one in scans] == [one["status"]["description"] for one in reversed(history)]
        assert {(one.carrier, one.tracking_number) for one in scans} == {(parcel.carrier, parcel.tracking_number)}
        assert ShipmentStatus.UNKNOWN not in {one.status for one in scans}


async def test_a_pull_ends_and_goes_on_by_its_cursor_alone() -> None:
    async with Server(page=2).running() as server, opener() as http:
        for _ in range(5):
            server.add({"MUG": 1})
        records: list[Record] = []
        cursor: str | None = None
        while True:
            page = await create(instance(server.url), http).pull_orders(START, cursor)
            records.extend(page.records)
            if (cursor := page.cursor) is None:
                break
        assert [one.order.channel for one in records if isinstance(one, OrderRecord)] == ["amazon-de"] * 5
        with pytest.raises(BadPayload):
            await create(instance(server.url), http).pull_orders(START, "nonsense")


async def test_one_token_serves_until_it_is_refused() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        await connector.pull_orders(START, None)
        await connector.pull_stock(None, None)
        assert server.tokens == 1
        server.stale = {"Atza|1"}
        await connector.pull_stock(None, None)
        assert server.tokens == 2


async def test_a_refused_login_is_unauthorized_and_says_no_secret() -> None:
    async with Server().running() as server, opener() as http:
        bad = instance(server.url)
        secrets = {**bad.secrets, "refresh_token": bad.secrets["client_secret"]}
        connector = create(type(bad)(bad.name, bad.options, secrets), http)
        with pytest.raises(Unauthorized) as error:
            await connector.pull_orders(START, None)
        assert "simulated" not in error.value.message


async def test_the_wait_after_too_many_requests_follows_from_what_is_granted() -> None:
    async with Server(limit="0.5").running() as server, opener() as http:
        with pytest.raises(RateLimited) as error:
            await create(instance(server.url), http).pull_orders(START, None)
        assert error.value.retry_after == 2.0


async def test_stock_at_amazon_is_what_lies_there_and_what_of_it_cannot_be_sold() -> None:
    async with Server(page=1).running() as server, opener() as http:
        server.store("MUG", 50, reserved=30, promised=10, damaged=2)
        server.store("CUP", 1)
        connector = create(instance(server.url), http)
        first = await connector.pull_stock(None, None)
        second = await connector.pull_stock(None, first.cursor)
        assert second.cursor is None
        (mug,) = [one for one in second.records if isinstance(one, StockRecord)]
        assert (mug.sku, mug.location, mug.on_hand, mug.damaged, mug.set_aside) == ("MUG", "amazon-fba", 82, 2, 20)


async def test_a_quantity_is_offered_or_refused_by_code() -> None:
    async with Server(offered={"MUG": 1, "A/B": 1}).running() as server, opener() as http:
        connector = create(instance(server.url), http)
        told = [("MUG", "east", 7), ("A/B", "east", 8), ("NONE", "east", 1), ("MUG", "moon", 1), ("MUG", "east", 10**6)]
        pushed = [await connector.push_stock([StockTarget(sku, place, n, "k")]) for sku, place, n in told]
        assert [one.refused for (one,) in pushed] == [None, None, "UNKNOWN_SKU", "UNKNOWN_LOCATION", "90220"]
        assert server.offered == {"MUG": 7, "A/B": 8}
        assert await connector.push_stock([StockTarget("MUG", "east", 7, "k")]) == [Pushed()]


async def test_a_notification_points_to_the_order_as_it_is_now() -> None:
    async with Server().running() as server, opener() as http:
        server.add({"MUG": 1})
        connector = create(instance(server.url), http)
        request = delivery(SECRET, NOW)
        told = connector.verify(request)
        assert (told.id, told.topic) == ("msg_1", "ORDER_CHANGE")
        (record,) = await connector.records_of(told, request.body)
        assert isinstance(record, OrderRecord)
        assert record.order == OrderRef("amazon-de", "250-0001001-0000001")
        with pytest.raises(Forged):
            connector.verify(delivery("whsec_b3RoZXI=", NOW))


@pytest.mark.skipif(not VENDOR.exists(), reason=ABSENT)
async def test_amazons_own_examples_of_notifications_are_read() -> None:
    names = ("OrderChange", "ShipmentTrackingMilestoneChanged")
    files = [VENDOR / f"{name}Notification.json" for name in names] + [VENDOR / "ListingsItemMfnQuantityChange.json"]
    examples = [one for file in files for one in json.loads(file.read_text())["examples"]]
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        request = signed(enveloped(*examples), SECRET, NOW, "msg_1")
        told = connector.verify(request)
        assert told.topic == "several"
        records = await connector.records_of(told, request.body)
        scans = [one for one in records if isinstance(one, TrackingRecord)]
        assert [one.raw_code for one in scans][-2:] == ["OUT_FOR_DELIVERY", "DELIVERED/PORCH"]
        assert len(records) == len(scans) == 5


def test_notifications_from_a_file_of_lines(tmp_path: Path) -> None:
    file = tmp_path / "queue.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in (changed("1"), enveloped(changed("2"), changed("3")))))
    told = notifications.read(file.read_bytes())
    assert [payload["OrderChangeNotification"]["AmazonOrderId"].text() for _, payload in told] == ["1", "2", "3"]


@given(st.lists(st.text("0123456789-", min_size=1, max_size=12), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_every_wrapping_holds_the_same_in_the_same_order(idents: list[str], queue: bool, bridge: bool) -> None:
    told = [{"detail": changed(one)} if bridge else changed(one) for one in idents]
    body = json.dumps(enveloped(*told)) if queue else "\n".join(map(json.dumps, told))
    read = notifications.read(body.encode())
    assert [payload["OrderChangeNotification"]["AmazonOrderId"].text() for _, payload in read] == idents


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"Messages": [{"Body": "x"}]}', b'{"NotificationType": "X"}'])
def test_what_is_no_notification_is_refused(body: bytes) -> None:
    with pytest.raises(BadPayload):
        notifications.read(body)


def test_a_day_promised_is_read_in_the_time_of_the_marketplace() -> None:
    told = Server().add({"MUG": 1})
    told["fulfillment"] |= {
        "deliverByWindow": {"earliestDateTime": "2026-11-25T08:00:00Z", "latestDateTime": "2026-11-28T07:59:59Z"},
        "shipByWindow": {"latestDateTime": "2026-11-24T07:59:59Z"},
    }
    here = instance("http://127.0.0.1")
    there = dataclasses.replace(here, options={**here.options, "time_zone": "America/Los_Angeles"})
    (in_utc, in_la) = (mapping.order(Node({"order": told}), one)[0] for one in (here, there))
    assert isinstance(in_utc, OrderRecord)
    assert isinstance(in_la, OrderRecord)
    day = dt.date(2026, 11, 27)
    assert in_la.promise == PromiseRecord(day, "America/Los_Angeles", dt.date(2026, 11, 25), dt.date(2026, 11, 23))
    assert in_utc.promise == PromiseRecord(dt.date(2026, 11, 28), "UTC", dt.date(2026, 11, 25), dt.date(2026, 11, 24))


def test_what_the_model_lets_amazon_leave_out_may_be_left_out() -> None:
    server = Server()
    told = server.add({"MUG": 1})
    del told["fulfillment"]
    told["packages"] = [{"packageReferenceId": "1"}, {"packageReferenceId": "2", "packageItems": [PACKED]}]
    order, work = mapping.order(Node({"order": told}), instance("http://127.0.0.1"))
    assert isinstance(order, OrderRecord)
    assert (order.status, order.source_status, order.accepted_at) == (None, None, None)
    assert isinstance(work, FulfillmentRecord)
    assert (work.fulfillment_id, work.status) == (f"{told['orderId']}/2", FulfillmentStatus.IN_PROGRESS)
    level = {"sellerSku": "MUG", "lastUpdatedTime": "", "inventoryDetails": {"fulfillableQuantity": 0}}
    (count,) = mapping.stock(Node({"payload": {"inventorySummaries": [level]}}), instance("http://127.0.0.1")).whole()
    assert (count.on_hand, count.occurred_at) == (0, mapping.LONG_AGO)


PACKED = {"orderItemId": "250-0000001-0000001-0", "quantity": 1}
