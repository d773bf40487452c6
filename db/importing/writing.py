"""Rows into tables, a batch at a time: COPY into temporary tables, then one statement per table."""

import operator
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

import db.tables
from db.importing.rows import Row
from db.importing.targets import PLAIN_ORDER_COLUMNS
from db.pool import Connection
from db.tables.orders import STAGES

# In the order in which rows refer to each other.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "orders": (
        *("id", "channel_id", "number", "version", "status", "financial_status", "attention"),
        *("late_at", "at_risk_at", "stale_at", "source", "source_status", "source_observed_at", "currency"),
        *("subtotal_amount", "shipping_amount", "tax_amount", "discount_amount", "total_amount"),
        *("authorized_amount", "captured_amount", "refunded_amount", "placed_at", "accepted_at", "updated_at"),
        *PLAIN_ORDER_COLUMNS,
    ),
    "order_lines": (
        *("id", "order_id", "position", "item_id", "sku", "title", "source_line_id", "requires_shipping", "quantity"),
        *STAGES,
        *("unit_price_amount", "discount_amount", "tax_amount", "total_amount"),
    ),
    "promises": (
        *("id", "order_id", "kind", "earliest", "latest", "time_zone", "basis", "confidence", "inputs"),
        "computed_at",
    ),
    "fulfillments": ("id", "order_id", "location_id", "status", "source", "updated_at"),
    "fulfillment_lines": ("fulfillment_id", "line_id", "order_id", "quantity"),
    "shipments": (
        *("id", "order_id", "fulfillment_id", "carrier", "service", "tracking_number", "tracking_url", "status"),
        *("source", "shipped_at", "first_scan_at", "last_event_at", "delivered_at", "updated_at"),
    ),
    "shipment_lines": ("shipment_id", "line_id", "order_id", "quantity"),
    "tracking_events": ("id", "shipment_id", "source", "source_event_id", "status", "occurred_at"),
    "source_claims": ("order_id", "field", "system", "value", "raw_value", "wins", "observed_at"),
    "journal": (
        *("entity", "entity_id", "order_id", "version", "type", "changed", "data", "source", "actor"),
        "occurred_at",
    ),
    "imported": ("source", "channel", "kind", "key", "entity_id", "digest", "version"),
}
# Told anew for every order that changes, so there is nothing to compare.
_REPLACED = frozenset({"fulfillment_lines", "shipment_lines", "source_claims", "journal"})
# Of a change that is none but for the date.
_DATES = frozenset({"updated_at", "computed_at"})

# ruff: noqa: S608  (the names of tables and columns are those above)

_CREATE = "CREATE TEMPORARY TABLE IF NOT EXISTS new_{table} AS SELECT {columns} FROM {table} WITH NO DATA"
# What the source no longer tells of: children of the orders $1 that are not among the rows at hand.
_VANISHED: Final[Sequence[str]] = (
    "DELETE FROM fulfillment_lines WHERE order_id = ANY($1)",
    "DELETE FROM shipment_lines WHERE order_id = ANY($1)",
    "DELETE FROM source_claims WHERE order_id = ANY($1)",
    """DELETE FROM tracking_events e USING shipments s WHERE s.id = e.shipment_id AND s.order_id = ANY($1)
       AND NOT EXISTS (SELECT FROM new_tracking_events n WHERE n.id = e.id)""",
    """DELETE FROM shipments s WHERE order_id = ANY($1)
       AND NOT EXISTS (SELECT FROM new_shipments n WHERE n.id = s.id)""",
    """DELETE FROM fulfillments f WHERE order_id = ANY($1)
       AND NOT EXISTS (SELECT FROM new_fulfillments n WHERE n.id = f.id)""",
    """DELETE FROM order_lines l WHERE order_id = ANY($1)
       AND NOT EXISTS (SELECT FROM new_order_lines n WHERE n.id = l.id)""",
    """DELETE FROM promises p WHERE order_id = ANY($1) AND kind = 'CURRENT'
       AND NOT EXISTS (SELECT FROM new_promises n WHERE n.id = p.id)""",
)


async def prepare(connection: Connection) -> None:
    """Make the temporary tables of this session."""
    for table, columns in COLUMNS.items():
        await connection.execute(_CREATE.format(table=table, columns=", ".join(columns)))


async def write(connection: Connection, rows: Mapping[str, Sequence[Row]], changed: Sequence[uuid.UUID]) -> None:
    """Insert what is new and update what differs; `changed` are the orders that were there before."""
    await connection.execute("TRUNCATE " + ", ".join(f"new_{table}" for table in COLUMNS))
    for table, columns in COLUMNS.items():
        if rows.get(table):
            records = map(operator.itemgetter(*columns), rows[table])
            await connection.copy_records_to_table(f"new_{table}", records=records, columns=columns)
    for statement in _VANISHED if changed else ():
        await connection.execute(statement, changed)
    for table in COLUMNS:
        if rows.get(table):
            await connection.execute(_STATEMENTS[table])


def _statement(table: str) -> str:
    columns = COLUMNS[table]
    listed = ", ".join(columns)
    insert = f"INSERT INTO {table} ({listed}) SELECT {listed} FROM new_{table}"
    if table in _REPLACED:
        return insert
    keys = [column.name for column in db.tables.metadata.tables[table].primary_key]
    told = [column for column in columns if column not in keys]
    news = ", ".join(f"{column} = excluded.{column}" for column in told)
    if table == "shipments":
        news += ", version = shipments.version + 1"
    compared = [column for column in told if column not in _DATES]
    before = ", ".join(f"{table}.{column}" for column in compared)
    after = ", ".join(f"excluded.{column}" for column in compared)
    differs = f"({before}) IS DISTINCT FROM ({after})"
    return f"{insert} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {news} WHERE {differs}"


_STATEMENTS: Final[Mapping[str, str]] = {table: _statement(table) for table in COLUMNS}
