"""A batch: a result per item, limits, rights, and the answer read back."""

from typing import Any

import pytest

from domain.actor import ANONYMOUS, Role, of_role
from domain.precedence import Precedence
from tests.resolvers.commands.house import ADMIN, DHL, House, at, back, change, count, scan, upsert, work

UPSERT = "mutation($items: [OrderUpsert!]!) { upsertOrders(items: $items) { applied refused items { outcome } } }"
SUPPORT = of_role(Role.SUPPORT, "s")
OPERATOR = of_role(Role.OPERATOR, "maria")


async def test_two_hundred_and_fifty_items_are_taken_and_one_more_is_refused(house: House) -> None:
    items = [upsert(f"e{number}", 2, number=str(number)) for number in range(251)]
    before = await house.dump(journal=True)
    assert await house.refused(UPSERT, {"items": items}) == "BAD_USER_INPUT"
    assert await house.refused(UPSERT, {"items": []}) == "BAD_USER_INPUT"
    assert await house.dump(journal=True) == before
    answer = (await house.ask(UPSERT, {"items": items[:250]}))["upsertOrders"]
    assert (answer["applied"], answer["refused"], len(answer["items"])) == (250, 0, 250)
    assert await house.pool.fetchval("SELECT count(*) FROM orders") == 250


@pytest.mark.parametrize(
    ("name", "item", "path"),
    [
        ("upsertOrders", upsert("x", 3, lines=(("MUG", 0),)), ["quantity"]),
        ("upsertOrders", upsert("x", 3, lines=(("MUG", 1), ("MUG", 2))), ["lines (give each a lineId)"]),
        ("upsertOrders", {**upsert("x", 3), "lines": []}, ["lines"]),
        ("upsertOrders", upsert("x", 3, placedAt=None), ["placedAt"]),
        ("upsertOrders", upsert("x", 3, currency="Euro"), ["currency"]),
        ("upsertOrders", upsert("x", 3, total=-1), ["total"]),
        ("upsertOrders", {**upsert("x", 3), "order": {"channel": "none", "number": "1"}}, ["order", "channel"]),
        ("upsertOrders", {**upsert("x", 3), "eventId": " "}, ["eventId"]),
        ("recordTrackingEvents", scan("x", 3, "EXCEPTION", reason="RAIN"), ["reason"]),
        ("recordTrackingEvents", scan("x", 3, "IN_TRANSIT", country="Germany"), ["country"]),
        ("recordTrackingEvents", {**scan("x", 3, "IN_TRANSIT"), "order": {"number": "1"}}, ["order"]),
        ("recordFulfillmentEvents", work("x", 3, "OPEN", [("MUG", 1, {"packed": 2})]), ["packed"]),
        ("recordFulfillmentEvents", work("x", 3, "OPEN", [("MUG", 2, {"packed": 1, "shipped": 2})]), ["shipped"]),
        ("recordFulfillmentEvents", work("x", 3, "OPEN", [("MUG", 1, {})], location="MOON"), ["location"]),
        ("recordReturnEvents", back("x", 3, "RECEIVED", [("MUG", 1, {"received": 2})]), ["received"]),
    ],
)
async def test_a_bad_item_changes_nothing_and_harms_no_other(
    house: House, name: str, item: dict[str, Any], path: list[str]
) -> None:
    await house.send("upsertOrders", upsert("e1", 2))
    before = await house.dump(journal=True)
    (refused,) = await house.send(name, item)
    assert (refused["outcome"], refused["error"]["code"]) == ("REFUSED", "BAD_USER_INPUT")
    assert refused["error"]["path"] == ["items", "0", *path]
    assert await house.dump(journal=True) == before
    if name == "upsertOrders":
        assert await house.outcomes(name, upsert("e2", 3, number="2"), item) == ["APPLIED", "REFUSED"]


async def test_an_unknown_id_is_not_waited_for(house: House) -> None:
    item = {**scan("t1", 3, "IN_TRANSIT"), "order": {"id": "0d2f0a6d-0000-4000-8000-6f0c3c9e7d0b"}}
    (refused,) = await house.send("recordTrackingEvents", item)
    assert (refused["outcome"], refused["error"]["code"]) == ("REFUSED", "NOT_FOUND")


@pytest.mark.parametrize(
    ("actor", "code"),
    [(ANONYMOUS, "UNAUTHENTICATED"), (SUPPORT, "FORBIDDEN"), (of_role(Role.STOREFRONT, "x"), "FORBIDDEN")],
)
async def test_without_the_right_nothing_runs(house: House, actor: Any, code: str) -> None:
    before = await house.dump(journal=True)
    assert await house.refused(UPSERT, {"items": [upsert("e1", 2)]}, actor) == code
    assert await house.dump(journal=True) == before


async def test_a_field_one_may_not_read_is_refused_before_anything_runs(house: House) -> None:
    query = (
        "mutation($items: [StockLevelInput!]!) { setStockLevels(items: $items) { items { stockLevel { onHand } } } }"
    )
    blind = of_role(Role.OPERATOR, "x")
    blind = type(blind)(blind.role, "x", blind.scopes - {"stock:read"})
    item = {"eventId": "c", "occurredAt": at(1), "sku": "MUG", "location": "HAM", "onHand": 1}
    assert await house.refused(query, {"items": [item]}, blind) == "FORBIDDEN"
    assert await house.pool.fetchval("SELECT count(*) FROM stock_levels") == 0


async def test_a_carrier_changes_an_order_that_it_may_not_read(house: House) -> None:
    await house.send("upsertOrders", upsert("e1", 2))
    (result,) = await house.send("recordTrackingEvents", scan("t1", 9, "PICKED_UP"), actor=DHL)
    assert (result["outcome"], result["order"], result["shipment"]) == ("APPLIED", None, None)


async def test_people_may_name_any_source_or_none(house: House) -> None:
    item = upsert("e1", 2)
    del item["source"]
    assert await house.outcomes("upsertOrders", item, actor=OPERATOR) == ["APPLIED"]
    assert await house.pool.fetchval("SELECT source FROM orders") == "ordergraph"
    row = await house.pool.fetchrow("SELECT actor, source FROM journal")
    assert row is not None
    assert tuple(row) == ("operator:maria", "ordergraph")


async def test_a_token_for_one_channel_writes_to_no_other(house: House) -> None:
    narrow = of_role(Role.INTEGRATOR, "x", source="shopify", channels=frozenset({"b2b"}))
    item = upsert("e1", 2)
    (refused,) = await house.send("upsertOrders", item, actor=narrow)
    assert refused["error"]["code"] == "FORBIDDEN"
    assert await house.pool.fetchval("SELECT count(*) FROM orders") == 0


async def test_root_fields_run_one_after_the_other_and_are_read_back_together(house: House) -> None:
    query = """mutation M($first: [OrderUpsert!]!, $then: [TrackingEventInput!]!) {
        __typename
        t: upsertOrders(items: $first) { __typename items { order { version status } } }
        recordTrackingEvents(items: $then) { items { index order { version } shipment { status order { number } } } }
    }"""
    variables = {"first": [upsert("e1", 2)], "then": [scan("t1", 9, "IN_TRANSIT")]}
    assert await house.ask(query, variables) == {
        "__typename": "Mutation",
        "t": {"__typename": "OrderBatch", "items": [{"order": {"version": 2, "status": "CONFIRMED"}}]},
        "recordTrackingEvents": {
            "items": [
                {"index": 0, "order": {"version": 2}, "shipment": {"status": "IN_TRANSIT", "order": {"number": "1001"}}}
            ]
        },
    }
    plans = house.engine.mutations
    assert plans is not None
    assert len(plans.plans) == 1
    await house.ask(
        query, {"first": [upsert("e2", 3)], "then": [scan("t2", 10, "IN_TRANSIT"), scan("t3", 11, "IN_TRANSIT")]}
    )
    assert len(plans.plans) == 1


async def test_literals_in_the_document_mean_the_same_as_variables(house: House) -> None:
    query = """mutation { adjustStock(items: [{eventId: "a", occurredAt: "2026-03-02T01:00:00Z", sku: "MUG",
        location: "HAM", delta: 4}]) @idempotent(key: "k") { applied items { outcome stockLevel { onHand } } } }"""
    expected = {"applied": 1, "items": [{"outcome": "APPLIED", "stockLevel": {"onHand": 4}}]}
    assert (await house.ask(query))["adjustStock"] == expected
    assert (await house.ask(query))["adjustStock"] == expected
    assert await house.pool.fetchval("SELECT on_hand FROM stock_levels") == 4


async def test_a_key_on_the_field_has_the_rules_of_the_header(house: House) -> None:
    query = """mutation ($items: [StockAdjustmentInput!]!, $key: String!) {
        adjustStock(items: $items) @idempotent(key: $key) { applied } }"""
    await house.send("setStockLevels", count("c1", 1, 10))
    await house.ask(query, {"items": [change(-1, event="a")], "key": "k"})
    other = {"items": [change(-2, event="a")], "key": "k"}
    assert await house.refused(query, other) == "IDEMPOTENCY_KEY_REUSED"
    assert await house.refused(query, other | {"key": ""}) == "BAD_USER_INPUT"
    # Two keys of one request, and one key for two fields, mean nothing.
    assert await house.refused(query, other | {"key": "l"}, key="m") == "BAD_USER_INPUT"
    two = """mutation ($items: [StockAdjustmentInput!]!, $key: String!) {
        one: adjustStock(items: $items) @idempotent(key: $key) { applied }
        two: adjustStock(items: $items) { applied } }"""
    assert await house.refused(two, other | {"key": "n"}) == "BAD_USER_INPUT"
    assert await house.pool.fetchval("SELECT on_hand FROM stock_levels") == 9
    assert await house.pool.fetchval("SELECT array_agg(key) FROM idempotency_keys") == ["k"]


async def test_sources_that_disagree_leave_claims_and_the_ranked_one_wins(house: House) -> None:
    ranked = House(house.core, house.pool, Precedence(("erp", "shopify")))
    await ranked.send("upsertOrders", upsert("u1", 2, status="SHIPPED", sourceStatus="fulfilled"))
    (result,) = await ranked.send("upsertOrders", upsert("x1", 3, lines=None, source="erp", status="CONFIRMED"))
    assert result["order"]["status"] == "CONFIRMED"
    question = "{ orders { nodes { attention sources { system value wins conflicts } } } }"
    (order,) = (await ranked.ask(question, actor=ADMIN))["orders"]["nodes"]
    assert order == {
        "attention": ["SOURCE_CONFLICT"],
        "sources": [
            {"system": "erp", "value": "CONFIRMED", "wins": True, "conflicts": False},
            {"system": "shopify", "value": "SHIPPED", "wins": False, "conflicts": True},
        ],
    }
    await ranked.send("upsertOrders", upsert("x2", 4, lines=None, source="erp", status="SHIPPED"))
    (order,) = (await ranked.ask(question, actor=ADMIN))["orders"]["nodes"]
    assert order["attention"] == []


async def test_the_journal_holds_no_personal_data(house: House) -> None:
    secret = "Maria-Secret"
    customer = {"id": "C-1", "name": secret, "email": f"{secret}@example.com", "phone": secret}
    address = {"name": secret, "line1": secret, "line2": secret, "city": "Berlin", "country": "DE"}
    await house.send("upsertOrders", upsert("u1", 2, customer=customer, shippingAddress=address))
    for table in ("journal", "facts", "inbox"):
        rows = await house.pool.fetch(f"SELECT to_jsonb(t)::text AS row FROM {table} t")
        assert rows
        assert all(secret not in row["row"] for row in rows), table
