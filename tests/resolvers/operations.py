"""Random valid operations: hypothesis-graphql chooses the fields, then they are written in every way GraphQL allows.

Aliases, merged duplicates, inline and named fragments (nested, on Node too), variables with and without defaults, nulls
and directives change how an operation is written; both ways to print an answer have to understand all of them alike.
"""

import random
from dataclasses import dataclass, field
from typing import Any

import hypothesis_graphql
from graphql import (
    DocumentNode,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationType,
    get_named_type,
    print_ast,
)
from graphql.language import ast
from hypothesis import strategies as st

from tests.resolvers.operation_values import REPRESENTATIONS, Values, as_json, literal

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
Selection = ast.SelectionNode


@dataclass(frozen=True)
class Drawn:
    """An operation as a client would send it."""

    text: str
    variables: dict[str, Any]


@st.composite
def operations(draw: st.DrawFn, schema: GraphQLSchema, fields: tuple[str, ...] | None = None) -> Drawn:
    plain: DocumentNode = draw(
        hypothesis_graphql.queries(
            schema,
            fields=fields,
            print_ast=lambda document: document,
            custom_scalars={
                "DateTime": st.just(literal("2026-03-05T00:00:00Z")),
                "_Any": st.sampled_from([literal(item) for item in REPRESENTATIONS]),
            },
        )
    )
    chance = random.Random(draw(st.integers(0, 2**32)))
    (operation,) = plain.definitions
    assert isinstance(operation, ast.OperationDefinitionNode)
    assert schema.query_type is not None
    return Writer(schema, chance).write(schema.query_type, operation.selection_set)


@dataclass
class Writer:
    schema: GraphQLSchema
    chance: random.Random
    variables: dict[str, Any] = field(default_factory=dict)
    definitions: list[ast.VariableDefinitionNode] = field(default_factory=list)
    fragments: list[ast.FragmentDefinitionNode] = field(default_factory=list)
    names: int = 0

    def write(self, root: GraphQLObjectType, selections: ast.SelectionSetNode) -> Drawn:
        written = self.set(root, selections)
        operation = ast.OperationDefinitionNode(
            operation=OperationType.QUERY,
            name=ast.NameNode(value="Drawn"),
            variable_definitions=tuple(self.definitions),
            selection_set=written,
        )
        document = DocumentNode(definitions=(*self.fragments, operation))
        return Drawn(print_ast(document), self.variables)

    def maybe(self, probability: float) -> bool:
        return self.chance.random() < probability

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def set(self, parent: Composite, selections: ast.SelectionSetNode) -> ast.SelectionSetNode:
        made: list[Selection] = []
        for node in selections.selections:
            made += self.selection(parent, node)
        if self.maybe(0.2):
            alias = ast.NameNode(value=self.name("r")) if self.maybe(0.5) else None
            made.insert(
                self.chance.randint(0, len(made)), ast.FieldNode(name=ast.NameNode(value="__typename"), alias=alias)
            )
        return ast.SelectionSetNode(selections=tuple(self.fragmented(parent, made)))

    def selection(self, parent: Composite, node: Selection) -> list[Selection]:
        if isinstance(node, ast.InlineFragmentNode):
            assert node.type_condition is not None
            inner = self.schema.type_map[node.type_condition.name.value]
            assert isinstance(inner, GraphQLObjectType | GraphQLInterfaceType)
            return [
                ast.InlineFragmentNode(
                    type_condition=node.type_condition,
                    selection_set=self.set(inner, node.selection_set),
                    directives=self.directives(),
                )
            ]
        assert isinstance(node, ast.FieldNode)
        assert not isinstance(parent, GraphQLUnionType)
        return self.field(parent, node)

    def field(self, parent: GraphQLObjectType | GraphQLInterfaceType, node: ast.FieldNode) -> list[Selection]:
        definition = parent.fields[node.name.value]
        given = {
            argument.name.value: (definition.args[argument.name.value].type, argument.value)
            for argument in node.arguments or ()
        }
        arguments = tuple(
            ast.ArgumentNode(name=ast.NameNode(value=name), value=self.lifted(definition.args[name].type, value))
            for name, value in Values(self.chance).arguments(node.name.value, given).items()
            if not (isinstance(value, ast.NullValueNode) and self.maybe(0.5))
        )
        inner = get_named_type(definition.type)
        children = None
        if node.selection_set:
            assert isinstance(inner, Composite)
            children = self.set(inner, node.selection_set)
        alias = node.alias or (ast.NameNode(value=self.name("a")) if self.maybe(0.15) else None)
        return self.repeated(node.name, alias, arguments, children)

    def repeated(
        self,
        name: ast.NameNode,
        alias: ast.NameNode | None,
        arguments: tuple[ast.ArgumentNode, ...],
        children: ast.SelectionSetNode | None,
    ) -> list[Selection]:
        """The field once, twice under two names, or in two halves that are merged."""

        def made(alias: ast.NameNode | None, children: ast.SelectionSetNode | None) -> ast.FieldNode:
            return ast.FieldNode(
                name=name, alias=alias, arguments=arguments, selection_set=children, directives=self.directives()
            )

        if self.maybe(0.08):
            return [made(alias, children), made(ast.NameNode(value=self.name("again")), children)]
        if children and len(children.selections) > 1 and self.maybe(0.15):
            cut = self.chance.randint(1, len(children.selections) - 1)
            halves = (children.selections[:cut], children.selections[cut:])
            return [made(alias, ast.SelectionSetNode(selections=half)) for half in halves]
        return [made(alias, children)]

    def fragmented(self, parent: Composite, made: list[Selection]) -> list[Selection]:
        """Some of the selections in a fragment; what only asks for an id fits Node too."""
        if len(made) < 2 or not self.maybe(0.3):
            return made
        start = self.chance.randint(0, len(made) - 1)
        end = self.chance.randint(start + 1, len(made))
        inner = self.fragmented(parent, made[start:end])
        condition = parent.name
        implements = isinstance(parent, GraphQLObjectType) and any(face.name == "Node" for face in parent.interfaces)
        if implements and all(isinstance(node, ast.FieldNode) and node.name.value == "id" for node in inner):
            condition = "Node"
        return [*made[:start], self.fragment(condition, tuple(inner)), *made[end:]]

    def fragment(self, condition: str, inner: tuple[Selection, ...]) -> Selection:
        selections = ast.SelectionSetNode(selections=inner)
        named = ast.NamedTypeNode(name=ast.NameNode(value=condition))
        if self.maybe(0.5):
            return ast.InlineFragmentNode(
                type_condition=None if self.maybe(0.3) else named,
                selection_set=selections,
                directives=self.directives(),
            )
        name = ast.NameNode(value=self.name("F"))
        self.fragments.append(ast.FragmentDefinitionNode(name=name, type_condition=named, selection_set=selections))
        return ast.FragmentSpreadNode(name=name, directives=self.directives())

    def directives(self) -> tuple[ast.DirectiveNode, ...]:
        """Seldom, and nearly always such that the field stays."""
        if not self.maybe(0.1):
            return ()
        kind = self.chance.choice(["include", "skip"])
        value: ast.ValueNode = ast.BooleanValueNode(value=(kind == "include") == self.maybe(0.85))
        if self.maybe(0.6):
            value = self.variable("Boolean!", value)
        argument = ast.ArgumentNode(name=ast.NameNode(value="if"), value=value)
        return (ast.DirectiveNode(name=ast.NameNode(value=kind), arguments=(argument,)),)

    def lifted(self, type_: GraphQLInputType, value: ast.ValueNode) -> ast.ValueNode:
        """The value in place, as a variable, or with a part of it as a variable."""
        if self.maybe(0.4):
            return self.variable(str(type_), value)
        bare: Any = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(value, ast.ObjectValueNode) and hasattr(bare, "fields"):
            entries = tuple(
                ast.ObjectFieldNode(name=entry.name, value=self.lifted(bare.fields[entry.name.value].type, entry.value))
                for entry in value.fields
            )
            return ast.ObjectValueNode(fields=entries)
        if isinstance(value, ast.ListValueNode) and hasattr(bare, "of_type") and str(bare.of_type) != "_Any!":
            return ast.ListValueNode(values=tuple(self.lifted(bare.of_type, item) for item in value.values))
        return value

    def variable(self, type_: str, value: ast.ValueNode) -> ast.VariableNode:
        """Given, or left to its default; a nullable one is sometimes absent."""
        name = ast.NameNode(value=self.name("v"))
        by_default = self.maybe(0.25)
        absent = isinstance(value, ast.NullValueNode) and self.maybe(0.5)
        if not by_default and not absent:
            self.variables[name.value] = as_json(value)
        self.definitions.append(
            ast.VariableDefinitionNode(
                variable=ast.VariableNode(name=name),
                type=ast.NamedTypeNode(name=ast.NameNode(value=type_)),
                default_value=value if by_default else None,  # type: ignore[arg-type]  # literals are constant
            )
        )
        return ast.VariableNode(name=name)
