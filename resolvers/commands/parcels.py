"""A parcel's row: its stage from the carrier's scans, everything else from what the shipping systems say of it."""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from db.commands import parcels
from db.pool import Connection
from domain import shipment
from domain.calendar import WorkCalendar
from domain.precedence import Precedence
from domain.reasons import IncidentReason
from domain.shipment import ShipmentState, TrackingEvent
from domain.status import ShipmentStatus
from resolvers.commands import estimates
from resolvers.commands.reached import State, stamp

BEFORE = "as it was"


def ref_of(carrier: str, number: str) -> str:
    return f"{carrier}/{number}"


async def keep_what_it_was(connection: Connection, shipment_id: uuid.UUID) -> None:
    """Before its first scan: a stage that came from elsewhere (an import) becomes a scan, else it is lost."""
    row = await parcels.stored(connection, shipment_id)
    if row["status"] == ShipmentStatus.UNKNOWN or await parcels.scans(connection, shipment_id):
        return
    if await parcels.said(connection, await parcels.order_of(connection, shipment_id), _ref(row)):
        return
    at = row["last_event_at"] or row["delivered_at"] or row["shipped_at"] or row["created_at"]
    nothing = [None] * 6
    await parcels.scan(
        connection, shipment_id, row["source"], BEFORE, row["status"], *nothing, at, row["estimated_delivery_at"]
    )


def _ref(row: Mapping[str, Any]) -> str:
    return ref_of(row["carrier"] or "", row["tracking_number"] or "")


async def project(
    connection: Connection, order_id: uuid.UUID, shipment_id: uuid.UUID, before: State, precedence: Precedence
) -> bool:
    """Write what follows from all scans and facts of a parcel; whether anything is different.

    `before` is the order as it was, with the claims of its parcels.
    """
    row = await parcels.stored(connection, shipment_id)
    scans = await parcels.scans(connection, shipment_id)
    said = await parcels.said(connection, order_id, _ref(row))
    claims = estimates.claims_of(scans, said)
    await estimates.keep(connection, order_id, _ref(row), claims, before["claims"], precedence)
    estimate = estimates.best(claims, precedence)
    values = await _values(connection, order_id, row, resolve(scans), said, estimate)
    names = (
        "fulfillment_id",
        "service",
        "tracking_url",
        "source",
        "status",
        "flags",
        "shipped_at",
        "first_scan_at",
        "last_event_at",
        "delivered_at",
        "estimated_delivery_at",
        "stale_at",
    )
    if values == [row[name] for name in names]:
        return False
    await parcels.write_shipment(connection, shipment_id, values)
    return True


def resolve(scans: Sequence[Any]) -> ShipmentState:
    return shipment.resolve(
        TrackingEvent(
            scan["occurred_at"],
            ShipmentStatus(scan["status"]),
            IncidentReason(scan["reason"]) if scan["reason"] in IncidentReason.__members__ else None,
            scan["estimated_delivery_at"],
        )
        for scan in scans
    )


async def _values(
    connection: Connection,
    order_id: uuid.UUID,
    row: Mapping[str, Any],
    state: ShipmentState,
    said: Sequence[Any],
    estimate: datetime.datetime | None,
) -> list[Any]:
    told = dict(row) if not said else await _told(connection, order_id, said, state)
    status = state.status
    if status is ShipmentStatus.UNKNOWN and said:
        # Somebody has made a label; the carrier has said nothing.
        status = ShipmentStatus.LABEL_CREATED
    shipped_at = told["shipped_at"]
    if not said and state.first_scan_at is not None:
        shipped_at = min(shipped_at or state.first_scan_at, state.first_scan_at)
    return [
        told["fulfillment_id"],
        told["service"],
        told["tracking_url"],
        told["source"],
        status.value,
        ["DELAYED"] if state.delayed and status is not ShipmentStatus.DELAYED else [],
        shipped_at,
        state.first_scan_at,
        state.last_event_at,
        state.delivered_at,
        estimate,
        _stale_at(row, state),
    ]


async def _told(
    connection: Connection, order_id: uuid.UUID, said: Sequence[Any], state: ShipmentState
) -> dict[str, Any]:
    newest = max(said, key=lambda fact: (stamp(fact), fact["source"]))
    body = orjson.loads(newest["body"])
    return {
        "fulfillment_id": await parcels.fulfillment(connection, order_id, newest["source"], body["fulfillment"]),
        "service": body["service"],
        "tracking_url": body["trackingUrl"],
        "source": newest["source"],
        "shipped_at": _instant(body["shippedAt"]) or state.first_scan_at,
    }


def _instant(value: str | None) -> datetime.datetime | None:
    return None if value is None else datetime.datetime.fromisoformat(value)


def _stale_at(row: Mapping[str, Any], state: ShipmentState) -> datetime.datetime | None:
    if row["open_weekdays"] is None:
        return None
    zone = row["time_zone"]
    calendar = WorkCalendar.of_weekdays(zone, row["open_weekdays"])
    return shipment.stale_at(state, calendar, zone, stale_after_days=row["stale_after_days"])
