"""The way goods take: the node they leave, the carrier that moves them, the place they arrive."""

import dataclasses
import uuid

from domain.calendar import JointCalendar, WorkCalendar
from domain.errors import BadInput
from domain.reasons import LocationKind


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """Where goods leave from. Days are open days of its calendar; `fulfillment_delay` is in seconds."""

    id: uuid.UUID
    code: str
    kind: LocationKind
    calendar: WorkCalendar
    handling_days: int = 0
    fulfillment_delay: int = 0
    lead_days: int = 0

    def __post_init__(self) -> None:
        _check_days(f"node {self.code}", self.handling_days, self.lead_days, self.fulfillment_delay)


@dataclasses.dataclass(frozen=True, slots=True)
class Transit:
    """A carrier's way to one destination, in the carrier's open days; `buffer_days` widen the later end."""

    min_days: int
    max_days: int
    carrier: str
    service: str
    calendar: WorkCalendar
    buffer_days: int = 0

    def __post_init__(self) -> None:
        _check_days(f"transit {self.carrier} {self.service}", self.min_days, self.max_days, self.buffer_days)
        if self.min_days > self.max_days:
            raise BadInput(
                f"Transit {self.carrier} {self.service} takes {self.min_days} to {self.max_days} days. "
                "Give the smaller number first."
            )


@dataclasses.dataclass(frozen=True, slots=True)
class Destination:
    """Where goods arrive; the days of the promise are days of `time_zone`."""

    time_zone: str
    holiday_country: str | None = None
    holiday_subdivision: str | None = None


def delivery_calendar(node: Node, transit: Transit | None, destination: Destination | None) -> JointCalendar:
    """The days on which goods can change hands at the far end: the carrier drives and it is no holiday there."""
    if transit is None:
        return JointCalendar((node.calendar,))
    if destination is None:
        return JointCalendar((transit.calendar,))
    there = WorkCalendar.of_weekdays(
        destination.time_zone,
        range(1, 8),
        holiday_country=destination.holiday_country,
        holiday_subdivision=destination.holiday_subdivision,
    )
    return JointCalendar((transit.calendar, there))


def _check_days(where: str, *numbers: int) -> None:
    if min(numbers) < 0:
        raise BadInput(f"A duration of {where} is {min(numbers)}. Give zero or more.")
