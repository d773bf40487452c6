"""Plans are made once per shape and rights, and never serve anything else."""

from collections.abc import Mapping

import pytest
from graphql import GraphQLSchema

from domain.actor import ANONYMOUS, Actor, Role, of_role
from resolvers.plan import Checks, Plan, Plans
from resolvers.scope import Rights
from tests.resolvers.rows import uid
from tests.resolvers.shop import ADMIN, Shop

CUSTOMER = of_role(Role.CUSTOMER, "maria", customer_id="C-1")
OTHER_CUSTOMER = of_role(Role.CUSTOMER, "pierre", customer_id="C-2")
FILTERED = "query($f: OrderFilter) {orders(filter: $f) {totalCount}}"


@pytest.fixture
def plans(core: GraphQLSchema) -> Plans:
    return Plans(core, Checks(lambda _: None, lambda _: None))


def planned(plans: Plans, text: str, variables: Mapping[str, object] | None = None, actor: Actor = ADMIN) -> Plan:
    operation = plans.operation(text, None, Rights.of(actor))
    return plans.plan(operation, operation.coerce(variables or {}))


def hits(plans: Plans) -> tuple[int, int]:
    counters = plans.counters()
    return counters["document_hits"], counters["plan_hits"]


@pytest.mark.parametrize(
    ("query", "one", "other"),
    [
        ("query($i: ID) {order(id: $i) {id}}", {"i": str(uid("a"))}, {"i": "nonsense"}),
        ("query($i: ID) {order(id: $i) {id}}", {"i": 5}, {"i": "5"}),
        (FILTERED, {"f": {"search": "a", "sku": "b"}}, {"f": {"search": "'; DROP TABLE orders", "sku": "c"}}),
        (FILTERED, {"f": {"channel": ["web"]}}, {"f": {"channel": ["web", "market", "x"]}}),
        (FILTERED, {"f": {"placedFrom": "2026-03-01T00:00:00Z"}}, {"f": {"placedFrom": "2027-03-01T00:00:00Z"}}),
        (FILTERED, {"f": {"attention": ["LATE", "BACKORDER"]}}, {"f": {"attention": ["BACKORDER", "LATE", "LATE"]}}),
        ("query($s: [String!]!) {availability(skus: $s) {sku}}", {"s": ["a"]}, {"s": ["b", "c", "d"]}),
        ("query($s: [ID!]!) {nodes(ids: $s) {id}}", {"s": ["a", "b"]}, {"s": ["b", "c", "d"]}),
        ("query($n: Int!) {orders(first: $n) {totalCount}}", {"n": 7}, {"n": 7, "unknown": 8}),
    ],
)
def test_other_contents_use_the_same_plan(
    plans: Plans, query: str, one: Mapping[str, object], other: Mapping[str, object]
) -> None:
    first = planned(plans, query, one)
    assert hits(plans) == (0, 0)
    assert planned(plans, query, other) is first
    assert hits(plans) == (1, 1)
    assert plans.counters() == {"document_hits": 1, "document_misses": 1, "plan_hits": 1, "plan_misses": 1}


INCLUDED = "query($x: Boolean!) {order(id: 1) {id number @include(if: $x)}}"
SORTED = "query($s: OrderSort!) {orders(orderBy: $s) {totalCount nodes {id}}}"


@pytest.mark.parametrize(
    ("query", "one", "other"),
    [
        (INCLUDED, {"x": True}, {"x": False}),
        (SORTED, {"s": "PLACED_NEWEST"}, {"s": "PLACED_OLDEST"}),
        (FILTERED, {"f": {"search": "a"}}, {"f": {"sku": "a"}}),
        (FILTERED, {"f": {"search": "a"}}, {"f": {"search": "a", "sku": "a"}}),
        (FILTERED, {"f": {"search": "a"}}, {"f": None}),
        (FILTERED, {"f": {"attention": ["LATE"]}}, {"f": {"attention": ["BACKORDER"]}}),
        (FILTERED, {"f": {"attention": ["LATE"]}}, {"f": {"attention": ["LATE", "LATE_RISK"]}}),
        ("query($a: Boolean = false) {order(id: 1) {holds(activeOnly: $a) {id}}}", {"a": True}, {}),
    ],
)
def test_another_shape_has_another_plan(
    plans: Plans, query: str, one: Mapping[str, object], other: Mapping[str, object]
) -> None:
    first, second = planned(plans, query, one), planned(plans, query, other)
    assert first.sql != second.sql
    assert planned(plans, query, one) is first
    assert planned(plans, query, other) is second


async def test_words_of_a_filter_decide_its_conditions_every_time(shop: Shop) -> None:
    """The deadline of LATE is looked at only by those who ask for LATE, whoever asked first."""
    query = "query($a: [Attention!]) {orders(filter: {attention: $a}, orderBy: PLACED_OLDEST) {nodes {number}}}"

    async def found(*flags: str) -> list[str]:
        return [node["number"] for node in (await shop.ask(query, {"a": flags})).data["orders"]["nodes"]]

    assert await found("LATE") == ["W-3", "M-1"]
    assert await found("BACKORDER") == ["M-4"]
    assert await found("LATE_RISK") == ["W-6"]
    assert await found("OVERSOLD", "STALE_TRACKING") == ["W-4", "M-1"]
    assert await found("LATE", "LATE_RISK") == ["W-6", "W-3", "M-1"]
    assert await found() == []


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        ({}, True),
        ({"f": None}, True),
        ({"f": {}}, True),
        ({"f": {"sku": None}}, True),
        ({"f": {"sku": "CLOAK"}}, False),
    ],
)
async def test_null_and_absent_mean_no_filter(shop: Shop, given: Mapping[str, object], numbers: bool) -> None:
    assert (await shop.ask(FILTERED, given)).data == {"orders": {"totalCount": 10 if numbers else 0}}


async def test_variables_have_their_defaults(shop: Shop) -> None:
    query = """
      query($n: String = "W-1", $c: String = "web", $x: Boolean! = true) {
        order(number: $n, channel: $c) {number @include(if: $x) channel {code}}
      }"""
    web = {"channel": {"code": "web"}}
    assert (await shop.ask(query)).data == {"order": {"number": "W-1", **web}}
    assert (await shop.ask(query, {"c": "market"})).data == {"order": {"number": "W-1", "channel": {"code": "market"}}}
    assert (await shop.ask(query, {"x": False})).data == {"order": web}
    assert (await shop.ask(query, {"n": None})).codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize(
    ("literal", "query", "variables"),
    [
        ('{order(id: "x") {id}}', "query($v: ID) {order(id: $v) {id}}", {"v": "x"}),
        (
            '{orders(first: 5, filter: {search: "x", status: [SHIPPED], channel: ["a", "b"]}) {totalCount}}',
            "query($n: Int!, $v: OrderFilter) {orders(first: $n, filter: $v) {totalCount}}",
            {"n": 5, "v": {"search": "x", "status": ["SHIPPED"], "channel": ["a", "b"]}},
        ),
        (
            '{orders(filter: {search: "x", attention: LATE}) {totalCount}}',
            "query($v: String!, $a: Attention!) {orders(filter: {search: $v, attention: [$a]}) {totalCount}}",
            {"v": "x", "a": "LATE"},
        ),
        (
            '{availability(skus: ["a", "b"], channel: "c", destination: {country: "DE"}) {sku nodes {onHand}}}',
            """query($b: String!, $c: String!, $d: DestinationInput) {
              availability(skus: ["a", $b], channel: $c, destination: $d) {sku nodes {onHand}}}""",
            {"b": "b", "c": "c", "d": {"country": "DE"}},
        ),
        (
            '{_entities(representations: [{__typename: "Order", id: "x"}]) {... on Order {id}}}',
            "query($r: [_Any!]!) {_entities(representations: $r) {... on Order {id}}}",
            {"r": [{"__typename": "Order", "id": "x"}]},
        ),
    ],
)
def test_a_literal_and_a_variable_make_the_same_statement(
    plans: Plans, literal: str, query: str, variables: Mapping[str, object]
) -> None:
    written, given = planned(plans, literal), planned(plans, query, variables)
    assert written.sql == given.sql
    assert written.parameters({}, ADMIN) == given.parameters(
        plans.operation(query, None, Rights.of(ADMIN)).coerce(variables), ADMIN
    )
    assert written.cost == given.cost


def test_callers_with_equal_rights_share_a_plan_and_bring_their_own_values(plans: Plans) -> None:
    query = "{orders {totalCount}}"
    mine, theirs = planned(plans, query, actor=CUSTOMER), planned(plans, query, actor=OTHER_CUSTOMER)
    assert mine is theirs
    assert "C-1" in mine.parameters({}, CUSTOMER)
    assert "C-1" not in mine.parameters({}, OTHER_CUSTOMER)


@pytest.mark.parametrize(
    "others",
    [
        [ADMIN, CUSTOMER],
        [ADMIN, of_role(Role.ADMIN, "a", channels=frozenset({"web"}))],
        [of_role(Role.SUPPORT, "s"), of_role(Role.SUPPORT, "s", extra_scopes=frozenset({"pii:read"}))],
        [CUSTOMER, of_role(Role.ASSISTANT, "b", customer_id="C-1")],
        [of_role(Role.INTEGRATOR, "i", source="erp"), ADMIN],
    ],
)
def test_different_rights_never_share_a_plan(plans: Plans, others: list[Actor]) -> None:
    query = "{orders {nodes {number customer {email}}}}"
    made = [planned(plans, query, actor=actor) for actor in [*others, *others]]
    assert made[0] is made[2]
    assert made[1] is made[3]
    assert made[0].sql != made[1].sql


def test_who_is_nobody_shares_with_nobody(plans: Plans) -> None:
    admins = planned(plans, '{node(id: "x") {id}}')
    assert planned(plans, '{node(id: "x") {id}}', actor=ANONYMOUS).sql != admins.sql


def test_the_caches_are_bounded_and_keep_what_is_used(core: GraphQLSchema) -> None:
    plans = Plans(core, Checks(lambda _: None, lambda _: None), documents=3, plans=3)
    kept = planned(plans, "{__typename}")
    for number in range(20):
        planned(plans, f"{{a{number}: __typename}}")
        assert planned(plans, "{__typename}") is kept
        assert len(plans.operations) <= 3
        assert len(plans.plans) <= 3
    assert planned(plans, "{a0: __typename}") is not kept
    assert plans.counters()["plan_misses"] == 22


def test_a_batch_costs_what_it_may_bring(plans: Plans) -> None:
    """A document is not cheap for ever because it was asked for one id at first."""
    query = "query($i: [ID!]!) {nodes(ids: $i) {... on Order {lines {id}}}}"
    small, big = planned(plans, query, {"i": ["a"]}), planned(plans, query, {"i": ["a"] * 250})
    assert small.sql == big.sql
    assert big.cost > 50 * small.cost
    entities = "query($r: [_Any!]!) {_entities(representations: $r) {... on Order {lines {id}}}}"
    order = {"__typename": "Order", "id": "a"}
    few, many = (planned(plans, entities, {"r": [order] * size}) for size in (1, 250))
    assert few.sql == many.sql
    assert many.cost > 50 * few.cost


def test_batches_of_similar_size_share_a_plan(plans: Plans) -> None:
    query = "query($i: [ID!]!) {nodes(ids: $i) {id}}"
    made = {id(planned(plans, query, {"i": ["a"] * size})) for size in range(1, 251)}
    assert len(made) == 5
