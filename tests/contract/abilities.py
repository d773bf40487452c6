"""What a manifest declares is what the connector has, in each of its shapes: all of it, and nothing besides."""

from collections.abc import Iterator, Mapping
from typing import Final

from connectors.base import PROTOCOLS, Capability
from connectors.http import Http
from connectors.manifest import Manifest
from tests.contract.folder import Folder

# By method, the ability it is of.
METHODS: Final[Mapping[str, Capability]] = {
    name: capability
    for capability, protocol in PROTOCOLS.items()
    for name in vars(protocol)
    if not name.startswith("_")
}
# Deliveries come in; what they lead to may be asked for. The rest goes out over the network.
DELIVERED: Final = "records_of"
COMMANDS: Final = ("push_stock", "request_fulfillment", "cancel_fulfillment")
PULLING: Final = ("pull_orders", "pull_stock", "pull_supply", "pull_returns")


def asking(manifest: Manifest) -> list[str]:
    """The methods of a folder that may send requests."""
    return [name for name, of in METHODS.items() if of in manifest.capabilities and name != "verify"]


def differing(folder: Folder) -> list[str]:
    return [finding for instance in folder.instances("http://127.0.0.1:9") for finding in _of(folder, instance)]


def _of(folder: Folder, instance: object) -> Iterator[str]:
    connector = folder.create(instance, never)  # type: ignore[arg-type]  # a simulator stands for any module
    if getattr(connector, "instance", None) != instance:
        yield "The connector does not keep the instance that it was made of."
    for capability, protocol in PROTOCOLS.items():
        wanted = {name for name in vars(protocol) if not name.startswith("_")}
        there = {name for name in wanted if callable(getattr(connector, name, None))}
        declared = capability in folder.manifest.capabilities
        if declared and there != wanted:
            yield f"{capability.value} is declared and {type(connector).__name__} has no {sorted(wanted - there)[0]}."
        if there and not declared:
            yield f"{type(connector).__name__} has {sorted(there)[0]}, and {capability.value} is not declared."


def uncalled(folder: Folder) -> list[str]:
    """Methods that go out and have no typical call, without which no fault of theirs is tried."""
    missing = [name for name in asking(folder.manifest) if name not in {*folder.simulator.CALLS, DELIVERED}]
    return [f"The simulator's CALLS has no call of {name}." for name in missing]


def never(base: str) -> Http:
    """Making a connector asks nothing, so it gets an Http that cannot."""
    return Http(None, base)  # type: ignore[arg-type]  # it has no session
