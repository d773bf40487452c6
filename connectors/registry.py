"""Finds the folders and the configured instances; one that is wrong is told by its place, and harms no other.

The connectors' file is TOML, one table per instance:

    [webshop]                            the name of the source in all that it tells
    connector = "shopify"                the folder
    options = {shop = "acme"}            what the manifest lists
    channels = {"Online Store" = "web"}  the vendor's ids to our codes
    locations = {"gid://...1" = "east"}
    carriers = {"DHLExpress" = "dhl"}
    push = ["east"]                      it is told what is for sale there, and its own counts of it are not taken
    private = true                       it is in our own network, so private addresses are meant

    [webshop.secrets]
    access_token = "env:SHOPIFY_TOKEN"   or "file:/run/secrets/token"; while rotating a list, newest first
"""

import importlib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import pydantic

from connectors import manifest
from connectors.base import Connector, Instance, Secret
from connectors.http import Open
from connectors.manifest import BadManifest, Folder, Manifest, Text

HERE: Final = Path(__file__).parent
Place = Annotated[str, pydantic.StringConstraints(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$")]


class Entry(pydantic.BaseModel):
    """One table of the connectors' file."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    connector: Folder
    options: Mapping[str, str] = pydantic.Field(default_factory=dict)
    channels: Mapping[str, str] = pydantic.Field(default_factory=dict)
    locations: Mapping[str, Text] = pydantic.Field(default_factory=dict)
    carriers: Mapping[str, Text] = pydantic.Field(default_factory=dict)
    push: tuple[Text, ...] = ()
    secrets: Mapping[str, Place | tuple[Place, ...]] = pydantic.Field(default_factory=dict)
    private: bool = False


def folders(root: Path = HERE) -> Mapping[str, Manifest]:
    """Every connector there is, by its id."""
    return {path.parent.name: manifest.read(path) for path in sorted(root.glob("*/manifest.toml"))}


def entries(path: Path) -> Mapping[str, Entry]:
    """The tables of the connectors' file; raises BadManifest."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadManifest(f"The connectors' file {path.name} cannot be read as TOML: {error}.") from None
    found = {}
    for name, table in given.items():
        if not isinstance(table, dict):
            raise BadManifest(f"{path.name}: {name} must be a table such as [{name}].")
        found[name] = manifest.parsed(Entry, table, f"{path.name} [{name}]")
    return found


def instance(name: str, entry: Entry, known: Manifest, environment: Mapping[str, str] = os.environ) -> Instance:
    """The instance with its secrets read and its defaults filled in; raises BadManifest for what is missing."""
    for kind, given, settings in (
        ("option", entry.options, known.options),
        ("secret", entry.secrets, known.secrets),
    ):
        if strange := sorted(set(given) - set(settings)):
            raise BadManifest(f"[{name}] sets the {kind} {strange[0]}, which {known.id} does not have.")
        needed = {key for key, setting in settings.items() if setting.needed and setting.default is None}
        if missing := sorted(needed - set(given)):
            raise BadManifest(f"[{name}] needs the {kind} {missing[0]}: {settings[missing[0]].about}.")
    defaults = {key: setting.default for key, setting in known.options.items() if setting.default is not None}
    return Instance(
        name=name,
        options={**defaults, **entry.options},
        secrets={key: _secrets(name, key, places, environment) for key, places in entry.secrets.items()},
        channels=entry.channels,
        locations=entry.locations,
        carriers=entry.carriers,
    )


def _secrets(name: str, key: str, places: str | tuple[str, ...], environment: Mapping[str, str]) -> tuple[Secret, ...]:
    return tuple(_secret(name, key, place, environment) for place in ([places] if isinstance(places, str) else places))


def _secret(name: str, key: str, place: str, environment: Mapping[str, str]) -> Secret:
    kind, _, where = place.partition(":")
    try:
        text = environment[where] if kind == "env" else Path(where).read_text(encoding="utf-8")
    except (KeyError, OSError, ValueError):
        raise BadManifest(f"[{name}] takes the secret {key} from {place}, which is not there.") from None
    if not text.strip():
        raise BadManifest(f"[{name}] takes the secret {key} from {place}, which is empty.")
    return Secret(text.strip())


def create(folder: str, instance: Instance, http: Open) -> Connector:
    """The connector of a folder. Its module offers `create(instance, http)`."""
    made: Connector = importlib.import_module(f"connectors.{folder}").create(instance, http)
    return made


def allows(known: Manifest, entry: Entry, host: str) -> bool:
    """Whether a connector may connect to `host`: one its manifest lists, or one the operator wrote into an option."""
    host = host.lower()
    listed = any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in known.hosts)
    return listed or any(urlsplit(value).hostname == host for value in entry.options.values() if "://" in value)
