"""The gateway as shipped: `gateway.app.create_app` with its default settings, asked with a bearer token."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator

from starlette.types import ASGIApp

import db.pool
import gateway.app
import gateway.settings
import gateway.tokens
from domain.actor import Role

SECRET = "a-secret-for-benchmarks-" * 2


@contextlib.asynccontextmanager
async def opened(dsn: str, application: str) -> AsyncIterator[ASGIApp]:
    settings = gateway.settings.load(database_url=dsn, token_secret=SECRET)
    pool = await db.pool.create_pool(
        dsn,
        min_size=settings.pool_min,
        max_size=settings.pool_max,
        application=application,
        statement_seconds=settings.statement_seconds,
    )
    try:
        yield gateway.app.create_app(settings, pool, dsn)
    finally:
        pool.terminate()


def token() -> str:
    """Somebody of support who may see personal data, because the other contenders mask nothing."""
    return gateway.tokens.issue_token(
        SECRET,
        Role.SUPPORT,
        ttl=dt.timedelta(hours=2),
        now=dt.datetime.now(dt.UTC),
        extra_scopes=frozenset({"pii:read"}),
    )
