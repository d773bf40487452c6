"""Files to import, written by tests, and the content of the store they lead to."""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import db.importing.language
import db.importing.run
import db.pool
from db.importing.mapping import ImportMapping
from db.importing.staging import Outcome
from db.importing.summary import Summary

GENERIC = db.importing.language.load("generic")
SHOPIFY = db.importing.language.load("shopify")
OLIST = db.importing.language.load("olist")

# An order that lacks nothing; tests change single cells of it.
ORDER: Mapping[str, str] = {
    "number": "1001",
    "placed_at": "2025-03-01 10:00",
    "accepted_at": "2025-03-01 10:05",
    "status": "delivered",
    "handed_over_at": "2025-03-02 09:00",
    "delivered_at": "2025-03-04 12:00",
    "promised_by": "2025-03-05",
    "customer_email": "ada@example.org",
    "captured": "25.50",
    "sku": "BOOT-42",
    "quantity": "2",
    "unit_price": "12.75",
}


class Silent:
    """Watches an import and says nothing."""

    def phase(self, name: str, total: int) -> None: ...
    def done(self, amount: int) -> None: ...


def write(path: Path, rows: Iterable[Mapping[str, str]], *, delimiter: str = ",") -> Path:
    """A file whose columns are those of all rows; what a row lacks is blank."""
    path.write_text(text(rows, delimiter=delimiter), encoding="utf-8", newline="")
    return path


def text(rows: Iterable[Mapping[str, str]], *, delimiter: str = ",") -> str:
    every = list(rows)
    columns = list(dict.fromkeys(name for row in every for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(every)
    return out.getvalue()


async def load(
    database: str,
    files: Sequence[Path],
    mapping: ImportMapping = GENERIC,
    *,
    rejects: Path | None = None,
    dry: bool = False,
) -> Summary:
    return await db.importing.run.run(database, db.importing.run.Order(mapping, files, rejects, dry), Silent())


def refused(path: Path) -> list[dict[str, str]]:
    """The rows of a file of rejects."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def landed(summary: Summary) -> int:
    return summary.orders.get(Outcome.LANDED, 0)


def adds_up(summary: Summary) -> bool:
    """Every row that was read is accounted for."""
    return all(
        summary.rows(table) == sum(summary.rows(table, outcome) for outcome in Outcome) for table in summary.tables
    )


# Everything an import can write, by what people know it by: no ids, no times of recording.
CONTENT = {
    "orders": """SELECT c.code, o.number, o.version, o.status, o.financial_status, o.attention, o.late_at, o.source,
        o.source_status, o.customer_id, o.customer_email, o.ship_city, o.ship_postal_code, o.currency,
        o.subtotal_amount, o.shipping_amount, o.tax_amount, o.discount_amount, o.total_amount, o.captured_amount,
        o.refunded_amount, o.placed_at, o.accepted_at, o.cancelled_at
        FROM orders o JOIN channels c ON c.id = o.channel_id""",
    "order_lines": """SELECT o.number, l.position, l.sku, l.title, l.source_line_id, l.quantity, i.sku AS item,
        l.created, l.backordered, l.released, l.shipped, l.delivered, l.cancelled, l.unit_price_amount, l.total_amount
        FROM order_lines l JOIN orders o ON o.id = l.order_id LEFT JOIN items i ON i.id = l.item_id""",
    "promises": "SELECT o.number, p.kind, p.latest, p.time_zone FROM promises p JOIN orders o ON o.id = p.order_id",
    "fulfillments": """SELECT o.number, l.code, f.status, sum(fl.quantity) AS units FROM fulfillments f
        JOIN orders o ON o.id = f.order_id LEFT JOIN locations l ON l.id = f.location_id
        LEFT JOIN fulfillment_lines fl ON fl.fulfillment_id = f.id GROUP BY f.id, o.number, l.code, f.status""",
    "shipments": """SELECT o.number, l.code, s.status, s.shipped_at, s.delivered_at, s.tracking_number, s.version,
        (SELECT sum(quantity) FROM shipment_lines x WHERE x.shipment_id = s.id) AS units,
        (SELECT array_agg(e.status || ' ' || e.occurred_at ORDER BY e.occurred_at) FROM tracking_events e
         WHERE e.shipment_id = s.id) AS events
        FROM shipments s JOIN orders o ON o.id = s.order_id LEFT JOIN fulfillments f ON f.id = s.fulfillment_id
        LEFT JOIN locations l ON l.id = f.location_id""",
    "source_claims": """SELECT o.number, c.field, c.system, c.value, c.raw_value, c.wins
        FROM source_claims c JOIN orders o ON o.id = c.order_id""",
    "journal": """SELECT o.number, j.version, j.entity, j.type, j.changed, j.data, j.source, j.actor,
        CASE WHEN j.type <> 'ORDER_IMPORTED' THEN j.occurred_at END AS occurred_at
        FROM journal j JOIN orders o ON o.id = j.order_id""",
    "items": "SELECT sku, title, weight_grams, length_mm, width_mm, height_mm FROM items",
    "locations": "SELECT code, name, kind, country, city, postal_code, time_zone FROM locations",
    "imported": "SELECT source, channel, kind, key, encode(digest, 'hex') AS digest, version FROM imported",
}
# Every column of every row, for "nothing was touched".
TABLES = (
    *("channels", "items", "locations", "orders", "order_lines", "promises", "fulfillments", "fulfillment_lines"),
    *(
        "shipments",
        "shipment_lines",
        "tracking_events",
        "source_claims",
        "journal",
        "outbox",
        "imported",
        "import_runs",
        "carriers",
    ),
)


async def content(database: str) -> dict[str, list[tuple[Any, ...]]]:
    """What the store holds, in words that do not depend on ids or the time of the import."""
    connection = await db.pool.connect(database, statement_seconds=60)
    try:
        return {
            name: sorted((tuple(row) for row in await connection.fetch(query)), key=repr)
            for name, query in CONTENT.items()
        }
    finally:
        await connection.close()


async def checksums(database: str) -> dict[str, str]:
    """Of all rows of all tables, with ids, versions and times; and that no table is left behind."""
    connection = await db.pool.connect(database, statement_seconds=60)
    try:
        found = {}
        for table in TABLES:
            rows = await connection.fetch(f"SELECT t::text AS row FROM {table} t ORDER BY 1")
            found[table] = hashlib.sha256("\n".join(row["row"] for row in rows).encode()).hexdigest()
        left = await connection.fetchval("SELECT count(*) FROM pg_class WHERE relname LIKE 'import\\_rows\\_%'")
        assert left == 0
        return found
    finally:
        await connection.close()


async def rows(database: str, query: str, *parameters: object) -> list[dict[str, Any]]:
    connection = await db.pool.connect(database)
    try:
        return [dict(row) for row in await connection.fetch(query, *parameters)]
    finally:
        await connection.close()


def olist_files(folder: Path) -> list[Path]:
    """One order of three lines and two sellers, in Olist's six files."""
    day = {"order_purchase_timestamp": "10/2/2017 10:56", "order_approved_at": "10/2/2017 11:07"}
    dates = {"order_delivered_carrier_date": "10/4/2017 19:55", "order_delivered_customer_date": "10/10/2017 21:25"}
    order = {"order_id": "o1", "customer_id": "c1", "order_status": "delivered", **day, **dates}
    items = [
        {"order_id": "o1", "order_item_id": str(n), "product_id": product, "seller_id": seller, "price": "10.10"}
        | {"freight_value": "1"}
        for n, product, seller in ((1, "p1", "s1"), (2, "p1", "s2"), (3, "p2", "s2"))
    ]
    size = {"product_weight_g": "1850", "product_length_cm": "36", "product_height_cm": "17", "product_width_cm": "17"}
    products = [{"product_id": "p1", "product_category_name": "moveis", **size}, {"product_id": "p2"}]
    person = {"customer_id": "c1", "customer_unique_id": "u1", "customer_zip_code_prefix": "3149"}
    made = {
        "orders": [order | {"order_estimated_delivery_date": "10/18/2017 0:00"}],
        "order_items": items,
        "order_payments": [{"order_id": "o1", "payment_sequential": "1", "payment_value": "33.3"}],
        "customers": [person | {"customer_city": "sao paulo", "customer_state": "SP"}],
        "products": products,
        "sellers": [
            {"seller_id": seller, "seller_zip_code_prefix": "1494", "seller_city": "ibitinga", "seller_state": "SP"}
            for seller in ("s1", "s2")
        ],
    }
    return [write(folder / f"olist_{name}_dataset.csv", content) for name, content in made.items()]
