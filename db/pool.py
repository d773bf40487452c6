"""Pools of database connections, set up so that a query is one round trip and a prepared statement stays prepared."""

from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

if TYPE_CHECKING:
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection | PoolConnectionProxy

Record = asyncpg.Record

STATEMENT_SECONDS = 2.0
# One per compiled plan; the plan cache of the resolvers is of the same order.
STATEMENTS_CACHED = 1024


async def create_pool(
    dsn: str,
    *,
    min_size: int = 2,
    max_size: int = 10,
    application: str = "ordergraph",
    statement_seconds: float = STATEMENT_SECONDS,
    connect_seconds: float = 5.0,
) -> Pool:
    """Connect `min_size` times to `dsn` (postgresql://) and keep up to `max_size` connections.

    Connections go back without a reset query: whoever changes session state (SET, LISTEN, advisory locks) must
    undo it or use `connect`. Statements end after `statement_seconds` (0: never); json and jsonb arrive as text.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        timeout=connect_seconds,
        reset=_no_reset,
        max_inactive_connection_lifetime=0,
        statement_cache_size=STATEMENTS_CACHED,
        max_cached_statement_lifetime=0,
        max_cacheable_statement_size=0,
        command_timeout=_patience(statement_seconds),
        server_settings=_session(application, statement_seconds),
    )


async def connect(
    dsn: str,
    *,
    application: str = "ordergraph",
    statement_seconds: float = STATEMENT_SECONDS,
    connect_seconds: float = 5.0,
) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection of one's own, for LISTEN, locks held for long, and jobs; the caller closes it."""
    return await asyncpg.connect(
        dsn,
        timeout=connect_seconds,
        command_timeout=_patience(statement_seconds),
        server_settings=_session(application, statement_seconds),
    )


def _patience(statement_seconds: float) -> float | None:
    """The server ends a statement in time; this is for a server or network that says nothing any more."""
    return statement_seconds + 1 if statement_seconds else None


def _session(application: str, statement_seconds: float) -> dict[str, str]:
    return {
        "application_name": application,
        # Our statements are short: compiling them to machine code costs more than running them.
        "jit": "off",
        "statement_timeout": str(round(statement_seconds * 1000)),
        "timezone": "UTC",
    }


async def _no_reset(connection: Connection) -> None:
    """Nothing to undo: an aborted transaction is rolled back by its context manager."""
