"""Availability answers: the statement's inputs, the domain's formula, plain values for the response."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from domain import stock
from domain.errors import BadInput
from domain.reasons import BackorderPolicy, UnavailableReason
from resolvers.sources import Inputs

LIVE_FOR = dt.timedelta(minutes=5)
STALE_AFTER = dt.timedelta(days=1)


def of_item(inputs: Inputs) -> Mapping[str, Any]:
    """`Item.availability`"""
    check_channel(inputs)
    return answer(inputs.values, inputs)


def of_skus(inputs: Inputs) -> list[Mapping[str, Any]]:
    """`Query.availability`: one entry per SKU asked for, in order; unknown ones say so."""
    check_channel(inputs)
    wanted = inputs.arguments["skus"]
    found = inputs.values["items"]
    return [answer(item, inputs) if item else unknown(sku, inputs) for sku, item in zip(wanted, found, strict=True)]


def check_channel(inputs: Inputs) -> None:
    if inputs.values["buffer"] is None:
        raise BadInput(f"There is no channel with the code {inputs.arguments['channel']}.")


def answer(item: Mapping[str, Any], inputs: Inputs) -> Mapping[str, Any]:
    levels = item["nodes"]
    counted = [dt.datetime.fromisoformat(level["counted_at"]) for level in levels]
    as_of = min(counted, default=inputs.now)
    made = stock.availability(
        [node_stock(level) for level in levels],
        channel_buffer=item["buffer"],
        backorder=backorder(item, inputs.now),
        incoming=incoming(item["incoming"]),
        as_of=as_of,
        accuracy=stock.accuracy_at(as_of, inputs.now, live_for=LIVE_FOR, stale_after=STALE_AFTER),
    )
    return {
        **asked(item["sku"], inputs),
        "known": True,
        "availableForSale": made.available_for_sale,
        "backorderable": made.backorderable,
        "sellable": made.sellable,
        "channelBuffer": made.channel_buffer,
        "formula": made.formula,
        "asOf": made.as_of,
        "sourceLagSeconds": round(made.source_lag_seconds(inputs.now)),
        "accuracy": made.accuracy,
        "nodes": [node(level, part) for level, part in zip(levels, made.nodes, strict=True)],
    }


def unknown(sku: str, inputs: Inputs) -> Mapping[str, Any]:
    return {
        **asked(sku, inputs),
        "known": False,
        "availableForSale": 0,
        "backorderable": 0,
        "sellable": False,
        "channelBuffer": inputs.values["buffer"],
        "formula": "AVAILABLE_FOR_SALE",
        "asOf": inputs.now,
        "sourceLagSeconds": 0,
        "accuracy": stock.Accuracy.LIVE,
        "nodes": [],
    }


def asked(sku: str, inputs: Inputs) -> Mapping[str, Any]:
    destination = inputs.arguments.get("destination") or {}
    return {"sku": sku, "channel": inputs.arguments.get("channel"), "country": destination.get("country")}


@lru_cache(maxsize=1024)
def location(text: str) -> uuid.UUID:
    """There are few locations, and each has a level of nearly every item."""
    return uuid.UUID(text)


def node_stock(level: Mapping[str, Any]) -> stock.NodeStock:
    return stock.NodeStock(
        location_id=location(level["location_id"]),
        on_hand=level["on_hand"],
        allocated=level["allocated"],
        reserved=level["reserved"],
        unavailable={
            UnavailableReason.DAMAGED: level["damaged"],
            UnavailableReason.QUALITY_CONTROL: level["quality_control"],
            UnavailableReason.SET_ASIDE: level["set_aside"],
        },
        safety_stock=level["safety_stock"],
    )


def node(level: Mapping[str, Any], part: stock.NodeStock) -> Mapping[str, Any]:
    return {
        "locationId": level["location_id"],
        "locationCode": level["location_code"],
        "onHand": part.on_hand,
        "allocated": part.allocated,
        "reserved": part.reserved,
        "unavailable": part.unavailable_total,
        "safetyStock": part.safety_stock,
        "available": part.available,
    }


def backorder(item: Mapping[str, Any], now: dt.datetime) -> stock.Backorder:
    return stock.Backorder(
        policy=BackorderPolicy(item["policy"]),
        limit=item["limit"],
        horizon=now + dt.timedelta(days=item["horizon_days"]),
        backordered=item["backordered"],
    )


def incoming(supplies: Iterable[Mapping[str, Any]]) -> Sequence[stock.Incoming]:
    return [stock.Incoming(dt.datetime.fromisoformat(supply["expected_at"]), supply["quantity"]) for supply in supplies]
