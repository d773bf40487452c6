"""What PostgreSQL does with the statements: no operation of every day reads a big table from end to end."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from db.pool import Pool
from domain.actor import ROLE_SCOPES, Actor, Role
from resolvers.plan import Checks, Plans
from resolvers.scope import Rights
from schema import build
from tests.benchmarks import dataset

BIG = frozenset({"orders", "order_lines", "shipments", "shipment_lines", "tracking_events", "journal", "promises"})
ADMIN = Actor(Role.ADMIN, "test", ROLE_SCOPES[Role.ADMIN])
ORDER = """id number status attention promise {original {latest} carrierEstimate} lines {sku status statusBreakdown
  {status quantity}} shipments {trackingNumber events {status occurredAt} lines {quantity line {sku}}}
  timeline(first: 5) {nodes {type}}"""
FIRST = str(dataset.order_id(1))

OPERATIONS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "one order": (f"query($id: ID!) {{order(id: $id) {{{ORDER}}}}}", {"id": FIRST}),
    "newest orders": (f"{{orders(first: 20) {{nodes {{{ORDER}}} pageInfo {{hasNextPage}}}}}}", {}),
    "by e-mail": ('{orders(filter: {customerEmail: "a@example.com"}) {nodes {id}}}', {}),
    "by customer": ('{orders(filter: {customerId: "C-1"}) {nodes {id}}}', {}),
    "by tracking number": ('{orders(filter: {trackingNumber: "1Z1"}) {nodes {id}}}', {}),
    "by status": ("{orders(filter: {status: [SHIPPED, ON_HOLD]}) {nodes {id}}}", {}),
    "by attention": ("{orders(filter: {attention: [LATE, DELIVERY_EXCEPTION]}) {nodes {id}}}", {}),
    "by channel": ('{orders(filter: {channel: ["web"]}) {nodes {id}}}', {}),
    "by day": (
        '{orders(filter: {placedFrom: "2026-01-01T00:00:00Z", placedUntil: "2026-01-02T00:00:00Z"}) {nodes {id}}}',
        {},
    ),
    "by change": ('{orders(orderBy: UPDATED_NEWEST, filter: {updatedFrom: "2026-01-01T00:00:00Z"}) {nodes {id}}}', {}),
    "by item": ('{orders(filter: {sku: "SKU-1"}) {nodes {id}}}', {}),
    "by location": ('{orders(filter: {location: "LOC-1"}) {nodes {id}}}', {}),
    "by search": ('{orders(filter: {search: "1001"}) {nodes {id}}}', {}),
    "shipment": (
        '{shipment(trackingNumber: "1Z1") {id events {status} order {number} lines {quantity line {sku}}}}',
        {},
    ),
    "timeline": (f'{{order(id: "{FIRST}") {{timeline(first: 50) {{totalCount nodes {{type}}}}}}}}', {}),
    "nodes": (f"query($ids: [ID!]!) {{nodes(ids: $ids) {{id ... on Order {{{ORDER}}}}}}}", {"ids": [FIRST] * 20}),
    "entities": (
        f"query($r: [_Any!]!) {{_entities(representations: $r) {{... on Order {{{ORDER}}}}}}}",
        {"r": [{"__typename": "Order", "id": FIRST}] * 20},
    ),
    "availability": (
        "query($skus: [String!]!) {availability(skus: $skus) {sku availableForSale backorderable}}",
        {"skus": [f"SKU-{n}" for n in range(20)]},
    ),
}


@pytest.fixture(scope="module")
def plans() -> Plans:
    return Plans(build.executable(build.build()), Checks(lambda _: None, lambda _: None))


@pytest.fixture
async def filled(pool: Pool) -> Pool:
    """Enough orders that reading a table whole is never the cheaper way to a few rows."""
    async with pool.acquire() as connection:
        await connection.execute("SET statement_timeout = 0")
        await dataset.load(connection, 4000)
        await connection.execute("ANALYZE")
    return pool


def scanned_whole(node: Mapping[str, Any]) -> set[str]:
    """Tables that a plan reads from end to end."""
    found = {node["Relation Name"]} if node["Node Type"] == "Seq Scan" else set()
    for child in node.get("Plans", ()):
        found |= scanned_whole(child)
    return found


async def explained(pool: Pool, sql: str, parameters: Sequence[Any]) -> Mapping[str, Any]:
    (row,) = json.loads(await pool.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *parameters))
    plan: Mapping[str, Any] = row["Plan"]
    return plan


async def test_no_everyday_operation_reads_a_big_table_whole(filled: Pool, plans: Plans) -> None:
    offenders = {}
    for name, (document, sent) in OPERATIONS.items():
        operation = plans.operation(document, None, Rights.of(ADMIN))
        variables = operation.coerce(sent)
        plan = plans.plan(operation, variables)
        assert plan.sql is not None
        offenders[name] = scanned_whole(await explained(filled, plan.sql, plan.parameters(variables, ADMIN))) & BIG
    assert {name: tables for name, tables in offenders.items() if tables} == {}


async def test_a_condition_without_an_index_would_be_seen(filled: Pool) -> None:
    """The check above can fail: it sees a scan when there is one."""
    plan = await explained(filled, "SELECT count(*) FROM orders WHERE customer_name = $1", [str(uuid.uuid4())])
    assert scanned_whole(plan) == {"orders"}
