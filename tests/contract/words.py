"""A word that the vendor adds becomes UNKNOWN with the word kept, or what a coarser one says, and never an error.

Every word in every sample is tried: one that decides an enum of a record is replaced by one that nobody knows. A sample
may name in `fixed` those that say what the payload is, such as the type of a message.
"""

import dataclasses
import enum
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from connectors.base import Instance
from connectors.payload import Node
from domain.status import FulfillmentStatus, OrderStatus, ReturnStatus
from tests.contract.folder import Folder
from tests.contract.samples import settings_of, whole

Steps = tuple[str | int, ...]
STRANGE: Final = "OF_NEXT_YEAR"
WORD: Final = re.compile(r"[A-Za-z][A-Za-z_ -]*")
# Where a record keeps the vendor's own word beside ours.
RAW: Final = ("source_status", "raw_code", "raw_text")
# A word that nobody knows must not end anything.
FINAL: Final = frozenset(
    {
        *(OrderStatus.CANCELLED, OrderStatus.COMPLETED, OrderStatus.SHIPPED, OrderStatus.DELIVERED),
        *(FulfillmentStatus.COMPLETED, FulfillmentStatus.CANCELLED, FulfillmentStatus.REJECTED),
        *(ReturnStatus.CLOSED, ReturnStatus.RECEIVED),
    }
)


def unknown(folder: Folder) -> list[str]:
    return [
        f"{name} with another word at {path}: {finding}"
        for name, sample in folder.samples.items()
        for steps in _words(sample["payload"])
        if (path := ".".join(map(str, steps))) not in sample.get("fixed", ())
        for finding in _tried(folder, sample, steps)
    ]


def _tried(folder: Folder, sample: Mapping[str, Any], steps: Steps) -> Iterator[str]:
    before = _mapped(folder, sample, sample["payload"])
    try:
        after = _mapped(folder, sample, _with(sample["payload"], steps))
    except Exception as error:  # noqa: BLE001, RUF100  # whatever it is, it is the finding
        yield f"it is {type(error).__name__}"
        return
    if len(after) < len(before):
        yield f"{len(before)} records become {len(after)}"
        return
    for old, new in zip(before, after, strict=False):
        yield from _misread(old, new)


def _misread(old: Any, new: Any) -> Iterator[str]:
    for field in dataclasses.fields(new):
        was, is_ = getattr(old, field.name, None), getattr(new, field.name)
        if not isinstance(is_, enum.Enum) or is_ == was:
            continue
        if is_ in FINAL:
            yield f"{field.name} is {is_.name}, which ends it"
        raw = [getattr(new, name) or "" for name in RAW if hasattr(new, name)]
        if is_.name == "UNKNOWN" and raw and not any(STRANGE in text for text in raw):
            yield f"{field.name} is UNKNOWN and the word is lost"


def _mapped(folder: Folder, sample: Mapping[str, Any], payload: Any) -> list[Any]:
    instance = Instance(folder.manifest.id, **settings_of(folder, sample))
    return whole(getattr(folder.mapping, sample["map"])(Node(payload), instance))


def _words(value: Any, above: Steps = ()) -> Iterator[Steps]:
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _words(one, (*above, key))
    elif isinstance(value, str) and WORD.fullmatch(value):
        yield above


def _with(value: Any, steps: Steps) -> Any:
    """A copy with the word at the end of the steps replaced."""
    if not steps:
        return STRANGE
    inner = _with(value[steps[0]], steps[1:])
    if isinstance(value, list):
        return [inner if place == steps[0] else one for place, one in enumerate(value)]
    return {**value, steps[0]: inner}
