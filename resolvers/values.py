"""Arguments and variables: what their shape is when a plan is made, and how their content is read when it runs.

A plan serves every request whose variables have the same shape: which are null, which keys of an input object are
set, and the values of booleans and enums, because these decide the SQL. All other content travels as bound parameters.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
)
from graphql.language import ast
from graphql.utilities import value_from_ast, value_from_ast_untyped
from graphql.utilities.coerce_input_value import coerce_default_value

from domain.errors import BadInput

Variables = Mapping[str, Any]
Read = Callable[[Variables], Any]
Shape = Callable[[Any], object]


class Value:
    """An argument while a plan is made: `sample` has the right shape, `read` gets the content of a later request."""

    __slots__ = ("read", "sample")

    def __init__(self, sample: Any, read: Read) -> None:
        self.sample = sample
        self.read = read

    @property
    def present(self) -> bool:
        return self.sample is not None

    def __getitem__(self, key: str) -> "Value":
        if not isinstance(self.sample, Mapping) or self.sample.get(key) is None:
            return ABSENT
        read = self.read
        return Value(self.sample[key], lambda variables: read(variables)[key])


ABSENT = Value(None, lambda _: None)


def reader(node: ast.ValueNode, type_: GraphQLInputType) -> Read:
    """How to read the value of `node` from coerced variables. Validation has already accepted it."""
    if isinstance(node, ast.VariableNode):
        name = node.name.value
        return lambda variables: variables.get(name, Undefined)
    bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    if isinstance(node, ast.ListValueNode) and isinstance(bare, GraphQLList):
        parts = [reader(value, bare.of_type) for value in node.values]
        return lambda variables: [part(variables) for part in parts]
    if isinstance(node, ast.ObjectValueNode) and isinstance(bare, GraphQLInputObjectType):
        return object_reader(node, bare)
    if isinstance(bare, GraphQLList) and not isinstance(node, ast.NullValueNode):
        only = reader(node, bare.of_type)
        return lambda variables: [only(variables)]
    if isinstance(bare, GraphQLScalarType) and isinstance(node, ast.ListValueNode | ast.ObjectValueNode):
        # A custom scalar may be written as an object with variables in it, such as a representation's id.
        return lambda variables: value_from_ast_untyped(node, dict(variables))
    constant = value_from_ast(node, bare)
    return lambda _: constant


def object_reader(node: ast.ObjectValueNode, type_: GraphQLInputObjectType) -> Read:
    given = {entry.name.value: reader(entry.value, type_.fields[entry.name.value].type) for entry in node.fields}
    defaults = {
        name: value for name, field in type_.fields.items() if (value := coerce_default_value(field)) is not Undefined
    }

    def read(variables: Variables) -> dict[str, Any]:
        found = {name: part(variables) for name, part in given.items()}
        return defaults | {name: value for name, value in found.items() if value is not Undefined}

    return read


def arguments_of(
    definitions: Mapping[str, GraphQLArgument], node: ast.FieldNode, variables: Variables
) -> dict[str, Value]:
    """The arguments of a field by name; absent ones have their default. Raises BadInput where null is not allowed."""
    given = {argument.name.value: argument.value for argument in node.arguments or ()}
    values = {}
    for name, definition in definitions.items():
        default = coerce_default_value(definition)
        fallback = None if default is Undefined else default
        if name not in given:
            values[name] = Value(fallback, lambda _, constant=fallback: constant)  # type: ignore[misc]  # bound now
            continue
        read = or_default(reader(given[name], definition.type), fallback)
        sample = read(variables)
        if sample is None and isinstance(definition.type, GraphQLNonNull):
            raise BadInput(f"`{name}` of {node.name.value} must not be null; leave it out to have its default.")
        values[name] = Value(sample, read)
    return values


def or_default(read: Read, fallback: Any) -> Read:
    def with_default(variables: Variables) -> Any:
        value = read(variables)
        return fallback if value is Undefined else value

    return with_default


def shape_of(type_: GraphQLInputType) -> Shape:
    """A function giving the part of a value that decides SQL, as something hashable and small."""
    if isinstance(type_, GraphQLNonNull):
        return shape_of(type_.of_type)
    if isinstance(type_, GraphQLEnumType) or (isinstance(type_, GraphQLScalarType) and type_.name == "Boolean"):
        return lambda value: value
    if isinstance(type_, GraphQLScalarType) and type_.name == "_Any":
        return representation_shape
    if isinstance(type_, GraphQLInputObjectType):
        return object_shape(type_)
    if isinstance(type_, GraphQLList) and list_matters(type_):
        item = shape_of(type_.of_type)
        return lambda value: None if value is None else frozenset(map(item, value))
    return lambda value: None if value is None else True


def list_matters(type_: GraphQLList[Any]) -> bool:
    """Which words of an enum are asked for decides conditions, which keys representations bring decides lookups."""
    inner = type_.of_type.of_type if isinstance(type_.of_type, GraphQLNonNull) else type_.of_type
    return isinstance(inner, GraphQLEnumType) or (isinstance(inner, GraphQLScalarType) and inner.name == "_Any")


def object_shape(type_: GraphQLInputObjectType) -> Shape:
    shapes: dict[str, Shape] = {}

    def shape(value: Any) -> object:
        if value is None:
            return None
        if not shapes:
            shapes.update({name: shape_of(field.type) for name, field in type_.fields.items()})
        return tuple((name, shapes[name](part)) for name, part in value.items() if part is not None)

    return shape


def representation_shape(value: Any) -> object:
    """An entity representation: its type, which fields it brings and what kind of value each is."""
    if not isinstance(value, Mapping):
        return type(value).__name__
    return tuple(
        sorted(
            (name, str(part) if name == "__typename" else representation_shape(part)) for name, part in value.items()
        )
    )


BATCHES = (1, 5, 25, 100, 250)


def batch_bound(size: int) -> int:
    """How many objects a batch of keys may bring: a few sizes, so that the cost is right and plans are still shared."""
    return next((bound for bound in BATCHES if size <= bound), size)
