"""The test shop behind an engine: questions in, parsed answers out, and every statement on record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import GraphQLSchema

from db.pool import Pool, Record
from db.reader import PoolReader, Reader
from domain.actor import Actor, Role, of_role
from events.cursor import Signer
from events.hub import Hub
from events.store_log import StoreLog
from resolvers.answer import Answer, GraphQLRequest
from resolvers.execute import Engine
from resolvers.plan import Checks
from resolvers.polls import Polls
from resolvers.sources import LiveFetch
from resolvers.subscriptions import Subscriptions
from tests.resolvers import shop_catalogue, shop_orders
from tests.resolvers.rows import Rows

ADMIN = of_role(Role.ADMIN, "admin")
SIGNER = Signer(b"tests only")


def rows() -> Rows:
    """Everything in the shop."""
    made = Rows()
    for add in (
        shop_catalogue.add_places,
        shop_catalogue.add_items,
        shop_catalogue.add_stock,
        shop_orders.add_orders,
        shop_orders.add_work,
        shop_orders.add_claims,
    ):
        add(made)
    return made


@dataclass
class Recorder:
    """A reader that remembers what it was asked."""

    inner: Reader
    statements: list[tuple[str, list[Any]]] = field(default_factory=list)

    async def row(self, sql: str, parameters: Sequence[Any]) -> Record:
        self.statements.append((sql, list(parameters)))
        return await self.inner.row(sql, parameters)

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Record]:
        self.statements.append((sql, list(parameters)))
        return await self.inner.rows(sql, parameters)


@dataclass(frozen=True)
class Reply:
    """An answer, parsed; dictionaries keep the order of the response."""

    answer: Answer
    body: dict[str, Any]

    @property
    def data(self) -> Any:
        assert "errors" not in self.body, self.body["errors"]
        return self.body["data"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body.get("errors", [])
        return found

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]


class Shop:
    def __init__(
        self,
        core: GraphQLSchema,
        pool: Pool,
        *,
        max_cost: int = 50_000,
        fetchers: Mapping[str, LiveFetch] | None = None,
    ) -> None:
        self.core = core
        self.pool = pool
        self.reader = Recorder(PoolReader(pool))
        checks = Checks(lambda _: None, lambda _: None, max_cost)
        self.engine = Engine(core, self.reader, checks, SIGNER, epoch=lambda: "test", fetchers=fetchers)
        hub = Hub(StoreLog(self.reader))
        self.engine.polls = Polls(Subscriptions(self.engine, hub, self.reader, SIGNER))

    async def ask(
        self,
        query: str,
        variables: Mapping[str, object] | None = None,
        actor: Actor = ADMIN,
        operation: str | None = None,
    ) -> Reply:
        answer = await self.engine.answer(GraphQLRequest(query, operation, variables), actor)
        if answer.later is not None:
            answer = await answer.later.wait(0.0)
        return Reply(answer, orjson.loads(answer.body))

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, as plain as they are."""
        return [dict(row) for row in await self.pool.fetch(f"SELECT * FROM {table}")]
