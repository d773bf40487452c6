"""Promises for a cart: the statement's inputs, the domain's sourcing, plain values for the response."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from domain import sourcing
from domain.calendar import WorkCalendar, zone
from domain.errors import BadInput
from domain.promise import Promise, Timing
from domain.reasons import BackorderPolicy, LocationKind
from domain.route import Destination, Node, Transit
from domain.stock import Incoming, backorderable, withhold
from resolvers.availability import backorder, check_channel, incoming, node_stock
from resolvers.sources import Inputs

MAX_QUANTITY = 100_000


def for_cart(inputs: Inputs) -> Mapping[str, Any]:
    """`Query.promise`: how the cart would be sourced at this moment. Nothing is held back in stock."""
    check_channel(inputs)
    lines = [(str(number), line) for number, line in enumerate(inputs.arguments["lines"])]
    check_lines(lines)
    cart = Cart(inputs, lines)
    return cart.answer()


def check_lines(lines: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    for _, line in lines:
        if not 1 <= line["quantity"] <= MAX_QUANTITY:
            raise BadInput(f"{line['quantity']} units of {line['sku']}: ask for 1 to {MAX_QUANTITY}.")


class Cart:
    """One cart while it is sourced."""

    def __init__(self, inputs: Inputs, lines: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        self.inputs = inputs
        self.lines = lines
        self.items = dict(zip([key for key, _ in lines], inputs.values["items"], strict=True))
        self.skus = {key: line["sku"] for key, line in lines}
        self.ahead = {item["id"]: self.sold_ahead(item) for item in self.items.values() if item}

    def answer(self) -> Mapping[str, Any]:
        plan = sourcing.source(self.demands(), self.offers(), Timing(self.inputs.now), self.destination())
        groups = [self.group(group) for group in plan.groups]
        groups += [self.without_shipping(digital)] if (digital := self.digital()) else []
        groups += [self.unpromised(key, "There is no such item.") for key, item in self.items.items() if item is None]
        days = [group for group in groups if group["latest"]]
        complete = all(group["available"] for group in groups)
        return {
            "earliest": max((group["earliest"] for group in days), default=None),
            "latest": max((group["latest"] for group in days), default=None) if complete else None,
            "complete": complete,
            "groups": groups,
            "problems": list(plan.problems),
            "computedAt": self.inputs.now,
        }

    def demands(self) -> Iterable[sourcing.Demand]:
        for key, line in self.lines:
            item = self.items[key]
            if item and item["requires_shipping"]:
                ships_on = item["preorder_ships_on"]
                day = dt.date.fromisoformat(ships_on) if ships_on else None
                yield sourcing.Demand(key, uuid.UUID(item["id"]), line["quantity"], day)

    def digital(self) -> list[str]:
        return [key for key, item in self.items.items() if item and not item["requires_shipping"]]

    def offers(self) -> Iterable[sourcing.Offer]:
        """The eligible locations; the channel's buffer is taken from the last of them first."""
        places = [place for place in self.inputs.values["offers"] if self.reaches(place)]
        levels = {
            place["id"]: {level["item_id"]: node_stock(level).available for level in place["levels"]}
            for place in places
        }
        kept = withhold(self.inputs.values["buffer"], [levels[place["id"]] for place in places])
        for place, available in zip(places, kept, strict=True):
            yield sourcing.Offer(
                node=node_of(orjson.dumps({name: place[name] for name in NODE_FACTS})),
                transit=transit_of(place),
                available={uuid.UUID(item): units for item, units in available.items()},
                incoming=self.supplies(place),
                priority=place["priority"],
            )

    def reaches(self, place: Mapping[str, Any]) -> bool:
        """With a destination, a location needs a way to it; without one, the customer collects."""
        return place["transit"] is not None or not self.inputs.arguments.get("destination")

    def sold_ahead(self, item: Mapping[str, Any]) -> int:
        """Units of incoming supply that may be promised now."""
        supplies = [
            s for place in self.inputs.values["offers"] for s in place["incoming"] if s["item_id"] == item["id"]
        ]
        return backorderable(backorder(item, self.inputs.now), incoming(supplies))

    def supplies(self, place: Mapping[str, Any]) -> Mapping[uuid.UUID, Sequence[Incoming]]:
        found: dict[uuid.UUID, list[Incoming]] = {}
        continued = {item["id"] for item in self.items.values() if item and item["policy"] == BackorderPolicy.CONTINUE}
        for supply in place["incoming"]:
            units = min(supply["quantity"], self.ahead.get(supply["item_id"], 0))
            if supply["item_id"] in continued and units > 0:
                self.ahead[supply["item_id"]] -= units
                found.setdefault(uuid.UUID(supply["item_id"]), []).extend(incoming([supply | {"quantity": units}]))
        return found

    def destination(self) -> Destination | None:
        asked = self.inputs.arguments.get("destination")
        if not asked or not asked.get("timeZone"):
            return None
        zone(asked["timeZone"])  # an unknown one is the caller's mistake, and not a reason to promise nothing
        return Destination(asked["timeZone"], asked["country"].upper(), asked.get("region"))

    def group(self, group: sourcing.Group) -> dict[str, Any]:
        pieces = [{"sku": self.skus[piece.line_id], "quantity": piece.quantity} for piece in group.pieces]
        if group.offer is None or group.promise is None:
            return nothing(pieces, group.problem or "NOT_AVAILABLE")
        transit = group.offer.transit
        return {
            "lines": pieces,
            "available": True,
            "problem": None,
            "locationId": str(group.offer.node.id),
            "locationCode": group.offer.node.code,
            "carrier": transit.carrier if transit else None,
            "service": transit.service if transit else None,
            **days_of(group.promise),
        }

    def unpromised(self, key: str, problem: str) -> dict[str, Any]:
        quantity = next(line["quantity"] for number, line in self.lines if number == key)
        return nothing([{"sku": self.skus[key], "quantity": quantity}], problem)

    def without_shipping(self, keys: Sequence[str]) -> dict[str, Any]:
        """Digital goods are there at once."""
        today = self.inputs.now.date()
        quantities = dict(self.lines)
        pieces = [{"sku": self.skus[key], "quantity": quantities[key]["quantity"]} for key in keys]
        group = nothing(pieces, None)
        return group | {"available": True, "earliest": today, "latest": today, "timeZone": "UTC"}


NODE_FACTS = (
    "id",
    "code",
    "kind",
    "time_zone",
    "holiday_country",
    "holiday_subdivision",
    "handling_days",
    "lead_days",
    "fulfillment_delay_seconds",
    "cutoffs",
    "closures",
)


@lru_cache(maxsize=1024)
def node_of(facts: bytes) -> Node:
    """A location as the domain knows it; locations change rarely, so the same facts give the same object."""
    place = orjson.loads(facts)
    calendar = WorkCalendar(
        place["time_zone"],
        {int(weekday): dt.time.fromisoformat(cutoff) for weekday, cutoff in place["cutoffs"].items()},
        place["holiday_country"],
        place["holiday_subdivision"],
        frozenset(dt.date.fromisoformat(day) for day in place["closures"]),
    )
    return Node(
        id=uuid.UUID(place["id"]),
        code=place["code"],
        kind=LocationKind(place["kind"]),
        calendar=calendar,
        handling_days=place["handling_days"],
        fulfillment_delay=place["fulfillment_delay_seconds"],
        lead_days=place["lead_days"],
    )


def transit_of(place: Mapping[str, Any]) -> Transit | None:
    way = place["transit"]
    if way is None:
        return None
    return Transit(
        min_days=way["min_days"],
        max_days=way["max_days"],
        carrier=way["carrier"],
        service=way["service"],
        calendar=carrier_calendar(place["time_zone"], tuple(way["weekdays"]), place["holiday_country"]),
        buffer_days=way["buffer_days"],
    )


@lru_cache(maxsize=1024)
def carrier_calendar(time_zone: str, weekdays: tuple[int, ...], country: str | None) -> WorkCalendar:
    return WorkCalendar.of_weekdays(time_zone, weekdays, holiday_country=country)


def days_of(promise: Promise) -> dict[str, Any]:
    return {
        "shipBy": promise.ship_by,
        "earliest": promise.earliest,
        "latest": promise.latest,
        "timeZone": promise.time_zone,
        "basis": promise.basis,
        "confidence": promise.confidence,
        "reasons": [{"step": reason.step, "text": reason.text, "day": reason.day} for reason in promise.reasons],
    }


def nothing(pieces: list[dict[str, Any]], problem: str | None) -> dict[str, Any]:
    names = ("locationId", "locationCode", "carrier", "service", "shipBy", "earliest", "latest", "timeZone")
    empty = dict.fromkeys((*names, "basis", "confidence"))
    return {"lines": pieces, "available": False, "problem": problem, "reasons": [], **empty}
