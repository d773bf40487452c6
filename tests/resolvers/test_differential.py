"""Random operations have the same answer however they are printed, and the answer that plain Python would give.

ORDERGRAPH_DIFFERENTIAL=2000 runs as many examples of each, chosen anew every time, and makes a failing one small.
"""

import datetime as dt
import json
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from graphql import GraphQLSchema
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from domain.actor import Actor, Role, of_role
from resolvers.answer import Failure
from tests.resolvers import oracle, world
from tests.resolvers.operations import operations
from tests.resolvers.reference import NOON, Frozen, printed_by_graphql_core
from tests.resolvers.shop import ADMIN, Shop
from tests.resolvers.shop_catalogue import SKUS, UNKNOWN_SKU
from tests.resolvers.world import World

TOLD = os.environ.get("ORDERGRAPH_DIFFERENTIAL")
QUICK = settings(
    max_examples=int(TOLD or 60),
    derandomize=TOLD is None,
    database=None,
    deadline=None,
    # One tally counts all examples of a test, so it must not be made anew for each.
    phases=[Phase.generate] if TOLD is None else tuple(Phase),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
# Arguments that nobody can mean are refused; what else may end an operation is a defect.
REFUSED = {Failure.VARIABLES: ["BAD_USER_INPUT"]}
ACTORS = {
    "customer": of_role(Role.CUSTOMER, "c", customer_id="C-1"),
    "support": of_role(Role.SUPPORT, "s"),
    "some channels": of_role(Role.OPERATOR, "o", channels=frozenset({"market"})),
    "integrator": of_role(Role.INTEGRATOR, "i", source="erp"),
}
EVERYTHING = (
    "orders(first: 100)",
    'shipment(trackingNumber: "T-100")',
    *(f'item(sku: "{sku}")' for sku in SKUS),
    *(f'location(code: "{code}")' for code in ("HAM", "PAR", "SUP")),
    f'availability(skus: {json.dumps([*SKUS, UNKNOWN_SKU], ensure_ascii=False)}, channel: "web")',
    f'availability(skus: {json.dumps(SKUS[:4])}, channel: "market", destination: {{country: "DE"}})',
    f'availability(skus: {json.dumps(SKUS[:4])}, destination: {{country: "be"}})',
)
KNOWN_TO_ORACLE = ("order", "orders", "shipment", "item", "location", "node", "nodes", "availability")


@pytest.fixture(scope="module")
def frozen(shop: Shop) -> Shop:
    """The shop at one moment; nothing in it is too much to ask for."""
    made = Shop(shop.core, shop.pool, max_cost=10**9)
    made.engine.reader = Frozen(made.engine.reader)
    return made


@pytest.fixture(scope="module")
async def oracle_world(shop: Shop) -> World:
    return await world.read(shop, dt.datetime.fromisoformat(NOON))


@pytest.fixture(scope="module")
def oracle_schema(core: GraphQLSchema) -> GraphQLSchema:
    return oracle.without_cursors(core)


@pytest.fixture
def tally() -> Iterator[Counter[str]]:
    """What became of the operations; a run whose answers are mostly empty proves nothing."""
    counted: Counter[str] = Counter()
    yield counted
    assert counted["something"] >= counted.total() / 2, counted


@QUICK
@given(data=st.data())
async def test_graphql_core_prints_the_same(frozen: Shop, tally: Counter[str], data: st.DataObject) -> None:
    await same_printed(frozen, ADMIN, tally, data)


@pytest.mark.parametrize("who", ACTORS)
@settings(QUICK, max_examples=QUICK.max_examples // 5)
@given(data=st.data())
async def test_graphql_core_prints_the_same_for_others(frozen: Shop, who: str, data: st.DataObject) -> None:
    await same_printed(frozen, ACTORS[who], Counter(), data)


async def same_printed(shop: Shop, actor: Actor, tally: Counter[str], data: st.DataObject) -> None:
    assert shop.core.query_type is not None
    # A poll is put together from payloads and never printed by graphql-core.
    fields = tuple(name for name in shop.core.query_type.fields if name != "changes")
    drawn = data.draw(operations(shop.core, fields))
    note(f"{drawn.text}\n{drawn.variables}")
    sent = orjson.dumps(drawn.variables)
    reply = await shop.ask(drawn.text, drawn.variables, actor)
    assert orjson.dumps(drawn.variables) == sent
    if reply.answer.failure in (Failure.VARIABLES, Failure.FORBIDDEN):
        assert reply.codes == [{"VARIABLES": "BAD_USER_INPUT"}.get(reply.answer.failure.name, "FORBIDDEN")]
        assert actor is not ADMIN or reply.answer.failure is Failure.VARIABLES
        tally["refused"] += 1
        return
    again = await printed_by_graphql_core(shop.engine, drawn.text, drawn.variables, actor)
    assert not again.errors
    assert orjson.dumps(reply.data) == orjson.dumps(again.data)
    tally["something" if anything(reply.data) else "nothing"] += 1


@QUICK
@given(data=st.data())
async def test_plain_python_finds_the_same(
    frozen: Shop,
    oracle_world: World,
    oracle_schema: GraphQLSchema,
    tally: Counter[str],
    data: st.DataObject,
) -> None:
    drawn = data.draw(operations(oracle_schema, KNOWN_TO_ORACLE))
    note(f"{drawn.text}\n{drawn.variables}")
    reply = await frozen.ask(drawn.text, drawn.variables)
    if reply.answer.failure is Failure.VARIABLES:
        tally["refused"] += 1
        return
    expected = oracle.answer(oracle_schema, oracle_world, drawn.text, drawn.variables)
    assert not expected.errors
    assert orjson.dumps(reply.data) == orjson.dumps(expected.data)
    tally["something" if anything(reply.data) else "nothing"] += 1


@pytest.mark.parametrize("root", EVERYTHING)
async def test_plain_python_finds_every_field(
    frozen: Shop, oracle_world: World, oracle_schema: GraphQLSchema, root: str
) -> None:
    assert oracle_schema.query_type is not None
    field = oracle_schema.query_type.fields[root.split("(", 1)[0]]
    query = f"{{{root}{oracle.everything(field.type, depth=5)}}}"
    expected = oracle.answer(oracle_schema, oracle_world, query, {})
    assert not expected.errors
    assert anything(expected.data)
    assert (await frozen.ask(query)).data == expected.data


def anything(value: Any) -> bool:
    """Whether there is a value in it that somebody stored."""
    if isinstance(value, dict):
        return any(anything(part) for name, part in value.items() if not name.startswith(("_", "r")))
    if isinstance(value, list):
        return any(map(anything, value))
    return value is not None
