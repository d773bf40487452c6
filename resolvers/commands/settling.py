"""After a command has written its facts: everything of the order that follows from them, in the same transaction."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from db.commands import journal, orders, parcels
from db.pool import Connection
from domain import attention
from domain.attention import Attention, Commitment, OrderFacts, Progress
from domain.order import RollUpLine, roll_up, roll_up_returns
from domain.precedence import Precedence
from domain.reasons import ReturnResolution
from domain.status import TERMINAL_SHIPMENT, OrderLineStatus, OrderStatus, ReturnStatus, ShipmentStatus
from events.lattice import Reached, overclaimed, spread, unexplained
from resolvers.commands import estimates
from resolvers.commands import reached as facts
from resolvers.commands.fields import instant
from resolvers.commands.reached import State
from resolvers.commands.references import line_of

# The schema's names of the first of `_derived`; it shows no deadlines.
DERIVED = ("status", "returnStatus", "attention")
# The field of claims that say where an order is.
STATUS = "status"
ENDED = (OrderStatus.DELIVERED, OrderStatus.COMPLETED, OrderStatus.CANCELLED)


async def settle(
    connection: Connection,
    before: State | None,
    order_id: uuid.UUID,
    entry: journal.Entry,
    origin: journal.Origin,
    *,
    precedence: Precedence,
    quantities: Mapping[uuid.UUID, int] | None = None,
    changed: bool = True,
) -> bool:
    """Write lines, status, flags and deadlines, and one journal row; False when nothing is different.

    `before` is the state the command found, None for a new order; `quantities` are those of lines that it changes.
    """
    after = await orders.state(connection, order_id)
    disagreed = await place_parcels(connection, order_id, after, quantities or {})
    lines, over, moved = await _lines(connection, before, after, quantities or {}, precedence)
    derived = _derived(
        after, lines, disagreed=disagreed or over or _statuses_differ(after) or estimates.conflict(after)
    )
    if not (changed or moved or derived != _stored(after)):
        return False
    version = await orders.finish(connection, order_id, *derived, 0 if before is None else 1)
    data = dict(entry.data or {})
    was = None if before is None else before["order"]["status"]
    if derived[0] != was:
        data["status"] = {"from": was, "to": derived[0]}
    named = {*entry.changed, *(["lines"] if moved else [])}
    had = (was, *_stored(after)[1:])
    named |= {name for name, now, then in zip(DERIVED, derived, had, strict=False) if now != then}
    made = journal.Entry(entry.type, entry.entity, entry.entity_id, sorted(named), data)
    await journal.write(connection, made, origin, version=version, order_id=order_id)
    return True


async def place_parcels(
    connection: Connection, order_id: uuid.UUID, state: dict[str, Any], quantities: Mapping[uuid.UUID, int]
) -> bool:
    """Lines of parcels as their sources tell them, at most what was ordered; whether anything had to be cut off."""
    ordered = {line_id: line["quantity"] for line_id, line in facts.by_line(state["lines"]).items()}
    free = {**ordered, **quantities}
    told = {f"{shipment['carrier']}/{shipment['tracking_number']}": shipment for shipment in state["shipments"]}
    known = [fact for fact in facts.facts_of(state, "SHIPMENT") if fact["ref"] in told]
    kept = untold(state)
    for parcel in kept:
        free[uuid.UUID(parcel["line_id"])] -= parcel["quantity"]
    cut, placed = False, []
    for fact in sorted(known, key=lambda fact: (fact["ref"], facts.stamp(fact), fact["source"])):
        shipment = told[fact["ref"]]
        if fact is not _last([one for one in known if one["ref"] == fact["ref"]]):
            continue
        lines: dict[uuid.UUID, int] = {}
        for line in fact["body"]["lines"]:
            line_id = line_of(state["lines"], line["line"])
            if line_id is None:
                continue
            fits = min(line["quantity"], max(0, free[line_id]))
            cut |= fits < line["quantity"]
            if shipment["status"] not in ("CANCELLED", "LOST", "RETURNED"):
                free[line_id] -= fits
            if fits:
                lines[line_id] = lines.get(line_id, 0) + fits
        placed += [
            {"shipment_id": shipment["id"], "line_id": str(line_id), "quantity": fits}
            for line_id, fits in lines.items()
        ]
        await _write_parcel(connection, order_id, state, shipment["id"], lines)
    state["parcels"] = kept + placed
    return cut


def untold(state: State) -> list[Mapping[str, Any]]:
    """Lines of parcels that no shipping system tells of, so that nothing says how to cut them."""
    told = {fact["ref"] for fact in facts.facts_of(state, "SHIPMENT")}
    named = {one["id"] for one in state["shipments"] if f"{one['carrier']}/{one['tracking_number']}" in told}
    return [parcel for parcel in state["parcels"] if parcel["shipment_id"] not in named]


def _last(several: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return max(several, key=lambda fact: (facts.stamp(fact), fact["source"]))


async def _write_parcel(
    connection: Connection, order_id: uuid.UUID, state: State, shipment_id: str, lines: Mapping[uuid.UUID, int]
) -> None:
    stored = {
        uuid.UUID(parcel["line_id"]): parcel["quantity"]
        for parcel in state["parcels"]
        if parcel["shipment_id"] == shipment_id
    }
    if stored != lines:
        await parcels.write_shipment_lines(connection, order_id, uuid.UUID(shipment_id), lines.items())


async def _lines(
    connection: Connection,
    before: State | None,
    after: State,
    quantities: Mapping[uuid.UUID, int],
    precedence: Precedence,
) -> tuple[list[RollUpLine], bool, bool]:
    """The lines as they are now, whether more was claimed than there is, and whether any moved."""
    had = facts.by_line(before["lines"]) if before else {}
    were = facts.reached(before, precedence) if before else {}
    now = facts.reached(after, precedence)
    found, over, moved = [], False, False
    for line_id, line in facts.by_line(after["lines"]).items():
        held = facts.stages(line)
        quantity = quantities.get(line_id, line["quantity"])
        come, before_that = now.get(line_id, Reached()), were.get(line_id, Reached())
        claim = come
        if line_id in had:
            claim = unexplained(facts.stages(had[line_id]), before_that) + come
        over |= overclaimed(quantity, claim)
        if line_id not in had or come != before_that or quantity != line["quantity"]:
            made = spread(quantity, claim, held)
            if made != held:
                moved = True
                columns = [made.get(status) for status in OrderLineStatus]
                await orders.write_line(connection, line_id, quantity, columns)
            held = made
        found.append(RollUpLine(held, line["requires_shipping"]))
    return found, over, moved


def _statuses_differ(state: State) -> bool:
    told = (claim["value"] for claim in state["claims"] if claim["field"] == STATUS)
    return len({value for value in told if value is not None}) > 1


def _derived(state: State, lines: Sequence[RollUpLine], *, disagreed: bool) -> tuple[Any, ...]:
    """Status, return status, attention, late_at, at_risk_at, stale_at."""
    order = state["order"]
    status = roll_up(lines, accepted=order["accepted_at"] is not None, closed=order["closed_at"] is not None)
    returns = [
        (ReturnStatus(one["status"]), ReturnResolution(one["resolution"]) if one["resolution"] else None)
        for one in state["returns"]
    ]
    due = _deadlines(state, status)
    return (
        status.value,
        roll_up_returns(returns).value,
        [flag.value for flag in _flags(state, lines, [one for one, _ in returns], disagreed)],
        due.late_at,
        due.at_risk_at,
        due.stale_at,
    )


def _stored(state: State) -> tuple[Any, ...]:
    order = state["order"]
    times = (instant(order, name) for name in ("late_at", "at_risk_at", "stale_at"))
    return (order["status"], order["return_status"], order["attention"], *times)


def _flags(
    state: State, lines: Sequence[RollUpLine], returns: Sequence[ReturnStatus], disagreed: bool
) -> tuple[Attention, ...]:
    order = state["order"]
    placed_at = instant(order, "placed_at")
    assert placed_at is not None, "the column is not null"
    raised = attention.stored_flags(
        OrderFacts(
            placed_at,
            tuple(lines),
            tuple(ShipmentStatus(shipment["status"]) for shipment in state["shipments"]),
            tuple(returns),
            _first_scan(state),
            oversold=Attention.OVERSOLD in order["attention"],
            source_conflict=disagreed,
            stale_data=Attention.STALE_DATA in order["attention"],
        )
    )
    return tuple(flag for flag in Attention if flag in raised)


def _first_scan(state: State) -> datetime.datetime | None:
    scans = (instant(shipment, "first_scan_at") for shipment in state["shipments"])
    return min((scan for scan in scans if scan is not None), default=None)


def _deadlines(state: State, status: OrderStatus) -> attention.Deadlines:
    moving = [one for one in state["shipments"] if ShipmentStatus(one["status"]) not in TERMINAL_SHIPMENT]
    latest = max(
        (one for one in moving if one["estimated_delivery_at"]),
        key=lambda one: (instant(one, "estimated_delivery_at"), one["carrier"] or "", one["tracking_number"] or ""),
        default=None,
    )
    silent = (instant(one, "stale_at") for one in moving)
    progress = Progress(
        status in ENDED,
        _first_scan(state),
        instant(latest, "estimated_delivery_at") if latest else None,
        instant(latest, "last_event_at") if latest else None,
        min((at for at in silent if at is not None), default=None),
    )
    kinds = {promise["kind"] for promise in state["promises"]}
    kind = "CURRENT" if "CURRENT" in kinds else "ORIGINAL"
    promised = [
        Commitment(
            datetime.date.fromisoformat(promise["latest"]),
            promise["time_zone"],
            datetime.date.fromisoformat(promise["ship_by"]) if promise["ship_by"] else None,
        )
        for promise in state["promises"]
        if promise["kind"] == kind
    ]
    if not promised:
        return attention.deadlines(None, progress)
    return attention.earliest(attention.deadlines(one, progress) for one in promised)
