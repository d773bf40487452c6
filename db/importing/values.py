"""The text of one cell as a value: exact, or refused with a reason. Nothing is guessed and nothing rounded."""

import datetime
import re
import zoneinfo
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from db.importing.checks import ISO, known_zone
from db.importing.mapping import Field, ImportMapping
from db.importing.targets import Kind, Target

Convert = Callable[[str], object]

NAME_LENGTH = 255
TEXT_LENGTH = 10_000
# Fits the store's integer, and a sum of thousands of lines still does.
MOST_UNITS = 1_000_000
# A thousand million million minor units: nothing sold costs as much, and sums stay far below the store's bigint.
MOST_DIGITS = 15
DAYS_KNOWN = (datetime.date(1900, 1, 1), datetime.date(2200, 1, 1))

_FLAGS: Final = {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}
# ISO 4217: digits after the point, where they are not two.
_DIGITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND"), 0),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


class Refused(ValueError):  # noqa: N818 (it says what happened to the text, as in domain.errors)
    """The text cannot be this kind of value; the message completes "the value ..."."""


class UnknownWord(Refused):
    """The text is no word of the list."""


def converter(target: Target, field: Field, mapping: ImportMapping) -> Convert:
    """How the cells of `field` are read; the result raises Refused."""
    match target.kind:
        case Kind.TEXT | Kind.NAME:
            return _text(field, NAME_LENGTH if target.kind is Kind.NAME else TEXT_LENGTH)
        case Kind.INSTANT | Kind.DAY:
            return _date(target.kind, field, mapping)
        case Kind.COUNT | Kind.AMOUNT:
            return _number(target.kind, field, mapping)
        case Kind.FLAG:
            return _worded(field, flag)
        case Kind.WORD:
            assert target.words is not None
            words = {member.value.casefold(): member for member in target.words}
            return _worded(field, lambda text: _word(text, words))
        case Kind.COUNTRY:
            return _worded(field, lambda text: _code(text, 2, "a country of two letters (ISO 3166)"))
        case Kind.CURRENCY:
            return _worded(field, lambda text: _code(text, 3, "a currency of three letters (ISO 4217)"))
        case Kind.ZONE:
            return _worded(field, _zone)


def minor_units(amount: Decimal, currency: str) -> int:
    digits = _DIGITS.get(currency, 2)
    scaled = amount.scaleb(digits)
    if scaled != scaled.to_integral_value():
        raise Refused(f"is not exact in {currency}, which has {digits} digits after the point")
    return int(scaled)


def flag(text: str) -> bool:
    found = _FLAGS.get(text.casefold())
    if found is None:
        raise UnknownWord("is neither true nor false")
    return found


def _text(field: Field, longest: int) -> Convert:
    def convert(text: str) -> str:
        found = _translated(text.strip(field.strip) if field.strip else text, field).zfill(field.pad)
        if len(found) > longest:
            raise Refused(f"is longer than {longest} characters")
        return found

    return convert


def _worded(field: Field, read: Convert) -> Convert:
    """A reader of the text after `strip` and `words`."""
    return lambda text: read(_translated(text.strip(field.strip) if field.strip else text, field))


def _translated(text: str, field: Field) -> str:
    if field.words is None:
        return text
    found = field.words.get(text.casefold())
    if found is None:
        raise UnknownWord("is a word the mapping does not know")
    return found


def _word(text: str, words: Mapping[str, object]) -> object:
    found = words.get(text.casefold())
    if found is None:
        raise UnknownWord(f"is none of {', '.join(map(str, words.values()))}")
    return found


def _code(text: str, length: int, meant: str) -> str:
    if len(text) != length or not text.isascii() or not text.isalpha():
        raise Refused(f"is not {meant}")
    return text.upper()


def _zone(text: str) -> str:
    if not known_zone(text):
        raise Refused("is no time zone such as Europe/Berlin")
    return text


def _date(kind: Kind, field: Field, mapping: ImportMapping) -> Convert:
    zone = zoneinfo.ZoneInfo(mapping.time_zone)
    forms = field.formats or (mapping.instants if kind is Kind.INSTANT else mapping.days or mapping.instants)

    def convert(text: str) -> object:
        moment = _moment(text, forms)
        if not DAYS_KNOWN[0] <= moment.date() <= DAYS_KNOWN[1]:
            raise Refused("is no day between 1900 and 2200")
        if kind is Kind.INSTANT:
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(datetime.UTC)
        return (moment.astimezone(zone) if moment.tzinfo else moment).date()

    return convert


def _moment(text: str, forms: tuple[str, ...]) -> datetime.datetime:
    for form in forms:
        try:
            return datetime.datetime.fromisoformat(text) if form == ISO else datetime.datetime.strptime(text, form)  # noqa: DTZ007 (the mapping's zone follows)
        except ValueError:
            continue
    raise Refused(f"is no date of the form {' or '.join(forms)}")


def _number(kind: Kind, field: Field, mapping: ImportMapping) -> Convert:
    form = re.compile(rf"([+-]?[0-9]{{1,{MOST_DIGITS}}})(?:\.([0-9]{{1,10}}))?")

    def convert(text: str) -> object:
        plain = text.replace(mapping.thousands_mark, "") if mapping.thousands_mark else text
        if mapping.decimal_mark != ".":
            plain = plain.replace(".", "x").replace(mapping.decimal_mark, ".")
        if not form.fullmatch(plain):
            raise Refused("is no number")
        number = Decimal(plain) * field.scale
        if number < 0:
            raise Refused("is below zero")
        return number if kind is Kind.AMOUNT else _count(number)

    return convert


def _count(number: Decimal) -> int:
    if number != number.to_integral_value():
        raise Refused("is no whole number")
    if number > MOST_UNITS:
        raise Refused(f"is more than {MOST_UNITS}")
    return int(number)
