"""Many pieces of work in one transaction: what they ask at the same time travels as one round trip.

Each piece is written as if it had the connection for itself. When all of them wait for the database, equal statements
are sent together (asyncpg pipelines them), so a batch costs as many round trips as its longest piece. The server still
runs one statement for each, in the order of the pieces, and each sees what those before it wrote.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from db.pool import Connection, Record

T = TypeVar("T")
NUMBER = "asked_by"


class Alone(Exception):  # noqa: N818  # no error: it only has to be done another way
    """This piece needs a transaction of its own."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One statement for each of `arguments`; `rows` says whether what it returns is wanted."""

    sql: str
    arguments: Sequence[Sequence[Any]]
    rows: bool
    answer: asyncio.Future[list[Record]]


class Shared:
    """A connection in a transaction, shared by pieces of work. `round_trips` counts what was sent."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.round_trips = 0
        self._asks: list[Ask] = []
        self._busy = 0
        self._all_wait = asyncio.Event()

    async def run(self, works: Sequence[Callable[[Connection], Awaitable[T]]]) -> list[T | Exception]:
        """What each returned or raised. An error of the database spoils them all and is raised."""
        self._busy = len(works)
        self._all_wait.clear()
        tasks = [asyncio.create_task(self._piece(work)) for work in works]
        try:
            while self._busy:
                await self._all_wait.wait()
                self._all_wait.clear()
                await self._send()
            return [task.result() for task in tasks]
        finally:
            self._asks.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _piece(self, work: Callable[[Connection], Awaitable[T]]) -> T | Exception:
        try:
            # Commands use only what Part has; anything else fails as an unknown attribute, in every test.
            return await work(cast(Connection, Part(self)))
        except Exception as error:  # handed to the caller, who knows whose it is
            return error
        finally:
            self._done()

    def _done(self) -> None:
        self._busy -= 1
        if not self._busy:
            self._all_wait.set()

    async def ask(self, sql: str, arguments: Sequence[Sequence[Any]], *, rows: bool) -> list[Record]:
        ask = Ask(sql, arguments, rows, asyncio.get_running_loop().create_future())
        self._asks.append(ask)
        self._done()
        return await ask.answer

    async def _send(self) -> None:
        """Everything that is asked now, equal statements together."""
        asks, self._asks = self._asks, []
        alike: dict[tuple[str, bool], list[Ask]] = {}
        for ask in asks:
            alike.setdefault((ask.sql, ask.rows), []).append(ask)
        answers = [await self._send_alike(sql, some) for (sql, _), some in alike.items()]
        # Only now: a piece that goes on before all are answered would think the others still wait.
        self._busy = len(asks)
        for some, found in zip(alike.values(), answers, strict=True):
            for ask, rows in zip(some, found, strict=True):
                ask.answer.set_result(rows)

    async def _send_alike(self, sql: str, asks: Sequence[Ask]) -> list[list[Record]]:
        self.round_trips += 1
        found: list[list[Record]] = [[] for _ in asks]
        if not asks[0].rows:
            await self.connection.executemany(sql, [given for ask in asks for given in ask.arguments])
            return found
        given = [(*ask.arguments[0], number) for number, ask in enumerate(asks)]
        for row in await self.connection.fetchmany(numbered(sql, len(given[0])), given):
            found[row[NUMBER]].append(row)
        return found


class Part:
    """The connection as one piece of work sees it."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def execute(self, sql: str, *arguments: Any) -> None:
        await self._shared.ask(sql, [arguments], rows=False)

    async def executemany(self, sql: str, arguments: Sequence[Sequence[Any]]) -> None:
        await self._shared.ask(sql, arguments, rows=False)

    async def fetch(self, sql: str, *arguments: Any) -> list[Record]:
        return await self._shared.ask(sql, [arguments], rows=True)

    async def fetchrow(self, sql: str, *arguments: Any) -> Record | None:
        return next(iter(await self.fetch(sql, *arguments)), None)

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        row = await self.fetchrow(sql, *arguments)
        return None if row is None else row[0]

    def transaction(self) -> Any:
        raise Alone("A savepoint would hold what the others wrote too.")


@functools.lru_cache(maxsize=256)
def numbered(sql: str, place: int) -> str:
    """The statement with one more parameter that comes back in every row: whose rows these are."""
    return f"WITH answer AS ({sql}) SELECT answer.*, ${place}::int AS {NUMBER} FROM answer"  # noqa: S608  # our own text
