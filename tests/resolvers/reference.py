"""The other way to print: graphql-core runs the operation over the values that the compiler found, and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import ExecutionResult

from db.pool import Record
from db.reader import Reader
from domain.actor import Actor
from resolvers.execute import Engine
from resolvers.scope import Rights

NOON = "2026-03-20T12:00:00.000Z"


class Frozen:
    """A reader for which it is always the same moment, so that two readings can be compared."""

    def __init__(self, inner: Reader) -> None:
        self.inner = inner

    async def row(self, sql: str, parameters: Sequence[Any]) -> Record:
        data, position, _ = await self.inner.row(sql, parameters)
        found: Any = (data, position, NOON)
        return found  # type: ignore[no-any-return]  # unpacked like a record

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Record]:
        return await self.inner.rows(sql, parameters)


async def printed_by_graphql_core(engine: Engine, text: str, sent: Mapping[str, Any], actor: Actor) -> ExecutionResult:
    operation = engine.plans.operation(text, None, Rights.of(actor))
    variables = operation.coerce(sent)
    plan = operation.compile(variables, engine.plans.checks.max_cost, typenames=True)
    made: dict[str, Any] = {}
    if plan.sql is not None:
        data, _, as_of = await engine.reader.row(plan.sql, plan.parameters(variables, actor))
        made, _ = await engine.stepped(plan, data, variables, as_of)
    return engine.printer.answer(operation, made, sent)
