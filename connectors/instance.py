"""One configured use of a connector, with its secrets. Folders have these by `connectors.base`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.errors import BadPayload


class Secret:
    """A text that shows itself only when asked by `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(hidden)"


@dataclass(frozen=True, slots=True)
class Instance:
    """One configured use of a connector, such as one of two shops.

    `name` is the source of all it tells. `options` are what the manifest lists; `channels`, `locations` and `carriers`
    lead from the vendor's ids to our codes, where they differ. Secrets hold one value or, while rotating, two, newest
    first.
    """

    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, tuple[Secret, ...]] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)
    locations: Mapping[str, str] = field(default_factory=dict)
    carriers: Mapping[str, str] = field(default_factory=dict)

    def option(self, name: str, default: str | None = None) -> str:
        """Raises BadPayload for a needed option that nobody set; the registry checks the manifest's list before."""
        found = self.options.get(name, default)
        if found is None:
            raise BadPayload(f"{self.name} has no option {name}. Set it in the connectors' file.", name)
        return found

    def secret(self, name: str) -> str:
        """The newest value."""
        try:
            return self.secrets[name][0].reveal()
        except LookupError:
            raise BadPayload(f"{self.name} has no secret {name}. Set it in the connectors' file.", name) from None

    def channel(self, vendor_id: str) -> str:
        return self.channels.get(vendor_id, vendor_id)

    def location(self, vendor_id: str) -> str:
        return self.locations.get(vendor_id, vendor_id)

    def carrier(self, vendor_id: str) -> str:
        """Ours for the vendor's word; small letters where the file says nothing."""
        return self.carriers.get(vendor_id, vendor_id.lower())

    def vendor_location(self, code: str) -> str:
        """The vendor's id of our location."""
        return next((theirs for theirs, ours in self.locations.items() if ours == code), code)

    def vendor_carrier(self, code: str) -> str | None:
        """The vendor's word for our carrier; None where the file says nothing."""
        return next((theirs for theirs, ours in self.carriers.items() if ours == code), None)
