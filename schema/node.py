"""Relay's Node: anything that can be fetched again by its id."""

import strawberry


@strawberry.interface(description="Anything that can be fetched again by its id alone.")
class Node:
    id: strawberry.ID = strawberry.field(description="A random 128-bit id; it stays the same for ever.")
