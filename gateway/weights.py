"""What a parsed document comes to with its fragments expanded, counted before validation against `gateway.limits`."""

import dataclasses
from collections.abc import Iterable

import graphql

from gateway.limits import META, Limits, allow


@dataclasses.dataclass(slots=True)
class Weight:
    """What one selection set comes to with its fragments expanded; `names` are its own response names."""

    names: dict[str, int]
    depth: int = 0
    meta_depth: int = 0
    selections: int = 0
    meta_selections: int = 0
    aliases: int = 0
    directives: int = 0

    def add(self, other: "Weight", levels: int) -> None:
        if other.depth:
            self.depth = max(self.depth, other.depth + levels)
        if other.meta_depth:
            self.meta_depth = max(self.meta_depth, other.meta_depth + levels)
        self.selections += other.selections
        self.meta_selections += other.meta_selections
        self.aliases += other.aliases
        self.directives += other.directives

    def add_fragment(self, other: "Weight") -> None:
        """The fields of a fragment stand in the very set that spreads it."""
        self.add(other, levels=0)
        for name, count in other.names.items():
            self.names[name] = self.names.get(name, 0) + count

    def check(self, limits: Limits) -> None:
        for limit in ("depth", "meta_depth", "selections", "meta_selections", "aliases", "directives"):
            allow(limits, limit, getattr(self, limit))
        allow(limits, "same_name", max(self.names.values(), default=0))


class Document:
    """One count of a parsed document; each fragment is weighed once, however often it is spread."""

    def __init__(self, fragments: Iterable[graphql.FragmentDefinitionNode], limits: Limits) -> None:
        self.fragments = {fragment.name.value: fragment for fragment in fragments}
        self.limits = limits
        self.weighed: dict[str, Weight] = {}
        self.weighing: set[str] = set()
        self.level = 0

    def operation(self, node: graphql.OperationDefinitionNode) -> None:
        weight = self.selection_set(node.selection_set, meta=False)
        allow(self.limits, "root_fields", sum(weight.names.values()))
        for bearer in (node, *(node.variable_definitions or ())):
            weight.directives += self.directives(bearer)
        weight.check(self.limits)

    def selection_set(self, node: graphql.SelectionSetNode, *, meta: bool) -> Weight:
        self.level += 1
        allow(self.limits, "nesting", self.level)
        weight = Weight({}, meta_depth=1) if meta else Weight({}, depth=1)
        for selection in node.selections:
            weight.directives += self.directives(selection)
            match selection:
                case graphql.FieldNode():
                    self.field(weight, selection, meta=meta)
                case graphql.InlineFragmentNode(selection_set=inside, type_condition=on):
                    weight.add_fragment(self.selection_set(inside, meta=meta or is_meta(on)))
                case graphql.FragmentSpreadNode():
                    weight.add_fragment(self.fragment(selection.name.value))
        if meta:
            weight.meta_selections += len(node.selections)
        else:
            weight.selections += len(node.selections)
        weight.check(self.limits)
        self.level -= 1
        return weight

    def field(self, weight: Weight, node: graphql.FieldNode, *, meta: bool) -> None:
        weight.aliases += node.alias is not None
        name = (node.alias or node.name).value
        weight.names[name] = weight.names.get(name, 0) + 1
        if node.selection_set:
            meta = meta or node.name.value.startswith(META)
            weight.add(self.selection_set(node.selection_set, meta=meta), levels=1)

    def fragment(self, name: str) -> Weight:
        """An unknown or circular fragment weighs nothing: validation refuses it."""
        if name in self.weighed:
            return self.weighed[name]
        node = self.fragments.get(name)
        if node is None or name in self.weighing:
            return Weight({})
        self.weighing.add(name)
        weight = self.selection_set(node.selection_set, meta=is_meta(node.type_condition))
        weight.directives += self.directives(node)
        self.weighed[name] = weight
        return weight

    def directives(self, node: graphql.Node) -> int:
        count = len(getattr(node, "directives", None) or ())
        allow(self.limits, "directives_here", count)
        return count


def is_meta(on: graphql.NamedTypeNode | None) -> bool:
    return on is not None and on.name.value.startswith(META)


def check_document(document: graphql.DocumentNode, limits: Limits) -> None:
    """Count each operation with its fragments expanded, and each fragment, spread or not: validation reads them all."""
    operations = [node for node in document.definitions if isinstance(node, graphql.OperationDefinitionNode)]
    fragments = [node for node in document.definitions if isinstance(node, graphql.FragmentDefinitionNode)]
    allow(limits, "operations", len(operations))
    count = Document(fragments, limits)
    for operation in operations:
        count.operation(operation)
    for fragment in fragments:
        count.fragment(fragment.name.value)
