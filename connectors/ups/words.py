"""UPS's words in ours: what a parcel's status code says, and its type where the code is not known."""

from collections.abc import Mapping
from typing import Final

from domain.reasons import IncidentReason as Why
from domain.status import ShipmentStatus as Status

# Type of an activity; U, an update, changes no stage but may bring another estimate.
TYPE: Final[Mapping[str, Status]] = {
    "M": Status.LABEL_CREATED,
    "MV": Status.CANCELLED,
    "I": Status.IN_TRANSIT,
    "X": Status.EXCEPTION,
    "D": Status.DELIVERED,
}


def _codes(status: Status, *codes: int) -> Mapping[int, Status]:
    return dict.fromkeys(codes, status)


# Status codes ("descriptionCode" in alerts) of UPS's list of customer facing descriptions.
CODE: Final[Mapping[int, Status]] = {
    **_codes(Status.LABEL_CREATED, 3, 44, 45, 79, 80, 157, 166),
    **_codes(Status.CANCELLED, 7),
    **_codes(Status.PICKED_UP, 38, 160, 167, 168, 169),
    **_codes(Status.IN_TRANSIT, 5, 10, 12, 14, 16, 25, 39, 47, 57, 71, 73, 74, 84, 87, 92, 134, 137, 138, 158, 159),
    **_codes(Status.IN_TRANSIT, 164, 165),
    **_codes(Status.OUT_FOR_DELIVERY, 6, 21, 37, 72, 78, 89, 91, 146, 162),
    **_codes(Status.READY_FOR_PICKUP, 17, 40, 100, 106, 108, 144, 161),
    **_codes(Status.DELIVERY_ATTEMPTED, 22, 23, 24, 60, 61, 62, 66, 145),
    **_codes(Status.DELAYED, 32, 46, 48, 49, 51, 52, 53, 86, 90, 132),
    **_codes(Status.EXCEPTION, 13, 29, 30, 50, 58, 59, 64, 68, 69, 76, 83, 85, 123, 124, 125, 126, 139, 141),
    **_codes(Status.DELIVERED, 11, 26, 143),
    **_codes(Status.RETURNING, 35, 36),
    **_codes(Status.RETURNED, 34, 67, 81),
    **_codes(Status.LOST, 147, 149),
}
REASON: Final[Mapping[int, Why]] = {
    **dict.fromkeys((32, 51, 52, 53), Why.WEATHER_OTHER),
    **dict.fromkeys((46, 48, 86, 90, 132), Why.CARRIER_DELAY),
    **dict.fromkeys((58, 124, 125, 141), Why.CUSTOMS_PAPERS_MISSING),
    **dict.fromkeys((123, 126), Why.CUSTOMS_CLEARANCE),
    **dict.fromkeys((147, 149), Why.CUSTOMS_PROHIBITED),
    50: Why.RETAILER_WRONG_ADDRESS,
    59: Why.CARRIER_DAMAGED,
    64: Why.CONSIGNEE_REFUSED,
    68: Why.CARRIER_LOST,
    81: Why.CARRIER_DAMAGED,
    139: Why.CONSIGNEE_NO_ACCESS,
}


def status(kind: str, code: str | None) -> Status:
    """The code says more than the type; what neither says is UNKNOWN."""
    return _known(code) or TYPE.get(kind, Status.UNKNOWN)


def alerted(kind: str, code: str | None, *, arrived: bool) -> Status:
    """In an alert D is also a parcel that was loaded on the van; only one with a day of arrival has arrived."""
    if kind == "D" and not arrived:
        return _known(code) or Status.OUT_FOR_DELIVERY
    return status(kind, code)


def _known(code: str | None) -> Status | None:
    return CODE.get(int(code)) if code is not None and code.isdecimal() else None


def raw(kind: str, *codes: str | None) -> str | None:
    """UPS's most exact code; where it means nothing to us with the type before it."""
    code = next((one for one in codes if one), None)
    return code if kind in TYPE or not kind else f"{kind}/{code}" if code else kind


def reason(code: str | None) -> str | None:
    known = REASON.get(int(code)) if code is not None and code.isdecimal() else None
    return None if known is None else known.value
