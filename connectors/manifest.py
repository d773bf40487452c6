"""What a connector says of itself: its folder's manifest.toml, read and checked in full before anything runs.

name = "Acme WMS"                     how people call it; its id is the name of the folder
kind = "warehouse"                    see Kind
owner = "logistics@shop.example"      who is asked when it breaks
api_version = "2026-07"
proven_against = "simulator"          or "real"
capabilities = ["stock_pull"]         what is offered, not what the code happens to have; see Capability
hosts = ["api.acme.example"]          where it may connect to; `*.acme.example` is any name below

[options.url]                         what an instance may set, such as an address or an account
about = "Address of the API"
default = "https://api.acme.example"  without a default it is needed

[secrets.token]
about = "Access token with the scope read_stock"
needed = false                        true unless it says otherwise

[rate_limit]                          what the vendor grants for all requests together; its headers go before
requests = 2
seconds = 1.0
burst = 40

[operations.search]                   what it grants for some alone, or for what it counts in points, on top of that
requests = 10
seconds = 60.0
burst = 10

[quality]                             one line per rule of QUALITY: "done" or "exempt: why"
"""

import enum
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import pydantic

from connectors.base import Capability
from domain.errors import OrdergraphError

Text = Annotated[str, pydantic.StringConstraints(min_length=1)]
_P = TypeVar("_P", bound=pydantic.BaseModel)
Folder = Annotated[str, pydantic.StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class Kind(enum.StrEnum):
    """What a system is to a shop."""

    COMMERCE = "commerce"
    MARKETPLACE = "marketplace"
    POS = "pos"
    ERP = "erp"
    WAREHOUSE = "warehouse"
    SUPPLIER = "supplier"
    CARRIER = "carrier"


class Proof(enum.StrEnum):
    """The nearest thing to the real system that its tests have run against."""

    REAL = "real"
    SIMULATOR = "simulator"


# What a reviewer asks of a connector. The contract test proves each that is said to be done, where a test can.
QUALITY: Final = {
    "samples": "At least one sample for every capability that reads, each mapped exactly.",
    "required_fields": "What a payload must have is listed in the samples, and is missed by its path.",
    "unknown_values": "A value that the vendor adds becomes UNKNOWN, or the raw one is kept.",
    "paging": "A pull ends, goes on from its cursor after a restart, and told twice it changes nothing.",
    "typed_errors": "401, 429, 500, timeout and a cut body become the four errors.",
    "webhook_signature": "Wrong, stale and replayed deliveries are refused; two secrets hold while one is rotated.",
    "ids_stable": "Event ids are the vendor's, or follow from the content: told twice, a change counts once.",
    "idempotent_commands": "A command sent twice with its key is done once.",
    "rate_limit": "The vendor's limits are in the manifest, and its headers are heeded.",
    "no_secrets_shown": "No secret in logs, errors or repr.",
    "simulator": "Its tests run a server on loopback that speaks the documented wire format, or the real system.",
    "readme": "Set-up, scopes, limits and what it was proven against, on one page.",
}


class BadManifest(OrdergraphError):  # noqa: N818  # says what it is, as in domain.errors
    """A manifest or the connectors' file is wrong; the message says where and what would be right."""

    code = "CONNECTOR_CONFIGURATION"


class OwnCounts(BadManifest):
    """A system would be told what it told us, so that a wrong number would never be put right."""

    code = "CONNECTOR_OWN_COUNTS"


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Setting(_Part):
    """An option or a secret. `default` is for options; one that has none is needed, unless `needed` is false."""

    about: Text
    default: str | None = None
    needed: bool = True


class RateLimit(_Part):
    """`requests` per `seconds` on average, `burst` at once."""

    requests: Annotated[float, pydantic.Field(gt=0)]
    seconds: Annotated[float, pydantic.Field(gt=0)] = 1.0
    burst: Annotated[int, pydantic.Field(ge=1)] = 1


class Manifest(_Part):
    """The folder's manifest.toml; `id` is the folder's name."""

    id: Folder
    name: Text
    kind: Kind
    owner: Text
    api_version: Text
    proven_against: Proof
    capabilities: frozenset[Capability]
    hosts: tuple[Text, ...]
    options: Mapping[Folder, Setting] = pydantic.Field(default_factory=dict)
    secrets: Mapping[Folder, Setting] = pydantic.Field(default_factory=dict)
    rate_limit: RateLimit | None = None
    operations: Mapping[Text, RateLimit] = pydantic.Field(default_factory=dict)
    quality: Mapping[str, Annotated[str, pydantic.StringConstraints(pattern=r"^(done|exempt: .+)$")]]

    @pydantic.field_validator("quality")
    @classmethod
    def _one_line_per_rule(cls, given: Mapping[str, str]) -> Mapping[str, str]:
        if set(given) != set(QUALITY):
            missing, strange = sorted(set(QUALITY) - set(given)), sorted(set(given) - set(QUALITY))
            raise ValueError(f"needs one line per rule; missing: {missing}, unknown: {strange}")
        return given


def read(path: Path) -> Manifest:
    """The manifest at `path`; raises BadManifest, which names the file and the key."""
    shown = f"{path.parent.name}/{path.name}"
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadManifest(f"{shown} cannot be read as TOML: {error}.") from None
    return parsed(Manifest, {**given, "id": path.parent.name}, shown)


def parsed(kind: type[_P], given: dict[str, Any], shown: str) -> _P:
    """`given` as `kind`; raises BadManifest with every place that is wrong, without the values, which may be secret."""
    try:
        return kind.model_validate(given)
    except pydantic.ValidationError as error:
        wrong = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False))
        raise BadManifest(f"{shown}: {'; '.join(wrong)}.") from None
