"""An entry of a page that cannot be read harms no other: shown on the samples of pulls, each of which is a page.

A copy of an entry is put before the entries of a page and one value of it made unreadable, each value in its turn. For
at least one of them the mapping must put aside one entry and tell nothing that the page without the copy does not tell;
it may tell less only where the copy and its original are parts of one thing, such as the shelves of a product.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final

from connectors.base import Instance, Read
from connectors.payload import Node
from connectors.samples import as_json
from tests.contract.folder import Folder
from tests.contract.ledger import PULLS
from tests.contract.samples import settings_of

Steps = tuple[str | int, ...]
BROKEN: Final = {"no": ["such", "value"]}


def harmful(folder: Folder) -> list[str]:
    """Pulls whose pages are lost with one entry."""
    found = []
    for ability in sorted(folder.manifest.capabilities & PULLS):
        some = [one for one in folder.samples.values() if ability in one["capability"] or ability == one["capability"]]
        if not any(_harmless(folder, sample) for sample in some):
            found.append(f"{ability.value}: an entry that cannot be read takes its page with it.")
    return found


def _harmless(folder: Folder, sample: Mapping[str, Any]) -> bool:
    expected = sample["expected"]
    for steps in _lists(sample["payload"]):
        for broken in _broken(sample["payload"], steps):
            read = _read(folder, sample, broken)
            if read is None or len(read.unread) != 1:
                continue
            told = as_json(list(read.records))
            if told == expected or (len(told) == len(expected) - 1 and all(one in expected for one in told)):
                return True
    return False


def _read(folder: Folder, sample: Mapping[str, Any], payload: Any) -> Read[Any] | None:
    instance = Instance(folder.manifest.id, **settings_of(folder, sample))
    try:
        found = getattr(folder.mapping, sample["map"])(Node(payload), instance)
    except Exception:  # noqa: BLE001, RUF100  # the page is lost, by whatever
        return None
    return found if isinstance(found, Read) else None


def _lists(value: Any, above: Steps = ()) -> Iterator[Steps]:
    """The places of lists of objects."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield above
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _lists(one, (*above, key))


def _broken(payload: Any, steps: Steps) -> Iterator[Any]:
    """The payload with a copy of the first entry before the others, of which one value is no such value."""
    entry = _at(payload, steps)[0]
    for leaf in _leaves(entry):
        changed = copy.deepcopy(payload)
        bad = copy.deepcopy(entry)
        *above, last = leaf
        _at(bad, tuple(above))[last] = BROKEN
        _at(changed, steps).insert(0, bad)
        yield changed


def _leaves(value: Any, above: Steps = ()) -> Iterator[Steps]:
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(one, (*above, key))
    else:
        yield above


def _at(value: Any, steps: Steps) -> Any:
    for step in steps:
        value = value[step]
    return value
