"""Embedded servers for the tests of the launcher itself."""

from pathlib import Path

import db.pool
from db.embedded import FAST_SETTINGS, EmbeddedPostgres
from db.embedded.leftover import server_status


def embedded(folder: Path, **options: object) -> EmbeddedPostgres:
    return EmbeddedPostgres(folder, settings=FAST_SETTINGS, **options)  # type: ignore[arg-type]


async def answer(dsn: str, question: str = "SELECT 1") -> object:
    connection = await db.pool.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def server_pid(folder: Path) -> int:
    status = server_status(folder / "postgres")
    assert status is not None
    return status[0]
