"""The Vendure connector against a real Vendure: orders placed, shipped, delivered and cancelled in the shop."""

import asyncio
import datetime as dt
from collections.abc import Sequence

import aiohttp
import pytest
from aiohttp import web

from connectors.base import Delivery, StockPlace, StockTarget, WebhookRequest
from connectors.errors import Unauthorized
from connectors.http import Http
from connectors.vendure import create
from connectors.vendure.client import Vendure
from domain.records import FulfillmentRecord, OrderRecord, OrderRef, Record, StockRecord, TrackingRecord
from domain.status import FulfillmentStatus, OrderStatus, ShipmentStatus
from tests.peers import vendure

pytestmark = [pytest.mark.interop, pytest.mark.skipif(bool(vendure.WHY_NOT), reason=vendure.WHY_NOT)]


async def test_a_real_shop_is_read_and_written(empty_database: str) -> None:
    """One test, because the shop takes long to start: its steps follow each other as they would in a shop."""
    async with (
        listening() as (address, received),
        vendure.running(empty_database, webhook=address) as shop,
        aiohttp.ClientSession() as session,
    ):
        connector = create(shop.instance(), lambda base: Http(session, base))
        await shop.add_variant("MUG-BLUE", 1190, 10)
        await shop.add_variant("PLATE", 2380, 5)
        assert await pulled(connector, None) == []

        code = await shop.place_order({"MUG-BLUE": 3, "PLATE": 1})
        order = await an_order_is_read(connector, code)
        await its_stock_is_read_and_pushed(connector)
        await it_is_shipped_in_two_parcels(shop, connector, order)
        await only_changes_are_pulled(shop, connector)
        await webhooks_are_genuine_and_point_to_the_order(connector, received, code)

        wrong = shop.instance()
        shop.api_key = "nonsense"
        with pytest.raises(Unauthorized):
            await create(shop.instance(), lambda base: Http(session, base)).pull_orders(None, None)
        assert wrong.secret("api_key") != "nonsense"


async def an_order_is_read(connector: Vendure, code: str) -> OrderRecord:
    (order,) = await pulled(connector, None)
    assert isinstance(order, OrderRecord)
    assert (order.order, order.status, order.currency) == (OrderRef("web", code), OrderStatus.CONFIRMED, "USD")
    assert [(line.sku, line.quantity, line.cancelled) for line in order.lines or ()] == [
        ("MUG-BLUE", 3, 0),
        ("PLATE", 1, 0),
    ]
    assert order.total == sum(line.total or 0 for line in order.lines or ()) + (order.shipping_total or 0)
    assert order.payment is not None
    assert (order.payment.captured, order.payment.refunded) == (order.total, 0)
    assert order.customer is not None
    assert (order.customer.name, order.customer.email) == ("Ada Example", "ada@shop.example")
    assert order.shipping_address is not None
    assert (order.shipping_address.country, order.shipping_address.postal_code) == ("DE", "10117")
    looked_up = await connector.look_up_orders([OrderRef("web", "no such"), order.order, OrderRef("pos", code)])
    assert looked_up == [(), [order], ()]
    return order


async def its_stock_is_read_and_pushed(connector: Vendure) -> None:
    page = await connector.pull_stock(None, None)
    assert page.cursor is None
    counts = {(one.sku, one.location): one.on_hand for one in page.records if isinstance(one, StockRecord)}
    assert counts == {("MUG-BLUE", "shop"): 10, ("PLATE", "shop"): 5}
    targets = [StockTarget("MUG-BLUE", "shop", 20, "k1"), StockTarget("GHOST", "shop", 1, "k2")]
    for _ in range(2):
        pushed = await connector.push_stock(targets)
        assert [one.refused for one in pushed] == [None, "UNKNOWN_SKU"]
        # Three are allocated to the order, so twenty available are twenty-three on hand.
        place, ghost = await connector.look_up_stock([StockPlace("MUG-BLUE", "shop"), StockPlace("GHOST", "shop")])
        assert place is not None
        assert (place.on_hand, ghost) == (23, None)


async def it_is_shipped_in_two_parcels(shop: vendure.Shop, connector: Vendure, order: OrderRecord) -> None:
    code = order.order.number
    mugs = next(line for line in order.lines or () if line.sku == "MUG-BLUE")
    first = await shop.fulfill(code, "JD01", quantity=2)
    (now, work) = await pulled(connector, order.occurred_at)
    assert isinstance(now, OrderRecord)
    assert isinstance(work, FulfillmentRecord)
    assert now.status is OrderStatus.PARTIALLY_SHIPPED
    assert (work.fulfillment_id, work.status) == (first, FulfillmentStatus.COMPLETED)
    assert [(line.line, line.quantity, line.shipped) for line in work.lines] == [(mugs.line_id, 2, 2)]
    assert [(one.carrier, one.tracking_number) for one in work.shipments] == [("dhl", "JD01")]
    await shop.move(first, "Delivered")
    told = await pulled(connector, order.occurred_at)
    (scan,) = [one for one in told if isinstance(one, TrackingRecord)]
    assert (scan.tracking_number, scan.status) == ("JD01", ShipmentStatus.DELIVERED)
    # What is left of the mugs is cancelled: placed stays three, one of them cancelled.
    await shop.cancel(code, [{"orderLineId": mugs.line_id, "quantity": 1}])
    (now, *_) = await pulled(connector, order.occurred_at)
    assert isinstance(now, OrderRecord)
    assert [(line.quantity, line.cancelled) for line in now.lines or ()] == [(3, 1), (1, 0)]


async def only_changes_are_pulled(shop: vendure.Shop, connector: Vendure) -> None:
    since = dt.datetime.now(dt.UTC)
    codes = {await shop.place_order({"PLATE": 1}) for _ in range(2)}
    await shop.cancel(min(codes))
    told = {one.order.number: one for one in await pulled(connector, since) if isinstance(one, OrderRecord)}
    assert set(told) == codes
    assert told[min(codes)].status is OrderStatus.CANCELLED
    assert told[max(codes)].status is OrderStatus.CONFIRMED


async def webhooks_are_genuine_and_point_to_the_order(
    connector: Vendure, received: Sequence[WebhookRequest], code: str
) -> None:
    async with asyncio.timeout(20):
        while len(received) < 4:  # noqa: ASYNC110  # a test may poll, the shop need not tell
            await asyncio.sleep(0.1)
    told: list[Delivery] = [connector.verify(request) for request in received]
    assert {one.topic for one in told} == {"order"}
    assert len({one.id for one in told}) == len(told)
    records = await connector.records_of(told[0], received[0].body)
    assert isinstance(records[0], OrderRecord)
    assert records[0].order.number == code


async def pulled(connector: Vendure, since: dt.datetime | None) -> list[Record]:
    records: list[Record] = []
    cursor = None
    while True:
        page = await connector.pull_orders(since, cursor)
        records.extend(page.records)
        if (cursor := page.cursor) is None:
            return records


class listening:  # noqa: N801  # used as `async with listening()`
    """An address on loopback, and the deliveries that came there."""

    def __init__(self) -> None:
        self.received: list[WebhookRequest] = []

    async def __aenter__(self) -> tuple[str, list[WebhookRequest]]:
        app = web.Application()
        app.add_routes([web.post("/", self.receive)])
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}/", self.received

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()

    async def receive(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(WebhookRequest(headers, await request.read(), dt.datetime.now(dt.UTC)))
        return web.Response()
