"""How far the units of an order's lines have come, summed over the facts in its state (`db.commands.orders.state`)."""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from domain.line import LineQuantities
from domain.precedence import Precedence, rank
from domain.status import FulfillmentStatus, OrderLineStatus, ReturnStatus, ShipmentStatus
from events.lattice import Reached, Stamp, of_parcel, of_return, of_work, total
from resolvers.commands.references import line_of

State = Mapping[str, Any]


def stages(line: Mapping[str, Any]) -> LineQuantities:
    return LineQuantities.of({status: line[status.value.lower()] for status in OrderLineStatus})


def stamp(fact: Mapping[str, Any]) -> Stamp:
    at = fact["occurred_at"]
    when = at if isinstance(at, datetime.datetime) else datetime.datetime.fromisoformat(at)
    return Stamp(fact["source_version"], when, fact["rank"], fact["event_id"])


def facts_of(state: State, kind: str) -> list[Mapping[str, Any]]:
    return [fact for fact in state["facts"] if fact["kind"] == kind]


def rank_of(source: str, precedence: Precedence) -> tuple[int, str]:
    """Who makes the order: lower wins; sources that nobody ranked come last, by name, so that none takes turns."""
    return rank(source, precedence.order), source


def owner(state: State, precedence: Precedence) -> str:
    """The source whose word on the order itself counts: the best of those that told its lines."""
    told = {fact["source"] for fact in facts_of(state, "ORDER")}
    kept: str = state["order"]["source"]
    return min(told | {kept}, key=lambda source: rank_of(source, precedence))


def removed(fact: Mapping[str, Any], header: Mapping[str, Any]) -> bool:
    """A line that its source's newest word on the order no longer names."""
    return stamp(fact) < stamp(header)


def reached(state: State, precedence: Precedence) -> dict[uuid.UUID, Reached]:
    """By line id."""
    gone = _by_work_order(state)
    for line_id, back in _back(state).items():
        # Returned units are among those that went out.
        out = gone[line_id] | Reached(*([back.returned] * 5))
        gone[line_id] = out + Reached(requested=back.requested, returned=back.returned)
    for line_id, units in _cancelled(state, precedence).items():
        gone[line_id] += Reached(cancelled=units)
    return gone


def _back(state: State) -> dict[uuid.UUID, Reached]:
    statuses = {one["id"]: ReturnStatus(one["status"]) for one in state["returns"]}
    found: dict[uuid.UUID, Reached] = defaultdict(Reached)
    for entry in state["back"]:
        back = of_return(statuses[entry["return_id"]], entry["quantity"], entry["received"])
        found[uuid.UUID(entry["line_id"])] += back
    return found


def _by_work_order(state: State) -> dict[uuid.UUID, Reached]:
    """A parcel and its work order speak of the same units, so per work order the further count holds."""
    counts = _counts(state)
    works: dict[tuple[uuid.UUID, Any], list[Reached]] = defaultdict(list)
    for work in state["work"]:
        line_id = uuid.UUID(work["line_id"])
        given = counts.get((work["source"], work["source_fulfillment_id"], line_id), {})
        status = FulfillmentStatus(work["status"])
        works[line_id, work["id"]].append(of_work(status, work["quantity"], pickup=work["pickup"], **given))
    parcels: dict[tuple[uuid.UUID, Any], list[Reached]] = defaultdict(list)
    shipments = {shipment["id"]: shipment for shipment in state["shipments"]}
    for parcel in state["parcels"]:
        shipment = shipments[parcel["shipment_id"]]
        over = shipment["shipped_at"] is not None or shipment["first_scan_at"] is not None
        come = of_parcel(ShipmentStatus(shipment["status"]), parcel["quantity"], handed_over=over)
        parcels[uuid.UUID(parcel["line_id"]), shipment["fulfillment_id"]].append(come)
    found: dict[uuid.UUID, Reached] = defaultdict(Reached)
    for line_id, place in sorted({*works, *parcels}, key=str):
        found[line_id] += total(works[line_id, place]) | total(parcels[line_id, place])
    return found


def _counts(state: State) -> dict[tuple[str, str, uuid.UUID], dict[str, int | None]]:
    """What work orders say of each line beyond their status."""
    found = {}
    for fact in facts_of(state, "FULFILLMENT"):
        for line in fact["body"]["lines"]:
            line_id = line_of(state["lines"], line["line"])
            if line_id is not None:
                found[fact["source"], fact["ref"], line_id] = {
                    name: line[name] for name in ("packed", "shipped", "delivered")
                }
    return found


def _cancelled(state: State, precedence: Precedence) -> dict[uuid.UUID, int]:
    source = owner(state, precedence)
    header = next((fact for fact in facts_of(state, "ORDER") if fact["source"] == source), None)
    if header is None:
        return {}
    found: dict[uuid.UUID, int] = {}
    for fact in facts_of(state, "LINE"):
        line_id = line_of(state["lines"], fact["ref"])
        if fact["source"] != source or line_id is None:
            continue
        whole = header["body"]["cancelled"] or removed(fact, header)
        found[line_id] = fact["body"]["quantity"] if whole else fact["body"]["cancelled"]
    return found


def by_line(lines: Iterable[Mapping[str, Any]]) -> dict[uuid.UUID, Mapping[str, Any]]:
    return {uuid.UUID(line["id"]): line for line in lines}
