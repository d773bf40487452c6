"""Life in the demo: parcels move and orders come in, told to the gateway over HTTP as a connector would."""

import asyncio
import datetime as dt
import itertools
import random
import uuid
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    import aiohttp

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 3.0
MOVING = """{ orders(first: 50, filter: {status: [SHIPPED, PARTIALLY_SHIPPED, PARTIALLY_DELIVERED]}) { nodes {
  number shipments { trackingNumber status carrier { code } } } } }"""
SCAN = """mutation Scan($items: [TrackingEventInput!]!) {
  recordTrackingEvents(items: $items) { refused items { error { message } } } }"""
PLACE = """mutation Place($items: [OrderUpsert!]!) {
  upsertOrders(items: $items) { refused items { error { message } } } }"""
# Where a parcel goes next, and what its carrier says of it.
NEXT = {
    "LABEL_CREATED": ("PICKED_UP", "Picked up"),
    "PICKED_UP": ("IN_TRANSIT", "Departed facility"),
    "IN_TRANSIT": ("OUT_FOR_DELIVERY", "Out for delivery"),
    "DELAYED": ("IN_TRANSIT", "Arrived at facility"),
    "DELIVERY_ATTEMPTED": ("OUT_FOR_DELIVERY", "Out for delivery again"),
    "OUT_FOR_DELIVERY": ("DELIVERED", "Delivered"),
}
# These have a story of their own, which the README tells.
LEFT_ALONE = frozenset({"1001", "1002", "1003"})
SKUS = ("TENT-2P", "BOTTLE-1L", "LAMP-400", "ROPE-60", "BOOT-42")


class Traffic:
    """Changes something every few seconds until cancelled; what the gateway refuses is logged, not repeated."""

    def __init__(self, url: str, token: str) -> None:
        self.address = f"{url}/graphql"
        self.headers = {"Authorization": f"Bearer {token}"}
        self.dice = random.Random()  # noqa: S311  # picks what happens in a demo

    async def run(self) -> None:
        import aiohttp

        async with aiohttp.ClientSession(headers=self.headers, timeout=aiohttp.ClientTimeout(total=5)) as session:
            for turn in itertools.count():
                await asyncio.sleep(PAUSE_SECONDS)
                try:
                    await (self.place(session) if turn % 10 == 9 else self.scan(session))
                except (aiohttp.ClientError, TimeoutError, KeyError, TypeError) as error:
                    log.warning("demo traffic pauses", error=type(error).__name__)

    async def ask(self, session: "aiohttp.ClientSession", query: str, variables: dict[str, Any]) -> dict[str, Any]:
        async with session.post(self.address, json={"query": query, "variables": variables}) as response:
            answer: dict[str, Any] = await response.json()
        refused = [item["error"] for field in (answer.get("data") or {}).values() for item in field.get("items", ())]
        for error in filter(None, [*(answer.get("errors") or ()), *refused]):
            log.warning("demo traffic was refused", reason=error["message"])
        return answer["data"]  # type: ignore[no-any-return]  # the shape is our own document's

    async def scan(self, session: "aiohttp.ClientSession") -> None:
        """One parcel takes its next step."""
        found = await self.ask(session, MOVING, {})
        parcels = [
            parcel
            for order in found["orders"]["nodes"]
            if order["number"] not in LEFT_ALONE
            for parcel in order["shipments"]
            if parcel["status"] in NEXT and parcel["trackingNumber"] and parcel["carrier"]
        ]
        if not parcels:
            await self.place(session)
            return
        parcel = self.dice.choice(parcels)
        status, words = NEXT[parcel["status"]]
        event = {
            "eventId": uuid.uuid4().hex,
            "occurredAt": dt.datetime.now(dt.UTC).isoformat(),
            "carrier": parcel["carrier"]["code"],
            "trackingNumber": parcel["trackingNumber"],
            "status": status,
            "rawText": words,
        }
        await self.ask(session, SCAN, {"items": [event]})

    async def place(self, session: "aiohttp.ClientSession") -> None:
        """A new order on the web channel."""
        now = dt.datetime.now(dt.UTC)
        order = {
            "eventId": uuid.uuid4().hex,
            "occurredAt": now.isoformat(),
            "order": {"channel": "web", "number": f"L{now:%H%M%S}"},
            "placedAt": now.isoformat(),
            "acceptedAt": now.isoformat(),
            "currency": "EUR",
            "total": 4990,
            "customer": {"id": "C-1001", "name": "Demo Customer", "email": "demo@example.com"},
            "lines": [{"sku": self.dice.choice(SKUS), "quantity": 1, "unitPrice": 4990, "total": 4990}],
        }
        await self.ask(session, PLACE, {"items": [order]})
