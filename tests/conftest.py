"""Fixtures of all tests: one real PostgreSQL per session (and worker), a migrated template, a clone per test."""

import os
import shutil
import socket
import tempfile
import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

import db.migrate
import db.pool
from db.embedded import FAST_SETTINGS, EmbeddedPostgres

TEMPLATE = "template_ordergraph"
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
# What a machine may lack although all is well with it; the other half of these tests runs everywhere.
NOT_EVERYWHERE = ("needs root", "needs a system PostgreSQL")
SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """DSN of the maintenance database of a throwaway server. Not below pytest's temp folder: root's is closed to
    the unprivileged user the server runs as."""
    folder = Path(tempfile.mkdtemp(prefix="ordergraph-tests-"))
    told = os.environ.get("ORDERGRAPH_PG_BIN")
    try:
        with EmbeddedPostgres(folder, settings=FAST_SETTINGS, bin_dir=Path(told) if told else None) as server:
            yield server.dsn
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def template(postgres: str) -> str:
    """DSN of a database with all migrations and no rows; clone it, never connect to it."""
    await _maintain(postgres, f'CREATE DATABASE "{TEMPLATE}"')
    dsn = _named(postgres, TEMPLATE)
    await db.migrate.upgrade(dsn)
    return dsn


@pytest.fixture
async def database(postgres: str, template: str) -> AsyncIterator[str]:
    """DSN of a fresh clone of the template, dropped afterwards whoever is still connected."""
    async with _database(postgres, f'TEMPLATE "{TEMPLATE}" STRATEGY file_copy') as dsn:
        yield dsn


@pytest.fixture
async def empty_database(postgres: str) -> AsyncIterator[str]:
    """DSN of a database that nothing has been done to."""
    async with _database(postgres, "TEMPLATE template0") as dsn:
        yield dsn


@pytest.fixture
async def pool(database: str) -> AsyncIterator[db.pool.Pool]:
    made = await db.pool.create_pool(database, min_size=1, max_size=5, application="ordergraph-tests")
    yield made
    made.terminate()


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of 127.0.0.1 that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def _database(postgres: str, form: str) -> AsyncIterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    await _maintain(postgres, f'CREATE DATABASE "{name}" {form}')
    yield _named(postgres, name)
    await _maintain(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


def _named(dsn: str, name: str) -> str:
    """The same server, another database."""
    return dsn.replace("/postgres?", f"/{name}?", 1)


async def _maintain(dsn: str, statement: str) -> None:
    connection = await db.pool.connect(dsn, statement_seconds=0)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _refuse_skip((yield))


def _refuse_skip(report: Report) -> Report:
    """With ORDERGRAPH_FAIL_ON_SKIP a skip is a failure: a run that proves nothing must not look green."""
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("ORDERGRAPH_FAIL_ON_SKIP"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        absent = reason.startswith("shared data") and not SHARED.is_dir()
        if not absent and not reason.startswith(NOT_EVERYWHERE):
            report.outcome = "failed"
            report.longrepr = f"skipped, which ORDERGRAPH_FAIL_ON_SKIP forbids: {reason}"
    return report
