"""Which fields are read of which model. A dot leads to the record that a field points to."""

from typing import Final

ADDRESS: Final = ("street", "postal_code", "city", "country.code", "subdivision.name")
PARTY: Final = ("name", "code", "email", "phone")
SALE: Final = (
    *("number", "reference", "state", "shipment_state", "sale_date", "write_date", "create_date", "currency.code"),
    *("untaxed_amount", "tax_amount", "total_amount", "lines", "shipments"),
    *(f"party.{name}" for name in PARTY),
    *(f"shipment_address.{name}" for name in ADDRESS),
)
SALE_LINE: Final = ("product.code", "description", "quantity", "unit_price", "amount")
DELIVERY: Final = ("state", "write_date", "create_date", "warehouse.code", "outgoing_moves")
MOVE: Final = ("product.code", "quantity", "state", "planned_date", "write_date", "create_date")
PURCHASE_LINE: Final = (
    *("product.code", "quantity", "delivery_date", "moves", "write_date", "create_date"),
    *("purchase.number", "purchase.state", "purchase.warehouse.code"),
)
