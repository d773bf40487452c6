"""Databases that several tests share, because they only read them or leave them as they were."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import db.pool


@asynccontextmanager
async def clone(postgres: str, template: str) -> AsyncIterator[str]:
    """DSN of a copy of the template, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    origin = template.removeprefix(postgres.partition("/postgres?")[0]).partition("?")[0].strip("/")
    maintenance = await db.pool.connect(postgres, statement_seconds=0)
    await maintenance.execute(f'CREATE DATABASE {name} TEMPLATE "{origin}" STRATEGY file_copy')
    yield postgres.replace("/postgres?", f"/{name}?", 1)
    await maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await maintenance.close()
