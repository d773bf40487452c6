"""Text of callers is never part of a statement, whatever it says and wherever it may stand."""

import dataclasses
import re

import pytest
from graphql.language.print_string import print_string
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.resolvers.shop import Reply, Shop

MARK = "zqxjk"
"""In no statement of ours."""


@dataclasses.dataclass(frozen=True)
class Place:
    """An argument of type String or ID: where it stands, and what an answer to nonsense looks like there."""

    query: str
    empty: object = None
    refused: bool = False

    def literal(self, text: str) -> str:
        """GraphQL's own spelling of the string in the document."""
        return "{" + self.query.replace("$x", print_string(text)) + "}"

    @property
    def variable(self) -> str:
        kind = "ID" if re.search(r"\b(id|ids): (\[)?\$x", self.query) else "String"
        return f"query($x: {kind}!) {{{self.query}}}"


NO_ORDERS = {"orders": {"nodes": [], "totalCount": 0}}
PLACES = {
    "order.id": Place("order(id: $x) {id}", {"order": None}),
    "order.number": Place('order(number: $x, channel: "web") {id}', {"order": None}),
    "order.channel": Place('order(number: "W-1", channel: $x) {id}', {"order": None}),
    "shipment.id": Place("shipment(id: $x) {id}", {"shipment": None}),
    "shipment.trackingNumber": Place("shipment(trackingNumber: $x) {id}", {"shipment": None}),
    "item.sku": Place("item(sku: $x) {id}", {"item": None}),
    "location.id": Place("location(id: $x) {id}", {"location": None}),
    "location.code": Place("location(code: $x) {id}", {"location": None}),
    "node.id": Place("node(id: $x) {id}", {"node": None}),
    "nodes.ids": Place("nodes(ids: [$x]) {id}", {"nodes": [None]}),
    **{
        f"orders.{name}": Place(f"orders(filter: {{{name}: $x}}) {{nodes {{id}} totalCount}}", NO_ORDERS)
        for name in ("customerId", "customerEmail", "sku", "trackingNumber", "location", "search")
    },
    "orders.channel": Place("orders(filter: {channel: [$x]}) {nodes {id} totalCount}", NO_ORDERS),
    "orders.after": Place("orders(after: $x) {totalCount}", refused=True),
    "availability.skus": Place(
        "availability(skus: [$x]) {known nodes {onHand}}", {"availability": [{"known": False, "nodes": []}]}
    ),
    "availability.channel": Place('availability(skus: ["MUG"], channel: $x) {known}', refused=True),
    "destination.country": Place('availability(skus: ["MUG"], destination: {country: $x}) {known}', refused=True),
    "promise.sku": Place("promise(lines: [{sku: $x}]) {complete}", {"promise": {"complete": False}}),
    "promise.postalCode": Place(
        'promise(lines: [{sku: "LAMP"}], destination: {country: "CN", postalCode: $x}) {complete}',
        {"promise": {"complete": False}},
    ),
    "promise.timeZone": Place(
        'promise(lines: [{sku: "SHIRT-M"}], channel: "web", destination: {country: "DE", timeZone: $x}) {complete}',
        refused=True,
    ),
    "promise.region": Place(
        'promise(lines: [{sku: "SHIRT-M"}], destination: {country: "CN", region: $x}) {complete}',
        {"promise": {"complete": False}},
    ),
    "promise.service": Place(
        'promise(lines: [{sku: "LAMP"}], destination: {country: "CN"}, service: $x) {complete}',
        {"promise": {"complete": False}},
    ),
    "unreadEntries.connector": Place(
        "unreadEntries(connector: $x) {nodes {reference}}", {"unreadEntries": {"nodes": []}}
    ),
    "parkedEvents.source": Place("parkedEvents(source: $x) {nodes {source}}", {"parkedEvents": {"nodes": []}}),
    "webhookEndpoint.id": Place("webhookEndpoint(id: $x) {id}", {"webhookEndpoint": None}),
    "changes.after": Place("changes(after: $x) {cursor}", refused=True),
    "changes.wait": Place("changes(wait: $x) {cursor}", refused=True),
    "entity.id": Place(
        '_entities(representations: [{__typename: "Order", id: $x}]) {__typename}', {"_entities": [None]}
    ),
    "entity.number": Place(
        '_entities(representations: [{__typename: "Order", number: $x, channel: {code: "web"}}]) {__typename}',
        {"_entities": [None]},
    ),
    "entity.sku": Place(
        '_entities(representations: [{__typename: "Item", sku: $x}]) {__typename}', {"_entities": [None]}
    ),
}
HOSTILE = (
    "'; DROP TABLE orders; --",
    "' OR '1'='1",
    "\\'; SELECT pg_sleep(10); --",
    "$1",
    "%s %(x)s {} :name",
    "\x00",
    "a\x00b",
    "\U0001f600 ‮ \r\n\t\x1b",
    "x" * 10_000,
    "",
)
texts = st.text(st.characters(codec="utf-8"), max_size=40) | st.text("'\"\\;-$%/*\x00 ", max_size=20)
QUICK = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize("name", PLACES)
@QUICK
@given(text=texts)
@example(text=HOSTILE[0])
@example(text=HOSTILE[5])
async def test_text_of_callers_is_never_part_of_a_statement(shop: Shop, name: str, text: str) -> None:
    await ask_both_ways(shop, PLACES[name], MARK + text)


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_finds_nothing_anywhere(shop: Shop, text: str) -> None:
    for place in PLACES.values():
        if place.query.startswith('promise(lines: [{sku: "SHIRT-M"}]') and not text:
            continue  # an empty time zone is none: the one of the location is meant
        await ask_both_ways(shop, place, text)


async def ask_both_ways(shop: Shop, place: Place, text: str) -> None:
    shop.reader.statements.clear()
    check(place, await shop.ask(place.variable, {"x": text}))
    check(place, await shop.ask(place.literal(text)))
    assert not [sql for sql, _ in shop.reader.statements if MARK in sql]
    assert len({sql for sql, _ in shop.reader.statements}) <= 1


def check(place: Place, reply: Reply) -> None:
    if place.refused:
        assert reply.codes == ["BAD_USER_INPUT"]
    else:
        assert reply.data == place.empty


async def test_every_text_argument_has_been_tried(shop: Shop) -> None:
    """A new one is noticed here, and gets its place above."""
    tried = " ".join(place.query for place in PLACES.values())
    query = shop.core.query_type
    assert query is not None
    for field in query.fields.values():
        for name, argument in field.args.items():
            if str(argument.type).strip("![]") in {"String", "ID"}:
                assert f"{name}: $x" in tried or f"{name}: [$x]" in tried, name
    for kind in ("OrderFilter", "DestinationInput", "PromiseLineInput"):
        entries: dict[str, object] = shop.core.type_map[kind].fields  # type: ignore[attr-defined]  # input objects
        for name, entry in entries.items():
            if str(entry.type).strip("![]") == "String":  # type: ignore[attr-defined]  # an input field
                assert f"{name}: $x" in tried or f"{name}: [$x]" in tried, name
