"""Brings a database to the newest shape. Safe when many processes start at once: one migrates, the others wait."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import alembic.command
import sqlalchemy as sa
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

import db.pool
import domain.errors

FOLDER = Path(__file__).with_name("migrations")
# Any number, but the same in all versions of Ordergraph: it guards the migrations of one database.
LOCK = 7_340_012_026
# For that lock while another process migrates, and for tables in use.
LOCK_SECONDS = 60


class NewerDatabase(domain.errors.Conflict):
    """The database was migrated by a version of Ordergraph that knows more than this one."""


def head() -> str | None:
    """The newest revision this version of Ordergraph knows."""
    return _scripts().get_current_head()


async def upgrade(dsn: str) -> list[str]:
    """Bring the database to `head()`, in one transaction; the revisions applied, oldest first."""
    async with connect(dsn) as connection:
        # Held by the session, so that a migration may commit in between; given back when the connection closes.
        await connection.execute(sa.select(sa.func.pg_advisory_lock(LOCK)))
        await connection.commit()
        applied = await connection.run_sync(_pending)
        if applied:
            await connection.run_sync(_upgrade)
            await connection.commit()
        return applied


async def pending(dsn: str) -> list[str]:
    """The revisions the database lacks, oldest first; NewerDatabase when it has one unknown to us."""
    async with connect(dsn) as connection:
        return await connection.run_sync(_pending)


def _pending(connection: sa.Connection) -> list[str]:
    current = MigrationContext.configure(connection).get_current_revision()
    try:
        missing = _scripts().iterate_revisions("heads", current or "base")
        return [script.revision for script in missing][::-1]
    except RevisionError as error:
        raise NewerDatabase(
            f"The database is at revision {current}, which this version of Ordergraph does not know: "
            "run the version that migrated it, or a newer one."
        ) from error


def _upgrade(connection: sa.Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


@asynccontextmanager
async def connect(dsn: str) -> AsyncIterator[AsyncConnection]:
    """A connection of SQLAlchemy whose address is read by the driver, so that every form the pool takes works."""

    async def open_one(*_: object, **__: object) -> db.pool.OwnConnection:
        opened = await db.pool.connect(dsn, application="ordergraph-migrate", statement_seconds=0)
        await opened.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
        return opened

    engine = create_async_engine("postgresql+asyncpg://", async_creator=open_one, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()
