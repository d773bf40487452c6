"""A shop at Shopify: pulls by time of change, look-ups in one round, commands that may be repeated."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.base import (
    Delivery,
    FulfillmentAnswer,
    FulfillmentRequest,
    Instance,
    Page,
    Pushed,
    StockPlace,
    StockTarget,
    WebhookRequest,
)
from connectors.errors import NotYet, RateLimited
from connectors.http import Http, each
from connectors.payload import Node, parsed
from connectors.shopify import bulk, documents, mapping, requests, webhooks
from connectors.shopify.api import Api
from domain.records import OrderRef, Record, StockRecord

ITEMS: Final = 50
BATCH: Final = 10


class Shopify:
    def __init__(self, instance: Instance, http: Http, files: Http) -> None:
        self.instance = instance
        self._api = Api(instance, http)
        self._files = files
        self._page = int(instance.option("page", "5"))

    async def pull_orders(self, since: dt.datetime | None, cursor: str | None) -> Page:
        if since is None and cursor is None:
            return Page((), str(await bulk.start(self._api)))
        if cursor is not None and cursor.startswith("bulk|"):
            return await self._backfill(bulk.place_of(cursor))
        found = await self._changed(documents.ORDERS, since, cursor)
        return Page.of(mapping.orders(found, self.instance), _following(found), len(found["nodes"].items()))

    async def _backfill(self, place: bulk.Place) -> Page:
        """Raises NotYet while Shopify writes the file: the cursor stays good until it has."""
        file = await bulk.file_of(self._api, place)
        if file is None:
            raise NotYet("Shopify still writes the file of the bulk operation.")
        if file.url is None:
            return Page((), total=0)
        orders, following = await bulk.piece(self._files, file.url, place)
        read = mapping.read_orders(orders, self.instance)
        return Page.of(read, str(following) if following else None, len(orders), file.orders)

    async def pull_returns(self, since: dt.datetime | None, cursor: str | None) -> Page:
        """Of the orders that changed: a return changes its order."""
        first = since is None and cursor is None
        total = await self._count("ordersCount", documents.ORDERS_COUNT) if first else None
        found = await self._changed(documents.RETURNS, since, cursor)
        return Page.of(mapping.returns(found, self.instance), _following(found), len(found["nodes"].items()), total)

    async def _count(self, name: str, document: str) -> int | None:
        return (await self._api.ask(document, {}))[name]["count"].maybe_integer()

    async def _changed(self, document: str, since: dt.datetime | None, cursor: str | None) -> Node:
        variables = {"first": self._page, "after": cursor, "query": _since(since)}
        return (await self._api.whole(await self._api.ask(document, variables)))["orders"]

    async def look_up_orders(self, orders: Sequence[OrderRef]) -> Sequence[Sequence[Record]]:
        found: dict[OrderRef, Sequence[Record]] = {}
        numbers = sorted({order.number for order in orders})
        for start in range(0, len(numbers), BATCH):
            wanted = " OR ".join(f"name:{quoted(number)}" for number in numbers[start : start + BATCH])
            # Two orders may have one number only where a shop changed its format: twice the batch is room for them.
            variables = {"first": 2 * BATCH, "after": None, "query": wanted}
            data = await self._api.whole(await self._api.ask(documents.ORDERS, variables))
            for order in data["orders"]["nodes"].items():
                found[mapping.order_ref(order, self.instance)] = mapping.order_records(order, self.instance)
        return [found.get(order, ()) for order in orders]

    async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
        """Shopify cannot be asked which levels changed: always all of them."""
        first = since is None and cursor is None
        total = await self._count("productVariantsCount", documents.ITEMS_COUNT) if first else None
        variables = {"first": self._page, "after": cursor, "query": None}
        found = (await self._api.whole(await self._api.ask(documents.STOCK, variables)))["inventoryItems"]
        return Page.of(mapping.stock(found, self.instance), _following(found), len(found["nodes"].items()), total)

    async def look_up_stock(self, places: Sequence[StockPlace]) -> Sequence[StockRecord | None]:
        found: dict[StockPlace, StockRecord] = {}
        skus = sorted({place.sku for place in places})
        for start in range(0, len(skus), BATCH):
            variables = {"first": ITEMS, "after": None, "query": _skus(skus[start : start + BATCH])}
            items = (await self._api.whole(await self._api.ask(documents.STOCK, variables)))["inventoryItems"]
            for record in mapping.stock(items, self.instance).whole():
                found.setdefault(StockPlace(record.sku, record.location), record)
        return [found.get(place) for place in places]

    async def push_stock(self, targets: Sequence[StockTarget]) -> Sequence[Pushed]:
        """One mutation per target, because the key of `@idempotent` belongs to the whole mutation."""
        items: dict[str, str] = {}
        skus = sorted({target.sku for target in targets})
        for start in range(0, len(skus), BATCH):
            variables = {"first": ITEMS, "query": _skus(skus[start : start + BATCH])}
            for item in (await self._api.ask(documents.ITEMS, variables))["inventoryItems"]["nodes"].items():
                items.setdefault(item["sku"].maybe_text() or "", item["id"].text())
        return await each((self._push(target, items.get(target.sku)) for target in targets), at_once=4)

    async def _push(self, target: StockTarget, item: str | None) -> Pushed:
        if item is None:
            return Pushed("UNKNOWN_SKU")
        variables = {"key": target.key, "input": self._quantity(target, item)}
        told = (await self._api.ask(documents.PUSH, variables))["inventorySetQuantities"]
        code = next((error["code"].maybe_text() or "REFUSED" for error in told["userErrors"]), None)
        if code == "IDEMPOTENCY_CONCURRENT_REQUEST":
            raise RateLimited("Shopify is still at work on the same command.", 1.0)
        return Pushed(code)

    def _quantity(self, target: StockTarget, item: str) -> Mapping[str, Any]:
        """`changeFromQuantity` null: set it, whatever it is."""
        place = f"gid://shopify/Location/{self.instance.vendor_location(target.location)}"
        quantity = {
            "inventoryItemId": item,
            "locationId": place,
            "quantity": target.available,
            "changeFromQuantity": None,
        }
        return {"name": "available", "reason": "correction", "quantities": [quantity]}

    async def request_fulfillment(self, request: FulfillmentRequest) -> FulfillmentAnswer:
        return await requests.request(self._api, request)

    async def cancel_fulfillment(self, fulfillment_id: str, key: str) -> FulfillmentAnswer:
        return await requests.cancel(self._api, fulfillment_id)

    async def look_up_fulfillments(self, fulfillment_ids: Sequence[str]) -> Sequence[Sequence[Record]]:
        return await each((self._fulfillment(ident) for ident in fulfillment_ids), at_once=4)

    async def _fulfillment(self, ident: str) -> Sequence[Record]:
        order = await self._order_of_work(webhooks.gid("FulfillmentOrder", Node(ident, "id")))
        if order is None:
            return ()
        records = await self._order(order)
        return [one for one in records if getattr(one, "fulfillment_id", None) == ident]

    async def _order_of_work(self, work: str) -> str | None:
        told = (await self._api.ask(documents.ORDER_OF_WORK, {"id": work}))["fulfillmentOrder"]
        return told["orderId"].maybe_text()

    async def _order(self, ident: str) -> Sequence[Record]:
        data = await self._api.whole(await self._api.ask(documents.ORDERS_BY_ID, {"ids": [ident]}))
        return [one for order in data["nodes"].items() if order for one in mapping.order_records(order, self.instance)]

    def verify(self, request: WebhookRequest) -> Delivery:
        return webhooks.verified(request, self.instance)

    async def records_of(self, delivery: Delivery, body: bytes) -> Sequence[Record]:
        told, topic = parsed(body, "webhook"), delivery.topic
        if topic == "inventory_levels/update":
            return await self._level(told)
        if topic.startswith(("fulfillment_orders/", "fulfillment_holds/")):
            work = webhooks.work_in(topic, told)
            order = await self._order_of_work(work) if work else None
            return await self._order(order) if order else ()
        order = webhooks.order_in(topic, told)
        if order is None:
            return ()
        if not topic.startswith("returns/"):
            return await self._order(order)
        data = await self._api.whole(await self._api.ask(documents.RETURNS_OF, {"ids": [order]}))
        nodes = [one.value for one in data["nodes"].items() if one]
        return mapping.returns(Node({"nodes": nodes}), self.instance).whole()

    async def _level(self, told: Node) -> Sequence[Record]:
        item, place = told["inventory_item_id"], told["location_id"]
        variables = {"item": webhooks.gid("InventoryItem", item), "location": webhooks.gid("Location", place)}
        found = (await self._api.ask(documents.STOCK_OF, variables))["inventoryItem"]
        level, sku = found["inventoryLevel"], found["sku"].maybe_text()
        return [mapping.level_record(level, sku, self.instance)] if level and sku else ()


def _following(connection: Node) -> str | None:
    info = connection["pageInfo"]
    return info["endCursor"].text() if info["hasNextPage"].flag() else None


def _since(since: dt.datetime | None) -> str | None:
    return None if since is None else f"updated_at:>='{since.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}'"


def quoted(text: str) -> str:
    """For Shopify's search, in which a quote or a backslash would end the text."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _skus(skus: Sequence[str]) -> str:
    return " OR ".join(f"sku:{quoted(sku)}" for sku in skus)
