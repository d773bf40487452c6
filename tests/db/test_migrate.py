"""Migrations: once, whoever starts first; and they build what `db.tables` says."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import db.migrate
import db.pool
import db.tables


async def test_an_empty_database_lacks_all_revisions_and_a_migrated_one_none(empty_database: str) -> None:
    lacking = await db.migrate.pending(empty_database)
    assert lacking[-1] == db.migrate.head()
    assert await db.migrate.upgrade(empty_database) == lacking
    assert await db.migrate.pending(empty_database) == []
    assert await db.migrate.upgrade(empty_database) == []


async def test_of_many_that_start_at_once_one_migrates(empty_database: str) -> None:
    applied = await asyncio.gather(*(db.migrate.upgrade(empty_database) for _ in range(5)))
    assert sorted(map(bool, applied)) == [False, False, False, False, True]


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(database: str) -> None:
    connection = await db.pool.connect(database)
    await connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
    with pytest.raises(db.migrate.NewerDatabase, match="from_the_future"):
        await db.migrate.upgrade(database)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == "from_the_future"
    await connection.close()


async def test_migrations_build_what_the_tables_say(database: str) -> None:
    def differences(connection: sa.Connection) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), db.tables.metadata))

    async with db.migrate.connect(database) as connection:
        assert await connection.run_sync(differences) == []


async def test_a_failed_migration_leaves_nothing(empty_database: str) -> None:
    connection = await db.pool.connect(empty_database)
    await connection.execute("CREATE TABLE orders (id int)")
    with pytest.raises(sa.exc.ProgrammingError):
        await db.migrate.upgrade(empty_database)
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert [row["tablename"] for row in tables] == ["orders"]
