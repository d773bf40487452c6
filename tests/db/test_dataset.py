"""The benchmarks' data set is a store like any other: consistent, and with every constraint, index and trigger."""

import db.pool
from tests.benchmarks import dataset
from tests.db import derived, invariants

ORDERS = 1000
SHAPE = """
SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
UNION ALL SELECT 'index', indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index WHERE indrelid::regclass::text = ANY($1)
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname::text, tgenabled::text
FROM pg_trigger WHERE NOT tgisinternal
ORDER BY 1, 2, 3
"""
SIZES = """
SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM order_lines), (SELECT count(*) FROM shipments),
       (SELECT count(*) FROM tracking_events), (SELECT count(*) FROM journal), (SELECT count(*) FROM promises),
       (SELECT count(*) FROM items), (SELECT count(*) FROM locations), (SELECT count(*) FROM outbox)
"""
# Lines and scans per parcel: what the benchmarks count on.
ODD_ORDERS = """
SELECT number FROM orders o
WHERE (SELECT count(*) FROM order_lines WHERE order_id = o.id) <> 3
   OR (SELECT array_agg((SELECT count(*) FROM tracking_events WHERE shipment_id = s.id))
       FROM shipments s WHERE order_id = o.id) <> '{3,3}'
"""


async def test_the_data_set_is_consistent_and_leaves_the_store_as_it_was(database: str) -> None:
    connection = await db.pool.connect(database, statement_seconds=0)
    before = await connection.fetch(SHAPE, dataset.TABLES)
    await dataset.load(connection, ORDERS)
    assert await connection.fetch(SHAPE, dataset.TABLES) == before
    sizes = await connection.fetchrow(SIZES)
    assert tuple(sizes or ()) == (ORDERS, 3 * ORDERS, 2 * ORDERS, 6 * ORDERS, 4 * ORDERS, 2 * ORDERS, 500, 10, 0)
    assert await connection.fetch(ODD_ORDERS) == []
    assert await invariants.broken(connection) == {}
    assert [
        order["number"] for order in await derived.orders(connection) if derived.status(order) != order["status"]
    ] == []
    for state, row in await derived.parcels(connection):
        assert (state.status, state.delivered_at) == (row["stage"], row["delivered_at"])
    oldest = await connection.fetchval("SELECT id FROM orders ORDER BY placed_at LIMIT 1")
    assert oldest == dataset.order_id(1)
    await connection.close()
