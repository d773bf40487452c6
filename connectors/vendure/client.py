"""Vendure's Admin API: orders by the time of their last change, variants with what lies where."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.base import Delivery, Instance, Page, Pushed, StockPlace, StockTarget, WebhookRequest
from connectors.errors import BadPayload, ConnectorError, Unauthorized
from connectors.http import Http
from connectors.payload import Node, parsed
from connectors.signatures import standard_webhook
from connectors.vendure import documents, mapping
from domain.records import OrderRecord, OrderRef, Record, StockRecord

TAKE: Final = 100


class Vendure:
    def __init__(self, instance: Instance, http: Http) -> None:
        self.instance = instance
        self._http = http

    async def pull_orders(self, since: dt.datetime | None, cursor: str | None) -> Page:
        """The cursor is where in time to go on and how many orders of that very millisecond to pass over."""
        after, skip = _opened(cursor) if cursor else (since, 0)
        changed = {} if after is None else {"updatedAt": {"after": _before(after)}}
        found = await self._orders({"active": {"eq": False}, **changed}, skip)
        orders, read = found["items"].items(), mapping.orders(found["items"], self.instance)
        following = _following(orders, after, skip) if len(orders) == TAKE else None
        # A page begins with the last order of the one before it.
        again = 1 if cursor and not skip else 0
        return Page.of(read, following, max(0, len(orders) - again), None if cursor else found["totalItems"].integer())

    async def look_up_orders(self, orders: Sequence[OrderRef]) -> Sequence[Sequence[Record] | ConnectorError]:
        ours = self.instance.option("channel", "web")
        codes = sorted({order.number for order in orders if order.channel == ours})
        found: dict[str, Sequence[Record] | ConnectorError] = {}
        for start in range(0, len(codes), TAKE):
            wanted = {"active": {"eq": False}, "code": {"in": codes[start : start + TAKE]}}
            for order in (await self._orders(wanted, 0))["items"].items():
                one = mapping.orders(Node([order.value]), self.instance)
                found[order["code"].text()] = one.unread[0].error if one.unread else one.records
        return [found.get(order.number, ()) if order.channel == ours else () for order in orders]

    async def _orders(self, wanted: Mapping[str, Any], skip: int) -> Node:
        data = await self._ask(documents.ORDERS, {"take": TAKE, "skip": skip, "filter": wanted})
        return data["orders"]

    async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
        """Vendure cannot be asked which levels changed: always all of them, by the number of the variant."""
        skip = int(cursor or "0")
        found = await self._variants({}, skip)
        variants, count = found["items"], len(found["items"].items())
        following = str(skip + TAKE) if count == TAKE else None
        return Page.of(mapping.stock(variants, self.instance), following, count, found["totalItems"].integer())

    async def look_up_stock(self, places: Sequence[StockPlace]) -> Sequence[StockRecord | None]:
        found = {
            StockPlace(level.sku, level.location): level
            for variants in await self._by_sku([place.sku for place in places])
            for level in mapping.stock(variants, self.instance).whole()
        }
        return [found.get(place) for place in places]

    async def push_stock(self, targets: Sequence[StockTarget]) -> Sequence[Pushed]:
        """Sets on hand to what shall be available and what Vendure has allocated: sent twice, it is the same."""
        known = {
            variant["sku"].text(): variant
            for variants in await self._by_sku([target.sku for target in targets])
            for variant in variants.items()
        }
        wanted = [self._level(known[target.sku], target) for target in targets if target.sku in known]
        if wanted:
            await self._ask(documents.PUSH, {"input": wanted})
        return [Pushed(None if target.sku in known else "UNKNOWN_SKU") for target in targets]

    def _level(self, variant: Node, target: StockTarget) -> Mapping[str, Any]:
        place = self.instance.vendor_location(target.location)
        levels = (level for level in variant["stockLevels"] if level["stockLocationId"].id() == place)
        allocated = sum(level["stockAllocated"].integer() for level in levels)
        level = {"stockLocationId": place, "stockOnHand": target.available + allocated}
        return {"id": variant["id"].id(), "stockLevels": [level]}

    async def _by_sku(self, skus: Sequence[str]) -> Sequence[Node]:
        names = sorted(set(skus))
        return [
            (await self._variants({"sku": {"in": names[start : start + TAKE]}}, 0))["items"]
            for start in range(0, len(names), TAKE)
        ]

    async def _variants(self, wanted: Mapping[str, Any], skip: int) -> Node:
        data = await self._ask(documents.STOCK, {"take": TAKE, "skip": skip, "filter": wanted})
        return data["productVariants"]

    def verify(self, request: WebhookRequest) -> Delivery:
        ident, sent_at = standard_webhook(request, self.instance.secrets.get("webhook_secret", ()))
        return Delivery(ident, parsed(request.body, "webhook")["topic"].text(), sent_at)

    async def records_of(self, delivery: Delivery, body: bytes) -> Sequence[Record]:
        """The plugin only points to an order, which is read as it is now, and with it the stock of what it took."""
        if delivery.topic != "order":
            return ()
        ref = OrderRef(self.instance.option("channel", "web"), parsed(body, "webhook")["code"].text())
        found = (await self.look_up_orders([ref]))[0]
        if isinstance(found, ConnectorError):
            raise found
        skus = [line.sku for one in found if isinstance(one, OrderRecord) for line in one.lines or () if line.sku]
        levels = [mapping.stock(variants, self.instance).records for variants in await self._by_sku(skus)]
        return [*found, *(level for some in levels for level in some)]

    async def _ask(self, document: str, variables: Mapping[str, Any]) -> Node:
        token = self.instance.option("channel_token", "")
        headers = {
            "vendure-api-key": self.instance.secret("api_key"),
            **({"vendure-token": token} if token else {}),
        }
        body = {"query": document, "variables": variables}
        answer = (await self._http.request("POST", "", headers=headers, json=body)).json()
        for error in answer["errors"]:
            code = error["extensions"]["code"].maybe_text() or "no code"
            if code in ("FORBIDDEN", "UNAUTHORIZED"):
                raise Unauthorized(f"{self.instance.name} does not let our API key do that. Renew it, or its rights.")
            raise BadPayload(f"{self.instance.name} does not understand our request ({code[:40]}).", "errors")
        return answer["data"]


def _before(at: dt.datetime) -> str:
    """Vendure's `after` leaves out the instant itself, and its database counts finer than what it tells."""
    return (at - dt.timedelta(milliseconds=1)).astimezone(dt.UTC).isoformat()


def _opened(cursor: str) -> tuple[dt.datetime, int]:
    at, _, skip = cursor.partition("|")
    return dt.datetime.fromisoformat(at), int(skip)


def _following(orders: Sequence[Node], after: dt.datetime | None, skip: int) -> str:
    """Goes on at the last change seen; where a whole page was of that one millisecond, behind the page."""
    last = orders[-1]["updatedAt"].instant()
    return f"{last.isoformat()}|{skip + len(orders) if last == after else 0}"
