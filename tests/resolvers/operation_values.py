"""What random operations ask for: mostly what is in the test shop, so that answers are not empty."""

import random
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    value_from_ast_untyped,
)
from graphql.language import ast

from tests.resolvers.rows import uid
from tests.resolvers.shop_catalogue import SKUS, UNKNOWN_SKU
from tests.resolvers.shop_orders import ORDERS

ORDER_IDS = [str(uid("order", channel, number)) for number, channel, *_ in ORDERS]
SHIPMENT_IDS = [str(uid(name)) for name in ("S-1", "S-2", "S-3", "S-4")]
ITEM_IDS = [str(uid(sku)) for sku in SKUS]
LOCATION_IDS = [str(uid(code)) for code in ("HAM", "PAR", "SUP", "OLD")]
NODE_IDS = [*ORDER_IDS, *SHIPMENT_IDS, *ITEM_IDS, *LOCATION_IDS, str(uid("nobody")), "no uuid"]
TRACKING = ["T-100", "1Z'; DROP TABLE orders; --", "T-404"]
REPRESENTATIONS: list[dict[str, Any]] = [
    *({"__typename": "Order", "id": id_} for id_ in ORDER_IDS),
    *({"__typename": "Order", "number": "W-1", "channel": {"code": code}} for code in ("web", "market", "no")),
    *({"__typename": "Shipment", "id": id_} for id_ in SHIPMENT_IDS),
    *({"__typename": "Item", "sku": sku, "extra": 1} for sku in SKUS),
    *({"__typename": "Location", "code": code, "id": None} for code in ("HAM", "PAR")),
    {"__typename": "Item", "id": str(uid("nobody"))},
]
# By the name of the argument or input field, whatever it belongs to.
VALUES: dict[str, list[Any]] = {
    "ids": NODE_IDS,
    "number": ["W-1", "W-2", "M-1"],
    "channel": ["web", "market"],
    "skus": [*SKUS, UNKNOWN_SKU],
    "sku": ["SHIRT-M", "MUG", "CLOAK"],
    "quantity": [1, 2, 30],
    "first": [1, 2, 3, 5, 100],
    "after": [None],
    "code": ["HAM", "PAR", "OLD"],
    "trackingNumber": TRACKING,
    "country": ["DE", "fr", "CN"],
    "postalCode": ["20095", "75 001"],
    "region": ["HH"],
    "timeZone": ["Europe/Berlin", "America/New_York"],
    "placedFrom": ["2026-03-01T00:00:00Z", "2026-03-04T12:00:00+05:30"],
    "placedUntil": ["2030-01-01T00:00:00Z", "2026-03-09T12:00:00.5+00:00"],
    "updatedFrom": ["2026-03-01T00:00:00Z"],
    "customerId": ["C-1", "C-2"],
    "customerEmail": ["maria.silva@EXAMPLE.co.uk", "P@example.fr "],
    "location": ["HAM"],
    "search": ["W-1", "T-100", "maria.silva@example.co.uk", "nothing"],
    "representations": REPRESENTATIONS,
}
IDS = {"order": ORDER_IDS, "shipment": SHIPMENT_IDS, "location": LOCATION_IDS, "node": NODE_IDS}
# Leave these null more often than not: every one that is set leaves fewer rows.
SELDOM = {"filter", "after", "destination", "timeZone", "region"}


class Values:
    """Literals for arguments, drawn from the shop."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def arguments(
        self, field: str, given: dict[str, tuple[GraphQLInputType, ast.ValueNode]]
    ) -> dict[str, ast.ValueNode]:
        """Better values for the generated ones of a field; an argument left out has its default."""
        made = {name: self.value(name, type_, node, field) for name, (type_, node) in given.items()}
        if field in IDS and "id" in given and not any(isinstance(node, ast.StringValueNode) for node in made.values()):
            made["id"] = literal(self.chance.choice(IDS[field]))
        return made

    def value(self, name: str, type_: GraphQLInputType, node: ast.ValueNode, field: str = "") -> ast.ValueNode:
        bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(bare, GraphQLInputObjectType) and isinstance(node, ast.ObjectValueNode):
            return self.object(bare, node)
        if isinstance(bare, GraphQLList) and isinstance(bare_item(bare), GraphQLInputObjectType):
            items = node.values if isinstance(node, ast.ListValueNode) else ()
            return ast.ListValueNode(values=tuple(self.value(name, bare.of_type, item) for item in items[:4]))
        if bare is type_ and self.chance.random() < (0.7 if name in SELDOM else 0.1):
            return ast.NullValueNode()
        known = IDS.get(field) if name == "id" else VALUES.get(name)
        if known is None or self.chance.random() < 0.03:
            return node
        if isinstance(bare, GraphQLList):
            return literal(self.chance.sample(known, min(len(known), self.chance.randint(0, 5))))
        return literal(self.chance.choice(known))

    def object(self, type_: GraphQLInputObjectType, node: ast.ObjectValueNode) -> ast.ObjectValueNode:
        """Few of the keys, so that a filter leaves something over."""
        kept = [entry for entry in node.fields if needed(type_, entry) or self.chance.random() < 0.3]
        return ast.ObjectValueNode(
            fields=tuple(
                ast.ObjectFieldNode(
                    name=entry.name,
                    value=self.value(entry.name.value, type_.fields[entry.name.value].type, entry.value),
                )
                for entry in kept
            )
        )


def needed(type_: GraphQLInputObjectType, entry: ast.ObjectFieldNode) -> bool:
    return isinstance(type_.fields[entry.name.value].type, GraphQLNonNull)


def bare_item(type_: GraphQLList[Any]) -> Any:
    return type_.of_type.of_type if isinstance(type_.of_type, GraphQLNonNull) else type_.of_type


def literal(value: Any) -> ast.ValueNode:
    """A value as it is written in a document; custom scalars are written as they come."""
    if isinstance(value, dict):
        fields = tuple(
            ast.ObjectFieldNode(name=ast.NameNode(value=name), value=literal(part)) for name, part in value.items()
        )
        return ast.ObjectValueNode(fields=fields)
    if isinstance(value, list):
        return ast.ListValueNode(values=tuple(literal(item) for item in value))
    if isinstance(value, str):
        return ast.StringValueNode(value=value)
    if value is None:
        return ast.NullValueNode()
    if isinstance(value, bool):
        return ast.BooleanValueNode(value=value)
    return ast.IntValueNode(value=str(value))


def as_json(node: ast.ValueNode) -> Any:
    """The same value as a client would send it in its variables."""
    return value_from_ast_untyped(node)
