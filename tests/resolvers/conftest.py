"""A small shop in a real database: one for all tests that only read, and one of its own for each test that writes."""

from collections.abc import AsyncIterator

import pytest
from graphql import GraphQLSchema

import db.pool
from schema import build
from tests.resolvers import shop as shops
from tests.resolvers.shop import Shop

SEEDED = "template_shop"


@pytest.fixture(scope="session")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture(scope="session")
async def seeded(postgres: str, template: str) -> str:
    """DSN of a database with the shop in it; clone it, never connect to it."""
    dsn = await clone(postgres, template, SEEDED)
    connection = await db.pool.connect(dsn, statement_seconds=0)
    await shops.rows().write(connection)
    await connection.execute("ANALYZE")
    await connection.close()
    return dsn


@pytest.fixture(scope="session")
async def shop(postgres: str, seeded: str, core: GraphQLSchema) -> AsyncIterator[Shop]:
    """The shop for tests that only read."""
    pool = await db.pool.create_pool(await clone(postgres, seeded, "shop"), min_size=1, max_size=4)
    yield Shop(core, pool)
    pool.terminate()


@pytest.fixture
async def own_shop(
    postgres: str, seeded: str, core: GraphQLSchema, request: pytest.FixtureRequest
) -> AsyncIterator[Shop]:
    """A shop that the test may change."""
    name = f"own_{abs(hash(request.node.nodeid))}"
    pool = await db.pool.create_pool(await clone(postgres, seeded, name), min_size=1, max_size=4)
    yield Shop(core, pool)
    pool.terminate()
    await maintain(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


async def clone(postgres: str, dsn: str, name: str) -> str:
    template = dsn.split("?", 1)[0].rsplit("/", 1)[1]
    await maintain(postgres, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
    return postgres.replace("/postgres?", f"/{name}?", 1)


async def maintain(postgres: str, statement: str) -> None:
    connection = await db.pool.connect(postgres, statement_seconds=0)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
