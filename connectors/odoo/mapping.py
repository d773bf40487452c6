"""Sales, deliveries, stock and purchases of Odoo as records.

What the ERP sells is known by the shop's number in `client_order_ref`, and its lines by their SKU, so that both tell of
one order.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from connectors.base import Instance, Read
from connectors.odoo.api import moment_of, target
from connectors.payload import Node, each_read
from domain.records import (
    AddressRecord,
    CustomerRecord,
    FulfillmentLineRecord,
    FulfillmentRecord,
    LineRecord,
    OrderRecord,
    OrderRef,
    ParcelRecord,
    StockRecord,
    SupplyRecord,
)
from domain.status import FulfillmentStatus, OrderStatus

STATUS: Final[Mapping[str, OrderStatus]] = {
    "sale": OrderStatus.CONFIRMED,
    "done": OrderStatus.COMPLETED,
    "cancel": OrderStatus.CANCELLED,
}
DELIVERED: Final[Mapping[str, OrderStatus]] = {
    "started": OrderStatus.IN_PROGRESS,
    "partial": OrderStatus.PARTIALLY_SHIPPED,
    "full": OrderStatus.SHIPPED,
}
PICKING: Final[Mapping[str, FulfillmentStatus]] = {
    "draft": FulfillmentStatus.SCHEDULED,
    "waiting": FulfillmentStatus.OPEN,
    "confirmed": FulfillmentStatus.OPEN,
    "assigned": FulfillmentStatus.ACCEPTED,
    "done": FulfillmentStatus.COMPLETED,
    "cancel": FulfillmentStatus.CANCELLED,
}
Rows = Mapping[str, Node]


def sales(told: Node, instance: Instance) -> Read[OrderRecord | FulfillmentRecord]:
    """`told` holds orders, and the rows they lead to: lines, products, partners, pickings, moves and countries."""
    lines, pickings, moves = _by_id(told["lines"]), _by_id(told["pickings"]), _by_id(told["moves"])
    products, partners = _by_id(told["products"]), _by_id(told["partners"])

    def sold(sale: Node) -> Iterator[OrderRecord | FulfillmentRecord]:
        order = _order(sale, _rows(sale["order_line"], lines), products, partners, instance)
        yield order
        for picking in _rows(sale["picking_ids"], pickings):
            yield _delivery(picking, _rows(picking["move_ids"], moves), products, order.order, instance)

    return each_read(told["orders"].items(), _number, sold)


def _number(sale: Node) -> str:
    return sale["client_order_ref"].maybe_text() or sale["name"].text()


def _by_id(rows: Node) -> Rows:
    return {row["id"].id(): row for row in rows.items()}


def _rows(listed: Node, rows: Rows) -> Sequence[Node]:
    return [rows[one.id()] for one in listed if one.id() in rows]


def _sku(row: Node, products: Rows) -> str | None:
    """None for what is no goods: hours of work and fees have codes too, and parts of units."""
    product = products.get(target(row["product_id"]) or "")
    goods = product is not None and product["type"].value != "service"
    return product["default_code"].maybe_text() if product is not None and goods else None


def _order(sale: Node, lines: Sequence[Node], products: Rows, partners: Rows, instance: Instance) -> OrderRecord:
    currency = list(sale["currency_id"])[1].text()
    state, changed_at = sale["state"].text(), moment_of(sale["write_date"])
    delivered = sale["delivery_status"].maybe_text()
    moved = DELIVERED.get(delivered or "") if state == "sale" else None
    return OrderRecord(
        order=OrderRef(instance.option("channel", "web"), _number(sale)),
        occurred_at=changed_at,
        lines=_lines(lines, products, currency, state == "cancel"),
        create_items=True,
        status=moved or sale["state"].word(dict(STATUS), OrderStatus.UNKNOWN),
        source_status=f"{state}, {delivered}" if delivered else state,
        customer=_customer(partners.get(target(sale["partner_id"]) or "")),
        shipping_address=_address(partners.get(target(sale["partner_shipping_id"]) or "")),
        currency=currency,
        subtotal=sale["amount_untaxed"].money(currency),
        tax_total=sale["amount_tax"].money(currency),
        total=sale["amount_total"].money(currency),
        placed_at=moment_of(sale["date_order"]),
        accepted_at=moment_of(sale["date_order"]) if state in ("sale", "done") else None,
        cancelled_at=changed_at if state == "cancel" else None,
    )


def _lines(rows: Sequence[Node], products: Rows, currency: str, cancelled: bool) -> tuple[LineRecord, ...]:
    """Goods only, lines of one SKU put together, because the shop knows nothing of the ERP's lines."""
    goods = [(sku, row) for row in rows if (sku := _sku(row, products)) and row["product_uom_qty"].integer() > 0]
    found: list[LineRecord] = []
    for sku in dict.fromkeys(sku for sku, _ in goods):
        same = [row for other, row in goods if other == sku]
        quantity = sum(row["product_uom_qty"].integer() for row in same)
        line = LineRecord(
            sku=sku,
            quantity=quantity,
            title=same[0]["name"].maybe_text(),
            cancelled=quantity if cancelled else 0,
            unit_price=same[0]["price_unit"].money(currency),
            tax=sum(row["price_tax"].money(currency) for row in same),
            total=sum(row["price_total"].money(currency) for row in same),
        )
        found.append(line)
    return tuple(found)


def _customer(partner: Node | None) -> CustomerRecord | None:
    if partner is None:
        return None
    return CustomerRecord(
        id=partner["id"].id(),
        name=partner["name"].maybe_text(),
        email=partner["email"].maybe_text(),
        phone=partner["phone"].maybe_text(),
    )


def _address(partner: Node | None) -> AddressRecord | None:
    if partner is None or not partner["country_code"].value:
        return None
    return AddressRecord(
        name=partner["name"].maybe_text(),
        line1=partner["street"].maybe_text(),
        line2=partner["street2"].maybe_text(),
        city=partner["city"].maybe_text(),
        postal_code=partner["zip"].maybe_text(),
        country=partner["country_code"].text(),
    )


def _delivery(
    picking: Node, moves: Sequence[Node], products: Rows, order: OrderRef, instance: Instance
) -> FulfillmentRecord:
    """A done picking counts what was moved; one that is not, what shall be."""
    done = picking["state"].text() == "done"
    counts: dict[str, int] = {}
    for move in moves:
        sku = _sku(move, products)
        if sku is not None:
            counts[sku] = counts.get(sku, 0) + move["quantity" if done else "product_uom_qty"].integer()
    warehouse, carrier = target(picking["warehouse_id"]), list(picking["carrier_id"])
    tracking = picking["carrier_tracking_ref"].maybe_text()
    parcel = ParcelRecord(
        carrier=instance.carrier(carrier[1].text()) if carrier else "unknown",
        tracking_number=tracking or "",
        shipped_at=moment_of(picking["date_done"]) if picking["date_done"] else None,
    )
    return FulfillmentRecord(
        order=order,
        occurred_at=moment_of(picking["write_date"]),
        fulfillment_id=picking["id"].id(),
        status=picking["state"].word(dict(PICKING), FulfillmentStatus.OPEN),
        lines=tuple(
            FulfillmentLineRecord(sku, count, shipped=count if done else None) for sku, count in counts.items()
        ),
        location=None if warehouse is None else instance.location(warehouse),
        shipments=(parcel,) if done and tracking else (),
    )


def stock(told: Node, instance: Instance) -> Read[StockRecord]:
    """What lies in each warehouse, all its shelves together, at the time of the newest of their changes.

    `moves` are of products of which something was taken: where no shelf of it is left, none is there.
    """
    products = _by_id(told["products"])
    found: dict[tuple[str, str], list[Node]] = {}
    for quant in told["quants"].items():
        sku, place = _sku(quant, products), target(quant["warehouse_id"])
        if sku is not None and place is not None:
            found.setdefault((sku, place), []).append(quant)
    emptied: dict[tuple[str, str], list[Node]] = {}
    for move in told["moves"]:
        for place in instance.locations:
            sku = _sku(move, products)
            if sku is not None and (sku, place) not in found:
                emptied.setdefault((sku, place), []).append(move)
    levels = [
        *((*one, quants, quants) for one, quants in found.items()),
        *((*one, (), of) for one, of in emptied.items()),
    ]
    return each_read(levels, lambda one: one[0], lambda one: (_level(*one, instance),))


def _level(sku: str, place: str, quants: Sequence[Node], changed: Sequence[Node], instance: Instance) -> StockRecord:
    return StockRecord(
        sku=sku,
        location=instance.location(place),
        occurred_at=max(moment_of(row["write_date"]) for row in changed),
        on_hand=sum(quant["quantity"].integer() for quant in quants),
        allocated=sum(quant["reserved_quantity"].integer() for quant in quants),
    )


def supply(told: Node, instance: Instance) -> Read[SupplyRecord]:
    """Lines of purchases with the time they are planned for."""
    products, orders = _by_id(told["products"]), _by_id(told["orders"])

    def due(line: Node) -> Iterator[SupplyRecord]:
        sku, order = _sku(line, products), orders.get(target(line["order_id"]) or "")
        if sku is not None and order is not None and line["date_planned"]:
            yield _due(sku, line, order, instance)

    return each_read(told["lines"].items(), lambda line: line["id"].id(), due)


def _due(sku: str, line: Node, order: Node, instance: Instance) -> SupplyRecord:
    changed_at, warehouse = moment_of(line["write_date"]), target(order["warehouse_id"])
    return SupplyRecord(
        sku=sku,
        location=instance.location(warehouse or ""),
        occurred_at=changed_at,
        reference=f"{order['name'].text()}/{line['id'].id()}",
        quantity=line["product_qty"].integer(),
        expected_at=moment_of(line["date_planned"]),
        received=line["qty_received"].integer(),
        closed_at=changed_at if order["state"].text() == "cancel" else None,
    )
