"""UPS's activities, alerts and services as records. UPS writes days as 20261125 and times as 74700, often local."""

import dataclasses
import datetime as dt
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.base import Estimate, Instance, Lane, Parcel
from connectors.errors import BadPayload
from connectors.payload import Node
from connectors.ups import words
from domain.records import TrackingRecord

NUMBER: Final = re.compile(r"[0-9A-Za-z]{7,34}")
# What UPS answers for a number that is none of its own.
NO_NUMBER: Final = frozenset({"TV1002", "TV1003", "TW0001"})
END_OF_DAY: Final = "235959"
OFFSET: Final = re.compile(r"([+-])(\d\d)[.:](\d\d)")


def number(text: str) -> str:
    """A tracking number that may stand in a path; raises BadPayload for any other text."""
    if not NUMBER.fullmatch(text):
        raise BadPayload("A tracking number of UPS has 7 to 34 letters and digits.", "trackingNumber")
    return text


def is_no_number(answer: Node) -> bool:
    return any(error["code"].id() in NO_NUMBER for error in answer["response"]["errors"])


def scans(answer: Node, instance: Instance, parcel: Parcel | None = None) -> Sequence[TrackingRecord]:
    """The activities of the parcel, oldest first, its estimate with the last. UPS sends the newest first."""
    for package in (package for shipment in answer["trackResponse"]["shipment"] for package in shipment["package"]):
        found = package["trackingNumber"].text()
        if parcel is not None and found != parcel.tracking_number:
            continue
        carrier = parcel.carrier if parcel else instance.carrier("ups")
        told = [_activity(activity, carrier, found, instance) for activity in reversed(list(package["activity"]))]
        told.sort(key=lambda record: record.occurred_at)
        if told:
            offset = _offset(next(iter(package["activity"]))["gmtOffset"], instance)
            told[-1] = dataclasses.replace(told[-1], estimated_delivery_at=_estimate(package, offset))
        return told
    return ()


def _activity(activity: Node, carrier: str, found: str, instance: Instance) -> TrackingRecord:
    status = activity["status"]
    kind, code = (status["type"].maybe_text() or "").strip(), status["statusCode"].maybe_text()
    address = activity["location"]["address"]
    return TrackingRecord(
        carrier=carrier,
        tracking_number=found,
        occurred_at=_instant(activity, instance),
        status=words.status(kind, code),
        raw_code=words.raw(kind, status["code"].maybe_text(), code),
        raw_text=status["description"].maybe_text(),
        reason=words.reason(code),
        city=address["city"].maybe_text(),
        region=address["stateProvince"].maybe_text(),
        country=address["countryCode"].maybe_text() or address["country"].maybe_text(),
    )


def alert(event: Node, instance: Instance) -> Sequence[TrackingRecord]:
    """What a Track Alert says of its parcel."""
    status, place = event["activityStatus"], event["activityLocation"]
    kind = status["type"].text().strip()
    code = status["descriptionCode"].id() if status["descriptionCode"] else None
    return (
        TrackingRecord(
            carrier=instance.carrier("ups"),
            tracking_number=event["trackingNumber"].text(),
            occurred_at=_alerted_at(event, instance),
            status=words.alerted(kind, code, arrived=bool(event["actualDeliveryDate"].value)),
            raw_code=words.raw(kind, status["code"].maybe_text(), code),
            raw_text=status["description"].maybe_text(),
            reason=words.reason(code),
            city=place["city"].maybe_text(),
            region=place["stateProvince"].maybe_text(),
            country=place["country"].maybe_text(),
            estimated_delivery_at=_scheduled(event, instance),
        ),
    )


def _alerted_at(event: Node, instance: Instance) -> dt.datetime:
    if event["gmtActivityDate"].value:
        return _moment(event["gmtActivityDate"], event["gmtActivityTime"], dt.UTC)
    return _moment(event["localActivityDate"], event["localActivityTime"], _offset(event["gmtOffset"], instance))


def _scheduled(event: Node, instance: Instance) -> dt.datetime | None:
    """To the end of its window; None for a parcel that has arrived."""
    day, end = event["scheduledDeliveryDate"], event["deliveryEndTime"]
    if not day.value or event["actualDeliveryDate"].value:
        return None
    return _moment(day, end if end.value else Node(END_OF_DAY), _offset(event["gmtOffset"], instance))


def _instant(activity: Node, instance: Instance) -> dt.datetime:
    if activity["gmtDate"].value:
        return _moment(activity["gmtDate"], activity["gmtTime"], dt.UTC)
    return _moment(activity["date"], activity["time"], _offset(activity["gmtOffset"], instance))


def _moment(day: Node, time: Node, zone: dt.tzinfo) -> dt.datetime:
    """A day as 20261125 and a time as 74700, 07:47:00 or 074700, in `zone`."""
    digits = time.text().replace(":", "").zfill(6)
    try:
        found = dt.datetime.strptime(f"{day.text()}{digits}", "%Y%m%d%H%M%S")  # noqa: DTZ007  # its zone comes next
    except ValueError:
        raise day.wrong("a day such as 20261125 with a time such as 074700") from None
    return found.replace(tzinfo=zone).astimezone(dt.UTC)


def _offset(told: Node, instance: Instance) -> dt.tzinfo:
    """A difference to GMT such as -05:00 or -04.00; without one the zone that the instance sets."""
    if not told.value:
        return zoneinfo.ZoneInfo(instance.option("time_zone", "America/New_York"))
    match = OFFSET.fullmatch(told.text())
    if match is None:
        raise told.wrong("a difference to GMT such as -05:00")
    sign = -1 if match[1] == "-" else 1
    return dt.timezone(sign * dt.timedelta(hours=int(match[2]), minutes=int(match[3])))


def _estimate(package: Node, zone: dt.tzinfo) -> dt.datetime | None:
    """The rescheduled day before the scheduled one, to the end of its window; None for a parcel that has arrived."""
    days = {entry["type"].text(): entry["date"] for entry in package["deliveryDate"]}
    day = days.get("RDD") or days.get("SDD")
    if day is None or "DEL" in days:
        return None
    window = package["deliveryTime"]["endTime"]
    return _moment(day, window if window.value else Node(END_OF_DAY), zone)


def transit_request(lane: Lane) -> Mapping[str, Any]:
    """UPS wants weights in kilograms with one digit; without one it assumes a document."""
    weight = {} if lane.weight_grams is None else {"weight": f"{max(lane.weight_grams, 100) / 1000:.1f}"}
    return {
        "originCountryCode": lane.from_country,
        "originPostalCode": lane.from_postal_code,
        "destinationCountryCode": lane.to_country,
        "destinationPostalCode": lane.to_postal_code,
        "shipDate": lane.ready_on.isoformat(),
        "numberOfPackages": "1",
        "billType": "03",
        "weightUnitOfMeasure": "KGS",
        **weight,
    }


def estimates(answer: Node, instance: Instance) -> Sequence[Estimate]:
    """One per service, in UPS's order, to the time it commits to; UPS says so in the local time of the destination."""
    zone = zoneinfo.ZoneInfo(instance.option("time_zone", "America/New_York"))
    return [
        Estimate(
            service=service["serviceLevel"].text(),
            latest=_moment(Node(service["deliveryDate"].text().replace("-", "")), service["deliveryTime"], zone),
        )
        for service in answer["emsResponse"]["services"].items()
    ]
