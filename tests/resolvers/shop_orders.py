"""The test shop's orders: two customers, channels and sources, and something of everything that hangs from them."""

import datetime as dt
from typing import Any

from domain.line import LineQuantities
from tests.resolvers.rows import FUTURE, PAST, Rows, at, uid

MARIA: dict[str, Any] = {
    "customer_id": "C-1",
    "customer_email": "Maria.Silva@example.co.uk",
    "customer_name": "Maria Silva",
    "customer_phone": "+49 40 123456",
    "ship_name": "Maria Silva",
    "ship_line1": "Große Straße 1",
    "ship_line2": "c/o “Nobody”",
    "ship_city": "Hamburg",
    "ship_region": "HH",
    "ship_postal_code": "20095",
    "ship_country": "DE",
}
PIERRE: dict[str, Any] = {
    "customer_id": "C-2",
    "customer_email": "p@example.fr",
    "customer_name": "Pierre",
    "ship_line1": "1 rue\nde la Paix",
    "ship_postal_code": "75001",
    "ship_country": "FR",
}
NOBODY: dict[str, Any] = {}
Stages = dict[str, int]

# number, channel, source, who, status, stages of each line, more columns
ORDERS: list[tuple[str, str, str, dict[str, Any], str, list[Stages], dict[str, Any]]] = [
    ("W-1", "web", "shopify", MARIA, "PARTIALLY_SHIPPED", [{"shipped": 1, "created": 2}, {"delivered": 2}], {}),
    ("W-2", "web", "shopify", MARIA, "ON_HOLD", [{"on_hold": 1}], {"attention": ["SOURCE_CONFLICT"]}),
    ("W-3", "web", "shopify", PIERRE, "CONFIRMED", [{"allocated": 1, "backordered": 3}], {"late_at": PAST}),
    (
        "W-4",
        "web",
        "erp",
        PIERRE,
        "DELIVERED",
        [{"delivered": 4, "return_requested": 1, "lost": 1}],
        {"stale_at": PAST},
    ),
    ("W-5", "web", "shopify", NOBODY, "CANCELLED", [{"cancelled": 1}], {"at_risk_at": FUTURE}),
    ("W-6", "web", "shopify", MARIA, "PENDING", [{"created": 1}], {"placed_at": at(1), "at_risk_at": PAST}),
    ("M-1", "market", "erp", MARIA, "SHIPPED", [{"shipped": 1, "returned": 1}], {"attention": ["OVERSOLD", "LATE"]}),
    ("W-1", "market", "erp", PIERRE, "IN_PROGRESS", [{"packed": 1, "released": 1}, {"preordered": 1}], {}),
    ("M-3", "market", "shopify", NOBODY, "UNKNOWN", [], {"source_status": 'weird "word"', "late_at": FUTURE}),
    ("M-4", "market", "erp", PIERRE, "COMPLETED", [{"delivered": 1, "cancelled": 1}], {"attention": ["BACKORDER"]}),
]


def add_orders(rows: Rows) -> None:
    for place, (number, channel, source, who, status, lines, more) in enumerate(ORDERS):
        order_id = uid("order", channel, number)
        values = {
            "financial_status": "PAID" if place % 2 else "PENDING",
            "subtotal_amount": 100 * place,
            "total_amount": 2**53 - 1 if place == 3 else 119 * place,
            "captured_amount": place,
            "placed_at": at(place + 1, hour=place + 0.123456),
            "updated_at": at(20),
            "source_observed_at": at(place),
        }
        rows.add(
            "orders",
            id=order_id,
            channel_id=uid(channel),
            number=number,
            source=source,
            status=status,
            currency="EUR" if channel == "web" else "USD",
            version=place + 1,
            **(values | who | more),
        )
        for position, stages in enumerate(lines, start=1):
            add_line(rows, order_id, position, stages, sku="SHIRT-M" if position == 1 else "MUG")
        add_journal(rows, order_id, place, source)


def add_line(rows: Rows, order_id: object, position: int, stages: Stages, sku: str) -> None:
    rows.add(
        "order_lines",
        id=uid("line", order_id, position),
        order_id=order_id,
        position=position,
        item_id=uid(sku) if position == 1 else None,
        sku=sku,
        title=f"{sku} as sold",
        quantity=LineQuantities(**stages).total,
        unit_price_amount=1999,
        total_amount=1999 * LineQuantities(**stages).total,
        requires_shipping=position == 1,
        **stages,
    )


def add_journal(rows: Rows, order_id: object, place: int, source: str) -> None:
    """Seven entries, three of them at the same instant, so that pages need their second key."""
    for step in range(7):
        rows.add(
            "journal",
            event_id=uid("event", order_id, step),
            entity="ORDER" if step % 2 else "SHIPMENT",
            entity_id=order_id,
            order_id=order_id,
            version=step + 1,
            type="STATUS_CHANGED",
            changed=["status", "version"] if step else [],
            data='{"to": "SHIPPED", "n": 3, "nested": {"ö": [1, null]}}' if step else "{}",
            source=source,
            source_event_id=f"{source}-{place}-{step}" if step % 3 else None,
            actor="connector",
            occurred_at=at(place, hour=max(step, 3)),
            recorded_at=at(place, hour=step),
        )


def add_work(rows: Rows) -> None:
    """Work orders, allocations, parcels with events."""
    order_id = uid("order", "web", "W-1")
    first, second = uid("line", order_id, 1), uid("line", order_id, 2)
    for name, location, status, more in (
        ("F-1", "PAR", "REJECTED", {"rejection_reason": "WORN_DISPLAY"}),
        ("F-2", "HAM", "IN_PROGRESS", {"replaces_id": uid("F-1"), "fulfill_by": at(5)}),
        ("F-3", None, "OPEN", {"pickup": True}),
    ):
        place_id = uid(location) if location else None
        rows.add(
            "fulfillments",
            id=uid(name),
            order_id=order_id,
            location_id=place_id,
            status=status,
            created_at=at(int(name[-1])),
            updated_at=at(6),
            **more,
        )
        rows.add("fulfillment_lines", fulfillment_id=uid(name), line_id=first, order_id=order_id, quantity=1)
    item, place = uid("SHIRT-M"), uid("HAM")
    rows.add(
        "allocations", order_id=order_id, line_id=first, item_id=item, location_id=place, quantity=2, allocated_at=at(2)
    )
    parcel(rows, "S-1", order_id, "T-100", "IN_TRANSIT", carrier="dhl", fulfillment_id=uid("F-2"), stale_at=PAST)
    parcel(rows, "S-2", order_id, None, "LABEL_CREATED", flags=["DELAYED"], stale_at=FUTURE)
    rows.add("shipment_lines", shipment_id=uid("S-1"), line_id=first, order_id=order_id, quantity=1)
    rows.add("shipment_lines", shipment_id=uid("S-1"), line_id=second, order_id=order_id, quantity=2)
    other = uid("order", "market", "M-1")
    parcel(rows, "S-3", other, "T-100", "DELIVERED", carrier="ups", created_at=at(9))
    parcel(rows, "S-4", uid("order", "web", "W-4"), "1Z'; DROP TABLE orders; --", "RETURNING", carrier="ups")


def parcel(rows: Rows, name: str, order_id: object, number: str | None, status: str, **more: Any) -> None:
    moments = {"created_at": at(3), "updated_at": at(7, hour=0.5), "estimated_delivery_at": at(8, 12.000001)}
    rows.add("shipments", id=uid(name), order_id=order_id, tracking_number=number, status=status, **(moments | more))
    for step, (word, reason) in enumerate(
        [("LABEL_CREATED", None), ("IN_TRANSIT", "CARRIER_DELAY"), ("EXCEPTION", "WEATHER_STORM"), ("DELAYED", "ODD")]
    ):
        rows.add(
            "tracking_events",
            id=uid(name, "event", step),
            shipment_id=uid(name),
            source="carrier",
            source_event_id=f"{name}-{step}",
            status=word,
            reason=reason,
            raw_code=f"{step:02d}",
            raw_text='Left "Hamburg"\t→ \\ south' if step else None,
            city="Köln" if step else None,
            occurred_at=at(3, hour=min(step, 2)),
            recorded_at=at(4),
        )


def add_claims(rows: Rows) -> None:
    """Holds, promises, returns, and systems that disagree."""
    first = uid("order", "web", "W-1")
    held = uid("order", "web", "W-2")
    line = uid("line", first, 1)
    holds: list[tuple[str, object, str, dict[str, Any]]] = [
        ("H-1", held, "AWAITING_PAYMENT", {"expected_release_at": PAST, "note": "Call Maria"}),
        ("H-2", held, "OTHER", {"released_at": at(9), "released_by": "ops", "expected_release_at": PAST}),
        ("H-3", first, "CUSTOMER_REQUEST", {"line_id": line, "expected_release_at": FUTURE}),
        ("H-4", first, "COMPLIANCE", {}),
    ]
    for name, order_id, reason, more in holds:
        rows.add(
            "holds",
            id=uid(name),
            order_id=order_id,
            reason=reason,
            owner="MERCHANT",
            placed_at=at(2),
            placed_by="rule",
            **more,
        )
    ends: tuple[dict[str, Any], ...] = (
        {"state": "DEAD", "error": "E: gone", "sent_at": at(4)},
        {"refused": "NO_ADDRESS"},
    )
    for place, how in enumerate(ends):
        rows.add(
            "connector_commands",
            id=uid("request", place),
            key=f"r{place}",
            instance="threepl",
            kind="REQUEST_FULFILLMENT",
            order_id=first,
            payload='{"lines": []}',
            actor="operator:ops",
            created_at=at(3),
            **{"state": "REFUSED", **how},
        )
    for kind, line_id, day in (("ORIGINAL", None, 4), ("CURRENT", None, 9), ("CURRENT", line, 12)):
        rows.add(
            "promises",
            order_id=first,
            line_id=line_id,
            kind=kind,
            ship_by=None if line_id else dt.date(2026, 3, day - 1),
            earliest=dt.date(2026, 3, day),
            latest=dt.date(2026, 3, day + 1),
            time_zone="Europe/Berlin",
            basis="ON_HAND",
            confidence="HIGH",
            inputs='{"handlingDays": 1}',
            computed_at=at(1),
        )
    for system, value, wins in (("shopify", "CONFIRMED", True), ("erp", "ON_HOLD", False), ("pos", "CONFIRMED", False)):
        rows.add(
            "source_claims",
            order_id=held,
            field="status",
            system=system,
            value=value,
            raw_value=value.lower(),
            wins=wins,
            observed_at=at(3),
        )
    for number, status, resolution in (("R-1", "CLOSED", "REFUND"), ("R-2", "REQUESTED", None)):
        back = uid("order", "web", "W-4")
        rows.add(
            "returns",
            id=uid(number),
            order_id=back,
            number=number,
            status=status,
            resolution=resolution,
            requested_at=at(9),
        )
        rows.add(
            "return_lines",
            return_id=uid(number),
            line_id=uid("line", back, 1),
            order_id=back,
            quantity=2,
            received=1,
            reason="SIZE_TOO_SMALL",
            disposition="RESTOCKED" if resolution else None,
        )
