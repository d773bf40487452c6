"""Sales, deliveries, stock and purchases of Tryton as records.

What the ERP sells is known by the shop's number in `reference`, and its lines by their SKU, so that both tell of one
order.
"""

import dataclasses
import datetime as dt
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from connectors.base import Instance, Read
from connectors.payload import EXPONENTS, Node, each_read
from connectors.tryton.rpc import day_of, decimal_of, moment_of
from domain.records import (
    AddressRecord,
    CustomerRecord,
    FulfillmentLineRecord,
    FulfillmentRecord,
    LineRecord,
    OrderRecord,
    OrderRef,
    StockRecord,
    SupplyRecord,
)
from domain.status import FulfillmentStatus, OrderStatus

STATUS: Final[Mapping[str, OrderStatus]] = {
    "confirmed": OrderStatus.CONFIRMED,
    "processing": OrderStatus.IN_PROGRESS,
    "done": OrderStatus.COMPLETED,
    "cancelled": OrderStatus.CANCELLED,
}
SENT: Final[Mapping[str, OrderStatus]] = {
    "partially shipped": OrderStatus.PARTIALLY_SHIPPED,
    "sent": OrderStatus.SHIPPED,
}
DELIVERY: Final[Mapping[str, FulfillmentStatus]] = {
    "draft": FulfillmentStatus.SCHEDULED,
    "waiting": FulfillmentStatus.OPEN,
    "assigned": FulfillmentStatus.ACCEPTED,
    "picked": FulfillmentStatus.IN_PROGRESS,
    "packed": FulfillmentStatus.PACKED,
    "shipped": FulfillmentStatus.COMPLETED,
    "done": FulfillmentStatus.COMPLETED,
    "cancelled": FulfillmentStatus.CANCELLED,
}
GONE: Final = frozenset({"shipped", "done"})
ACCEPTED: Final = frozenset({"confirmed", "processing", "done"})


def sales(told: Node, instance: Instance) -> Read[OrderRecord | FulfillmentRecord]:
    """`told` holds the sales, and what they point to: their lines, deliveries and the moves of these, by id."""
    lines, moves = _by_id(told["lines"]), _by_id(told["moves"])
    deliveries = _by_id(told["deliveries"])

    def sold(sale: Node) -> Iterator[OrderRecord | FulfillmentRecord]:
        order = _order(sale, lines, instance)
        yield order
        for ident in sale["shipments"]:
            delivery = deliveries.get(ident.id())
            if delivery is not None:
                yield _delivery(delivery, moves, order.order, instance)

    return each_read(told["sales"].items(), _number, sold)


def _number(sale: Node) -> str:
    return sale["reference"].maybe_text() or sale["number"].text()


def _by_id(rows: Node) -> Mapping[str, Node]:
    return {row["id"].id(): row for row in rows.items()}


def _order(sale: Node, lines: Mapping[str, Node], instance: Instance) -> OrderRecord:
    currency = sale["currency."]["code"].text()
    changed_at = _changed_at(sale)
    state = sale["state"].text()
    status = SENT.get(sale["shipment_state"].text()) if state == "processing" else None
    return OrderRecord(
        order=OrderRef(instance.option("channel", "web"), _number(sale)),
        occurred_at=changed_at,
        lines=_lines([lines[one.id()] for one in sale["lines"] if one.id() in lines], currency, state == "cancelled"),
        create_items=True,
        status=status or sale["state"].word(dict(STATUS), OrderStatus.UNKNOWN),
        source_status=f"{state}, {sale['shipment_state'].text()}",
        customer=_customer(sale["party."]),
        shipping_address=_address(sale["shipment_address."]),
        currency=currency,
        subtotal=_money(sale["untaxed_amount"], currency),
        tax_total=_money(sale["tax_amount"], currency),
        total=_money(sale["total_amount"], currency),
        placed_at=moment_of(sale["create_date"] if sale["create_date"] else sale["write_date"]),
        accepted_at=_sold_at(sale["sale_date"], instance) if state in ACCEPTED else None,
        cancelled_at=changed_at if state == "cancelled" else None,
    )


def _sold_at(day: Node, instance: Instance) -> dt.datetime | None:
    """The beginning of the day of the sale: Tryton keeps no time of it."""
    sold = day_of(day)
    zone = zoneinfo.ZoneInfo(instance.option("time_zone", "Europe/Berlin"))
    return None if sold is None else dt.datetime.combine(sold, dt.time(), zone).astimezone(dt.UTC)


def _changed_at(row: Node) -> dt.datetime:
    return moment_of(row["write_date"] if row["write_date"] else row["create_date"])


def _money(amount: Node, currency: str) -> int:
    return int((decimal_of(amount) * 10 ** EXPONENTS.get(currency, 2)).to_integral_value())


def _lines(rows: Sequence[Node], currency: str, cancelled: bool) -> tuple[LineRecord, ...]:
    """Goods only, lines of one SKU put together, because the shop knows nothing of the ERP's lines."""
    found: dict[str, LineRecord] = {}
    for row in rows:
        sku = row["product."]["code"].maybe_text()
        quantity = row["quantity"].integer() if sku else 0
        if sku is None or quantity <= 0:
            continue
        total = _money(row["amount"], currency)
        line = LineRecord(
            sku=sku,
            quantity=quantity,
            title=row["description"].maybe_text(),
            cancelled=quantity if cancelled else 0,
            unit_price=_money(row["unit_price"], currency),
            total=total,
        )
        before = found.get(sku)
        found[sku] = line if before is None else _together(before, line)
    return tuple(found.values())


def _together(one: LineRecord, other: LineRecord) -> LineRecord:
    return dataclasses.replace(
        one,
        quantity=one.quantity + other.quantity,
        cancelled=one.cancelled + other.cancelled,
        total=(one.total or 0) + (other.total or 0),
    )


def _customer(party: Node) -> CustomerRecord | None:
    if not party:
        return None
    return CustomerRecord(
        id=party["code"].maybe_text() or party["id"].id(),
        name=party["name"].maybe_text(),
        email=party["email"].maybe_text(),
        phone=party["phone"].maybe_text(),
    )


def _address(address: Node) -> AddressRecord | None:
    country = address["country."]["code"].maybe_text()
    if country is None:
        return None
    return AddressRecord(
        line1=address["street"].maybe_text(),
        city=address["city"].maybe_text(),
        region=address["subdivision."]["name"].maybe_text(),
        postal_code=address["postal_code"].maybe_text(),
        country=country,
    )


def _delivery(delivery: Node, moves: Mapping[str, Node], order: OrderRef, instance: Instance) -> FulfillmentRecord:
    state = delivery["state"].text()
    counts: dict[str, int] = {}
    for move in (moves[one.id()] for one in delivery["outgoing_moves"] if one.id() in moves):
        sku = move["product."]["code"].maybe_text()
        if sku is not None and (move["state"].text() != "cancelled" or state == "cancelled"):
            counts[sku] = counts.get(sku, 0) + move["quantity"].integer()
    packed, gone = state == "packed" or state in GONE, state in GONE
    return FulfillmentRecord(
        order=order,
        occurred_at=_changed_at(delivery),
        fulfillment_id=delivery["id"].id(),
        status=delivery["state"].word(dict(DELIVERY), FulfillmentStatus.OPEN),
        lines=tuple(
            FulfillmentLineRecord(sku, count, packed=count if packed else None, shipped=count if gone else None)
            for sku, count in counts.items()
        ),
        location=instance.location(_warehouse(delivery["warehouse."])),
    )


def _warehouse(warehouse: Node) -> str:
    return warehouse["code"].maybe_text() or warehouse["id"].id()


def stock(told: Node, instance: Instance) -> Read[StockRecord]:
    """What lies in one warehouse, and what of it no delivery has been given yet (`free`).

    `read_at` is when, because Tryton keeps moves and no time of a count.
    """
    free = _by_id(told["free"])
    location, read_at = instance.location(_warehouse(told["warehouse"])), told["read_at"].instant()

    def level(product: Node) -> Iterator[StockRecord]:
        sku = product["code"].maybe_text()
        if sku is not None:
            yield StockRecord(
                sku=sku,
                location=location,
                occurred_at=read_at,
                on_hand=product["quantity"].integer(),
                allocated=_assigned(product, free.get(product["id"].id())),
                title=product["name"].maybe_text(),
            )

    return each_read(told["products"].items(), lambda product: product["code"].text(), level)


def _assigned(product: Node, free: Node | None) -> int | None:
    """None where it was moved between the two readings."""
    return None if free is None else max(0, product["quantity"].integer() - free["quantity"].integer())


def supply(told: Node, instance: Instance) -> Read[SupplyRecord]:
    """Lines of purchases with the day they are due, to the end of that day; without any day nothing can be said."""
    zone = zoneinfo.ZoneInfo(instance.option("time_zone", "Europe/Berlin"))
    moves = _by_id(told["moves"])

    def due(line: Node) -> Iterator[SupplyRecord]:
        record = _due(line, [moves[one.id()] for one in line["moves"] if one.id() in moves], zone, instance)
        if record is not None:
            yield record

    return each_read(told["lines"].items(), lambda line: line["id"].id(), due)


def _due(line: Node, moves: Sequence[Node], zone: dt.tzinfo, instance: Instance) -> SupplyRecord | None:
    sku, purchase = line["product."]["code"].maybe_text(), line["purchase."]
    days = [day for day in (day_of(move["planned_date"]) for move in moves) if day is not None]
    day = max(days, default=day_of(line["delivery_date"]))
    if sku is None or day is None:
        return None
    changed_at = max([_changed_at(line), *(_changed_at(move) for move in moves)])
    done = [move for move in moves if move["state"].text() == "done"]
    closed = purchase["state"].text() in ("done", "cancelled")
    return SupplyRecord(
        sku=sku,
        location=instance.location(_warehouse(purchase["warehouse."])),
        occurred_at=changed_at,
        reference=f"{purchase['number'].text()}/{line['id'].id()}",
        quantity=line["quantity"].integer(),
        expected_at=dt.datetime.combine(day, dt.time(23, 59, 59), zone).astimezone(dt.UTC),
        received=sum(move["quantity"].integer() for move in done),
        closed_at=changed_at if closed else None,
    )
