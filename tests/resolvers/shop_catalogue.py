"""The test shop's places, items and stock: every rule of eligibility and of availability has a case."""

import datetime as dt

from tests.resolvers.rows import FUTURE, PAST, Rows, at, uid

SKUS = ("SHIRT-M", "SHIRT-L", "MUG", "E-BOOK", "CLOAK", "LAMP", "KETTLE", "Ünïcode “SKU”")
UNKNOWN_SKU = "NO-SUCH-SKU"


def add_places(rows: Rows) -> None:
    rows.add(
        "channels",
        id=uid("web"),
        code="web",
        name="Web shop",
        kind="STOREFRONT",
        time_zone="Europe/Berlin",
        currency="EUR",
        buffer=2,
    )
    rows.add(
        "channels",
        id=uid("market"),
        code="market",
        name="Märkte & “mehr”",
        kind="MARKETPLACE",
        currency="USD",
        buffer=0,
    )
    place(rows, "HAM", "WAREHOUSE", "DE", "Europe/Berlin", priority=10, holiday_country="DE", holiday_subdivision="HH")
    place(rows, "PAR", "STORE", "FR", "Europe/Paris", priority=20, region="IDF", postal_code="75001", city="Paris")
    place(rows, "SUP", "SUPPLIER", "CN", "Asia/Shanghai", priority=30, lead_days=3)
    place(rows, "OLD", "WAREHOUSE", "DE", "UTC", priority=40, active=False)
    for code, channel in (("HAM", "web"), ("HAM", "market"), ("PAR", "web"), ("SUP", "market"), ("OLD", "web")):
        rows.add("location_channels", location_id=uid(code), channel_id=uid(channel))
    for country in ("FR", "BE"):
        rows.add("location_destinations", location_id=uid("PAR"), country=country)
    for weekday in range(1, 6):
        for code in ("HAM", "SUP"):
            rows.add("location_cutoffs", location_id=uid(code), weekday=weekday, cutoff=dt.time(14, 30))
    rows.add("location_cutoffs", location_id=uid("PAR"), weekday=6, cutoff=dt.time(0))
    rows.add("location_closures", location_id=uid("HAM"), day=dt.date(2026, 12, 24), reason="Christmas Eve")
    rows.add("location_closures", location_id=uid("HAM"), day=dt.date(2026, 5, 4))
    rows.add("carriers", code="dhl", name="DHL", open_weekdays=[1, 2, 3, 4, 5, 6])
    rows.add("carriers", code="ups", name="UPS", tracking_url="https://ups.example/{number}")
    for code, carrier, country, prefix, least, most in (
        ("HAM", "dhl", "DE", "", 1, 3),
        ("HAM", "dhl", "DE", "20", 1, 1),
        ("HAM", "ups", "FR", "", 2, 4),
        ("PAR", "ups", "FR", "", 1, 2),
        ("SUP", "ups", "DE", "", 9, 14),
    ):
        rows.add(
            "transit_times",
            location_id=uid(code),
            carrier=carrier,
            country=country,
            postal_prefix=prefix,
            min_days=least,
            max_days=most,
        )


def place(rows: Rows, code: str, kind: str, country: str, zone: str, **more: object) -> None:
    rows.add(
        "locations",
        id=uid(code),
        code=code,
        name=f"{code} house",
        kind=kind,
        country=country,
        time_zone=zone,
        handling_days=1,
        **more,
    )


def add_items(rows: Rows) -> None:
    special: dict[str, dict[str, object]] = {
        "MUG": {"backorder_policy": "CONTINUE", "backorder_limit": 5, "weight_grams": 310, "hazardous": True},
        "E-BOOK": {"requires_shipping": False},
        "CLOAK": {"preorder_ships_on": dt.date(2120, 5, 4), "backorder_policy": "CONTINUE"},
        "LAMP": {"length_mm": 10, "width_mm": 20, "height_mm": 30, "origin_country": "CN", "hs_code": "940521"},
    }
    for number, sku in enumerate(SKUS):
        rows.add("items", id=uid(sku), sku=sku, title=f"Title {number} of “{sku}”", **special.get(sku, {}))


def add_stock(rows: Rows) -> None:
    for number, sku in enumerate(SKUS[:7]):
        for code in ("HAM", "PAR", "SUP", "OLD"):
            rows.add(
                "stock_levels",
                item_id=uid(sku),
                location_id=uid(code),
                on_hand=10 + number,
                allocated=3 * number,
                damaged=number % 2,
                quality_control=number % 3,
                set_aside=2 if sku == "LAMP" else 0,
                safety_stock=1,
                source="erp",
                counted_at=at(number, hour=1.5),
            )
    for system, on_hand, wins in (("erp", 12, True), ("pos", 12, False), ("shopify", 9, False)):
        rows.add(
            "stock_counts",
            item_id=uid("MUG"),
            location_id=uid("HAM"),
            system=system,
            on_hand=on_hand,
            counted_at=at(2, hour=1.5),
            event_id=f"{system}-1",
            wins=wins,
        )
    held = (("cart-1", "HELD", FUTURE), ("cart-2", "HELD", PAST), ("cart-3", "RELEASED", FUTURE))
    for key, state, until in held:
        rows.add(
            "reservations",
            key=key,
            item_id=uid("MUG"),
            location_id=uid("HAM"),
            quantity=2,
            state=state,
            expires_at=until,
        )
    for reference, day, received, closed in (("PO-1", 1, 2, None), ("PO-2", 300, 0, None), ("PO-3", 2, 0, at(9))):
        rows.add(
            "incoming_supply",
            id=uid(reference),
            item_id=uid("MUG"),
            location_id=uid("HAM"),
            quantity=20,
            received=received,
            expected_at=at(day),
            reference=reference,
            closed_at=closed,
        )
