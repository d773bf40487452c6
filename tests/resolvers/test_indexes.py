"""Every filter, order and way to a row has an index: in a store of thousands of orders no big table is read whole.

`test_query_plans` looks at the operations of every day; here is every condition on its own, for the values at hand and
for the one plan that PostgreSQL keeps for all values.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from graphql import GraphQLSchema

import db.pool
from domain.actor import Actor
from resolvers.plan import Checks, Plans
from resolvers.scope import Rights
from tests.benchmarks import dataset
from tests.resolvers.callers import CALLERS
from tests.resolvers.conftest import clone
from tests.resolvers.test_query_plans import BIG, explained, scanned_whole

ORDERS = 4000
LIST = "query($f: OrderFilter, $o: OrderSort! = %s) {orders(first: 20, filter: $f, orderBy: $o) {nodes {id number} %s}}"
SORTS = ("PLACED_NEWEST", "PLACED_OLDEST", "UPDATED_NEWEST", "UPDATED_OLDEST")
Query = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
async def store(postgres: str, template: str) -> AsyncIterator[db.pool.Pool]:
    pool = await db.pool.create_pool(await clone(postgres, template, "indexes"), min_size=1, max_size=2)
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        await dataset.load(connection, ORDERS)
        await connection.execute("ANALYZE")
        await connection.execute("SET statement_timeout = 2000")
    yield pool
    pool.terminate()


@pytest.fixture(scope="module")
async def known(store: db.pool.Pool) -> Mapping[str, Any]:
    """Values that are in the store, from an order in its middle."""
    row = await store.fetchrow(
        """SELECT o.id, o.number, c.code AS channel, o.customer_id, o.customer_email, o.placed_at, o.updated_at,
             l.sku, s.tracking_number, s.id AS shipment, i.id AS item
           FROM orders o JOIN channels c ON c.id = o.channel_id JOIN order_lines l ON l.order_id = o.id
           JOIN shipments s ON s.order_id = o.id JOIN items i ON i.sku = l.sku
           ORDER BY abs(extract(epoch FROM o.placed_at - (SELECT avg(extract(epoch FROM placed_at)) FROM orders)
             * interval '1 second' - timestamptz 'epoch')) LIMIT 1"""
    )
    assert row is not None
    return {name: value.isoformat() if hasattr(value, "isoformat") else str(value) for name, value in row.items()}


@pytest.fixture(scope="module")
def plans(core: GraphQLSchema) -> Plans:
    return Plans(core, Checks(lambda _: None, lambda _: None, max_cost=10**9))


FILTERS: dict[str, Any] = {
    "status": ["SHIPPED", "DELIVERED"],
    "attention": ["LATE", "LATE_RISK", "STALE_TRACKING", "BACKORDER"],
    "channel": ["channel"],
    "placedFrom": "placed_at",
    "placedUntil": "placed_at",
    "updatedFrom": "updated_at",
    "customerId": "customer_id",
    "customerEmail": "customer_email",
    "sku": "sku",
    "trackingNumber": "tracking_number",
    "location": "no such place",
    "search": "number",
}


def of_known(value: Any, known: Mapping[str, Any]) -> Any:
    return [of_known(part, known) for part in value] if isinstance(value, list) else known.get(value, value)


def everywhere(known: Mapping[str, Any]) -> Iterator[tuple[str, Query]]:
    """Ways to single rows, by every key."""
    order = (
        "{id number lines {sku item {sku}} shipments {events {status}} timeline(first: 5) {totalCount nodes {type}}}"
    )
    by_number = {"__typename": "Order", "number": known["number"], "channel": {"code": known["channel"]}}
    yield (
        "order by number",
        (
            f"query($n: String, $c: String) {{order(number: $n, channel: $c) {order}}}",
            {"n": known["number"], "c": known["channel"]},
        ),
    )
    yield "node", (f"query($i: ID!) {{node(id: $i) {{... on Order {order}}}}}", {"i": known["id"]})
    yield (
        "entities by number",
        (
            f"query($r: [_Any!]!) {{_entities(representations: $r) {{... on Order {order}}}}}",
            {"r": [by_number] * 5},
        ),
    )
    yield "shipment by id", (f"query($i: ID) {{shipment(id: $i) {{id order {order}}}}}", {"i": known["shipment"]})
    yield (
        "item",
        (
            "query($s: String!) {item(sku: $s) {id sku title}}",
            {"s": known["sku"]},
        ),
    )
    yield (
        "promise",
        (
            'query($s: String!) {promise(lines: [{sku: $s}], destination: {country: "DE"}) {complete}}',
            {"s": known["sku"]},
        ),
    )


async def scanned(store: db.pool.Pool, plans: Plans, query: Query, actor: Actor) -> set[str]:
    """Big tables that are read whole, with these values and with the plan for all values."""
    operation = plans.operation(query[0], None, Rights.of(actor))
    variables = operation.coerce(query[1])
    plan = plans.plan(operation, variables)
    assert plan.sql is not None
    parameters = plan.parameters(variables, actor)
    found = scanned_whole(await explained(store, plan.sql, parameters))
    async with store.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE kept AS {plan.sql}")
        nulls = f"({', '.join(['NULL'] * len(parameters))})" if parameters else ""
        kept = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE kept{nulls}"))
        await connection.execute("DEALLOCATE kept")
    return (found | scanned_whole(kept[0]["Plan"])) & BIG


@pytest.mark.parametrize("name", FILTERS)
async def test_every_filter_finds_a_page_by_an_index(
    store: db.pool.Pool, plans: Plans, known: Mapping[str, Any], name: str
) -> None:
    variables = {"f": {name: of_known(FILTERS[name], known)}}
    query = LIST % ("PLACED_NEWEST", "pageInfo {endCursor hasNextPage}")
    assert await scanned(store, plans, (query, variables), CALLERS["admin"]) == set()


@pytest.mark.parametrize("caller", ["admin", "customer", "market operator", "integrator"])
@pytest.mark.parametrize("sort", SORTS)
async def test_every_order_of_the_list_has_an_index(store: db.pool.Pool, plans: Plans, caller: str, sort: str) -> None:
    actor = CALLERS[caller]
    assert await scanned(store, plans, (LIST % (sort, ""), {}), actor) == set()


@pytest.mark.parametrize("caller", ["admin", "customer", "other customer", "integrator"])
async def test_every_key_has_an_index(store: db.pool.Pool, plans: Plans, known: Mapping[str, Any], caller: str) -> None:
    asked = {
        name: await scanned(store, plans, query, CALLERS[caller])
        for name, query in everywhere(known)
        if caller == "admin" or name not in ("promise", "stock")
    }
    assert {name: tables for name, tables in asked.items() if tables} == {}
