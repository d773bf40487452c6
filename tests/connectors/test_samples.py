"""Samples of the shops' folders: mapped exactly, and what they need is missed by its path."""

import copy
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Instance
from connectors.errors import BadPayload
from connectors.payload import Node
from connectors.samples import as_json

ROOT = Path(__file__).parents[2] / "connectors"
SAMPLES = sorted(path for folder in ("shopify", "pos", "amazon") for path in (ROOT / folder / "samples").glob("*.json"))
REQUIRED = [(path, place) for path in SAMPLES for place in json.loads(path.read_text())["required"]]


def mapped(path: Path, sample: dict[str, Any]) -> Any:
    mapping = import_module(f"connectors.{path.parents[1].name}.mapping")
    settings = {key: sample.get(key, {}) for key in ("options", "channels", "locations", "carriers")}
    return as_json(getattr(mapping, sample["map"])(Node(sample["payload"]), Instance(path.parents[1].name, **settings)))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_a_sample_is_mapped_exactly(path: Path) -> None:
    sample = json.loads(path.read_text())
    assert mapped(path, sample) == sample["expected"]


@pytest.mark.parametrize(("path", "place"), REQUIRED, ids=lambda one: one if isinstance(one, str) else one.stem)
def test_what_a_sample_needs_is_missed_by_its_path(path: Path, place: str) -> None:
    sample = copy.deepcopy(json.loads(path.read_text()))
    *above, last = place.split(".")
    found = sample["payload"]
    for step in above:
        found = found[int(step)] if isinstance(found, list) else found[step]
    del found[last]
    with pytest.raises(BadPayload) as error:
        mapped(path, sample)
    assert error.value.path == place
