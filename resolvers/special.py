"""Root fields found by id or by federation key: `node`, `nodes` and `_entities`.

Every type's rows come from one sub-select over the keys asked for, so a batch of any size is the same statement.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from graphql import GraphQLError, GraphQLField, GraphQLInterfaceType, GraphQLObjectType, get_named_type
from graphql.language import ast
from sqlalchemy.dialects.postgresql import ARRAY, JSON

from resolvers.batches import as_uuid, as_uuids, bounded, in_order, keys_table
from resolvers.declared import has_rows, row_set
from resolvers.json_sql import as_object, build_object, int_constant
from resolvers.scope import Scope
from resolvers.sources import RowSet, Sql
from resolvers.steps import MergeStep, Run
from resolvers.values import Read, batch_bound

if TYPE_CHECKING:
    from resolvers.compiler import Compiler, Place


def root(
    compiler: "Compiler", name: str, field: GraphQLField, nodes: list[ast.FieldNode], scope: Scope, at: "Place"
) -> Sql:
    if name == "_entities":
        return entities(compiler, nodes, scope, at)
    if name == "nodes":
        return many_nodes(compiler, field, nodes, scope, at)
    return one_node(compiler, field, nodes, scope, at)


def candidates(compiler: "Compiler", field: GraphQLField, nodes: list[ast.FieldNode], given: Sql, at: "Place") -> Sql:
    """One sub-select per type that may have the id; at most one of them finds a row.

    With steps, each keeps a place of its own: the same response name may be another field for another type.
    """
    interface = get_named_type(field.type)
    assert isinstance(interface, GraphQLInterfaceType), "node fields return an interface"
    found, steps = {}, len(compiler.steps)
    for number, type_ in enumerate(compiler.schema.get_possible_types(interface)):
        row = row_set(type_).table.alias()
        conditions = [row.c.id == given, *compiler.visible(type_, row)]
        record = compiler.record(type_, nodes, row, at.field(str(number)).inside(row), abstract=True)
        found[str(number)] = as_object(record.where(*conditions).limit(int_constant(1)))
    if len(compiler.steps) == steps:
        return sa.func.coalesce(*found.values(), type_=JSON)
    compiler.steps.append(MergeStep(at.path, found_one))
    return build_object(found)


def found_one(value: Any, _run: Run) -> Any:
    """The one candidate that is there, for one id or for each of a list."""
    if isinstance(value, list):
        return [found_one(item, _run) for item in value]
    return next((candidate for candidate in value.values() if candidate is not None), None)


def one_node(compiler: "Compiler", field: GraphQLField, nodes: list[ast.FieldNode], scope: Scope, at: "Place") -> Sql:
    return candidates(compiler, field, nodes, scope.bind(scope.argument("id"), sa.Uuid, as_uuid), at)


def many_nodes(compiler: "Compiler", field: GraphQLField, nodes: list[ast.FieldNode], scope: Scope, at: "Place") -> Sql:
    ids = scope.argument("ids")
    keys = keys_table({"id": scope.bind(ids, ARRAY(sa.Uuid), as_uuids)})
    place = at.inside(keys, batch_bound(len(ids.sample)))
    return in_order(keys, candidates(compiler, field, nodes, keys.c.id, place))


@dataclass(frozen=True, slots=True)
class Group:
    """Representations of one type that are found by the same key."""

    type_name: str
    key: tuple[str, ...]


def entities(compiler: "Compiler", nodes: list[ast.FieldNode], scope: Scope, at: "Place") -> Sql:
    """All representations in one statement; a bad one costs only its own place in the list."""
    given = scope.argument("representations")
    finder = Finder(
        {
            type_.name: row_set(type_)
            for type_ in compiler.schema.type_map.values()
            if isinstance(type_, GraphQLObjectType) and has_rows(type_) and row_set(type_).keys
        }
    )
    groups = list(dict.fromkeys(group for item in given.sample if isinstance(group := finder.group(item), Group)))
    parts = {}
    for number, group in enumerate(groups):
        place = at.field(str(number))
        parts[str(number)] = group_sql(compiler, nodes, scope, finder, group, place)
    compiler.steps.append(MergeStep(at.path, merger(finder, groups, given.read, at.path)))
    return build_object(parts)


def group_sql(
    compiler: "Compiler",
    nodes: list[ast.FieldNode],
    scope: Scope,
    finder: "Finder",
    group: Group,
    at: "Place",
) -> Sql:
    type_ = compiler.schema.type_map[group.type_name]
    assert isinstance(type_, GraphQLObjectType), "an entity is an object"
    given = scope.argument("representations")
    arrays = {
        name: scope.bind(
            given,
            ARRAY(sa.Uuid if name == "id" else sa.Text),
            lambda items, name=name: [
                finder.part(item, name) for item in bounded(items) if finder.group(item) == group
            ],  # type: ignore[misc]  # bound now
        )
        for name in group.key
    }
    keys = keys_table(arrays)
    row = row_set(type_).table.alias()
    matches = row_set(type_).keys[group.key](row, {name: keys.c[name] for name in group.key})
    place = at.inside(keys, batch_bound(len(given.sample))).inside(row)
    record = compiler.record(type_, nodes, row, place, abstract=True)
    return in_order(keys, as_object(record.where(matches, *compiler.visible(type_, row)).limit(int_constant(1))))


class Finder:
    """Which entity a representation means, from the keys that the types declare."""

    def __init__(self, row_sets: Mapping[str, RowSet]) -> None:
        self.row_sets = row_sets

    def group(self, item: object) -> Group | str:
        """The group, or the reason why there is none."""
        if not isinstance(item, Mapping):
            return "A representation is an object with __typename and the fields of one key."
        name = item.get("__typename")
        if not isinstance(name, str) or name not in self.row_sets:
            return f"__typename names no entity of this subgraph; it has {', '.join(sorted(self.row_sets))}."
        for key in self.row_sets[name].keys:
            if all(self.part(item, part) is not None for part in key):
                return Group(name, key)
        wanted = " or ".join(" + ".join(key) for key in self.row_sets[name].keys)
        return f"This {name} has no complete key; give {wanted}."

    def part(self, item: Any, name: str) -> object:
        """A key field; `a.b` is the field b of the object a."""
        found = item
        for step in name.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
        if found is None or not isinstance(found, str):
            return None
        return as_uuid(found) or uuid.UUID(int=0) if name == "id" else found


def merger(finder: Finder, groups: Sequence[Group], read: Read, path: tuple[str, ...]) -> Any:
    places = {group: str(number) for number, group in enumerate(groups)}

    def merge(values: Mapping[str, list[Any]], run: Run) -> list[Any]:
        found = {group: iter(values[place]) for group, place in places.items()}
        merged: list[Any] = []
        for index, item in enumerate(bounded(read(run.variables))):
            group = finder.group(item)
            if isinstance(group, Group) and group in found:
                merged.append(next(found[group]))
                continue
            reason = group if isinstance(group, str) else f"This {group.type_name} has no complete key."
            error = GraphQLError(reason, path=[*path, index], extensions={"code": "BAD_REPRESENTATION"})
            run.errors.append(error)
            merged.append(None)
        return merged

    return merge
