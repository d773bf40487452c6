"""Reads a vendor's JSON field by field: what is missing or of another kind is a BadPayload that names its path.

Fields that nobody asks for are never looked at, so a vendor may add any.
"""

import datetime as dt
import decimal
import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

import orjson

from connectors.base import Read, Unread
from connectors.errors import BadPayload
from domain.records import Record

E = TypeVar("E", bound=enum.StrEnum)
T = TypeVar("T")
R = TypeVar("R", bound=Record)
# ISO 4217 currencies whose minor unit is not a hundredth.
EXPONENTS: Final = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def parsed(body: bytes, what: str) -> "Node":
    """A body of ours to read, `what` it is said to be. Raises BadPayload for what is no JSON."""
    try:
        return Node(orjson.loads(body))
    except orjson.JSONDecodeError:
        raise BadPayload(f"The {what} is no JSON ({len(body)} bytes).") from None


def each_read(entries: Iterable[T], name: Callable[[T], str], read: Callable[[T], Iterable[R]]) -> Read[R]:
    """The records of all entries; of one that cannot be read none is taken, and it is kept with its `name`."""
    records: list[R] = []
    unread: list[Unread] = []
    for entry in entries:
        try:
            records.extend(list(read(entry)))
        except BadPayload as error:
            unread.append(Unread(_named(entry, name) or error.path, error))
    return Read(records, unread)


def _named(entry: T, name: Callable[[T], str]) -> str | None:
    try:
        return name(entry)
    except BadPayload:
        return None


class Node:
    """A value of a payload and the path that leads to it. `value` is the parsed JSON."""

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str = "") -> None:
        self.value = value
        self.path = path

    def __repr__(self) -> str:
        return f"Node({self.path or 'payload'})"

    def __bool__(self) -> bool:
        """Whether there is anything but null."""
        return self.value is not None

    def __getitem__(self, name: str) -> "Node":
        """A field of an object; one that is absent is null."""
        if self.value is None:
            return Node(None, self._at(name))
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return Node(self.value.get(name), self._at(name))

    def __iter__(self) -> Iterator["Node"]:
        """The entries of a list; null is an empty one."""
        if self.value is None:
            return iter(())
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return iter([Node(value, self._at(str(place))) for place, value in enumerate(self.value)])

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def wrong(self, expected: str) -> BadPayload:
        """The error for a value that is not `expected`; it never quotes the value."""
        found = "nothing" if self.value is None else f"a {type(self.value).__name__}"
        place = self.path or "the payload"
        return BadPayload(f"{place} should be {expected} and is {found}. Has the vendor changed its API?", self.path)

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("a text")
        return self.value

    def maybe_text(self) -> str | None:
        """None for null and for an empty text."""
        return (self.text() or None) if self else None

    def id(self) -> str:
        """An id, which vendors give as text or as a number."""
        if isinstance(self.value, bool) or not isinstance(self.value, str | int) or self.value == "":
            raise self.wrong("an id")
        return str(self.value)

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def integer(self) -> int:
        """A whole number, also as text or as 3.0."""
        number = self.number()
        if number != number.to_integral_value():
            raise self.wrong("a whole number")
        return int(number)

    def maybe_integer(self) -> int | None:
        return self.integer() if self else None

    def number(self) -> decimal.Decimal:
        if isinstance(self.value, bool) or not isinstance(self.value, int | float | str):
            raise self.wrong("a number")
        try:
            number = decimal.Decimal(str(self.value))
        except decimal.InvalidOperation:
            raise self.wrong("a number") from None
        if not number.is_finite():
            raise self.wrong("a number")
        return number

    def money(self, currency: str) -> int:
        """An amount in major units, as minor units of `currency`, rounded half up."""
        exponent = EXPONENTS.get(currency, 2)
        return int((self.number() * 10**exponent).quantize(decimal.Decimal(1), rounding=decimal.ROUND_HALF_UP))

    def maybe_money(self, currency: str) -> int | None:
        return self.money(currency) if self else None

    def instant(self, zone: dt.tzinfo | None = None) -> dt.datetime:
        """An RFC 3339 instant; `zone` is for vendors that leave theirs out."""
        try:
            found = dt.datetime.fromisoformat(self.text())
        except ValueError:
            raise self.wrong("an instant such as 2026-11-23T09:00:00Z") from None
        if found.tzinfo is None:
            if zone is None:
                raise self.wrong("an instant with its time zone")
            found = found.replace(tzinfo=zone)
        return found.astimezone(dt.UTC)

    def maybe_instant(self, zone: dt.tzinfo | None = None) -> dt.datetime | None:
        return self.instant(zone) if self.value else None

    def day(self) -> dt.date:
        try:
            return dt.date.fromisoformat(self.text()[:10])
        except ValueError:
            raise self.wrong("a day such as 2026-11-23") from None

    def word(self, words: "dict[str, E]", unknown: E) -> E:
        """The vendor's word in ours; one that it has added since is `unknown`, and the caller keeps the raw one."""
        return words.get(self.text(), unknown)

    def items(self) -> Sequence["Node"]:
        """The entries of a list that must be there."""
        if self.value is None:
            raise self.wrong("a list")
        return list(self)
