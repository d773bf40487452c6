"""What a manifest declares is what the connector has, in each of its shapes: all of it, and nothing besides."""

from collections.abc import Iterator

from connectors.base import PROTOCOLS, Capability
from connectors.http import Http
from tests.contract.folder import Folder

# Deliveries come in; the rest goes out over the network.
OUTGOING = frozenset(Capability) - {Capability.WEBHOOKS}


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
    """Abilities that go out and have no typical call, without which no fault of theirs is tried."""
    missing = sorted((folder.manifest.capabilities & OUTGOING) - set(folder.simulator.CALLS))
    return [f"The simulator's CALLS has no call of {capability.value}." for capability in missing]


def never(base: str) -> Http:
    """Making a connector asks nothing, so it gets an Http that cannot."""
    return Http(None, base)  # type: ignore[arg-type]  # it has no session
