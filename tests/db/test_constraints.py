"""What the store itself refuses, whatever the code above it does; a refusal leaves everything as it was."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import asyncpg
import pytest

import db.pool
import db.tables
from db.pool import Connection, Record
from tests.db.clones import clone
from tests.db.impossible import IMPOSSIBLE, STORE, id_of

INSERT_PIECE = "INSERT INTO shipment_lines (shipment_id, line_id, order_id, quantity) VALUES ($1, $2, $3, $4)"
PACKED = "SELECT coalesce(sum(quantity), 0) FROM shipment_lines WHERE line_id = $1"
ENTRY = """INSERT INTO journal (entity, entity_id, order_id, version, type, source, actor, occurred_at)
           VALUES ('ORDER', $1, $1, 2, 'ORDER_ACCEPTED', 'test', 'test', now())"""
NUMBERED = """INSERT INTO orders (channel_id, number, status, currency, placed_at)
              VALUES ($1, '1001', 'PENDING', 'EUR', now())"""


@pytest.fixture(scope="module")
async def store(postgres: str, template: str) -> AsyncIterator[Connection]:
    """A store with two orders, shared: nothing that is refused changes it."""
    async with clone(postgres, template) as dsn:
        connection = await db.pool.connect(dsn)
        await connection.execute(STORE)
        yield connection
        await connection.close()


@pytest.fixture
async def stores(database: str) -> AsyncIterator[db.pool.Pool]:
    """A store of one's own, for transactions that run at once."""
    pool = await db.pool.create_pool(database, min_size=2)
    async with pool.acquire() as connection:
        await connection.execute(STORE)
    yield pool
    pool.terminate()


async def contents(connection: Connection) -> dict[str, list[Record]]:
    return {
        table.name: await connection.fetch(f"SELECT * FROM {table.name} ORDER BY {table.name}::text")
        for table in db.tables.metadata.sorted_tables
    }


@pytest.mark.parametrize("what", IMPOSSIBLE)
async def test_impossible(store: Connection, what: str) -> None:
    statement, constraint = IMPOSSIBLE[what]
    before = await contents(store)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        async with store.transaction():
            await store.execute(statement)
    assert refused.value.as_dict()["constraint_name"] == constraint
    assert await contents(store) == before


@pytest.mark.parametrize(
    "statement", ["UPDATE journal SET actor = 'nobody'", "DELETE FROM journal", "TRUNCATE journal"]
)
async def test_the_journal_is_only_ever_added_to(store: Connection, statement: str) -> None:
    before = await contents(store)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await store.execute(statement)
    assert await contents(store) == before


async def test_an_order_may_go_but_its_journal_stays(stores: db.pool.Pool) -> None:
    async with stores.acquire() as connection:
        await connection.execute("DELETE FROM orders WHERE id = $1", id_of("order"))
        assert await connection.fetchval("SELECT count(*) FROM journal WHERE order_id = $1", id_of("order")) == 1
        assert await connection.fetchval("SELECT count(*) FROM shipments WHERE order_id = $1", id_of("order")) == 0


async def test_a_journal_row_that_is_rolled_back_leaves_nothing_for_the_relay(store: Connection) -> None:
    before = await contents(store)
    transaction = store.transaction()
    await transaction.start()
    await store.execute(ENTRY, id_of("order"))
    assert await store.fetchval("SELECT count(*) FROM outbox") == len(before["outbox"]) + 1
    await transaction.rollback()
    assert await contents(store) == before


async def test_another_channel_may_use_the_same_number(stores: db.pool.Pool) -> None:
    async with stores.acquire() as connection:
        await connection.execute(NUMBERED, id_of("market"))
        assert await connection.fetchval("SELECT count(*) FROM orders WHERE number = '1001'") == 2


async def test_another_order_may_share_a_tracking_number(store: Connection) -> None:
    assert await store.fetchval("SELECT count(*) FROM shipments WHERE tracking_number = 'A1'") == 2


async def test_a_parcel_that_came_to_nothing_does_not_count(stores: db.pool.Pool) -> None:
    async with stores.acquire() as connection:
        for status in ("LOST", "CANCELLED", "RETURNED"):
            await connection.execute("UPDATE shipments SET status = $2 WHERE id = $1", id_of("parcel"), status)
            async with connection.transaction():
                await connection.execute(INSERT_PIECE, id_of("second_parcel"), id_of("line"), id_of("order"), 2)
            await connection.execute("DELETE FROM shipment_lines WHERE shipment_id = $1", id_of("second_parcel"))


async def test_pieces_may_be_repacked_within_a_transaction(stores: db.pool.Pool) -> None:
    """The sum counts at the end: for a moment both parcels hold the units."""
    async with stores.acquire() as connection:
        async with connection.transaction():
            await connection.execute(INSERT_PIECE, id_of("second_parcel"), id_of("line"), id_of("order"), 2)
            await connection.execute("DELETE FROM shipment_lines WHERE shipment_id = $1", id_of("parcel"))
        assert await connection.fetchval(PACKED, id_of("line")) == 2


async def ship(pool: db.pool.Pool, parcel: str, packed: asyncio.Barrier) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(INSERT_PIECE, id_of(parcel), id_of("line"), id_of("order"), 2)
        await packed.wait()


async def test_two_parcels_packed_at_once_cannot_both_take_the_last_units(stores: db.pool.Pool) -> None:
    async with stores.acquire() as connection:
        await connection.execute("DELETE FROM shipment_lines")
    for _ in range(10):
        packed = asyncio.Barrier(2)
        outcomes = await asyncio.gather(
            ship(stores, "parcel", packed), ship(stores, "second_parcel", packed), return_exceptions=True
        )
        assert refusals(outcomes) == ["ck_shipment_lines_at_most_ordered"]
        async with stores.acquire() as connection:
            assert await connection.fetchval(PACKED, id_of("line")) == 2
            await connection.execute("DELETE FROM shipment_lines")


def refusals(outcomes: Iterable[BaseException | None]) -> list[str | None]:
    failed = [outcome for outcome in outcomes if outcome is not None]
    assert all(isinstance(error, asyncpg.CheckViolationError) for error in failed), failed
    return [error.as_dict()["constraint_name"] for error in failed if isinstance(error, asyncpg.CheckViolationError)]


async def test_two_buyers_of_the_last_unit(stores: db.pool.Pool) -> None:
    async def take() -> None:
        async with stores.acquire() as connection, connection.transaction():
            await connection.execute("UPDATE stock_levels SET on_hand = on_hand - 3")

    outcomes = await asyncio.gather(take(), take(), return_exceptions=True)
    assert refusals(outcomes) == ["ck_stock_levels_not_negative"]
    async with stores.acquire() as connection:
        assert await connection.fetchval("SELECT on_hand FROM stock_levels") == 2


def test_every_column_of_known_words_is_tried() -> None:
    checks = {
        str(constraint.name)
        for table in db.tables.metadata.tables.values()
        for constraint in table.constraints
        if str(constraint.name).endswith("_known")
    }
    elsewhere = {name for name in checks if name.startswith(("ck_inbox", "ck_idempotency_keys"))}
    assert {constraint for _, constraint in IMPOSSIBLE.values()} >= checks - elsewhere
