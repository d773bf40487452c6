"""A connector's folder with all that the contract looks at."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from connectors import manifest
from connectors.base import Connector, Instance
from connectors.http import Open
from connectors.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Folder:
    """`mapping` and `simulator` are modules, or what stands for them; `samples` are parsed, by their file's name."""

    root: Path
    manifest: Manifest
    create: Callable[[Instance, Open], Connector]
    mapping: Any
    simulator: Any
    samples: Mapping[str, Mapping[str, Any]]

    def instances(self, url: str) -> tuple[Instance, ...]:
        """One for each shape that the connector may have; most have one."""
        shapes = getattr(self.simulator, "shapes", None)
        return (self.simulator.instance(url), *(shapes() if shapes else ()))


def read(root: Path, package: str, simulator: str) -> Folder:
    """The folder at `root`, imported as `package`; `simulator` is the module of its server and calls."""
    return Folder(
        root=root,
        manifest=manifest.read(root / "manifest.toml"),
        create=importlib.import_module(package).create,
        mapping=importlib.import_module(f"{package}.mapping"),
        simulator=importlib.import_module(simulator),
        samples={path.name: orjson.loads(path.read_bytes()) for path in sorted((root / "samples").glob("*.json"))},
    )
