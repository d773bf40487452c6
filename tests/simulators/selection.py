"""Answers GraphQL documents from plain objects: what was selected, of lists pages, and nothing that is not there."""

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    value_from_ast_untyped,
)

Root = Callable[[Mapping[str, Any]], Any]


class Selection:
    """One document with its variables. A list becomes a connection where `nodes` or `edges` of it are selected."""

    def __init__(self, document: str, variables: Mapping[str, Any]) -> None:
        definitions = parse(document).definitions
        self.variables = dict(variables)
        self.fragments = {one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)}
        self.operation = next(one for one in definitions if isinstance(one, OperationDefinitionNode))

    def answer(self, roots: Mapping[str, Root]) -> dict[str, Any]:
        """`roots` by name, given their arguments and, under `@`, those of their directives."""
        found = {}
        for field in self.fields(self.operation.selection_set, {}):
            if field.name.value not in roots:
                raise GraphQLError(f"Field '{field.name.value}' doesn't exist")
            found[self.key(field)] = self.project(field, roots[field.name.value](self.arguments(field)))
        return found

    def arguments(self, node: FieldNode) -> dict[str, Any]:
        values = {one.name.value: value_from_ast_untyped(one.value, self.variables) for one in node.arguments or ()}
        marks = {
            mark.name.value: {
                one.name.value: value_from_ast_untyped(one.value, self.variables) for one in mark.arguments or ()
            }
            for mark in node.directives or ()
        }
        return {**values, "@": marks}

    def key(self, field: FieldNode) -> str:
        return field.alias.value if field.alias else field.name.value

    def fields(self, chosen: SelectionSetNode, of: Mapping[str, Any]) -> Iterator[FieldNode]:
        for one in chosen.selections:
            if isinstance(one, FieldNode):
                yield one
            elif isinstance(one, InlineFragmentNode):
                condition = one.type_condition
                if condition is None or condition.name.value == of.get("__typename"):
                    yield from self.fields(one.selection_set, of)
            else:
                yield from self.fields(self.fragments[one.name.value].selection_set, of)  # type: ignore[attr-defined]  # a spread is all that is left

    def project(self, field: FieldNode, value: Any) -> Any:
        if value is None or field.selection_set is None:
            return value
        if isinstance(value, list):
            names = {one.name.value for one in self.fields(field.selection_set, {})}
            if names & {"nodes", "edges"}:
                return self.connection(field, value)
            return [self.project(field, entry) for entry in value]
        found = {}
        for one in self.fields(field.selection_set, value):
            if one.name.value not in value:
                raise GraphQLError(f"Field '{one.name.value}' doesn't exist on type '{value.get('__typename')}'")
            inner = value[one.name.value]
            found[self.key(one)] = self.project(one, inner(self.arguments(one)) if callable(inner) else inner)
        return found

    def connection(self, field: FieldNode, entries: list[Any]) -> dict[str, Any]:
        given = self.arguments(field)
        start = int(base64.b64decode(given["after"])) if given.get("after") else 0
        end = start + (given["first"] if given.get("first") is not None else len(entries))
        cursor = base64.b64encode(str(min(end, len(entries))).encode()).decode()
        page = {
            "nodes": entries[start:end],
            "edges": [{"node": entry} for entry in entries[start:end]],
            "pageInfo": {"hasNextPage": end < len(entries), "endCursor": cursor},
        }
        assert field.selection_set is not None
        found = {}
        for one in self.fields(field.selection_set, {}):
            value = page[one.name.value]
            # A page of nodes is a list of objects, not a connection again.
            inner = [self.project(one, entry) for entry in value] if isinstance(value, list) else value
            found[self.key(one)] = inner
        return found
