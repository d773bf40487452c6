"""Writers: real mutations through a gateway, repeated until they are answered, and transactions straight in SQL."""

import asyncio
import datetime as dt
import itertools
import random
import uuid
from collections.abc import Coroutine, Sequence
from typing import Any

import aiohttp

import db.pool
from tests.chaos.world import LOST, Gateway, World, token

Work = Coroutine[Any, Any, None]
BEGAN = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
UPSERT = "mutation($items: [OrderUpsert!]!) { upsertOrders(items: $items) { items { outcome } } }"
ADJUST = "mutation($items: [StockAdjustmentInput!]!) { adjustStock(items: $items) { items { outcome } } }"
# A snapshot has 500 orders at most.
MOST_TWINS = 200
# PARKED is a promise as well: it is kept, and applied later.
SETTLED = frozenset({"APPLIED", "DUPLICATE", "PARKED", "STALE", "UNCHANGED"})
CHANGE = """
WITH changed AS (
    UPDATE orders SET version = version + 1, updated_at = now() WHERE number = $1 RETURNING id, version
)
INSERT INTO journal (entity, entity_id, order_id, version, type, source, source_event_id, actor, occurred_at)
SELECT 'ORDER', id, id, version, 'STATUS_CHANGED', 'sql', $2, 'system', now() FROM changed
"""


class Ledger:
    """What writers were promised, and what they took back."""

    def __init__(self) -> None:
        self.acknowledged: set[str] = set()
        self.told: dict[str, str] = {}
        self.rolled_back: set[str] = set()
        self.stock: list[int] = []
        self.twins: list[list[str]] = []
        # Writers end by themselves, so that each knows what became of its last write.
        self.closed = False


def order(number: str, event: str, minute: int, **more: Any) -> dict[str, Any]:
    return {
        "source": "shop",
        "eventId": event,
        "occurredAt": (BEGAN + dt.timedelta(minutes=minute)).isoformat(),
        "order": {"channel": "web", "number": number},
        "placedAt": BEGAN.isoformat(),
        "acceptedAt": BEGAN.isoformat(),
        **more,
    }


async def settle(gateways: Sequence[Gateway], query: str, item: dict[str, Any]) -> str:
    """Sent to one gateway after the other until one answers what became of it; the event's id makes that safe."""
    headers = {"Authorization": f"Bearer {token()}", "Idempotency-Key": f'"{item["eventId"]}"'}
    body = {"query": query, "variables": {"items": [item]}}
    for gateway in itertools.cycle(gateways):
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
                session.post(f"{gateway.url}/graphql", json=body, headers=headers) as reply,
            ):
                answer = await reply.json(content_type=None)
            (result,) = next(iter(answer["data"].values()))["items"]
            if result["outcome"] in SETTLED:
                return str(result["outcome"])
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError, AttributeError):
            pass
        await asyncio.sleep(0.2)
    raise AssertionError("there is no gateway")


async def mutations(world: World, numbers: Sequence[str], ledger: Ledger, dice: random.Random, rest: float) -> None:
    """New totals for orders, each newer than the last; what is applied must be in the log."""
    for minute in itertools.count(10):
        await asyncio.sleep(dice.uniform(0, 2 * rest))
        if ledger.closed:
            return
        event = f"m-{uuid.UUID(int=dice.getrandbits(128))}"
        item = order(dice.choice(numbers), event, minute, total=1000 + minute)
        await _mutation(world, item, ledger)


async def _mutation(world: World, item: dict[str, Any], ledger: Ledger) -> None:
    ledger.told[item["eventId"]] = await settle(world.gateways, UPSERT, item)
    if ledger.told[item["eventId"]] in ("APPLIED", "DUPLICATE", "PARKED"):
        ledger.acknowledged.add(item["eventId"])


async def transactions(world: World, numbers: Sequence[str], ledger: Ledger, dice: random.Random, rest: float) -> None:
    """Straight SQL; the transactions stay open for a random time, and one in five is rolled back."""
    while not ledger.closed:
        try:
            connection = await db.pool.connect(world.dsn, application="chaos writer", statement_seconds=10)
            try:
                while not ledger.closed:
                    await asyncio.sleep(dice.uniform(0, 2 * rest))
                    await _transaction(connection, dice, numbers, ledger)
            finally:
                connection.terminate()
        except LOST:
            await asyncio.sleep(0.3)


async def _transaction(connection: Any, dice: random.Random, numbers: Sequence[str], ledger: Ledger) -> None:
    event = f"s-{uuid.UUID(int=dice.getrandbits(128))}"
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(CHANGE, dice.choice(numbers), event)
    await asyncio.sleep(dice.uniform(0, 0.1))
    if dice.random() < 0.2:
        ledger.rolled_back.add(event)
        await transaction.rollback()
        return
    await transaction.commit()
    ledger.acknowledged.add(event)


async def stock(world: World, ledger: Ledger, dice: random.Random, rest: float) -> None:
    """Differences of one item; each counts once, however often it has to be sent."""
    for minute in itertools.count(10):
        await asyncio.sleep(dice.uniform(0, 2 * rest))
        if ledger.closed:
            return
        delta = dice.choice((-1, 1, 2))
        event = f"a-{uuid.UUID(int=dice.getrandbits(128))}"
        when = (BEGAN + dt.timedelta(minutes=minute)).isoformat()
        item = {"eventId": event, "source": "shop", "occurredAt": when, "sku": "MUG", "location": "HAM", "delta": delta}
        await _adjust(world, item, ledger)


async def _adjust(world: World, item: dict[str, Any], ledger: Ledger) -> None:
    await settle(world.gateways, ADJUST, item)
    ledger.stock.append(item["delta"])
    ledger.acknowledged.add(item["eventId"])


async def twins(world: World, ledger: Ledger, dice: random.Random, rest: float) -> None:
    """The same facts about two orders, one of which hears them in another order and some of them twice."""
    for group in range(MOST_TWINS):
        if ledger.closed:
            return
        numbers = [f"T{group}-{side}" for side in "ab"]
        lines = [{"sku": "MUG", "quantity": 2}]
        facts = [(minute, dice.randrange(1000, 9000)) for minute in range(5)]
        heard = dice.sample(facts, len(facts)) + dice.sample(facts, 2)
        for number, story in zip(numbers, (facts, heard), strict=True):
            for minute, total in story:
                item = order(number, f"{number}-{minute}", minute, total=total, lines=lines)
                await settle(world.gateways, UPSERT, item)
                await asyncio.sleep(dice.uniform(0, 2 * rest))
        ledger.twins.append(numbers)
