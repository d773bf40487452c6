"""Runs the read engine's statements: one round trip on a prepared statement, failures in the store's own words."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

import asyncpg

from db.pool import DatabaseError, Lost, Pool, Record
from domain.errors import DeadlineExceeded, Overloaded, Unavailable

BUSY: Final = "All database connections are busy. Try again in a moment."


class Reader(Protocol):
    async def row(self, sql: str, parameters: Sequence[Any]) -> Record: ...

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Record]: ...


class PoolReader:
    """Reads from a pool; waits at most `acquire_seconds` for a connection.

    Who waits longest is next. The driver's own queue lets newcomers take a connection that was just given back before
    the one that waits for it runs, and sends that one to its end: under a crowd some would wait for very long.
    """

    def __init__(self, pool: Pool, *, acquire_seconds: float = 1.0) -> None:
        self.pool = pool
        self.acquire_seconds = acquire_seconds
        self.turns = asyncio.Semaphore(pool.get_max_size())

    async def row(self, sql: str, parameters: Sequence[Any]) -> Record:
        """The only row of a statement. Raises Overloaded, DeadlineExceeded, Unavailable."""
        row: Record = await self.run("fetchrow", sql, parameters)
        return row

    async def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Record]:
        """All rows of a statement; raises as `row` does."""
        rows: Sequence[Record] = await self.run("fetch", sql, parameters)
        return rows

    async def run(self, method: str, sql: str, parameters: Sequence[Any]) -> Any:
        await self.turn()
        try:
            return await self.connected(method, sql, parameters)
        finally:
            self.turns.release()

    async def turn(self) -> None:
        """A timer is made only for who has to wait."""
        if not self.turns.locked():
            await self.turns.acquire()
            return
        try:
            async with asyncio.timeout(self.acquire_seconds):
                await self.turns.acquire()
        except TimeoutError:
            raise Overloaded(BUSY) from None

    async def connected(self, method: str, sql: str, parameters: Sequence[Any]) -> Any:
        try:
            # With a timeout the driver makes a task for the waiting; with a connection at hand there is none.
            patience = None if self.pool.get_idle_size() else self.acquire_seconds
            connection = await self.pool.acquire(timeout=patience)
        except TimeoutError:
            raise Overloaded(BUSY) from None
        except (OSError, *DatabaseError) as error:
            raise unavailable(error) from error
        try:
            return await self.fetch(getattr(connection, method), sql, parameters)
        except asyncpg.QueryCanceledError as error:
            raise DeadlineExceeded("The database took too long for this. Ask for less, or try again.") from error
        except TimeoutError as error:
            raise DeadlineExceeded("The database did not answer in time. Try again.") from error
        except Lost as error:
            raise unavailable(error) from error
        finally:
            await self.pool.release(connection)

    async def fetch(self, method: Any, sql: str, parameters: Sequence[Any]) -> Any:
        try:
            return await method(sql, *parameters)
        except asyncpg.InvalidCachedStatementError:
            # The schema changed under a prepared statement; the driver has dropped it and prepares anew.
            return await method(sql, *parameters)


def unavailable(error: BaseException) -> Unavailable:
    return Unavailable(f"The database cannot be reached ({type(error).__name__}). Try again in a moment.")
