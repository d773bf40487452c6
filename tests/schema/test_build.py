"""The schema as clients and composers read it: current, described throughout, and honest about rights."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    parse,
)
from graphql.language import ast
from graphql.utilities import value_from_ast_untyped

from domain.actor import SCOPES
from resolvers.declared import declaration
from resolvers.sources import Command
from schema import build, enum_values

COMMITTED = Path(build.__file__).with_name("schema.graphql")
# Federation's own; its specification describes them.
FOREIGN = {"_Any", "_Entity", "_FieldSet", "_Service", "Query._entities", "Query._service"}


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture(scope="module")
def sdl() -> str:
    return build.sdl(build.build())


def own_types(core: GraphQLSchema) -> Iterator[GraphQLNamedType]:
    for name, type_ in core.type_map.items():
        builtin = name in {"String", "Int", "Float", "Boolean", "ID"}
        if not builtin and not name.startswith(("__", "link__", "federation__")) and name not in FOREIGN:
            yield type_


def described(core: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Everything that has a description, with it."""
    for type_ in own_types(core):
        yield type_.name, type_.description
        if isinstance(type_, GraphQLEnumType):
            for name, value in type_.values.items():
                yield f"{type_.name}.{name}", value.description
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for name, field in type_.fields.items():
                if f"{type_.name}.{name}" in FOREIGN:
                    continue
                yield f"{type_.name}.{name}", field.description
                for argument, definition in getattr(field, "args", {}).items():
                    yield f"{type_.name}.{name}({argument})", definition.description


def test_the_committed_schema_is_current(sdl: str) -> None:
    current = COMMITTED.read_text("utf-8") == sdl
    assert current, "schema/schema.graphql is not what the code says. Write it anew: ordergraph export-schema"


def test_everything_is_described_in_a_sentence(core: GraphQLSchema) -> None:
    found = dict(described(core))
    assert not [name for name, text in found.items() if not (text or "").strip()]
    assert not [name for name, text in found.items() if not (text or "").rstrip("`").endswith((".", "?"))]
    assert len(found) > 500


def test_every_described_word_exists(core: GraphQLSchema) -> None:
    for name, meanings in enum_values.MEANINGS.items():
        kind = core.type_map[name]
        assert isinstance(kind, GraphQLEnumType)
        assert list(meanings) == list(kind.values), name


def test_the_schema_defines_its_words_for_every_reader(sdl: str) -> None:
    """Descriptions are in the SDL, where composers, code generators and GraphiQL find them."""
    assert '"""Sold only from stock."""\n  DENY' in sdl
    assert sdl.startswith('schema @link(url: "https://specs.apollo.dev/federation/v2.9"')
    assert sdl.endswith("}\n")


def required_scopes(sdl: str) -> dict[str, list[list[str]]]:
    """What `@requiresScopes` says, by field."""
    found: dict[str, list[list[str]]] = {}
    for definition in parse(sdl).definitions:
        if not isinstance(definition, ast.ObjectTypeDefinitionNode):
            continue
        for field in definition.fields or ():
            for directive in field.directives or ():
                if directive.name.value == "requiresScopes":
                    value: Any = value_from_ast_untyped((directive.arguments or ())[0].value)
                    found[f"{definition.name.value}.{field.name.value}"] = value
    return found


def enforced_scopes(field: GraphQLField) -> list[list[str]]:
    """All scopes of one group are needed; of a command any of its scopes will do."""
    if "strawberry-definition" not in field.extensions:
        return []
    declared = declaration(field)
    if isinstance(declared.source, Command):
        return sorted([scope] for scope in declared.source.scopes)
    return [sorted(declared.scopes)] if declared.scopes else []


def test_the_schema_says_which_scopes_are_enforced(core: GraphQLSchema, sdl: str) -> None:
    """A router in front of us enforces what the SDL says; we enforce the declarations: they must be the same."""
    enforced = {}
    for type_ in own_types(core):
        if isinstance(type_, GraphQLObjectType):
            for name, field in type_.fields.items():
                if groups := enforced_scopes(field):
                    enforced[f"{type_.name}.{name}"] = groups
    said = {name: sorted(map(sorted, groups)) for name, groups in required_scopes(sdl).items()}
    assert enforced == said
    assert {scope for groups in said.values() for scopes in groups for scope in scopes} <= SCOPES
    assert said["Query.order"] == [["orders:read"]]
    assert said["Item.stockLevels"] == [["stock:read"]]


def test_a_schema_is_built_anew_every_time() -> None:
    """No state between two builds: the same text, and no shared object that one of them could change."""
    first, second = build.build(), build.build()
    assert first is not second
    assert build.sdl(first) == build.sdl(second)
