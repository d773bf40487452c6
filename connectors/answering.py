"""Which instance answers for a carrier, a location or a source; the first in the connectors' file that fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.base import Capability, Instance


@dataclass(slots=True)
class Answering:
    """Names of instances by what they answer for.

    A carrier: whose table `carriers` leads to our code, else the one whose folder is named as the code.
    A location: whose table `locations` leads to our code. An order: the instance that is its source.
    How long a parcel would take: the first that can say.
    """

    carriers: dict[str, str] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    locations: dict[str, str] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)
    estimators: list[str] = field(default_factory=list)
    instances: dict[str, Instance] = field(default_factory=dict)

    def add(self, instance: Instance, folder: str, capabilities: frozenset[Capability]) -> None:
        self.instances[instance.name] = instance
        if Capability.TRACKING in capabilities:
            self._all(self.carriers, instance.carriers, instance.name)
            self.folders.setdefault(folder, instance.name)
        if Capability.STOCK_LOOKUP in capabilities:
            self._all(self.locations, instance.locations, instance.name)
        if Capability.DELIVERY_ESTIMATE in capabilities:
            self.estimators.append(instance.name)
        if Capability.ORDER_LOOKUP in capabilities:
            self.sources.add(instance.name)

    @staticmethod
    def _all(answering: dict[str, str], codes: Mapping[str, str], name: str) -> None:
        for code in codes.values():
            answering.setdefault(code, name)

    def carrier(self, code: str | None) -> str | None:
        return None if code is None else self.carriers.get(code) or self.folders.get(code)

    def followed(self) -> Mapping[str, Sequence[str]]:
        """By instance, the carriers whose parcels it answers for."""
        found: dict[str, list[str]] = {}
        for code in sorted({*self.carriers, *self.folders}):
            found.setdefault(self.carriers.get(code) or self.folders[code], []).append(code)
        return found

    def location(self, code: str) -> str | None:
        return self.locations.get(code)

    def source(self, name: str) -> str | None:
        return name if name in self.sources else None

    def estimator(self) -> str | None:
        return self.estimators[0] if self.estimators else None
