"""Builds the one schema of the gateway and prints it."""

from typing import Any, Literal

import strawberry.federation
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from resolvers.sources import METADATA, Constant, Declaration, Special
from schema import (
    enum_values,
    enums,  # noqa: F401  # registers the domain's enums before any type uses them
)
from schema.mutation import Mutation, idempotent
from schema.query import Query
from schema.scalars import JSON, MINOR_UNITS, STANDARD, Json, MinorUnits
from schema.subscription import Subscription

# The newest version that every open composer accepts.
FEDERATION_VERSION: Literal["2.9"] = "2.9"


def build() -> strawberry.federation.Schema:
    """The Strawberry schema: types, descriptions, federation directives."""
    made = strawberry.federation.Schema(
        query=Query,
        mutation=Mutation,
        directives=[idempotent],  # type: ignore[list-item]  # what Strawberry documents
        subscription=Subscription,
        config=StrawberryConfig(scalar_map={MinorUnits: MINOR_UNITS, Json: JSON}),
        federation_version=FEDERATION_VERSION,
    )
    core = core_of(made)
    enum_values.describe(core)
    for name, meaning in STANDARD.items():
        core.type_map[name].description = meaning
    return made


def core_of(schema: strawberry.federation.Schema) -> GraphQLSchema:
    core: GraphQLSchema = schema._schema  # noqa: SLF001  # Strawberry has no public name for it
    return core


def executable(schema: strawberry.federation.Schema) -> GraphQLSchema:
    """What the engine plans against: federation's own root fields get their sources here."""
    core = core_of(schema)
    assert core.query_type is not None, "the schema has a query type"
    sources: dict[str, Any] = {
        "_entities": Special("_entities"),
        "_service": Constant(lambda: {"sdl": sdl(schema)}),
    }
    for name, source in sources.items():
        core.query_type.fields[name].extensions[METADATA] = Declaration(source)
    return core


def sdl(schema: strawberry.federation.Schema) -> str:
    """The schema definition as it is committed and as composers read it."""
    return schema.as_str().rstrip() + "\n"
