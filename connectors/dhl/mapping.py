"""A shipment of DHL as scans. Its five status codes are the only words that all its divisions share."""

import dataclasses
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Final

from connectors.base import Instance, Parcel
from connectors.payload import Node
from domain.records import TrackingRecord
from domain.status import ShipmentStatus

STATUS: Final[Mapping[str, ShipmentStatus]] = {
    "pre-transit": ShipmentStatus.LABEL_CREATED,
    "transit": ShipmentStatus.IN_TRANSIT,
    "delivered": ShipmentStatus.DELIVERED,
    "failure": ShipmentStatus.EXCEPTION,
    "unknown": ShipmentStatus.UNKNOWN,
}


def scans(answer: Node, instance: Instance, parcel: Parcel | None = None) -> Sequence[TrackingRecord]:
    """The scans of the first shipment, oldest first, the estimate with the last; its status, where it has no scans.

    DHL sends the newest first, and puts the division that knows a number best before the others.
    """
    for shipment in answer["shipments"].items()[:1]:
        number = parcel.tracking_number if parcel else shipment["id"].id()
        carrier = parcel.carrier if parcel else instance.carrier("dhl")
        zone = zoneinfo.ZoneInfo(instance.option("time_zone", "Europe/Berlin"))
        told = [_scan(event, carrier, number, zone) for event in reversed(list(shipment["events"]))]
        told = told or [_scan(shipment["status"], carrier, number, zone)]
        told.sort(key=lambda record: record.occurred_at)
        return (*told[:-1], _estimated(told[-1], shipment, zone))
    return ()


def _scan(event: Node, carrier: str, number: str, zone: zoneinfo.ZoneInfo) -> TrackingRecord:
    address = event["location"]["address"]
    return TrackingRecord(
        carrier=carrier,
        tracking_number=number,
        occurred_at=event["timestamp"].instant(zone),
        status=event["statusCode"].word(dict(STATUS), ShipmentStatus.UNKNOWN),
        raw_code=event["statusCode"].text(),
        raw_text=event["description"].maybe_text() or event["status"].maybe_text(),
        city=address["addressLocality"].maybe_text(),
        country=address["countryCode"].maybe_text(),
    )


def _estimated(record: TrackingRecord, shipment: Node, zone: zoneinfo.ZoneInfo) -> TrackingRecord:
    """With the end of the time frame of delivery, else the time DHL names."""
    through = shipment["estimatedDeliveryTimeFrame"]["estimatedThrough"].maybe_instant(zone)
    latest = through or shipment["estimatedTimeOfDelivery"].maybe_instant(zone)
    return dataclasses.replace(record, estimated_delivery_at=latest)
