"""The database of a run: our embedded PostgreSQL with its normal settings, in a folder that is gone afterwards."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import db.migrate
import db.pool
from db.embedded import EmbeddedPostgres
from tests.benchmarks import dataset


@contextlib.contextmanager
def server() -> Iterator[str]:
    """DSN of the maintenance database of a server of our own."""
    folder = Path(tempfile.mkdtemp(prefix="ordergraph-bench-"))
    told = os.environ.get("ORDERGRAPH_PG_BIN")
    try:
        with EmbeddedPostgres(folder, bin_dir=Path(told) if told else None) as running:
            yield running.dsn
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def filled(dsn: str, orders: int) -> str:
    """DSN of a new database with so many orders, its statistics fresh and nothing left to clean up."""
    name = f"orders_{orders}"
    await maintain(dsn, f"CREATE DATABASE {name}")
    made = dsn.replace("/postgres?", f"/{name}?", 1)
    await db.migrate.upgrade(made)
    began = time.monotonic()
    print(f"Loading {orders:,} orders ...", flush=True)
    connection = await db.pool.connect(made, application="bench-load", statement_seconds=0)
    try:
        await dataset.load(connection, orders)
    finally:
        await connection.close()
    await maintain(made, "VACUUM (ANALYZE)", "CHECKPOINT")
    size = await fetch(made, "SELECT pg_size_pretty(pg_database_size(current_database()))")
    print(f"Loaded in {time.monotonic() - began:.0f} s: {size}.", flush=True)
    return made


async def maintain(dsn: str, *statements: str) -> None:
    connection = await db.pool.connect(dsn, application="bench-load", statement_seconds=0)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def fetch(dsn: str, statement: str) -> object:
    connection = await db.pool.connect(dsn, application="bench-load")
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
