"""When a parcel will arrive: what each system says of it, and whose word is shown."""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from db.commands import orders
from db.pool import Connection, Record
from domain.precedence import Claim, Precedence, winner
from domain.status import TERMINAL_SHIPMENT, ShipmentStatus
from resolvers.commands.fields import instant
from resolvers.commands.reached import State

FIELD: Final = "estimatedDelivery"
# Estimates are news all the time; only those that somebody would plan by differently are a conflict to look into.
APART: Final = datetime.timedelta(days=1)


def field_of(ref: str) -> str:
    return f"{FIELD} {ref}"


def claims_of(scans: Sequence[Record], said: Sequence[Record]) -> list[Claim]:
    """The newest estimate of each system: of those who scan the parcel at first hand, else of those who sent it."""
    told: dict[str, list[Claim]] = defaultdict(list)
    for scan in scans:
        if scan["estimated_delivery_at"] is not None:
            told[scan["source"]].append(Claim(scan["source"], scan["estimated_delivery_at"], scan["occurred_at"]))
    for fact in said:
        estimate = instant(orjson.loads(fact["body"]), "estimatedDeliveryAt")
        if estimate is not None:
            told[fact["source"]].append(Claim(fact["source"], estimate, fact["occurred_at"], first_hand=False))
    # Two of one system and instant: the later one, so that the order of arrival does not matter.
    return [max(several, key=lambda claim: (claim.first_hand, claim.told_at, claim.value)) for several in told.values()]


def best(claims: Sequence[Claim], precedence: Precedence) -> datetime.datetime | None:
    won = winner(claims, precedence.estimated_delivery)
    if won is None:
        return None
    assert isinstance(won.value, datetime.datetime)
    return won.value


async def keep(
    connection: Connection,
    order_id: uuid.UUID,
    ref: str,
    claims: Sequence[Claim],
    had: Sequence[Mapping[str, Any]],
    precedence: Precedence,
) -> None:
    """What several say is kept as claims; what one alone says is the parcel's own. `had` are all of the order."""
    field = field_of(ref)
    rows = {(claim.system, _text(claim.value), claim.told_at) for claim in claims} if len(claims) > 1 else set()
    stored = {(row["system"], row["value"], instant(row, "observed_at")) for row in had if row["field"] == field}
    if rows == stored:
        return
    await orders.forget_claims(connection, order_id, field)
    for system, value, told_at in sorted(rows):
        await orders.claim(connection, order_id, field, system, value, None, told_at)
    won = winner(claims, precedence.estimated_delivery)
    if rows and won is not None:
        await orders.let_win(connection, order_id, field, won.system)


def conflict(state: State) -> bool:
    """Whether systems differ on a parcel under way by a day or more."""
    under_way = {
        field_of(f"{shipment['carrier']}/{shipment['tracking_number']}")
        for shipment in state["shipments"]
        if ShipmentStatus(shipment["status"]) not in TERMINAL_SHIPMENT
    }
    told: dict[str, list[datetime.datetime]] = defaultdict(list)
    for claim in state["claims"]:
        if claim["field"] in under_way:
            told[claim["field"]].append(datetime.datetime.fromisoformat(claim["value"]))
    return any(max(several) - min(several) >= APART for several in told.values())


def _text(value: object) -> str:
    assert isinstance(value, datetime.datetime)
    return value.astimezone(datetime.UTC).isoformat()
