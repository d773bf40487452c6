"""What graphql-core still does: introspection, and printing our data where it owns the outer shell.

It runs over a schema without resolvers, built from our SDL, and finds every value under its response name, so there is
one way to data and two ways to print it.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationType,
    build_schema,
    execute_sync,
    print_schema,
)

from resolvers.json_sql import TYPE_KEY
from resolvers.plan import Operation


def by_response_name(source: Any, info: GraphQLResolveInfo[Any], /, **_arguments: Any) -> Any:
    return source.get(info.path.key)


def by_type_key(value: Any, _info: GraphQLResolveInfo[Any], _abstract: Any) -> str:
    """The compiler has written the type of an abstract value beside its fields."""
    name: str = value[TYPE_KEY]
    return name


class Printer:
    """Prints JSON values, keyed by response names, as the answer to an operation."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = build_schema(print_schema(schema))

    def answer(self, operation: Operation, data: Mapping[str, Any], variables: Mapping[str, Any]) -> ExecutionResult:
        """`data` has the fields that are not introspection; `variables` are as the client sent them."""
        assert operation.kind is OperationType.QUERY, "only queries are printed here"
        return execute_sync(
            self.schema,
            operation.document,
            root_value=data,
            variable_values=dict(variables),
            operation_name=operation.name,
            field_resolver=by_response_name,
            type_resolver=by_type_key,
            hide_suggestions=True,
        )
