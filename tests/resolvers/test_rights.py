"""Every kind of caller, every root field: who may ask at all, which rows they see, and what of personal data."""

from collections.abc import Mapping
from typing import Any

import pytest

from resolvers.answer import Failure
from tests.resolvers.callers import CALLERS, EVERY_ORDER, visible_orders
from tests.resolvers.rows import uid
from tests.resolvers.shop import Shop
from tests.resolvers.shop_catalogue import SKUS
from tests.resolvers.shop_orders import MARIA

STAFF = {"support", "support with pii", "operator", "market operator", "no channel", "admin"}
CUSTOMERS = {"customer", "other customer", "unknown customer", "assistant", "market customer"}
READERS = STAFF | CUSTOMERS
EVERYBODY = frozenset(CALLERS)
ID = uid("order", "web", "W-1")

# field of the root -> a question, and who may ask it
ASKED: dict[str, tuple[str, frozenset[str] | set[str]]] = {
    "order": (f'order(id: "{ID}") {{id}}', READERS | {"integrator"}),
    "orders": ("orders {totalCount}", READERS | {"integrator"}),
    "shipment": ('shipment(trackingNumber: "T-100") {id}', READERS | {"integrator"}),
    "availability": ('availability(skus: ["MUG"]) {sellable}', READERS | {"storefront"}),
    "promise": ('promise(lines: [{sku: "MUG"}]) {complete}', READERS | {"storefront"}),
    "item": ('item(sku: "MUG") {sku}', EVERYBODY - {"anonymous"}),
    "location": ('location(code: "HAM") {code}', STAFF | {"integrator"}),
    "parkedEvents": ("parkedEvents {nodes {source}}", {"admin", "no channel", "integrator"}),
    "connectors": ("connectors {name}", STAFF),
    "unreadEntries": ("unreadEntries {nodes {reference}}", STAFF),
    "webhookEndpoints": ("webhookEndpoints {totalCount}", {"admin", "no channel", "integrator"}),
    "webhookEndpoint": (f'webhookEndpoint(id: "{ID}") {{id}}', {"admin", "no channel", "integrator"}),
    "changes": ("changes {cursor}", READERS | {"integrator"}),
    "node": (f'node(id: "{ID}") {{id}}', EVERYBODY),
    "nodes": (f'nodes(ids: ["{ID}"]) {{id}}', EVERYBODY),
    "_entities": ('_entities(representations: [{__typename: "Item", sku: "MUG"}]) {__typename}', EVERYBODY),
    "_service": ("_service {sdl}", EVERYBODY),
    "__typename": ("__typename", EVERYBODY),
}
STOCK = STAFF | {"integrator"}
STOCK_FIELDS = {
    "availability.nodes": ('availability(skus: ["MUG"]) {nodes {onHand}}', STAFF),
    "item.availability.nodes": ('item(sku: "MUG") {availability {a: nodes {x: available}}}', STAFF),
    "item.stockLevels": ('item(sku: "MUG") {stockLevels {onHand}}', STOCK),
    "item.incoming": ('item(sku: "MUG") {incoming {quantity}}', STOCK),
    "in a fragment": ('item(sku: "MUG") {... {... on Node {... on Item {some: stockLevels {n: onHand}}}}}', STOCK),
    "of a node": (f'node(id: "{uid("MUG")}") {{... on Item {{stockLevels {{onHand}}}}}}', STOCK),
    "of nodes": (f'nodes(ids: ["{uid("MUG")}"]) {{... on Item {{incoming {{quantity}}}}}}', STOCK),
    "of an entity": (
        '_entities(representations: [{__typename: "Item", sku: "MUG"}]) {... on Item {x: stockLevels {onHand}}}',
        STOCK,
    ),
    "of an entity's availability": (
        '_entities(representations: [{__typename: "Item", sku: "MUG"}]) {... on Item {availability {nodes {onHand}}}}',
        STAFF,
    ),
    "of a line": (f'order(id: "{ID}") {{lines {{item {{stockLevels {{available}}}}}}}}', STOCK),
}


def test_every_root_field_is_in_the_table(shop: Shop) -> None:
    assert shop.core.query_type is not None
    assert set(shop.core.query_type.fields) | {"__typename"} == set(ASKED)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("field", [*ASKED, *STOCK_FIELDS])
async def test_who_may_ask_for_what(shop: Shop, caller: str, field: str) -> None:
    query, allowed = (ASKED | STOCK_FIELDS)[field]
    before = len(shop.reader.statements)
    reply = await shop.ask(f"{{{query}}}", actor=CALLERS[caller])
    if caller in allowed:
        assert reply.data
        return
    expected = "UNAUTHENTICATED" if caller == "anonymous" else "FORBIDDEN"
    assert (reply.answer.failure, reply.codes) == (Failure[expected], [expected])
    assert set(reply.body) == {"errors"}
    assert len(shop.reader.statements) == before


async def test_a_denied_field_is_named_with_what_it_needs(shop: Shop) -> None:
    reply = await shop.ask('{item(sku: "MUG") {stockLevels {onHand}}}', actor=CALLERS["storefront"])
    assert reply.errors[0]["message"].startswith("Item.stockLevels needs stock:read.")


@pytest.mark.parametrize("include", [True, False])
async def test_a_field_that_is_left_out_is_not_denied(shop: Shop, include: bool) -> None:
    query = 'query($x: Boolean!) {item(sku: "MUG") {sku stockLevels @include(if: $x) {onHand}}}'
    reply = await shop.ask(query, {"x": include}, CALLERS["storefront"])
    assert reply.codes == (["FORBIDDEN"] if include else [])


async def test_the_storefront_sees_items_and_what_is_for_sale(shop: Shop) -> None:
    query = """query($r: [_Any!]!) {
      item(sku: "MUG") {sku availability(channel: "web") {availableForSale sellable}}
      _entities(representations: $r) {... on Item {sku} ... on Order {number} ... on Location {code}}
    }"""
    wanted = [
        {"__typename": "Item", "sku": "MUG"},
        {"__typename": "Order", "id": str(ID)},
        {"__typename": "Location", "code": "HAM"},
    ]
    reply = await shop.ask(query, {"r": wanted}, CALLERS["storefront"])
    assert reply.data["_entities"] == [{"sku": "MUG"}, None, None]
    assert reply.data["item"]["availability"]["sellable"] is True


PERSONAL: Mapping[str, tuple[str | None, str | None]] = {
    # field: as it is, as it is shown without pii:read
    "customer.name": ("Maria Silva", "M***"),
    "customer.email": ("Maria.Silva@example.co.uk", "M***@e***.uk"),
    "customer.phone": ("+49 40 123456", "+***"),
    "shippingAddress.name": ("Maria Silva", "M***"),
    "shippingAddress.line1": ("Große Straße 1", "G***"),
    "shippingAddress.line2": ("c/o “Nobody”", "c***"),
    "shippingAddress.postalCode": ("20095", "20***"),
    "customer.id": ("C-1", "C-1"),
    "shippingAddress.city": ("Hamburg", "Hamburg"),
    "shippingAddress.region": ("HH", "HH"),
    "shippingAddress.country": ("DE", "DE"),
}
SEES_PERSONAL = {"customer", "support with pii", "operator", "admin"}
SEES_MASKED = {"assistant", "support"}


@pytest.mark.parametrize("caller", sorted(SEES_PERSONAL | SEES_MASKED))
@pytest.mark.parametrize("field", PERSONAL)
async def test_personal_data_is_masked_without_the_right(shop: Shop, caller: str, field: str) -> None:
    outer, inner = field.split(".")
    expected = PERSONAL[field][caller in SEES_MASKED]
    selection = f"{{x: {outer} {{... {{y: {inner}}}}}}}"
    queries = {
        "order": f'{{order(id: "{ID}") {selection}}}',
        "node": f'{{order: node(id: "{ID}") {{... on Order {selection}}}}}',
        "shipment": f'{{shipment(id: "{uid("S-1")}") {{order {selection}}}}}',
    }
    for path, query in queries.items():
        data = (await shop.ask(query, actor=CALLERS[caller])).data
        assert (data["shipment"] if path == "shipment" else data)["order"] == {"x": {"y": expected}}, path


def test_every_field_about_a_person_is_in_the_table(shop: Shop) -> None:
    for outer, type_name in (("customer", "Customer"), ("shippingAddress", "Address")):
        fields: Any = shop.core.type_map[type_name]
        assert {f"{outer}.{name}" for name in fields.fields} == {name for name in PERSONAL if name.startswith(outer)}


@pytest.mark.parametrize("caller", sorted(SEES_PERSONAL | SEES_MASKED))
async def test_notes_of_holds_are_personal(shop: Shop, caller: str) -> None:
    query = f'{{order(id: "{uid("order", "web", "W-2")}") {{holds(activeOnly: true) {{note}}}}}}'
    expected = None if caller in SEES_MASKED else "Call Maria"
    assert (await shop.ask(query, actor=CALLERS[caller])).data == {"order": {"holds": [{"note": expected}]}}


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("a@b", "a***@b***"),
        ("maria@example.com", "m***@e***.com"),
        ("no address", "n***"),
        ('"a@b"@example.com', '"***'),
        ("@example.com", "@***"),
        ("maria\n@example.com", "m***@e***.com"),
        ("", "***"),
        (None, None),
    ],
)
async def test_an_email_is_masked_whatever_it_looks_like(own_shop: Shop, email: str | None, masked: str | None) -> None:
    await own_shop.pool.execute("UPDATE orders SET customer_email = $1 WHERE id = $2", email, ID)
    query = f'{{order(id: "{ID}") {{customer {{email}}}}}}'
    assert (await own_shop.ask(query, actor=CALLERS["support"])).data == {"order": {"customer": {"email": masked}}}
    assert (await own_shop.ask(query)).data == {"order": {"customer": {"email": email}}}


@pytest.mark.parametrize("caller", CALLERS)
async def test_a_list_has_exactly_the_callers_orders(shop: Shop, caller: str) -> None:
    if caller in ("anonymous", "storefront"):
        return  # they may not ask, see above
    query = "{orders(first: 100) {totalCount nodes {number channel {code}} edges {node {number}}}}"
    found = (await shop.ask(query, actor=CALLERS[caller])).data["orders"]
    expected = visible_orders(caller)
    assert {(node["number"], node["channel"]["code"]) for node in found["nodes"]} == expected
    assert found["totalCount"] == len(found["nodes"]) == len(found["edges"]) == len(expected)


def test_the_callers_differ_in_what_they_see() -> None:
    sizes = {caller: len(visible_orders(caller)) for caller in CALLERS}
    assert sizes["admin"] == len(EVERY_ORDER) == 10
    assert (sizes["customer"], sizes["other customer"], sizes["integrator"]) == (4, 4, 4)
    assert (sizes["market operator"], sizes["market customer"], sizes["no channel"]) == (4, 1, 0)
    assert len(SKUS) == 8
    assert MARIA["customer_id"] == "C-1"
