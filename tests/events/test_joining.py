"""Whoever joins while others write has every version: those of a snapshot or a query, and all that follow."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from db.pool import Pool
from db.reader import PoolReader
from domain.actor import Role
from resolvers.answer import Answer, GraphQLRequest
from tests.events.test_subscriptions import SEED, Received, Shop, role, shop

__all__ = ["shop"]
NUMBERS = ("N1", "N2", "N3", "N4")
CHANGES, WRITERS, FOLLOWERS = 40, 3, 8


class Distant(PoolReader):
    """What it read is old when it arrives: much was written and told meanwhile."""

    async def rows(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        found = await super().rows(sql, parameters)
        await asyncio.sleep(0.02)
        return list(found)


class Follower:
    """What one client knows: versions by order, first those it found, then those it was told."""

    def __init__(self, found: dict[str, int], sink: Received) -> None:
        self.found = found
        self.sink = sink

    def versions(self, number: str) -> list[int]:
        """Without what it knew already: to be told twice is allowed."""
        known = [self.found[number]] if number in self.found else []
        for told, version in self.sink.told:
            if told == number and (not known or version > known[-1]):
                known.append(version)
        return known

    async def reached(self, versions: dict[str, int]) -> None:
        async with asyncio.timeout(10):
            while any(self.versions(number)[-1:] != [version] for number, version in versions.items()):
                self.sink.news.clear()
                await self.sink.news.wait()


async def by_snapshot(shop: Shop) -> Follower:
    return Follower({}, await shop.follow("(snapshot: true)"))


async def by_query(shop: Shop) -> Follower:
    request = GraphQLRequest("{ orders { nodes { number version } } }")
    body = json.loads((await shop.streams.engine.answer(request, role(Role.ADMIN))).body)
    await asyncio.sleep(random.uniform(0, 0.05))
    found = {order["number"]: order["version"] for order in body["data"]["orders"]["nodes"]}
    return Follower(found, await shop.follow(f'(after: "{body["extensions"]["cursor"]}")'))


@pytest.fixture
async def relayed(shop: Shop) -> AsyncIterator[Shop]:
    async def relay() -> None:
        while True:
            await shop.relay()
            await asyncio.sleep(0.001)

    shop.streams.reader = Distant(shop.pool)
    relaying = asyncio.create_task(relay())
    yield shop
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)


@pytest.mark.parametrize("join", [by_snapshot, by_query])
async def test_whoever_joins_while_others_write_misses_nothing(
    relayed: Shop, join: Callable[[Shop], Awaitable[Follower]]
) -> None:
    async def write() -> None:
        for number in random.choices(NUMBERS, k=CHANGES):
            await relayed.change(number)

    async def come() -> Follower:
        await asyncio.sleep(random.uniform(0, 0.1))
        return await join(relayed)

    writers = asyncio.gather(*(write() for _ in range(WRITERS)))
    followers = await asyncio.gather(*(come() for _ in range(FOLLOWERS)))
    await writers
    rows = await relayed.pool.fetch("SELECT number, version FROM orders")
    now = {row["number"]: row["version"] for row in rows}
    assert sum(now.values()) == CHANGES * WRITERS + len(NUMBERS)
    for follower in followers:
        await follower.reached(now)
        for number, version in now.items():
            known = follower.versions(number)
            assert known == list(range(known[0], version + 1)), number


async def test_a_snapshot_that_is_too_large_is_refused_and_nobody_joins(shop: Shop, pool: Pool) -> None:
    more = "SELECT id, 'M' || n, 'PENDING', 'EUR', now() FROM channels, generate_series(1, 497) n"
    await pool.execute(f"INSERT INTO orders (channel_id, number, status, currency, placed_at) {more}")
    assert "generate_series(1, 4)" in SEED
    sink = Received()
    request = GraphQLRequest("subscription { orderUpdates(snapshot: true) { ... on OrderChanged { type } } }")
    answer = await shop.streams.start(request, role(Role.ADMIN), sink)
    assert isinstance(answer, Answer)
    assert b"more than 500 entries" in answer.body
    assert (sink.payloads, shop.hub.subscribers) == ([], set())
    await pool.execute("DELETE FROM orders WHERE number = 'M1'")
    await shop.streams.start(request, role(Role.ADMIN), sink)
    assert len(await sink.wait(500)) == 500
