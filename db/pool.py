"""Connections to the database, set up so that a query is one round trip and a prepared statement stays prepared."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from domain.errors import Unavailable

if TYPE_CHECKING:
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    OwnConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Connection = asyncpg.Connection | PoolConnectionProxy
    OwnConnection = asyncpg.Connection

Record = asyncpg.Record
# What the server or the driver says when something is wrong; a lost connection may also be an OSError.
DatabaseError = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# The server shuts down, starts, has no room, is read-only after a failover, or the connection is gone in mid-word:
# nothing that was asked of it is at fault, and the same may be asked again. Whoever tells statements that took too long
# from these looks for QueryCanceledError first.
Lost = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

OLDEST_MAJOR = 15
STATEMENT_SECONDS = 2.0
CONNECT_SECONDS = 5.0
# One per compiled plan; the plan cache of the resolvers is of the same order.
STATEMENTS_CACHED = 1024


async def create_pool(
    dsn: str,
    *,
    min_size: int = 2,
    max_size: int = 10,
    application: str = "ordergraph",
    statement_seconds: float = STATEMENT_SECONDS,
) -> Pool:
    """Connect `min_size` times to `dsn` (postgresql://) and keep up to `max_size` connections.

    Connections go back without a reset query: whoever changes session state (SET, LISTEN, advisory locks) must
    undo it or use `connect`. Statements end after `statement_seconds` (0: never); json and jsonb arrive as text.
    Unavailable says why the database does not answer.
    """
    with answering():
        return await asyncpg.create_pool(
            dsn,
            min_size=min_size,
            max_size=max(min_size, max_size),
            timeout=CONNECT_SECONDS,
            command_timeout=_patience(statement_seconds),
            init=_check_version,
            reset=_no_reset,
            max_inactive_connection_lifetime=0,
            statement_cache_size=STATEMENTS_CACHED,
            max_cached_statement_lifetime=0,
            max_cacheable_statement_size=0,
            server_settings=_session(application, statement_seconds),
        )


async def connect(
    dsn: str, *, application: str = "ordergraph", statement_seconds: float = STATEMENT_SECONDS
) -> OwnConnection:
    """A connection of one's own, for LISTEN, locks held for long, and jobs; the caller closes it."""
    with answering():
        connection = await asyncpg.connect(
            dsn,
            timeout=CONNECT_SECONDS,
            command_timeout=_patience(statement_seconds),
            server_settings=_session(application, statement_seconds),
        )
        await _check_version(connection)
        return connection


@contextmanager
def answering() -> Iterator[None]:
    """Say in one sentence why the database cannot be reached; addresses hold passwords and are not repeated."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise Unavailable(f"The database refuses the connection: {error.args[0]}.") from error
    except TimeoutError as error:
        raise Unavailable(f"The database does not answer within {CONNECT_SECONDS:g} s.") from error
    except OSError as error:
        raise Unavailable(f"The database does not answer: {error.strerror or type(error).__name__}.") from error
    except (asyncpg.InterfaceError, ValueError):
        raise Unavailable(
            "The address of the database is malformed; postgresql://user:password@host:5432/name is expected."
        ) from None


async def _check_version(connection: Connection) -> None:
    version = connection.get_server_version()
    if version.major < OLDEST_MAJOR:
        raise Unavailable(
            f"The database is PostgreSQL {version.major}.{version.minor}; {OLDEST_MAJOR} or newer is needed."
        )


def _session(application: str, statement_seconds: float) -> dict[str, str]:
    return {
        "application_name": application,
        # Our statements are short: compiling them to machine code costs more than running them.
        "jit": "off",
        "statement_timeout": str(round(statement_seconds * 1000)),
        "timezone": "UTC",
    }


def _patience(statement_seconds: float) -> float | None:
    """The server ends a statement in time; this is for a server or network that says nothing any more."""
    return statement_seconds + 1 if statement_seconds else None


async def _no_reset(connection: Connection) -> None:
    """Nothing to undo: an aborted transaction is rolled back by its context manager."""
