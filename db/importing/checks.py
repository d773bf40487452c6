"""The parts of a mapping's TOML, each read with its place, so that a mistake is named where it stands."""

import codecs
import datetime
import difflib
import re
import warnings
import zoneinfo
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from db.importing.errors import BadMapping
from db.importing.mapping import Field
from db.importing.targets import Kind, Target

ISO = "iso"
_PROBE = datetime.datetime(2001, 2, 3, tzinfo=datetime.UTC)
_MISSING = object()
_NUMBERS = frozenset({Kind.COUNT, Kind.AMOUNT})
_DATES = frozenset({Kind.INSTANT, Kind.DAY})
_FLAGS = frozenset({"true", "false"})


class Place:
    """A table of the TOML and the way to it."""

    def __init__(self, name: str, value: Mapping[str, Any], where: str = "") -> None:
        self.name = name
        self.value = value
        self.where = where

    def __contains__(self, key: str) -> bool:
        return key in self.value

    def fail(self, why: str, key: str = "", *, choices: Iterable[str] = ()) -> NoReturn:
        where = ".".join(part for part in (self.where, key) if part)
        listed = ", ".join(choices)
        hint = f"; use one of {listed}" if listed else ""
        raise BadMapping(f"{self.name}{f', {where}' if where else ''}: {why}{hint}.")

    def only(self, known: Iterable[str]) -> None:
        """Refuse a key that means nothing: most likely a slip, and what it was to do would silently not be done."""
        names = tuple(known)
        for key in self.value:
            if key not in names:
                near = difflib.get_close_matches(key, names, n=1)
                self.fail(f"{key} means nothing here", choices=near or names)

    def inside(self, key: str) -> "Place":
        value = self.value.get(key, _MISSING)
        if not isinstance(value, dict):
            self.fail(f"[{key}] is missing" if value is _MISSING else "should be a table", key)
        return Place(self.name, value, f"{self.where}.{key}".strip("."))

    def field(self, key: str) -> "Place":
        """A field of a section: a column, several to try in turn, or a table."""
        value = self.value[key]
        spelled = value if isinstance(value, dict) else {"column": value}
        return Place(self.name, spelled, f"{self.where}.{key}")

    def text(self, key: str, default: str | None = None, *, form: re.Pattern[str] | None = None) -> str:
        value = self.value.get(key, default)
        if value is None:
            self.fail("is missing", key)
        if not isinstance(value, str):
            self.fail("should be a text in quotes", key)
        if form is not None and not form.fullmatch(value):
            self.fail(f"{value!r} does not have the form {form.pattern}", key)
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """One text or a list of them."""
        value = self.value.get(key, default)
        if value is None:
            self.fail("is missing", key)
        several = (value,) if isinstance(value, str) else value
        if not isinstance(several, list | tuple) or not all(isinstance(one, str) for one in several):
            self.fail("should be a text or a list of texts", key)
        return tuple(several)

    def flag(self, key: str) -> bool:
        value = self.value.get(key, False)
        if not isinstance(value, bool):
            self.fail("should be true or false", key)
        return value

    def number(self, key: str, default: int) -> int:
        value = self.value.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100:
            self.fail("should be a number from 0 to 100", key)
        return value

    def constant(self, key: str) -> str | None:
        """A value as the text a cell would hold."""
        value = self.value.get(key)
        if isinstance(value, bool):
            return "true" if value else "false"
        if value is not None and not isinstance(value, str | int):
            self.fail("should be a text, a whole number, true or false", key)
        return str(value) if isinstance(value, int) else value


def zone(place: Place) -> str:
    name = place.text("time_zone")
    if not known_zone(name):
        place.fail(f"{name} is no time zone such as Europe/Berlin", "time_zone")
    return name


def known_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def encoding(place: Place, default: str) -> str:
    name = place.text("encoding", default)
    try:
        found = codecs.lookup(name).name
        b"".decode(found)
    except (LookupError, ValueError):
        place.fail(f"{name} is no encoding such as utf-8 or cp1252", "encoding")
    # A byte order mark is no part of the first column's name.
    return "utf-8-sig" if found == "utf-8" else found


def delimiter(place: Place, default: str | None) -> str | None:
    if "delimiter" not in place:
        return default
    return place.text("delimiter", form=re.compile(r"[^\r\n\"]"))


def formats(place: Place, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    """`iso`, or strptime forms that hold a whole day."""
    found = place.texts(key, default)
    for form in found:
        if form != ISO and not _holds_a_day(form):
            place.fail(f"{form!r} is no form of a date: write iso, or one such as %d.%m.%Y %H:%M", key)
    return found


def _holds_a_day(form: str) -> bool:
    try:
        with warnings.catch_warnings():
            # From Python 3.13 on, a form without a year is warned of; it is refused here in any version.
            warnings.simplefilter("ignore", DeprecationWarning)
            read = datetime.datetime.strptime(_PROBE.strftime(form), form)  # noqa: DTZ007 (a probe)
        return read.date() == _PROBE.date()
    except ValueError:
        return False


def scale(place: Place) -> Decimal:
    try:
        factor = Decimal(place.constant("scale") or "1")
    except InvalidOperation:
        factor = Decimal(0)
    if not factor.is_finite() or factor == 0:
        place.fail('should be a number other than 0, such as "0.001"', "scale")
    return factor


def word_list(place: Place, words: Mapping[str, Mapping[str, str]]) -> Mapping[str, str] | None:
    if "words" not in place:
        return None
    name = place.text("words")
    if name not in words:
        place.fail(f"there is no [words.{name}]", "words", choices=words)
    return words[name]


def legal(place: Place, target: Target, field: Field) -> None:
    """Refuse an option that this kind of field does not read, and words it cannot become."""
    if field.formats and target.kind not in _DATES:
        place.fail(f"only a date has formats, and this is a {target.kind.value}", "formats")
    if field.scale != 1 and target.kind not in _NUMBERS:
        place.fail(f"only a number has a scale, and this is a {target.kind.value}", "scale")
    allowed = {member.value for member in target.words} if target.words is not None else _FLAGS
    if target.words is None and target.kind is not Kind.FLAG:
        return
    for word in (field.words or {}).values():
        if word not in allowed:
            place.fail(f"it cannot become {word}", "words", choices=sorted(allowed))
    told = field.words if field.words is not None else allowed
    if field.value is not None and (field.value.casefold() if field.words is not None else field.value) not in told:
        place.fail(f"it cannot be {field.value}", "value", choices=sorted(told))
