"""Samples: mapped exactly, purely, with more fields than are known, and not without those that are needed."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors.base import Capability, Instance, Read
from connectors.errors import BadPayload
from connectors.payload import Node
from connectors.samples import as_json
from domain.records import Record
from tests.contract.folder import Folder

READING = frozenset(Capability) - {
    Capability.STOCK_PUSH,
    Capability.FULFILLMENT_REQUESTS,
    Capability.TRACKING_ALERTS,
}
FIELDS = frozenset({"source", "capability", "map", "payload", "expected", "required"})
SETTINGS = ("options", "channels", "locations", "carriers")
OTHERS = frozenset({*SETTINGS, "fixed"})


def malformed(folder: Folder) -> list[str]:
    """What a sample lacks, or has that nobody reads."""
    found = []
    for name, sample in folder.samples.items():
        if missing := FIELDS - set(sample):
            found.append(f"{name} has no {sorted(missing)[0]}.")
        if strange := set(sample) - FIELDS - OTHERS:
            found.append(f"{name} has {sorted(strange)[0]}, which nobody reads.")
        if undeclared := _capabilities(sample) - folder.manifest.capabilities:
            found.append(f"{name} is of {sorted(undeclared)[0]}, which the manifest does not declare.")
    return found


def uncovered(folder: Folder) -> list[str]:
    """Reading abilities without a sample, unless the ledger says why."""
    if folder.manifest.quality["samples"] != "done":
        return []
    covered = {one for sample in folder.samples.values() for one in _capabilities(sample)}
    return [f"No sample is of {one.value}." for one in sorted((folder.manifest.capabilities & READING) - covered)]


def inexact(folder: Folder) -> list[str]:
    return [
        f"{name} is mapped to {told!r} and not to what it expects."
        for name, sample in folder.samples.items()
        if (told := _told(folder, sample, sample["payload"])) != sample["expected"]
    ]


def impure(folder: Folder) -> list[str]:
    """Samples that are mapped differently the second time, or are changed by it."""
    found = []
    for name, sample in folder.samples.items():
        payload = copy.deepcopy(sample["payload"])
        if _told(folder, sample, payload) != _told(folder, sample, payload):
            found.append(f"{name} is mapped differently the second time.")
        if payload != sample["payload"]:
            found.append(f"{name} is changed by being mapped.")
    return found


def intolerant(folder: Folder) -> list[str]:
    """Samples that are mapped differently when the vendor adds a field to every object."""
    return [
        f"{name} is mapped differently when every object has a field more."
        for name, sample in folder.samples.items()
        if _told(folder, sample, _more(sample["payload"])) != _told(folder, sample, sample["payload"])
    ]


def unmissed(folder: Folder) -> list[str]:
    """Needed fields that can be taken away without a BadPayload of their path."""
    return [
        f"{name} without {path}: {told}."
        for name, sample in folder.samples.items()
        for path in sample["required"]
        if (told := _told(folder, sample, _without(sample["payload"], path))) != f"BadPayload at {path}"
    ]


def unplaced(folder: Folder) -> list[str]:
    """Orders that are told with their lines and not when they were placed: the inbox would refuse a new one."""
    return [
        f"{name} has an order with lines and without placed_at."
        for name, sample in folder.samples.items()
        for told in sample["expected"]
        if told.get("record") == "OrderRecord" and told.get("lines") and not told.get("placed_at")
    ]


def _capabilities(sample: Mapping[str, Any]) -> set[str]:
    """One sample may stand for abilities that share a mapping, as a list."""
    told = sample.get("capability", ())
    return {told} if isinstance(told, str) else set(told)


def _mapped(folder: Folder, sample: Mapping[str, Any], payload: Any) -> Any:
    instance = Instance(folder.manifest.id, **settings_of(folder, sample))
    return as_json(whole(getattr(folder.mapping, sample["map"])(Node(payload), instance)))


def whole(found: Read[Record] | Iterable[Record]) -> list[Record]:
    """A sample is of one thing to prove: what cannot be read of it is an error."""
    return list(found.whole() if isinstance(found, Read) else found)


def settings_of(folder: Folder, sample: Mapping[str, Any]) -> dict[str, Any]:
    """What an instance needs for a sample: its own settings, and defaults for the rest."""
    defaults = {name: one.default for name, one in folder.manifest.options.items() if one.default is not None}
    settings = {key: sample.get(key, {}) for key in SETTINGS}
    return {**settings, "options": {**defaults, **settings["options"]}}


def _told(folder: Folder, sample: Mapping[str, Any], payload: Any) -> Any:
    """What it is mapped to, or the error in words."""
    try:
        return _mapped(folder, sample, payload)
    except BadPayload as error:
        return f"BadPayload at {error.path}"
    except Exception as error:  # noqa: BLE001, RUF100  # whatever it is, it is the finding
        return type(error).__name__


def _more(value: Any) -> Any:
    if isinstance(value, dict):
        return {**{key: _more(one) for key, one in value.items()}, "of_next_year": {"words": [1, None]}}
    return [_more(one) for one in value] if isinstance(value, list) else value


def _steps(path: str) -> Iterator[str | int]:
    return (int(step) if step.isdecimal() else step for step in path.split("."))


def _without(payload: Any, path: str) -> Any:
    left = copy.deepcopy(payload)
    *above, last = _steps(path)
    found = left
    for step in above:
        found = found[step if isinstance(found, list) else str(step)]
    del found[last if isinstance(found, list) else str(last)]
    return left
