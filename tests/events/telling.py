"""Records of every kind, drawn at random within what the inputs allow."""

import dataclasses
import datetime as dt
import enum
import types
import typing
from typing import Any

from hypothesis import strategies as st

from domain.reasons import IncidentReason
from domain.records import Record

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12)
NUMBERS = st.integers(0, 1_000_000)
INSTANTS = st.datetimes(
    dt.datetime(2020, 1, 1),  # noqa: DTZ001  # hypothesis adds the zone
    dt.datetime(2030, 1, 1),  # noqa: DTZ001  # the same
    timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=5, minutes=30))]),
)
KINDS: tuple[type, ...] = typing.get_args(Record)
BY_NAME = {"reason": st.sampled_from([reason.value for reason in IncidentReason]), "country": st.just("DE")}


def records() -> st.SearchStrategy[Any]:
    return st.one_of([record_of(kind) for kind in KINDS])


def record_of(kind: type) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{field.name: _of(hints[field.name], field.name) for field in dataclasses.fields(kind)})


def _of(hint: Any, name: str) -> st.SearchStrategy[Any]:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return st.one_of([_of(part, name) for part in typing.get_args(hint)])
    if typing.get_origin(hint) is tuple:
        return st.lists(_of(typing.get_args(hint)[0], name), max_size=2).map(tuple)
    if hint is type(None):
        return st.none()
    if dataclasses.is_dataclass(hint):
        return record_of(typing.cast(type, hint))
    if issubclass(hint, enum.Enum):
        return st.sampled_from(hint)
    plain = {
        str: BY_NAME.get(name, TEXT),
        int: NUMBERS,
        bool: st.booleans(),
        dt.date: st.dates(),
        dt.datetime: INSTANTS,
    }
    return plain[hint]
