"""The oracle's stock: `domain.stock` over whole tables."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from domain.reasons import BackorderPolicy, UnavailableReason
from domain.stock import Backorder, Incoming, NodeStock, accuracy_at, availability
from tests.resolvers.world import Row, World

REASONS = (UnavailableReason.DAMAGED, UnavailableReason.QUALITY_CONTROL, UnavailableReason.SET_ASIDE)


def stock_of(world: World, level: Row) -> NodeStock:
    held = [
        row["quantity"]
        for row in world.all("reservations", item_id=level["item_id"], location_id=level["location_id"], state="HELD")
        if row["expires_at"] > world.now
    ]
    return NodeStock(
        level["location_id"],
        level["on_hand"],
        level["allocated"],
        sum(held),
        {reason: level[reason.value.lower()] for reason in REASONS},
        level["safety_stock"],
    )


def eligible(world: World, place: Row, given: Mapping[str, Any]) -> bool:
    if not place["active"]:
        return False
    if given.get("channel") is not None:
        channel = world.one("channels", code=given["channel"])
        if not world.all("location_channels", location_id=place["id"], channel_id=channel["id"]):
            return False
    listed = [row["country"] for row in world.all("location_destinations", location_id=place["id"])]
    return not given.get("destination") or not listed or given["destination"]["country"].upper() in listed


def levels(world: World, item: Row, given: Mapping[str, Any]) -> list[tuple[Row, Row]]:
    found = [
        (level, world.one("locations", id=level["location_id"]))
        for level in world.all("stock_levels", item_id=item["id"])
    ]
    chosen = [(level, place) for level, place in found if eligible(world, place, given)]
    return sorted(chosen, key=lambda pair: (pair[1]["priority"], pair[1]["code"]))


def incoming(world: World, item: Row, given: Mapping[str, Any]) -> list[Incoming]:
    return [
        Incoming(row["expected_at"], row["quantity"] - row["received"])
        for row in world.all("incoming_supply", item_id=item["id"], closed_at=None)
        if eligible(world, world.one("locations", id=row["location_id"]), given)
    ]


def of_item(world: World, item: Row, given: Mapping[str, Any]) -> Row:
    chosen = levels(world, item, given)
    as_of = min((level["counted_at"] for level, _ in chosen), default=world.asked_at)
    code = given.get("channel")
    backordered = sum(row["backordered"] for row in world.all("order_lines", item_id=item["id"]))
    made = availability(
        [stock_of(world, level) for level, _ in chosen],
        channel_buffer=world.one("channels", code=code)["buffer"] if code is not None else 0,
        backorder=Backorder(
            BackorderPolicy(item["backorder_policy"]),
            item["backorder_limit"],
            world.asked_at + dt.timedelta(days=item["backorder_horizon_days"]),
            backordered,
        ),
        incoming=incoming(world, item, given),
        as_of=as_of,
        accuracy=accuracy_at(as_of, world.asked_at, live_for=dt.timedelta(minutes=5), stale_after=dt.timedelta(days=1)),
    )
    nodes = [
        {
            "location_id": place["id"],
            "location_code": place["code"],
            "on_hand": part.on_hand,
            "allocated": part.allocated,
            "reserved": part.reserved,
            "unavailable": part.unavailable_total,
            "safety_stock": part.safety_stock,
            "available": part.available,
        }
        for (_, place), part in zip(chosen, made.nodes, strict=True)
    ]
    return {
        **asked(item["sku"], given),
        "known": True,
        "available_for_sale": made.available_for_sale,
        "backorderable": made.backorderable,
        "sellable": made.sellable,
        "channel_buffer": made.channel_buffer,
        "formula": "AVAILABLE_FOR_SALE",
        "as_of": as_of,
        "source_lag_seconds": round(max(0.0, (world.asked_at - as_of).total_seconds())),
        "accuracy": made.accuracy.value,
        "nodes": nodes,
    }


def asked(sku: str, given: Mapping[str, Any]) -> Row:
    return {"sku": sku, "channel": given.get("channel"), "country": (given.get("destination") or {}).get("country")}


def unknown(world: World, sku: str, given: Mapping[str, Any]) -> Row:
    nothing = of_item(world, {"id": None, "sku": sku, "backorder_policy": "DENY", **NO_BACKORDER}, given)
    return {**nothing, "known": False, "accuracy": "LIVE"}


NO_BACKORDER = {"backorder_limit": None, "backorder_horizon_days": 0}


def of_skus(world: World, _: Any, given: Mapping[str, Any]) -> list[Row]:
    found = [(sku.strip(), world.maybe("items", sku=sku.strip())) for sku in given["skus"]]
    return [of_item(world, item, given) if item else unknown(world, sku, given) for sku, item in found]


def unavailable(_: World, level: Row, __: Any) -> list[Row]:
    parts = [{"reason": reason.value, "quantity": level[reason.value.lower()]} for reason in REASONS]
    return [part for part in parts if part["quantity"]]


def supply(world: World, item: Row, _: Any) -> list[Row]:
    rows = world.all("incoming_supply", item_id=item["id"], closed_at=None)
    return sorted(rows, key=lambda row: (row["expected_at"], row["id"]))


def sources(world: World, level: Row, _: Any) -> list[Row]:
    told = world.all("stock_counts", item_id=level["item_id"], location_id=level["location_id"])
    return sorted(told, key=lambda count: (not count["wins"], count["system"]))


def count_conflicts(world: World, told: Row, _: Any) -> bool:
    best = world.maybe("stock_counts", item_id=told["item_id"], location_id=told["location_id"], wins=True)
    return best is not None and best["on_hand"] != told["on_hand"]


STOCK: dict[str, Callable[[World, Any, Mapping[str, Any]], Any]] = {
    "Query.item": lambda world, _, given: world.maybe("items", sku=given["sku"]),
    "Query.availability": of_skus,
    "Item.availability": of_item,
    "Item.stockLevels": lambda world, item, _: sorted(
        world.all("stock_levels", item_id=item["id"]), key=lambda level: level["location_id"]
    ),
    "Item.incoming": supply,
    "StockLevel.location": lambda world, level, _: world.one("locations", id=level["location_id"]),
    "StockLevel.reserved": lambda world, level, _: stock_of(world, level).reserved,
    "StockLevel.available": lambda world, level, _: stock_of(world, level).available,
    "StockLevel.unavailable": unavailable,
    "StockLevel.sources": sources,
    "StockCount.conflicts": count_conflicts,
    "IncomingSupply.location": lambda world, row, _: world.one("locations", id=row["location_id"]),
}
