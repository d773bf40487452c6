"""ShipBob: commands that may be repeated, pulls that end and go on, webhooks that only point."""

import dataclasses
import datetime as dt

import pytest

from connectors.base import FulfillmentAnswer, WebhookRequest
from connectors.errors import BadPayload
from connectors.shipbob import create
from domain.records import FulfillmentRecord, Record, StockRecord
from domain.status import FulfillmentStatus
from tests.simulators.base import opener
from tests.simulators.shipbob import REQUEST, SECRET, START, Server, delivery, instance, signed

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)


async def test_a_request_asked_twice_is_done_once() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        first = await connector.request_fulfillment(REQUEST)
        assert first == FulfillmentAnswer("1001", FulfillmentStatus.IN_PROGRESS)
        assert await connector.request_fulfillment(REQUEST) == first
        assert len(server.orders) == 1
        ((record,),) = await connector.look_up_fulfillments(["1001"])
        assert isinstance(record, FulfillmentRecord)
        assert (record.order, record.location, record.lines[0].quantity) == (REQUEST.order, "cicero", 2)


async def test_two_lines_of_one_sku_are_one_product_and_come_back_as_one() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        (line,) = REQUEST.lines
        twice = dataclasses.replace(REQUEST, lines=(line, dataclasses.replace(line, line="2", quantity=3)))
        answer = await connector.request_fulfillment(twice)
        assert answer.fulfillment_id is not None
        server.ship(int(answer.fulfillment_id), "9400")
        ((record, *_),) = await connector.look_up_fulfillments([answer.fulfillment_id])
        assert isinstance(record, FulfillmentRecord)
        assert [(one.line, one.quantity, one.shipped) for one in record.lines] == [(line.sku, 5, 5)]
        assert [(one.line, one.quantity) for one in record.shipments[0].lines or ()] == [(line.sku, 5)]


async def test_a_request_that_shipbob_refuses_says_the_field_and_nothing_of_the_address() -> None:
    async with Server().running() as server, opener() as http:
        bad = dataclasses.replace(REQUEST, recipient={**REQUEST.recipient, "country": ""})
        answer = await create(instance(server.url), http).request_fulfillment(bad)
        assert answer == FulfillmentAnswer(None, FulfillmentStatus.REJECTED, "REFUSED: Recipient.Address.Country")
        assert server.orders == {}


async def test_what_has_left_cannot_be_cancelled_and_what_has_not_can_twice() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        cancelled = FulfillmentAnswer("1001", FulfillmentStatus.CANCELLED)
        await connector.request_fulfillment(REQUEST)
        assert await connector.cancel_fulfillment("1001", "k") == cancelled
        assert await connector.cancel_fulfillment("1001", "k") == cancelled
        other = server.add("r2", {"MUG": 1})
        server.ship(other["id"], "9400")
        answer = await connector.cancel_fulfillment(str(other["id"]), "k")
        assert (answer.status, answer.refused) == (FulfillmentStatus.COMPLETED, "Shipment is already shipped")
        assert (await connector.cancel_fulfillment("99", "k")).refused == "NOT_FOUND"
        with pytest.raises(BadPayload, match="number"):
            await connector.cancel_fulfillment("../x", "k")


async def pulled(server: Server, since: dt.datetime | None) -> list[Record]:
    records: list[Record] = []
    async with opener() as http:
        cursor: str | None = None
        while True:
            # A new connector each time: the cursor is all that goes on.
            page = await create(instance(server.url), http).pull_orders(since, cursor)
            records.extend(page.records)
            cursor = page.cursor
            if cursor is None:
                return records


async def test_a_pull_ends_and_goes_on_by_its_cursor_alone() -> None:
    async with Server().running() as server:
        for place in range(501):
            server.add(f"r{place}", {"MUG": 1})
        records = await pulled(server, None)
        assert len(records) == 501
        assert [seen.query["Page"] for seen in server.seen] == ["1", "2", "3"]
        assert await pulled(server, None) == records


async def test_only_what_changed_since_is_pulled() -> None:
    async with Server().running() as server:
        first = server.add("r1", {"MUG": 1})
        server.add("r2", {"MUG": 1})
        since = server.now + dt.timedelta(milliseconds=500)
        server.ship(first["id"], "9400")
        server.deliver(first["id"])
        records = await pulled(server, since)
        assert [type(record).__name__ for record in records] == ["FulfillmentRecord", "TrackingRecord"]


async def test_stock_is_all_pages_of_all_buildings() -> None:
    async with Server(page=2).running() as server, opener() as http:
        server.stock = {f"SKU-{place}": {156: place, 8: 1} for place in range(5)}
        connector = create(instance(server.url), http)
        records: list[Record] = []
        cursor = None
        while True:
            page = await connector.pull_stock(START, cursor)
            records.extend(page.records)
            if (cursor := page.cursor) is None:
                break
        counts = {(one.sku, one.location): one.on_hand for one in records if isinstance(one, StockRecord)}
        assert counts == {(f"SKU-{p}", place): n for p in range(5) for place, n in (("cicero", p), ("ottawa", 1))}
        assert len(server.seen) == 3


async def test_a_webhook_points_to_the_order_as_it_is_now() -> None:
    async with Server().running() as server, opener() as http:
        connector = create(instance(server.url), http)
        server.add("r1", {"MUG": 1})
        server.ship(1001, "9400")
        request = delivery(SECRET, NOW)
        told = connector.verify(request)
        assert (told.id, told.topic, told.sent_at) == ("msg_1", "order.shipped", NOW)
        (record,) = await connector.records_of(told, request.body)
        assert isinstance(record, FulfillmentRecord)
        assert (record.status, record.shipments[0].tracking_number) == (FulfillmentStatus.COMPLETED, "9400")
        other = dataclasses.replace(told, topic="billing.charge.created")
        assert await connector.records_of(other, request.body) == ()


async def test_a_signed_webhook_that_is_no_json_is_bad() -> None:
    async with opener() as http:
        headers, raw = signed("order.shipped", {}, SECRET, NOW, "m")
        connector = create(instance("http://unused.example"), http)
        told = connector.verify(WebhookRequest(headers, raw, NOW))
        with pytest.raises(BadPayload, match="id"):
            await connector.records_of(told, raw)
