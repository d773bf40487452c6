"""A tracker as scans. Its status is one of ten words, its detail says more; what neither says stays raw."""

from collections.abc import Mapping, Sequence
from typing import Final

from connectors.base import Instance
from connectors.payload import Node
from domain.reasons import IncidentReason
from domain.records import TrackingRecord
from domain.status import ShipmentStatus

STATUS: Final[Mapping[str, ShipmentStatus]] = {
    "pre_transit": ShipmentStatus.LABEL_CREATED,
    "in_transit": ShipmentStatus.IN_TRANSIT,
    "out_for_delivery": ShipmentStatus.OUT_FOR_DELIVERY,
    "available_for_pickup": ShipmentStatus.READY_FOR_PICKUP,
    "delivered": ShipmentStatus.DELIVERED,
    "return_to_sender": ShipmentStatus.RETURNING,
    "failure": ShipmentStatus.EXCEPTION,
    "cancelled": ShipmentStatus.CANCELLED,
    "error": ShipmentStatus.UNKNOWN,
    "unknown": ShipmentStatus.UNKNOWN,
}
# Details that say more than the status they come with, for the statuses a parcel on its way may have.
DETAIL: Final[Mapping[str, ShipmentStatus]] = {
    "received_at_origin_facility": ShipmentStatus.PICKED_UP,
    "delayed": ShipmentStatus.DELAYED,
    "weather_delay": ShipmentStatus.DELAYED,
    "delivery_exception": ShipmentStatus.EXCEPTION,
    "transit_exception": ShipmentStatus.EXCEPTION,
    "damaged": ShipmentStatus.EXCEPTION,
    "refused": ShipmentStatus.EXCEPTION,
    "lost": ShipmentStatus.LOST,
}
ON_ITS_WAY: Final = frozenset({"in_transit", "out_for_delivery", "failure", "unknown"})
REASON: Final[Mapping[str, IncidentReason]] = {
    "address_correction": IncidentReason.RETAILER_WRONG_ADDRESS,
    "damaged": IncidentReason.CARRIER_DAMAGED,
    "delayed": IncidentReason.CARRIER_DELAY,
    "lost": IncidentReason.CARRIER_LOST,
    "missorted": IncidentReason.CARRIER_MISROUTED,
    "refused": IncidentReason.CONSIGNEE_REFUSED,
    "weather_delay": IncidentReason.WEATHER_OTHER,
}


def trackers(event: Node, instance: Instance) -> Sequence[TrackingRecord]:
    """The scans that an event of EasyPost tells, by its `result`."""
    return scans(event["result"], instance)


def scans(tracker: Node, instance: Instance, carrier: str | None = None) -> Sequence[TrackingRecord]:
    """All scans of a tracker, in their order; the estimate goes with the last. Without scans its own status is one."""
    code = carrier or instance.carrier(tracker["carrier"].text())
    number = tracker["tracking_code"].text()
    details = list(tracker["tracking_details"])
    if not details:
        return (_scan(code, number, tracker, tracker["updated_at"], tracker),)
    last = len(details) - 1
    return tuple(
        _scan(code, number, detail, detail["datetime"], tracker if place == last else None)
        for place, detail in enumerate(details)
    )


def _scan(carrier: str, number: str, told: Node, at: Node, tracker: Node | None) -> TrackingRecord:
    """`told` is a scan or the tracker itself; `tracker` is given where its estimate belongs to this scan."""
    word, detail = told["status"].text(), told["status_detail"].maybe_text() or ""
    status = told["status"].word(dict(STATUS), ShipmentStatus.UNKNOWN)
    if word in ON_ITS_WAY:
        status = DETAIL.get(detail, status)
    reason = REASON.get(detail)
    place = told["tracking_location"]
    theirs = told["carrier_code"].maybe_text() if word in STATUS else None
    return TrackingRecord(
        carrier=carrier,
        tracking_number=number,
        occurred_at=at.instant(),
        status=status,
        raw_code=theirs or (f"{word}/{detail}" if detail else word),
        raw_text=told["message"].maybe_text(),
        reason=reason.value if reason and status not in (ShipmentStatus.DELIVERED, ShipmentStatus.CANCELLED) else None,
        city=place["city"].maybe_text(),
        region=place["state"].maybe_text(),
        country=place["country"].maybe_text(),
        estimated_delivery_at=None if tracker is None else tracker["est_delivery_date"].maybe_instant(),
    )
