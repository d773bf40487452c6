"""Over the sample, which is larger and livelier than the tests' own shop, plain Python finds the same."""

import datetime as dt
import json
from collections.abc import AsyncIterator

import pytest
from graphql import GraphQLSchema

import db.pool
import db.sample
from tests.resolvers import oracle, world
from tests.resolvers.conftest import clone
from tests.resolvers.reference import NOON, Frozen
from tests.resolvers.shop import Shop
from tests.resolvers.world import World


@pytest.fixture(scope="module")
async def sample(postgres: str, template: str, core: GraphQLSchema) -> AsyncIterator[Shop]:
    pool = await db.pool.create_pool(await clone(postgres, template, "sample_read"), min_size=1, max_size=2)
    async with pool.acquire() as connection:
        await db.sample.load(connection, now=dt.datetime.now(dt.UTC))
    shop = Shop(core, pool, max_cost=10**9)
    shop.engine.reader = Frozen(shop.engine.reader)
    yield shop
    pool.terminate()


@pytest.fixture(scope="module")
async def sample_world(sample: Shop) -> World:
    return await world.read(sample, dt.datetime.fromisoformat(NOON))


@pytest.fixture(scope="module")
def schema(core: GraphQLSchema) -> GraphQLSchema:
    return oracle.without_cursors(core)


async def same(shop: Shop, schema: GraphQLSchema, found: World, query: str, **variables: str) -> int:
    expected = oracle.answer(schema, found, query, variables)
    assert not expected.errors
    reply = await shop.ask(query, variables)
    assert reply.data == expected.data
    return len(reply.answer.body)


async def test_every_field_of_every_order(sample: Shop, schema: GraphQLSchema, sample_world: World) -> None:
    selection = oracle.everything(schema.type_map["Order"], depth=3)
    for order in sample_world.tables["orders"]:
        query = f"query($id: ID!) {{order(id: $id) {selection}}}"
        assert await same(sample, schema, sample_world, query, id=str(order["id"])) > 1000


async def test_every_field_of_every_item_and_place(sample: Shop, schema: GraphQLSchema, sample_world: World) -> None:
    for kind, field, key in (("Item", "item", "sku"), ("Location", "location", "code")):
        selection = oracle.everything(schema.type_map[kind], depth=3)
        for row in sample_world.tables[f"{field}s"]:
            query = f"query($key: String!) {{{field}({key}: $key) {selection}}}"
            await same(sample, schema, sample_world, query, key=row[key])


@pytest.mark.parametrize("channel", [None, "web"])
@pytest.mark.parametrize("country", [None, "DE", "US"])
async def test_availability_of_everything(
    sample: Shop, schema: GraphQLSchema, sample_world: World, channel: str | None, country: str | None
) -> None:
    codes = [row["code"] for row in sample_world.tables["channels"]]
    skus = json.dumps([row["sku"] for row in sample_world.tables["items"]][:250], ensure_ascii=False)
    arguments = f"skus: {skus}"
    arguments += f', channel: "{codes[0]}"' if channel else ""
    arguments += f', destination: {{country: "{country}"}}' if country else ""
    selection = oracle.everything(schema.type_map["Availability"], depth=3)
    await same(sample, schema, sample_world, f"{{availability({arguments}) {selection}}}")


@pytest.mark.parametrize("words", ["LATE", "LATE_RISK", "STALE_TRACKING", "BACKORDER", "RETURN_OPEN"])
async def test_orders_by_attention(sample: Shop, schema: GraphQLSchema, sample_world: World, words: str) -> None:
    listed = "{orders(first: 100, filter: {attention: [%s]}) {totalCount nodes {id attention}}}"
    await same(sample, schema, sample_world, listed % words)
