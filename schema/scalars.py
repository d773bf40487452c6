"""Values that GraphQL itself has no word for."""

from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

MinorUnits = NewType("MinorUnits", int)
Json = NewType("Json", object)


def whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("MinorUnits is a whole number of minor units, such as 1999 for 19.99 EUR.")
    return value


MINOR_UNITS: ScalarDefinition = strawberry.scalar(
    name="MinorUnits",
    description="Money as a whole number of the currency's minor units (1999 is 19.99 EUR); exact up to 2^53 − 1.",
    serialize=whole,
    parse_value=whole,
)
JSON: ScalarDefinition = strawberry.scalar(
    name="JSON", description="Any JSON value.", serialize=lambda value: value, parse_value=lambda value: value
)
STANDARD = {
    "Date": "A day, such as 2026-11-23, in the zone its field names.",
    "DateTime": "An instant as RFC 3339: answers are in UTC with milliseconds, such as 2026-11-23T12:00:00.000Z.",
    "Time": "A local time of day, such as 14:30:00.",
}
"""What Strawberry's own scalars mean here."""
