"""Numbers, instants, text and names: one form, whoever prints them and however they are asked for."""

import datetime as dt
import json
import string
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from resolvers.answer import Failure
from resolvers.steps import instant
from tests.resolvers.reference import printed_by_graphql_core
from tests.resolvers.rows import uid
from tests.resolvers.shop import ADMIN, Shop

ID = uid("order", "web", "W-1")
PATHS = (
    "order(id: $id) {x: %s}",
    "node(id: $id) {... on Order {x: %s}}",
    '_entities(representations: [{__typename: "Order", id: $id}]) {... on Order {x: %s}}',
    'availability(skus: ["MUG"]) {known} order(id: $id) {x: %s}',
)
QUICK = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


async def printed_everywhere(shop: Shop, field: str) -> Any:
    """The value of a field of one order, which is the same on every way and by both printers."""
    values = []
    for path in PATHS:
        query = f"query($id: ID!) {{{path % field}}}"
        reply = await shop.ask(query, {"id": str(ID)})
        again = await printed_by_graphql_core(shop.engine, query, {"id": str(ID)}, ADMIN)
        assert not again.errors
        assert {**(again.data or {}), "availability": None} == {**reply.data, "availability": None}
        found = next(value for name, value in reply.data.items() if name != "availability")
        values.append((found[0] if isinstance(found, list) else found)["x"])
    assert values == [values[0]] * len(PATHS)
    return values[0]


async def stored(shop: Shop, column: str, value: object) -> None:
    await shop.pool.execute(f"UPDATE orders SET {column} = $1 WHERE id = $2", value, ID)


@QUICK
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60))
@example(text="\"'\\/\b\f\n\r\t\x01\x1f\x7f\u2028\u2029\ufeff\ufffe\U0001f1e9\U0001f1ea")
@example(text='{"a": [1, null]}')
@example(text="</script><!-- $1 %s :x {{y}}")
@example(text="x" * 100_000)
async def test_text_comes_out_as_it_was_stored(own_shop: Shop, text: str) -> None:
    await stored(own_shop, "ship_city", text)
    assert await printed_everywhere(own_shop, "shippingAddress {city}") == {"city": text}


@pytest.mark.parametrize("amount", [0, 1, -1, 2**31, -(2**31) - 1, 2**53 - 1, -(2**53) + 1])
async def test_money_is_exact(own_shop: Shop, amount: int) -> None:
    await stored(own_shop, "total_amount", amount)
    found = await printed_everywhere(own_shop, "total {amount currency}")
    assert found == {"amount": amount, "currency": "EUR"}
    assert type(found["amount"]) is int


INSTANTS = [
    ("2026-03-01T12:00:00+00:00", "2026-03-01T12:00:00.000Z"),
    ("2026-03-01T12:00:00.5+05:30", "2026-03-01T06:30:00.500Z"),
    ("2026-03-01T12:00:00.123456+00:00", "2026-03-01T12:00:00.123Z"),
    ("2026-03-01T12:00:00.000999+00:00", "2026-03-01T12:00:00.000Z"),
    ("2026-03-01T12:00:00.999999+00:00", "2026-03-01T12:00:00.999Z"),
    ("1969-12-31T23:59:59.999999+00:00", "1969-12-31T23:59:59.999Z"),
    ("1969-12-31T23:59:59.000001+00:00", "1969-12-31T23:59:59.000Z"),
    ("1583-01-01T00:00:00.25+00:00", "1583-01-01T00:00:00.250Z"),
    ("0001-01-02T00:00:00+00:00", "0001-01-02T00:00:00.000Z"),
    ("9999-12-31T23:59:59.998+00:00", "9999-12-31T23:59:59.998Z"),
    ("2016-12-31T23:59:59+00:00", "2016-12-31T23:59:59.000Z"),
]


@pytest.mark.parametrize(("told", "printed"), INSTANTS)
async def test_an_instant_has_one_form(own_shop: Shop, told: str, printed: str) -> None:
    moment = dt.datetime.fromisoformat(told)
    await stored(own_shop, "closed_at", moment)
    assert await printed_everywhere(own_shop, "closedAt") == printed
    assert instant(moment) == printed


@pytest.mark.parametrize(("told", "printed"), INSTANTS)
async def test_a_computed_instant_has_the_same_form(own_shop: Shop, told: str, printed: str) -> None:
    moment = dt.datetime.fromisoformat(told)
    await own_shop.pool.execute("UPDATE stock_levels SET counted_at = $1 WHERE item_id = $2", moment, uid("MUG"))
    reply = await own_shop.ask('{item(sku: "MUG") {availability {asOf} stockLevels {countedAt}}}')
    assert reply.data["item"]["availability"]["asOf"] == printed
    assert {level["countedAt"] for level in reply.data["item"]["stockLevels"]} == {printed}


async def test_a_place_in_a_list_keeps_every_microsecond(own_shop: Shop) -> None:
    """Two orders of the same millisecond: the instants look equal, the pages still tell them apart."""
    for microsecond, number in ((123_456, "W-1"), (123_457, "W-2"), (123_458, "W-3")):
        moment = dt.datetime(2030, 1, 1, 0, 0, 0, microsecond, dt.UTC)
        await own_shop.pool.execute(
            "UPDATE orders SET placed_at = $1 WHERE id = $2", moment, uid("order", "web", number)
        )
    seen, after = [], None
    for _ in range(3):
        query = "query($a: String) {orders(first: 1, after: $a) {nodes {number placedAt} pageInfo {endCursor}}}"
        page = (await own_shop.ask(query, {"a": after})).data["orders"]
        seen.append((page["nodes"][0]["number"], page["nodes"][0]["placedAt"]))
        after = page["pageInfo"]["endCursor"]
    assert seen == [(number, "2030-01-01T00:00:00.123Z") for number in ("W-3", "W-2", "W-1")]


async def test_days_and_times_of_day_are_local(shop: Shop) -> None:
    place = (await shop.ask('{location(code: "HAM") {cutoffs {weekday cutoff} closures {day reason}}}')).data[
        "location"
    ]
    assert place["cutoffs"][0] == {"weekday": 1, "cutoff": "14:30:00"}
    assert place["closures"] == [{"day": "2026-05-04", "reason": ""}, {"day": "2026-12-24", "reason": "Christmas Eve"}]


JSON_VALUES = [
    {},
    {"a": None, "b": [], "c": {"d": [True, False, 1, -1, 0.5, "x"]}},
    {"ünï": '“quoted” " \\ \n \U0001f600', "": "empty", "__typename": "no type", "r": 1},
    {"big": 2**53 - 1, "small": -(2**53) + 1, "float": 1e-7, "large": 1e15},
]


@pytest.mark.parametrize("value", JSON_VALUES)
async def test_json_is_what_was_stored(own_shop: Shop, value: object) -> None:
    await own_shop.pool.execute("UPDATE promises SET inputs = $1", json.dumps(value))
    found = await printed_everywhere(own_shop, "promise {current {inputs}}")
    assert found == {"current": {"inputs": value}}


# Words that mean something to SQL, to PostgreSQL, to us, or to JavaScript.
NAMES = [
    *string.ascii_letters,
    *("select", "from", "order", "user", "table", "null", "true", "case", "end", "limit", "Group"),
    *("ctid", "oid", "xmin", "tableoid", "row", "anon_1", "orders", "orders_1", "r", "json", "value"),
    *(
        "ordergraph_n",
        "ordergraph_cursor",
        "number",
        "Number",
        "NUMBER",
        "__proto__",
        "constructor",
        "toString",
        "_",
        "__",
    ),
]
PLACES = {
    "row": ('order(id: "%s") {%s}', "number"),
    "embedded": ('order(id: "%s") {payment {%s}}', "status"),
    "relation": ('order(id: "%s") {channel {%s}}', "code"),
    "list": ('order(id: "%s") {lines {%s}}', "sku"),
    "breakdown": ('order(id: "%s") {lines {statusBreakdown {%s}}}', "quantity"),
    "page": ('order(id: "%s") {timeline(first: 1) {%s}}', "totalCount"),
    "nodes": ('order(id: "%s") {timeline(first: 2) {nodes {%s}}}', "type"),
    "edges": ('order(id: "%s") {timeline(first: 2) {edges {%s}}}', "cursor"),
    "page info": ('order(id: "%s") {timeline(first: 1) {pageInfo {%s}}}', "hasNextPage"),
    "node": ('node(id: "%s") {... on Order {%s}}', "number"),
    "entity": ('_entities(representations: [{__typename: "Order", id: "%s"}]) {... on Order {%s}}', "number"),
    "computed": ('node(id: "%s") {id} availability(skus: ["MUG"]) {%s}', "sku"),
}


async def same_under_all_names(shop: Shop, place: str, names: list[str]) -> None:
    template, field = PLACES[place]
    reply = await shop.ask("{" + template % (ID, " ".join(f"{name}: {field}" for name in names)) + "}")
    alone = (await shop.ask("{" + template % (ID, field) + "}")).body["data"]
    expected = renamed(alone, field, names)
    assert orjson.dumps(reply.data) == orjson.dumps(expected)


def renamed(value: Any, field: str, names: list[str]) -> Any:
    if isinstance(value, list):
        return [renamed(item, field, names) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {field}:
        return dict.fromkeys(names, value[field])
    return {name: renamed(part, field, names) for name, part in value.items()}


@pytest.mark.parametrize("place", PLACES)
async def test_any_name_may_be_a_response_name(shop: Shop, place: str) -> None:
    await same_under_all_names(shop, place, list(dict.fromkeys(NAMES)))
    for name in ("r", "orders_1", "ctid"):
        await same_under_all_names(shop, place, [name])


@pytest.mark.parametrize("place", PLACES)
async def test_an_object_may_have_more_fields_than_a_function_has_arguments(shop: Shop, place: str) -> None:
    await same_under_all_names(shop, place, [f"name{number}" for number in range(150)])
    await same_under_all_names(shop, place, [f"name{number}" for number in range(51)])


@pytest.mark.parametrize("place", PLACES)
async def test_a_name_has_at_most_63_characters(shop: Shop, place: str) -> None:
    await same_under_all_names(shop, place, ["x" * 62 + letter for letter in "abc"])
    template, field = PLACES[place]
    reply = await shop.ask("{" + template % (ID, "y" * 64 + ": " + field) + "}")
    assert (reply.answer.failure, reply.codes) == (Failure.TOO_COMPLEX, ["QUERY_TOO_COMPLEX"])
    assert "has 64 characters; use at most 63" in reply.errors[0]["message"]


@pytest.mark.parametrize("place", PLACES)
async def test_an_object_of_which_everything_is_skipped_is_empty(shop: Shop, place: str) -> None:
    template, field = PLACES[place]
    query = "query($x: Boolean!) {" + template % (ID, f"{field} @include(if: $x)") + "}"
    alone = (await shop.ask("{" + template % (ID, field) + "}")).body["data"]
    assert (await shop.ask(query, {"x": False})).data == renamed(alone, field, [])
    assert (await shop.ask(query, {"x": True})).data == alone


async def test_an_operation_of_which_everything_is_skipped_is_empty(shop: Shop) -> None:
    assert (await shop.ask("{__typename @skip(if: true)}")).data == {}
