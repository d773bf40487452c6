"""What outside systems say now, with what is stored when they do not."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import strawberry
from strawberry.types.arguments import StrawberryArgument

from domain.live import LiveReason
from domain.order import further
from domain.status import OrderStatus, ShipmentStatus
from resolvers.fields import argument, live
from resolvers.scope import Scope
from resolvers.sources import LiveResult, Row, Sql

LONGEST_SECONDS = 5.2
COST = 5


@strawberry.interface(description="A value of an outside system with where it is from and how old it is.")
class LiveValue:
    source: str = strawberry.field(description="The system that said so: the instance asked, or the stored source.")
    fetched_at: dt.datetime = strawberry.field(description="When it said so; of a stored value, when we learned it.")
    stale: bool = strawberry.field(description="Whether this is the stored value because the system gave none.")
    latency_ms: float | None = strawberry.field(description="Milliseconds the answer took; null when stale.")
    reason: LiveReason | None = strawberry.field(description="Why it is the stored value; null when it is not.")


@strawberry.type(description="A parcel as its carrier sees it now.")
class ShipmentLive(LiveValue):
    status: ShipmentStatus = strawberry.field(description="Where the parcel is.")
    raw_code: str | None = strawberry.field(description="The carrier's code; null when stale.")
    raw_text: str | None = strawberry.field(description="The carrier's words; null when stale.")
    last_event_at: dt.datetime | None = strawberry.field(description="The newest event, by the carrier's time.")
    city: str | None = strawberry.field(description="City of the newest event; null when stale.")
    country: str | None = strawberry.field(description="Country of the newest event; null when stale.")
    estimated_delivery_at: dt.datetime | None = strawberry.field(description="The carrier's latest estimate.")


@strawberry.type(description="A count as the location's system knows it now.")
class StockLevelLive(LiveValue):
    on_hand: int = strawberry.field(description="Units in the building.")
    counted_at: dt.datetime = strawberry.field(description="When it counted.")


@strawberry.type(description="An order as its system of origin sees it now.")
class OrderLive(LiveValue):
    status: OrderStatus | None = strawberry.field(
        description="In our words, null when the system's word has none; never behind what other systems told us, for a"
        " storefront knows no delivery."
    )
    source_status: str | None = strawberry.field(description="In the system's words.")
    changed_at: dt.datetime = strawberry.field(description="When it last changed there.")


@strawberry.type(description="How soon a carrier would bring it, handed over today or when the work may begin.")
class EstimateLive(LiveValue):
    service: str | None = strawberry.field(description="The carrier's service; null when stale.")
    earliest: dt.datetime | None = strawberry.field(description="Not before; null when the carrier does not say.")
    latest: dt.datetime | None = strawberry.field(description="By then; null when stale, for estimates are not stored.")


REASONS: Mapping[str, LiveReason] = {
    "NOT_CONFIGURED": LiveReason.NOT_CONNECTED,
    "TIMEOUT": LiveReason.DEADLINE,
    "BAD_ANSWER": LiveReason.BAD_PAYLOAD,
}


def merged(stored: Mapping[str, Any], result: LiveResult) -> Mapping[str, Any]:
    """The fresh value, or the stored one and why."""
    if result.reason is None:
        assert isinstance(result.value, Mapping)
        assert result.fetched_at is not None
        fresh = {"source": result.source, "fetchedAt": result.fetched_at, "latencyMs": result.latency_ms}
        return {**result.value, **fresh, "stale": False, "reason": None}
    reason = REASONS.get(result.reason) or LiveReason.__members__.get(result.reason, LiveReason.FAILED)
    return {**stored, "stale": True, "latencyMs": None, "reason": reason.value}


def merged_order(stored: Mapping[str, Any], result: LiveResult) -> Mapping[str, Any]:
    """As `merged`; the status is the further one of the two."""
    value = merged(stored, result)
    if value["stale"] or value["status"] is None:
        return value
    return {**value, "status": further(OrderStatus(value["status"]), OrderStatus(stored["status"])).value}


def estimated(stored: Mapping[str, Any], result: LiveResult) -> Mapping[str, Any]:
    """Where nobody says anything there is nothing: estimates are not stored."""
    return {"service": None, "earliest": None, "latest": None, **merged(stored, result)}


def live_value(
    description: str,
    source: str,
    keys: Callable[[Row, Scope], Mapping[str, Sql]],
    merge: Callable[[Mapping[str, Any], LiveResult], Mapping[str, Any]] = merged,
    more: Sequence[StrawberryArgument] = (),
) -> Any:
    """`keys` gives what to ask for and, by their GraphQL names, what is stored."""
    return live(
        description,
        source,
        keys,
        merge,
        timeout=LONGEST_SECONDS,
        cost=COST,
        scopes=["connectors:read"],
        arguments=[
            argument("max_age", int, "An answer not older than so many seconds will do; 0: ask now.", default=30),
            argument("timeout", int, "Milliseconds to wait; below 50 counts as 50, above 5000 as 5000.", default=2000),
            *more,
        ],
    )
