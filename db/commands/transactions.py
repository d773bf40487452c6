"""One transaction per command, with failures in the store's own words."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import asyncpg

from db.pool import Connection, DatabaseError, Lost, Pool
from db.reader import unavailable
from domain.errors import DeadlineExceeded, Overloaded

T = TypeVar("T")

ACQUIRE_SECONDS: Final = 4.0
# A deadlock or a lost race is nobody's mistake; the whole transaction runs again.
ATTEMPTS: Final = 4
AGAIN: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Again(Exception):  # noqa: N818  # no error: what the transaction relied on has changed
    """Run the transaction anew."""


async def run(pool: Pool, work: Callable[[Connection], Awaitable[T]], *, acquire_seconds: float = ACQUIRE_SECONDS) -> T:
    """The result of `work` in one transaction; nothing of it stays when it raises.

    Raises Overloaded, DeadlineExceeded, Unavailable, and whatever `work` raises.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _once(pool, work, acquire_seconds)
        except (*AGAIN, Again):
            if attempt == ATTEMPTS:
                raise Overloaded("Too many change the same thing at once. Try again in a moment.") from None
            await asyncio.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311  # spreads retries, keeps no secret
    raise AssertionError("the loop returns or raises")


async def _once(pool: Pool, work: Callable[[Connection], Awaitable[T]], acquire_seconds: float) -> T:
    try:
        connection = await pool.acquire(timeout=acquire_seconds)
    except TimeoutError:
        raise Overloaded("All database connections are busy. Try again in a moment.") from None
    except (OSError, *DatabaseError) as error:
        raise unavailable(error) from error
    try:
        async with connection.transaction():
            return await work(connection)
    except asyncpg.QueryCanceledError as error:
        raise DeadlineExceeded("The database took too long for this. Try again in a moment.") from error
    except Lost as error:
        raise unavailable(error) from error
    finally:
        await pool.release(connection)
