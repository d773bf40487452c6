"""The migrations and `db.tables` build the same store, down to checks, partial indexes and defaults.

Alembic's comparison (tests/db/test_migrate.py) does not look at check constraints; here the catalogs are compared.
"""

import db.migrate
import db.pool
import db.tables

SHAPE = {
    "columns": """
        SELECT attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod), attnotnull,
               attidentity::text, pg_get_expr(adbin, adrelid)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname::text, contype::text, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype NOT IN ('n', 't')
    """,
    "indexes": "SELECT tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "storage": """
        SELECT oid::regclass::text, reloptions FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
    """,
}
# What a table cannot say of itself: the functions and triggers of the migrations, and the one row of stream_meta.
TRIGGERS = """
SELECT tgrelid::regclass::text, tgname::text, tgdeferrable, tgenabled::text FROM pg_trigger
WHERE NOT tgisinternal ORDER BY 1, 2
"""


async def shape(dsn: str) -> dict[str, set[tuple[object, ...]]]:
    connection = await db.pool.connect(dsn, statement_seconds=20)
    found = {what: await connection.fetch(query) for what, query in SHAPE.items()}
    await connection.close()
    return {what: {_hashable(row) for row in rows if row[0] != "alembic_version"} for what, rows in found.items()}


def _hashable(row: db.pool.Record) -> tuple[object, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in row)


async def test_the_migrated_store_is_the_one_the_tables_describe(database: str, empty_database: str) -> None:
    async with db.migrate.connect(empty_database) as connection:
        await connection.run_sync(db.tables.metadata.create_all)
        await connection.commit()
    migrated, described = await shape(database), await shape(empty_database)
    for what in SHAPE:
        assert migrated[what] - described[what] == set(), f"{what} that only the migrations make"
        assert described[what] - migrated[what] == set(), f"{what} that only the tables make"


async def test_migrating_twice_changes_nothing(empty_database: str) -> None:
    await db.migrate.upgrade(empty_database)
    before = await shape(empty_database)
    await db.migrate.upgrade(empty_database)
    assert await shape(empty_database) == before


async def test_the_guards_of_the_journal_and_of_parcels_are_in_place(database: str) -> None:
    connection = await db.pool.connect(database)
    triggers = [tuple(row) for row in await connection.fetch(TRIGGERS)]
    salt = await connection.fetch("SELECT one, salt FROM stream_meta")
    await connection.close()
    assert {(table, name) for table, name, _, enabled in triggers if enabled == "O"} >= {
        ("journal", "append_only"),
        ("journal", "append_only_truncate"),
        ("journal", "to_outbox"),
        ("shipment_lines", "shipped_at_most_ordered"),
        ("order_lines", "line_at_least_shipped"),
        ("shipments", "parcel_at_most_ordered"),
    }
    assert [tuple(row) for row in salt] == [(True, "")]
