"""Pages: every row once and in order, whatever the page size and whatever happens meanwhile."""

import base64
import itertools
import random
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from resolvers.answer import Failure
from tests.resolvers.rows import at, uid
from tests.resolvers.shop import Shop

MOST_PAGES = 40
SORTS = ("PLACED_NEWEST", "PLACED_OLDEST", "UPDATED_NEWEST", "UPDATED_OLDEST")
PAGE = """
query Page($first: Int!, $after: String, $sort: OrderSort!, $filter: OrderFilter) {
  orders(first: $first, after: $after, orderBy: $sort, filter: $filter) {
    totalCount
    nodes {id}
    edges {cursor node {id}}
    pageInfo {hasNextPage hasPreviousPage startCursor endCursor}
  }
}
"""
TIMELINE = """
query Page($id: ID!, $first: Int!, $after: String) {
  order(id: $id) {
    timeline(first: $first, after: $after) {totalCount edges {cursor node {id}} pageInfo {hasNextPage endCursor}}
  }
}
"""


async def pages(shop: Shop, first: int, sort: str, **more: object) -> AsyncIterator[dict[str, Any]]:
    """Every page of the list, each checked for what it says of itself."""
    after: str | None = None
    for _ in range(MOST_PAGES):
        variables = {"first": first, "after": after, "sort": sort, **more}
        page = (await shop.ask(PAGE, variables)).data["orders"]
        info, cursors = page["pageInfo"], [edge["cursor"] for edge in page["edges"]]
        assert page["nodes"] == [edge["node"] for edge in page["edges"]]
        assert info["hasPreviousPage"] is (after is not None)
        assert (info["startCursor"], info["endCursor"]) == (cursors[0], cursors[-1]) if cursors else (None, None)
        yield page
        if not info["hasNextPage"]:
            return
        assert len(cursors) == first
        after = info["endCursor"]
    pytest.fail("the list never ends")


async def in_order(shop: Shop, sort: str) -> list[str]:
    column = "placed_at" if sort.startswith("PLACED") else "updated_at"
    rows = sorted(await shop.rows("orders"), key=lambda row: (row[column], row["id"]), reverse=sort.endswith("NEWEST"))
    return [str(row["id"]) for row in rows]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("first", [1, 2, 3, 7, 10, 11, 100])
async def test_pages_of_any_size_give_every_row_once_in_order(shop: Shop, first: int, sort: str) -> None:
    found = [page async for page in pages(shop, first, sort)]
    expected = await in_order(shop, sort)
    assert [node["id"] for page in found for node in page["nodes"]] == expected
    assert len(found) == -(-len(expected) // first)
    assert {page["totalCount"] for page in found} == {len(expected)}


@pytest.mark.parametrize("filter", [{"status": ["SHIPPED", "CONFIRMED"]}, {"channel": ["market"]}, {"sku": "NO"}])
async def test_pages_of_a_filtered_list_have_only_what_matches(shop: Shop, filter: dict[str, object]) -> None:  # noqa: A002
    found = [page async for page in pages(shop, 1, "PLACED_OLDEST", filter=filter)]
    everything = [page async for page in pages(shop, 100, "PLACED_OLDEST", filter=filter)]
    assert [node for page in found for node in page["nodes"]] == everything[0]["nodes"]
    assert (
        everything[0]["totalCount"]
        == len(everything[0]["nodes"])
        == {"status": 2, "channel": 4, "sku": 0}[next(iter(filter))]
    )


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_there_all_the_time_comes_once_whatever_comes_and_goes(own_shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    stay = set(await in_order(own_shop, "PLACED_NEWEST"))
    sort, seen, names = chance.choice(SORTS), [], iter(range(12))
    async for page in pages(own_shop, chance.randint(1, 3), sort):
        seen += [node["id"] for node in page["nodes"]]
        if len(stay) > 5:
            gone = chance.choice(sorted(stay))
            await own_shop.pool.execute("DELETE FROM orders WHERE id = $1", gone)
            stay.discard(gone)
        for name in itertools.islice(names, chance.randint(0, 3)):
            await own_shop.pool.execute(
                "INSERT INTO orders (channel_id, number, status, currency, placed_at, updated_at)"
                " VALUES ($1, $2, 'PENDING', 'EUR', $3, $3)",
                uid("web"),
                f"new-{name}",
                at(chance.randint(0, 12), chance.random()),
            )
    expected = [id_ for id_ in await in_order(own_shop, sort) if id_ in stay]
    assert [id_ for id_ in seen if id_ in stay] == expected
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("first", [1, 2, 3, 7])
async def test_a_timeline_is_walked_inside_its_order(shop: Shop, first: int) -> None:
    order = str(uid("order", "web", "W-1"))
    rows = [row for row in await shop.rows("journal") if str(row["order_id"]) == order]
    expected = [str(row["event_id"]) for row in sorted(rows, key=lambda row: (row["occurred_at"], row["id"]))]
    seen: list[str] = []
    after, more = None, True
    while more and len(seen) < 10:
        page = (await shop.ask(TIMELINE, {"id": order, "first": first, "after": after})).data["order"]["timeline"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        assert page["totalCount"] == 7
        more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    assert seen == expected


async def test_every_order_of_a_page_has_its_own_page_of_timeline(shop: Shop) -> None:
    query = (
        "{orders(first: 100) {nodes {id timeline(first: 3) {totalCount nodes {id} pageInfo {endCursor hasNextPage}}}}}"
    )
    for node in (await shop.ask(query)).data["orders"]["nodes"]:
        alone = (await shop.ask(TIMELINE, {"id": node["id"], "first": 3})).data["order"]["timeline"]
        assert node["timeline"]["nodes"] == [edge["node"] for edge in alone["edges"]]
        assert node["timeline"]["pageInfo"] == {"endCursor": alone["edges"][2]["cursor"], "hasNextPage": True}
        assert node["timeline"]["totalCount"] == 7


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("totalCount", {"totalCount": 10}),
        ("__typename", {"__typename": "OrderConnection"}),
        ("pageInfo {__typename hasPreviousPage}", {"pageInfo": {"__typename": "PageInfo", "hasPreviousPage": False}}),
        ("pageInfo {hasNextPage}", {"pageInfo": {"hasNextPage": True}}),
        ("edges {__typename}", {"edges": [{"__typename": "OrderEdge"}] * 3}),
        ("nodes {n: __typename}", {"nodes": [{"n": "Order"}] * 3}),
        ("again: totalCount totalCount", {"again": 10, "totalCount": 10}),
    ],
)
async def test_any_part_of_a_page_can_be_asked_for_alone(shop: Shop, selection: str, expected: object) -> None:
    assert (await shop.ask(f"{{orders(first: 3) {{{selection}}}}}")).data == {"orders": expected}


@pytest.mark.parametrize("part", ["totalCount", "nodes {id}", "pageInfo {endCursor startCursor hasNextPage}"])
async def test_an_empty_list_is_a_page_too(shop: Shop, part: str) -> None:
    reply = await shop.ask(f'{{orders(filter: {{search: "nothing"}}) {{{part}}}}}')
    empty = {"endCursor": None, "startCursor": None, "hasNextPage": False}
    assert reply.data == {
        "orders": {"totalCount": {"totalCount": 0}, "nodes {id}": {"nodes": []}}.get(part, {"pageInfo": empty})
    }


async def test_without_first_a_page_has_twenty_rows(own_shop: Shop) -> None:
    await own_shop.pool.execute(
        "INSERT INTO orders (channel_id, number, status, currency, placed_at)"
        " SELECT $1, 'new-' || n, 'PENDING', 'EUR', now() FROM generate_series(1, 30) n",
        uid("web"),
    )
    page = (await own_shop.ask("{orders {nodes {id} totalCount}}")).data["orders"]
    assert (len(page["nodes"]), page["totalCount"]) == (20, 40)


@pytest.mark.parametrize("first", [0, -1, 101, 2**31 - 1])
async def test_a_page_has_1_to_100_rows(shop: Shop, first: int) -> None:
    before = len(shop.reader.statements)
    for reply in (
        await shop.ask(f"{{orders(first: {first}) {{totalCount}}}}"),
        await shop.ask("query($n: Int!) {orders(first: $n) {totalCount}}", {"n": first}),
        await shop.ask(
            "query($n: Int! = 5) {orders(first: $n) {nodes {timeline(first: $n) {totalCount}}}}", {"n": first}
        ),
    ):
        assert (reply.answer.failure, reply.codes) == (Failure.VARIABLES, ["BAD_USER_INPUT"])
        assert f"`first` is {first}" in reply.errors[0]["message"]
    assert len(shop.reader.statements) == before


async def test_no_page_size_is_not_the_default_one(shop: Shop) -> None:
    literal = await shop.ask("{orders(first: null) {totalCount}}")
    assert (literal.answer.failure, literal.codes) == (Failure.VALIDATION, ["GRAPHQL_VALIDATION_FAILED"])
    query = "query($n: Int) {orders(first: $n) {totalCount}}"
    assert (await shop.ask(query, {"n": None})).codes == ["BAD_USER_INPUT"]
    assert (await shop.ask(query, {})).data == {"orders": {"totalCount": 10}}


async def test_no_sort_order_is_not_the_default_one(shop: Shop) -> None:
    query = "query($o: OrderSort) {orders(orderBy: $o) {totalCount}}"
    assert (await shop.ask(query, {"o": None})).codes == ["BAD_USER_INPUT"]
    assert (await shop.ask(query, {})).data == {"orders": {"totalCount": 10}}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ID = str(uid("order", "web", "W-1"))
FOREIGN = {
    "of another sort": encoded(f'["PLACED_OLDEST", "2026-03-01T00:00:00+00:00", "{ID}"]'),
    "of a timeline": encoded('["", "2026-03-01T00:00:00+00:00", 7]'),
    "empty": "",
    "no base64": "!!!",
    "not ascii": "ä",
    "no json": encoded("nonsense"),
    "no list": encoded('{"a": 1}'),
    "empty list": encoded("[]"),
    "too short": encoded('["PLACED_NEWEST", "2026-03-01T00:00:00+00:00"]'),
    "too long": encoded(f'["PLACED_NEWEST", "2026-03-01T00:00:00+00:00", "{ID}", 1]'),
    "no instant": encoded(f'["PLACED_NEWEST", "yesterday", "{ID}"]'),
    "no time zone": encoded(f'["PLACED_NEWEST", "2026-03-01T00:00:00", "{ID}"]'),
    "before all time": encoded(f'["PLACED_NEWEST", "0001-01-01T00:00:00+10:00", "{ID}"]'),
    "a number for an instant": encoded(f'["PLACED_NEWEST", 5, "{ID}"]'),
    "a number for an id": encoded('["PLACED_NEWEST", "2026-03-01T00:00:00+00:00", 5]'),
    "null for an id": encoded('["PLACED_NEWEST", "2026-03-01T00:00:00+00:00", null]'),
    "no id": encoded('["PLACED_NEWEST", "2026-03-01T00:00:00+00:00", "x"]'),
    "deep": encoded("[" * 5000),
}


@pytest.mark.parametrize("cursor", FOREIGN.values(), ids=FOREIGN)
async def test_a_foreign_cursor_is_refused(shop: Shop, cursor: str) -> None:
    before = len(shop.reader.statements)
    reply = await shop.ask("query($after: String) {orders(after: $after) {nodes {id}}}", {"after": cursor})
    assert (reply.answer.failure, reply.codes) == (Failure.VARIABLES, ["BAD_USER_INPUT"])
    assert "use its `endCursor`" in reply.errors[0]["message"]
    assert len(shop.reader.statements) == before


@pytest.mark.parametrize("place", ["true", "1.5", '"5"', "99999999999999999999", "-99999999999999999999", "null"])
async def test_a_timelines_cursor_has_a_number_of_the_store(shop: Shop, place: str) -> None:
    after = encoded(f'["", "2026-03-01T00:00:00+00:00", {place}]')
    reply = await shop.ask(TIMELINE, {"id": ID, "first": 1, "after": after})
    assert reply.codes == ["BAD_USER_INPUT"]


async def test_a_page_costs_the_same_wherever_it_stands(shop: Shop) -> None:
    """The statement compares sort keys; it never counts rows to skip."""
    shop.reader.statements.clear()
    [page async for page in pages(shop, 3, "PLACED_NEWEST")]
    assert all("OFFSET" not in sql for sql, _ in shop.reader.statements)
    assert all(re.search(r"\(orders_\d.placed_at, orders_\d.id\) < \(", sql) for sql, _ in shop.reader.statements[1:])
