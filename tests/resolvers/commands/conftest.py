"""A house per test, in a database of its own."""

import pytest
from graphql import GraphQLSchema

import db.pool
from tests.resolvers.commands.house import PLACES, House


@pytest.fixture
async def house(core: GraphQLSchema, pool: db.pool.Pool) -> House:
    await pool.execute(PLACES)
    return House(core, pool)
