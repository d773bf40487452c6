"""What a caller may not see looks byte for byte like what is not there, on every way that leads to it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.resolvers.callers import CALLERS, EVERY_ORDER, visible_orders
from tests.resolvers.rows import uid
from tests.resolvers.shop import Reply, Shop

ORDER = "{id number customer {email} lines {sku}}"
SHORT = "{id customer {email}}"
# Each way to an order takes the same variables; an absent order has values of the same form that nobody has.
WAYS = {
    "order(id)": f"query($id: ID!) {{order(id: $id) {ORDER}}}",
    "order(number)": f"query($number: String, $channel: String) {{order(number: $number, channel: $channel) {SHORT}}}",
    "node": f"query($id: ID!) {{node(id: $id) {{__typename ... on Order {ORDER}}}}}",
    "nodes": f"query($id: ID!) {{nodes(ids: [$id]) {{id ... on Order {ORDER}}}}}",
    "_entities(id)": f"query($byId: [_Any!]!) {{_entities(representations: $byId) {{... on Order {ORDER}}}}}",
    "_entities(number)": f"query($byNumber: [_Any!]!) {{_entities(representations: $byNumber) {{...on Order{SHORT}}}}}",
    "filter": """query($number: String!, $channel: String!) {
      orders(filter: {search: $number, channel: [$channel]}) {totalCount nodes {id} edges {cursor}
        pageInfo {hasNextPage hasPreviousPage startCursor endCursor}}}""",
}
SHIPMENTS = {"S-1": ("W-1", "web"), "S-2": ("W-1", "web"), "S-3": ("M-1", "market"), "S-4": ("W-4", "web")}
SHIPMENT_WAYS = {
    "shipment": "query($id: ID!) {shipment(id: $id) {id status order {number}}}",
    "node": "query($id: ID!) {node(id: $id) {id ... on Shipment {order {number}}}}",
    "nodes": "query($id: ID!) {nodes(ids: [$id, $id]) {id}}",
    "_entities": "query($byId: [_Any!]!) {_entities(representations: $byId) {... on Shipment {id order {number}}}}",
}
MAY_ASK = [name for name in CALLERS if name not in ("anonymous", "storefront")]


def named(kind: str, id_: object, number: str, channel: str) -> dict[str, Any]:
    by_number = {"__typename": "Order", "number": number, "channel": {"code": channel}}
    return {
        "id": str(id_),
        "number": number,
        "channel": channel,
        "byId": [{"__typename": kind, "id": str(id_)}],
        "byNumber": [by_number],
    }


ABSENT = named("Order", uid("absent"), "W-404", "web")


def without_extensions(reply: Reply) -> bytes:
    head, _, _ = reply.answer.body.partition(b',"extensions":')
    return head


def leaves(value: Any) -> Iterator[object]:
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from leaves(part)
    else:
        yield value


def used(query: str, variables: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if f"${name}:" in query}


@pytest.mark.parametrize("caller", MAY_ASK)
@pytest.mark.parametrize("way", WAYS)
async def test_an_order_of_others_looks_like_none(shop: Shop, caller: str, way: str) -> None:
    query, actor = WAYS[way], CALLERS[caller]
    absent = without_extensions(await shop.ask(query, used(query, ABSENT), actor))
    seen = set()
    for number, channel in sorted(EVERY_ORDER):
        reply = await shop.ask(
            query, used(query, named("Order", uid("order", channel, number), number, channel)), actor
        )
        assert reply.answer.failure is None
        if without_extensions(reply) != absent:
            assert str(uid("order", channel, number)) in set(leaves(reply.data))
            seen.add((number, channel))
    assert seen == visible_orders(caller)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("way", SHIPMENT_WAYS)
async def test_a_parcel_of_others_looks_like_none(shop: Shop, caller: str, way: str) -> None:
    if way == "shipment" and caller not in MAY_ASK:
        return
    query, actor = SHIPMENT_WAYS[way], CALLERS[caller]
    absent = without_extensions(await shop.ask(query, used(query, named("Shipment", uid("absent"), "", "")), actor))
    seen = set()
    for name in SHIPMENTS:
        reply = await shop.ask(query, used(query, named("Shipment", uid(name), "", "")), actor)
        if without_extensions(reply) != absent:
            assert str(uid(name)) in set(leaves(reply.data))
            seen.add(name)
    assert seen == {name for name, order in SHIPMENTS.items() if order in visible_orders(caller)}


@pytest.mark.parametrize(
    ("caller", "found"),
    [
        ("admin", "S-3"),
        ("customer", "S-3"),
        ("other customer", None),
        ("market operator", "S-3"),
        ("integrator", "S-3"),
        ("no channel", None),
    ],
)
async def test_a_tracking_number_finds_the_newest_parcel_that_is_seen(
    shop: Shop, caller: str, found: str | None
) -> None:
    reply = await shop.ask('{shipment(trackingNumber: "T-100") {id}}', actor=CALLERS[caller])
    assert reply.data == {"shipment": {"id": str(uid(found))} if found else None}


async def test_a_newer_parcel_of_others_does_not_hide_ones_own(own_shop: Shop) -> None:
    await own_shop.pool.execute("UPDATE orders SET customer_id = 'C-2' WHERE number = 'M-1'")
    reply = await own_shop.ask('{shipment(trackingNumber: "T-100") {id}}', actor=CALLERS["customer"])
    assert reply.data == {"shipment": {"id": str(uid("S-1"))}}


FILTERS = (
    {"customerId": "C-1"},
    {"customerEmail": "maria.silva@example.co.uk"},
    {"search": "maria.silva@example.co.uk"},
    {"search": "T-100"},
    {"trackingNumber": "T-100"},
    {"sku": "SHIRT-M"},
    {"location": "HAM"},
    {"status": ["ON_HOLD"]},
    {"attention": ["SOURCE_CONFLICT"]},
    {"placedFrom": "2020-01-01T00:00:00Z"},
    {"channel": ["web"], "search": "W-1"},
)


@pytest.mark.parametrize("caller", MAY_ASK)
@pytest.mark.parametrize("given", FILTERS, ids=str)
async def test_a_filter_never_finds_orders_of_others(shop: Shop, caller: str, given: dict[str, Any]) -> None:
    query = "query($f: OrderFilter) {orders(first: 100, filter: $f) {totalCount nodes {number channel {code}}}}"

    async def found(name: str) -> set[tuple[str, str]]:
        page = (await shop.ask(query, {"f": given}, CALLERS[name])).data["orders"]
        assert page["totalCount"] == len(page["nodes"])
        return {(node["number"], node["channel"]["code"]) for node in page["nodes"]}

    assert await found("admin")
    assert await found(caller) == await found("admin") & visible_orders(caller)


async def test_a_cursor_of_a_wider_view_opens_nothing(shop: Shop) -> None:
    wide = (await shop.ask("{orders(first: 1) {pageInfo {endCursor}}}")).data["orders"]["pageInfo"]["endCursor"]
    query = "query($a: String) {orders(first: 100, after: $a) {nodes {number channel {code}}}}"
    nodes = (await shop.ask(query, {"a": wide}, CALLERS["customer"])).data["orders"]["nodes"]
    assert {(node["number"], node["channel"]["code"]) for node in nodes} <= visible_orders("customer")


async def test_the_positions_of_two_views_have_different_cursors(shop: Shop) -> None:
    cursors = {(await shop.ask("{__typename}", actor=actor)).body["extensions"]["cursor"] for actor in CALLERS.values()}
    assert len(cursors) >= 7
