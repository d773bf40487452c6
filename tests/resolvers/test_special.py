"""Entities and nodes: one statement for a batch, every item in its place, a bad one costs only itself."""

import copy
import random
from pathlib import Path
from typing import Any

import pytest

from resolvers.answer import Failure
from schema import build
from tests.resolvers.operation_values import ITEM_IDS, LOCATION_IDS, ORDER_IDS, SHIPMENT_IDS
from tests.resolvers.rows import uid
from tests.resolvers.shop import Shop
from tests.resolvers.shop_catalogue import SKUS
from tests.resolvers.shop_orders import ORDERS

ENTITIES = """
query Entities($r: [_Any!]!) {
  _entities(representations: $r) {
    __typename
    ... on Order {id number channel {code}}
    ... on Item {id sku}
    ... on Location {id code}
    ... on Shipment {id trackingNumber}
  }
}
"""


def order(**key: object) -> dict[str, Any]:
    return {"__typename": "Order", **key}


def item(**key: object) -> dict[str, Any]:
    return {"__typename": "Item", **key}


EVERY_KEY: list[tuple[dict[str, Any], str]] = [
    *(
        (order(number=number, channel={"code": channel}), str(uid("order", channel, number)))
        for number, channel, *_ in ORDERS
    ),
    *((order(id=id_), id_) for id_ in ORDER_IDS),
    *((item(sku=sku), id_) for sku, id_ in zip(SKUS, ITEM_IDS, strict=True)),
    *((item(id=id_), id_) for id_ in ITEM_IDS),
    *(({"__typename": "Shipment", "id": id_}, id_) for id_ in SHIPMENT_IDS),
    *(({"__typename": "Location", "id": id_}, id_) for id_ in LOCATION_IDS),
    *(({"__typename": "Location", "code": code}, str(uid(code))) for code in ("HAM", "PAR", "SUP", "OLD")),
]


@pytest.mark.parametrize("seed", range(5))
async def test_entities_of_all_types_come_in_order_from_one_statement(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    asked = chance.choices(EVERY_KEY, k=60)
    sent = [representation for representation, _ in asked]
    before, untouched = len(shop.reader.statements), copy.deepcopy(sent)
    found = (await shop.ask(ENTITIES, {"r": sent})).data["_entities"]
    assert [entity["id"] for entity in found] == [id_ for _, id_ in asked]
    assert [entity["__typename"] for entity in found] == [representation["__typename"] for representation in sent]
    assert len(shop.reader.statements) == before + 1
    assert sent == untouched


async def test_a_batch_has_at_most_250(shop: Shop) -> None:
    batch = [representation for representation, _ in EVERY_KEY] * 6
    found = (await shop.ask(ENTITIES, {"r": batch[:250]})).data["_entities"]
    assert len(found) == 250
    assert None not in found
    for too_many in (batch[:251], [{"__typename": "Nothing"}] * 251):
        reply = await shop.ask(ENTITIES, {"r": too_many})
        assert (reply.answer.failure, reply.codes) == (Failure.VARIABLES, ["BAD_USER_INPUT"])
    reply = await shop.ask("query($i: [ID!]!) {nodes(ids: $i) {id}}", {"i": ORDER_IDS * 26})
    assert reply.codes == ["BAD_USER_INPUT"]


async def test_duplicates_are_answered_each(shop: Shop) -> None:
    sent = [item(sku="MUG"), item(sku="LAMP"), item(sku="MUG"), item(id=str(uid("MUG")))]
    found = (await shop.ask(ENTITIES, {"r": sent})).data["_entities"]
    assert [entity["sku"] for entity in found] == ["MUG", "LAMP", "MUG", "MUG"]


async def test_no_representations_are_no_entities(shop: Shop) -> None:
    assert (await shop.ask(ENTITIES, {"r": []})).data == {"_entities": []}
    assert (await shop.ask("{nodes(ids: []) {id}}")).data == {"nodes": []}


async def test_what_is_not_there_is_null_without_an_error(shop: Shop) -> None:
    sent = [
        order(id=str(uid("absent"))),
        order(id="no uuid"),
        item(sku="NO"),
        order(number="W-1", channel={"code": "no"}),
    ]
    assert (await shop.ask(ENTITIES, {"r": sent})).data == {"_entities": [None] * 4}


BAD: list[tuple[Any, str]] = [
    ({}, "__typename names no entity"),
    ({"__typename": "Money"}, "__typename names no entity"),
    ({"__typename": 5}, "__typename names no entity"),
    (order(), "no complete key; give id or number + channel.code"),
    (order(id=None), "no complete key"),
    (order(id=5), "no complete key"),
    (order(number="W-1"), "no complete key"),
    (order(number="W-1", channel={}), "no complete key"),
    (order(number="W-1", channel="web"), "no complete key"),
    (order(number="W-1", channel={"code": None}), "no complete key"),
    (item(number="W-1"), "no complete key; give id or sku"),
    ("text", "is an object with __typename"),
    (7, "is an object with __typename"),
    ([], "is an object with __typename"),
]


@pytest.mark.parametrize(("bad", "message"), BAD, ids=[str(bad) for bad, _ in BAD])
async def test_a_bad_representation_costs_only_its_own_place(shop: Shop, bad: Any, message: str) -> None:
    sent = [item(sku="MUG"), bad, order(number="W-1", channel={"code": "web"}), bad]
    reply = await shop.ask(ENTITIES.replace("_entities(", "them: _entities("), {"r": sent})
    assert [entity and entity["__typename"] for entity in reply.body["data"]["them"]] == ["Item", None, "Order", None]
    assert [error["path"] for error in reply.errors] == [["them", 1], ["them", 3]]
    assert reply.codes == ["BAD_REPRESENTATION"] * 2
    assert all(message in error["message"] for error in reply.errors)
    assert reply.answer.failure is None
    assert reply.answer.has_errors


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        (order(id=None), order(id=ORDER_IDS[0])),
        (order(number="W-1", channel={}), order(number="W-1", channel={"code": "web"})),
        (order(number=None, channel={"code": "web"}), order(number="W-1", channel={"code": "web"})),
        (item(sku=5), item(sku="MUG")),
    ],
)
async def test_a_bad_representation_does_not_spoil_the_plan_for_others(shop: Shop, bad: Any, good: Any) -> None:
    """They bring the same fields, and only one of them means something."""
    query = ENTITIES.replace("Entities(", f"Spoiled{abs(hash(str(bad)))}(")
    assert (await shop.ask(query, {"r": [bad]})).codes == ["BAD_REPRESENTATION"]
    assert (await shop.ask(query, {"r": [good]})).data["_entities"][0] is not None
    assert (await shop.ask(query, {"r": [bad]})).codes == ["BAD_REPRESENTATION"]


async def test_a_key_that_is_null_leaves_the_other_key(shop: Shop) -> None:
    sent = [order(id=None, number="W-1", channel={"code": "market"}), item(id=None, sku="MUG")]
    found = (await shop.ask(ENTITIES, {"r": sent})).data["_entities"]
    assert [entity["id"] for entity in found] == [str(uid("order", "market", "W-1")), str(uid("MUG"))]


async def test_representations_may_be_written_in_the_document(shop: Shop) -> None:
    query = """query($sku: String!, $id: ID!) {
      _entities(representations: [{__typename: "Item", sku: $sku}, {__typename: "Order", id: $id}]) {
        ... on Item {sku} ... on Order {number}
      }
    }"""
    for sku, place in (("MUG", 0), ("LAMP", 1)):
        found = (await shop.ask(query, {"sku": sku, "id": ORDER_IDS[place]})).data["_entities"]
        assert found == [{"sku": sku}, {"number": ORDERS[place][0]}]


async def test_entities_have_computed_fields_each_of_its_own(shop: Shop) -> None:
    query = """query($r: [_Any!]!) {
      _entities(representations: $r) {
        ... on Item {x: availability(channel: "market") {sku}}
        ... on Order {x: channel {sku: code}}
      }
    }"""
    sent = [item(sku="MUG"), order(id=ORDER_IDS[0]), item(sku="LAMP"), item(sku="NO")]
    found = (await shop.ask(query, {"r": sent})).data["_entities"]
    assert found == [{"x": {"sku": "MUG"}}, {"x": {"sku": "web"}}, {"x": {"sku": "LAMP"}}, None]


async def test_one_response_name_may_be_another_field_of_every_type(shop: Shop) -> None:
    """A computed field of items is not computed for an order that uses its name for something else."""
    query = """query($i: [ID!]!, $one: ID!) {
      nodes(ids: $i) {...Named}
      node(id: $one) {...Named}
    }
    fragment Named on Node {
      ... on Item {x: availability {y: formula}}
      ... on Order {x: channel {y: code}}
      ... on Shipment {x: order {y: number}}
      ... on Location {__typename}
    }"""
    ids = [ORDER_IDS[0], ITEM_IDS[0], SHIPMENT_IDS[0], LOCATION_IDS[0], "none", ITEM_IDS[1]]
    computed = {"x": {"y": "AVAILABLE_FOR_SALE"}}
    for one, expected in ((ids[1], computed), (ids[0], {"x": {"y": "web"}}), ("none", None)):
        data = (await shop.ask(query, {"i": ids, "one": one})).data
        named = [{"x": {"y": "web"}}, computed, {"x": {"y": "W-1"}}, {"__typename": "Location"}, None, computed]
        assert data == {"nodes": named, "node": expected}


async def test_nodes_come_in_order_with_null_for_what_is_not_there(shop: Shop) -> None:
    ids = [*ORDER_IDS, "no uuid", *ITEM_IDS, str(uid("absent")), *SHIPMENT_IDS, ORDER_IDS[0], *LOCATION_IDS]
    before = len(shop.reader.statements)
    found = (await shop.ask("query($i: [ID!]!) {nodes(ids: $i) {id __typename}}", {"i": ids})).data["nodes"]
    known = set(ORDER_IDS + ITEM_IDS + SHIPMENT_IDS + LOCATION_IDS)
    assert [node and node["id"] for node in found] == [id_ if id_ in known else None for id_ in ids]
    assert len(shop.reader.statements) == before + 1


@pytest.mark.parametrize("form", [str.upper, "{{{}}}".format, lambda id_: id_.replace("-", ""), "urn:uuid:{}".format])
async def test_an_id_means_the_same_in_every_spelling_of_a_uuid(shop: Shop, form: Any) -> None:
    assert (await shop.ask("query($i: ID!) {node(id: $i) {id}}", {"i": form(ITEM_IDS[0])})).data == {
        "node": {"id": ITEM_IDS[0]}
    }


async def test_the_service_tells_the_committed_schema(shop: Shop) -> None:
    committed = Path(build.__file__).with_name("schema.graphql").read_text("utf-8")
    assert (await shop.ask("{_service {sdl}}")).data == {"_service": {"sdl": committed}}
    assert (await shop.ask("{s: _service {__typename a: sdl b: sdl}}")).data == {
        "s": {"__typename": "_Service", "a": committed, "b": committed}
    }


async def test_beside_introspection_everything_is_answered_as_alone(shop: Shop) -> None:
    parts = f"""
      node(id: "{ORDER_IDS[0]}") {{... on Order {{number}} ... on Item {{sku}}}}
      nodes(ids: ["{ITEM_IDS[2]}", "none"]) {{... on Item {{availability {{sku formula nodes {{locationCode}}}}}}}}
      availability(skus: ["MUG", "NO"], channel: "web") {{sku known}}
      _entities(representations: [{{__typename: "Item", sku: "MUG"}}]) {{... on Item {{title}}}}
    """
    alone = (await shop.ask(f"{{{parts}}}")).data
    beside = (await shop.ask(f'{{{parts} __schema {{queryType {{name}}}} __type(name: "Order") {{name}}}}')).data
    assert beside == {**alone, "__schema": {"queryType": {"name": "Query"}}, "__type": {"name": "Order"}}
    assert alone["nodes"][0]["availability"]["sku"] == "MUG"


async def test_bad_representations_are_reported_beside_introspection_too(shop: Shop) -> None:
    reply = await shop.ask("{__typename __schema {__typename} _entities(representations: [{a: 1}]) {__typename}}")
    assert reply.body["data"]["_entities"] == [None]
    assert reply.codes == ["BAD_REPRESENTATION"]


async def test_introspection_alone_asks_no_database(shop: Shop) -> None:
    before = len(shop.reader.statements)
    reply = await shop.ask('{__schema {types {name}} __type(name: "Order") {fields {name}}}')
    assert "Order" in {type_["name"] for type_ in reply.data["__schema"]["types"]}
    assert len(shop.reader.statements) == before
