"""Variables of a request, checked against their types.

The common types are checked by small functions made once per operation; whatever these do not accept is given to
graphql-core, which accepts it or says in its own words what is wrong. So this is only a fast way to the same answer.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    Undefined,
    get_variable_values,
    type_from_ast,
)
from graphql.language import ast
from graphql.utilities import coerce_input_value
from graphql.utilities.coerce_input_value import coerce_default_value

Coerce = Callable[[Any], Any]
MAX_INT = 2**31


class Unsure(Exception):  # noqa: N818  # not an error: graphql-core decides
    """The fast way does not know this value."""


class VariableError(Exception):
    """Variables that do not fit; carries graphql-core's errors."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(errors)
        self.errors = errors


class Coercion:
    """The variables of one operation."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[ast.VariableDefinitionNode]) -> None:
        self.schema = schema
        self.definitions = definitions
        self.types = {node.variable.name.value: input_type(schema, node) for node in definitions}
        self.fast = [(name, type_, coercer(type_)) for name, type_ in self.types.items()]
        self.plain = all(node.default_value is None for node in definitions)

    def __call__(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if not self.definitions:
            return {}
        if self.plain:
            try:
                return self.quickly(given)
            except Unsure:
                pass
        result = get_variable_values(self.schema, self.definitions, dict(given), max_errors=10, hide_suggestions=True)
        if isinstance(result, list):
            raise VariableError(result)
        return result.coerced

    def quickly(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values = {}
        for name, type_, coerce in self.fast:
            value = given.get(name, Undefined)
            if value is Undefined:
                if isinstance(type_, GraphQLNonNull):
                    raise Unsure
                continue
            values[name] = coerce(value)
        return values


def input_type(schema: GraphQLSchema, node: ast.VariableDefinitionNode) -> GraphQLInputType:
    found: Any = type_from_ast(schema, node.type)
    return found  # type: ignore[no-any-return]  # validation has made sure that it is an input type


def coercer(type_: GraphQLInputType) -> Coerce:
    if isinstance(type_, GraphQLNonNull):
        return not_null(coercer(type_.of_type))
    if isinstance(type_, GraphQLList):
        return list_of(coercer(type_.of_type))
    if isinstance(type_, GraphQLInputObjectType):
        return object_of(type_)
    known = SCALARS.get(type_.name)
    if known and not isinstance(type_, GraphQLEnumType):
        return known
    return slowly(type_)


def not_null(coerce: Coerce) -> Coerce:
    def checked(value: Any) -> Any:
        if value is None:
            raise Unsure
        return coerce(value)

    return checked


def list_of(coerce: Coerce) -> Coerce:
    def checked(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, list):
            return [coerce(item) for item in value]
        return [coerce(value)]

    return checked


def object_of(type_: GraphQLInputObjectType) -> Coerce:
    parts: dict[str, Coerce] = {}
    rest: dict[str, Any] = {}

    def prepare() -> None:
        for name, field in type_.fields.items():
            parts[name] = coercer(field.type)
            default = coerce_default_value(field)
            if default is not Undefined or isinstance(field.type, GraphQLNonNull):
                rest[name] = default

    def checked(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not dict or type_.is_one_of:
            raise Unsure
        if not parts:
            prepare()
        try:
            made = {name: parts[name](part) for name, part in value.items()}
        except KeyError:
            raise Unsure from None
        for name, default in rest.items():
            if name not in made:
                if default is Undefined:
                    raise Unsure
                made[name] = default
        return made

    return checked


def slowly(type_: GraphQLInputType) -> Coerce:
    def checked(value: Any) -> Any:
        made = coerce_input_value(value, type_)
        if made is Undefined:
            raise Unsure
        return made

    return checked


def text(value: Any) -> Any:
    if value is None or type(value) is str:
        return value
    raise Unsure


def integer(value: Any) -> Any:
    if value is None or (type(value) is int and -MAX_INT <= value < MAX_INT):
        return value
    raise Unsure


def boolean(value: Any) -> Any:
    if value is None or type(value) is bool:
        return value
    raise Unsure


SCALARS: Mapping[str, Coerce] = {"ID": text, "String": text, "Int": integer, "Boolean": boolean}
