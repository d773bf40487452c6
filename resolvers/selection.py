"""Which fields an operation selects: fragments merged, directives decided, in the order of the response."""

from collections.abc import Iterable, Mapping, Sequence

from graphql import (
    GraphQLAbstractType,
    GraphQLObjectType,
    GraphQLSchema,
    is_abstract_type,
)
from graphql.language import ast

from domain.errors import QueryTooComplex
from resolvers.values import Variables

Fields = dict[str, list[ast.FieldNode]]
MAX_NAME = 63
"""PostgreSQL cuts longer column names, and a response name is a column name there."""
Fragments = Mapping[str, ast.FragmentDefinitionNode]


def response_name(node: ast.FieldNode) -> str:
    name = (node.alias or node.name).value
    if len(name) > MAX_NAME:
        raise QueryTooComplex(f"The response name {name[:20]}… has {len(name)} characters; use at most {MAX_NAME}.")
    return name


class Collector:
    """Collects the fields of a selection for one object type, with the variables' values that decide directives."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, variables: Variables) -> None:
        self.schema = schema
        self.fragments = fragments
        self.variables = variables

    def fields(self, type_: GraphQLObjectType, nodes: Sequence[ast.FieldNode]) -> Fields:
        """The merged sub-selections of several nodes with one response name."""
        found: Fields = {}
        visited: set[str] = set()  # one for all nodes: else crossed fragments double their fields at every level
        for node in nodes:
            if node.selection_set is not None:
                self.collect(type_, node.selection_set, found, visited)
        return found

    def root(self, type_: GraphQLObjectType, operation: ast.OperationDefinitionNode) -> Fields:
        found: Fields = {}
        self.collect(type_, operation.selection_set, found, set())
        return found

    def collect(
        self, type_: GraphQLObjectType, selections: ast.SelectionSetNode, found: Fields, visited: set[str]
    ) -> None:
        for node in selections.selections:
            if not self.included(node.directives or ()):
                continue
            if isinstance(node, ast.FieldNode):
                found.setdefault(response_name(node), []).append(node)
            elif isinstance(node, ast.InlineFragmentNode):
                condition = node.type_condition
                if condition is None or self.applies(condition.name.value, type_):
                    self.collect(type_, node.selection_set, found, visited)
            elif isinstance(node, ast.FragmentSpreadNode):
                self.spread(type_, node.name.value, found, visited)

    def spread(self, type_: GraphQLObjectType, name: str, found: Fields, visited: set[str]) -> None:
        if name in visited:
            return
        visited.add(name)
        fragment = self.fragments[name]
        if self.applies(fragment.type_condition.name.value, type_):
            self.collect(type_, fragment.selection_set, found, visited)

    def applies(self, condition: str, type_: GraphQLObjectType) -> bool:
        if condition == type_.name:
            return True
        named = self.schema.type_map[condition]
        return is_abstract_type(named) and self.is_possible(named, type_)

    def is_possible(self, abstract: GraphQLAbstractType, type_: GraphQLObjectType) -> bool:
        return self.schema.is_sub_type(abstract, type_)

    def included(self, directives: Iterable[ast.DirectiveNode]) -> bool:
        for directive in directives:
            name = directive.name.value
            if name == "skip" and self.condition(directive):
                return False
            if name == "include" and not self.condition(directive):
                return False
        return True

    def condition(self, directive: ast.DirectiveNode) -> bool:
        (argument,) = directive.arguments or ()
        value = argument.value
        if isinstance(value, ast.VariableNode):
            return bool(self.variables.get(value.name.value))
        return isinstance(value, ast.BooleanValueNode) and value.value
