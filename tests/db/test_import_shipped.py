"""The mappings that come with Ordergraph, on files as those systems write them."""

import datetime
from pathlib import Path

from db.importing.staging import Outcome
from tests.db.import_files import OLIST, SHOPIFY, content, landed, load, olist_files, rows, write

UTC = datetime.UTC


def paid(name: str, at: str, financial: str, fulfillment: str, **more: str) -> dict[str, str]:
    """The columns that Shopify writes on the first row of an order only."""
    amounts = {"Currency": "EUR", "Shipping": "0.00", "Taxes": "0.00", "Refunded Amount": "0.00"}
    return {
        "Name": name,
        "Email": f"{name[1:]}@example.org",
        "Financial Status": financial,
        "Created at": at,
        "Fulfillment Status": fulfillment,
        "Billing Name": "Ada L",
        "Shipping Name": "Ada L",
        "Shipping Address1": "1 rue Verte",
        "Shipping City": "Paris",
        "Shipping Province": "",
        "Shipping Zip": "'75008",
        "Shipping Country": "FR",
        **amounts,
        **more,
    }


def lineitem(sku: str, name: str, quantity: str, price: str, status: str, shipped: str = "true") -> dict[str, str]:
    return {
        "Lineitem quantity": quantity,
        "Lineitem name": name,
        "Lineitem price": price,
        "Lineitem sku": sku,
        "Lineitem requires shipping": shipped,
        "Lineitem fulfillment status": status,
    }


SHOPIFY_ROWS = (
    paid("#1001", "2025-10-07 09:50:26 +0200", "paid", "fulfilled")
    | {"Paid at": "2025-10-07 09:50:26 +0200", "Fulfilled at": "2025-10-08 14:21:21 +0200"}
    | {"Subtotal": "35.90", "Shipping": "4.90", "Total": "40.80", "Discount Amount": "4.00"}
    | lineitem("MASK-1", "Mask", "1", "19.95", "fulfilled"),
    {"Name": "#1001"} | lineitem("", "Gift card", "1", "19.95", "fulfilled", "false"),
    paid("#1002", "2025-10-07 10:00:00 +0200", "refunded", "unfulfilled")
    | {"Paid at": "2025-10-07 10:00:00 +0200", "Cancelled at": "2025-10-07 11:00:00 +0200"}
    | {"Subtotal": "10.00", "Total": "10.00", "Refunded Amount": "10.00"}
    | lineitem("SOCK", "Sock", "2", "5.00", "pending"),
    paid("#1003", "2025-10-08 10:00:00 +0200", "authorized", "partial")
    | {"Fulfilled at": "2025-10-09 08:00:00 +0200", "Subtotal": "15.00", "Total": "15.00"}
    | lineitem("SOCK", "Sock", "1", "5.00", "fulfilled"),
    {"Name": "#1003"} | lineitem("MASK-1", "Mask", "2", "5.00", "pending"),
)


async def test_shopify_exports_its_orders_over_several_rows(database: str, tmp_path: Path) -> None:
    path = write(tmp_path / "orders_export_1.csv", SHOPIFY_ROWS)
    summary = await load(database, [path], SHOPIFY)
    assert summary.orders == {Outcome.LANDED: 3}
    assert summary.rows(outcome=Outcome.LANDED) == 5
    found = await rows(
        database,
        """SELECT number, status, financial_status AS paid, currency, total_amount AS total,
        refunded_amount AS refunded, captured_amount AS captured, placed_at, ship_postal_code AS zip,
        ship_country AS country, customer_email AS mail FROM orders ORDER BY number""",
    )
    first, second, third = found
    assert first == {
        "number": "#1001",
        "status": "SHIPPED",
        "paid": "PAID",
        "currency": "EUR",
        "total": 4080,
        "refunded": 0,
        "captured": 4080,
        "placed_at": datetime.datetime(2025, 10, 7, 7, 50, 26, tzinfo=UTC),
        "zip": "75008",
        "country": "FR",
        "mail": "1001@example.org",
    }
    assert (second["status"], second["paid"], second["refunded"]) == ("CANCELLED", "REFUNDED", 1000)
    assert (third["status"], third["paid"], third["captured"]) == ("PARTIALLY_SHIPPED", "AUTHORIZED", 0)
    lines = await rows(
        database,
        """SELECT o.number, l.sku, l.title, l.quantity, l.requires_shipping, i.sku IS NOT NULL AS known
        FROM order_lines l JOIN orders o ON o.id = l.order_id LEFT JOIN items i ON i.id = l.item_id
        ORDER BY o.number, l.sku""",
    )
    assert [tuple(row.values()) for row in lines] == [
        ("#1001", "Gift card", "Gift card", 1, False, True),
        ("#1001", "MASK-1", "Mask", 1, True, True),
        ("#1002", "SOCK", "Sock", 2, True, True),
        ("#1003", "MASK-1", "Mask", 2, True, True),
        ("#1003", "SOCK", "Sock", 1, True, True),
    ]


async def test_olist_orders_of_two_sellers_leave_two_places(database: str, tmp_path: Path) -> None:
    files = olist_files(tmp_path)
    assert landed(await load(database, files, OLIST)) == 1
    found = await content(database)
    assert [(row[1], row[2], row[7]) for row in found["shipments"]] == [("s1", "DELIVERED", 1), ("s2", "DELIVERED", 2)]
    assert found["locations"][0] == ("s1", "s1", "SUPPLIER", "BR", "ibitinga", "01494", "America/Sao_Paulo")
    assert found["items"] == [("p1", "moveis", 1850, 360, 170, 170), ("p2", "", None, None, None, None)]
    [order] = await rows(database, "SELECT customer_id, ship_postal_code, shipping_amount, subtotal_amount FROM orders")
    assert order == {"customer_id": "u1", "ship_postal_code": "03149", "shipping_amount": 300, "subtotal_amount": 3030}
