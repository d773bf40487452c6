"""The SQL of a handful of operations, as text: a change of the compiler shows in review.

Write the files anew with ORDERGRAPH_WRITE_GOLDEN=1 and read the difference.
"""

import os
from pathlib import Path

import pytest

from domain.actor import ROLE_SCOPES, Actor, Role
from resolvers.plan import Checks, Plans
from resolvers.scope import Rights
from schema import build

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("ORDERGRAPH_WRITE_GOLDEN") == "1"
CUSTOMER = Actor(Role.CUSTOMER, "test", ROLE_SCOPES[Role.CUSTOMER], customer_id="C-1")
SUPPORT = Actor(Role.SUPPORT, "test", ROLE_SCOPES[Role.SUPPORT])
OPERATIONS = {
    "one_order_of_a_customer": (CUSTOMER, 'query {order(number: "1", channel: "web") {id status lines {sku}}}'),
    "masked_for_support": (SUPPORT, 'query {order(number: "1", channel: "web") {customer {email}}}'),
    "page_of_orders": (
        SUPPORT,
        "query {orders(first: 5, filter: {attention: [LATE]}) {nodes {number} pageInfo {hasNextPage endCursor}}}",
    ),
    "stock_of_an_item": (SUPPORT, 'query {item(sku: "A") {stockLevels {available location {code}}}}'),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_sql_is_as_committed(name: str) -> None:
    actor, document = OPERATIONS[name]
    plans = Plans(build.executable(build.build()), Checks(lambda _: None, lambda _: None))
    sql = plans.plan(plans.operation(document, None, Rights.of(actor)), {}).sql
    file = GOLDEN / f"{name}.sql"
    if WRITE:
        file.write_text(f"{sql}\n", encoding="utf-8")
    assert f"{sql}\n" == file.read_text(encoding="utf-8")
