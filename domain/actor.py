"""Who asks, what they may do, and which rows they may see."""

import dataclasses
import datetime
import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.errors import BadInput, Forbidden, Unauthenticated


class Role(enum.StrEnum):
    """Spelled in lower case, as in tokens and on the command line."""

    STOREFRONT = "storefront"
    CUSTOMER = "customer"
    SUPPORT = "support"
    ASSISTANT = "assistant"
    OPERATOR = "operator"
    INTEGRATOR = "integrator"
    ADMIN = "admin"


class RowScope(enum.StrEnum):
    """Which orders (and what hangs from them) an actor may see at all, whatever the field."""

    ALL = "ALL"
    OWN_CUSTOMER = "OWN_CUSTOMER"
    OWN_SOURCE = "OWN_SOURCE"
    NONE = "NONE"


SCOPES: Final = frozenset(
    {
        "availability:read",
        "promise:read",
        "items:read",
        "locations:read",
        "orders:read",
        "shipments:read",
        "stock:read",
        "orders:write",
        "stock:write",
        "events:ingest",
        "connectors:read",
        "webhooks:write",
        "admin:write",
        "pii:read",
    }
)

# A storefront reads items without stock:read, so an item never shows it raw counts: only what is for sale.
_STOREFRONT = frozenset({"availability:read", "promise:read", "items:read"})
_ASSISTANT = _STOREFRONT | {"orders:read", "shipments:read"}
_SUPPORT = _ASSISTANT | {"stock:read", "locations:read", "connectors:read"}

ROLE_SCOPES: Mapping[Role, frozenset[str]] = MappingProxyType(
    {
        Role.STOREFRONT: _STOREFRONT,
        # pii:read is safe here: the rows are the customer's own.
        Role.CUSTOMER: _ASSISTANT | {"pii:read"},
        Role.ASSISTANT: _ASSISTANT,
        # Personal data only when the token grants pii:read on top.
        Role.SUPPORT: _SUPPORT,
        Role.OPERATOR: _SUPPORT | {"pii:read", "orders:write", "stock:write"},
        Role.INTEGRATOR: frozenset(
            {
                "events:ingest",
                "stock:write",
                "webhooks:write",
                "orders:read",
                "shipments:read",
                "stock:read",
                "items:read",
                "locations:read",
            }
        ),
        Role.ADMIN: SCOPES,
    }
)

_ROWS: Mapping[Role, RowScope] = MappingProxyType(
    {
        Role.STOREFRONT: RowScope.NONE,
        Role.CUSTOMER: RowScope.OWN_CUSTOMER,
        Role.ASSISTANT: RowScope.OWN_CUSTOMER,
        Role.SUPPORT: RowScope.ALL,
        Role.OPERATOR: RowScope.ALL,
        Role.INTEGRATOR: RowScope.OWN_SOURCE,
        Role.ADMIN: RowScope.ALL,
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `role` None is nobody in particular; `channels` None means every channel.

    `subject` identifies the caller in the audit trail; `expires_at` (aware, UTC) ends long-lived streams. `token_id`
    and `issued_at` are those of the token they came with, by which it can be revoked.
    """

    role: Role | None
    subject: str
    scopes: frozenset[str]
    customer_id: str | None = None
    source: str | None = None
    channels: frozenset[str] | None = None
    expires_at: datetime.datetime | None = None
    token_id: str | None = None
    issued_at: datetime.datetime | None = None

    def __post_init__(self) -> None:
        unknown = sorted(self.scopes - SCOPES)
        if unknown:
            raise BadInput(f"Unknown scope {', '.join(unknown)} for {self.subject}. Use: {', '.join(sorted(SCOPES))}.")
        if self.role in (Role.CUSTOMER, Role.ASSISTANT) and not self.customer_id:
            raise BadInput(f"A {self.role} acts for one customer, but none is named. Name it: --customer ID.")
        if self.role is Role.INTEGRATOR and not self.source:
            raise BadInput("An integrator acts for one source, but none is named. Name it: --source CODE.")
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise BadInput(f"The expiry of {self.subject} has no time zone. Give it as an instant in UTC.")

    @property
    def order_rows(self) -> RowScope:
        """No role or no right to read orders means no rows, so a forgotten check fails closed."""
        if self.role is None or "orders:read" not in self.scopes:
            return RowScope.NONE
        return _ROWS[self.role]

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    def require(self, scope: str) -> None:
        if self.may(scope):
            return
        if self.role is None:
            raise Unauthenticated(f"This needs {scope} and the request carries no valid token. Send a bearer token.")
        raise Forbidden(f"This needs {scope}, which role {self.role} does not have. Ask for a token that has it.")

    def sees_channel(self, code: str) -> bool:
        return self.channels is None or code in self.channels

    def expired(self, now: datetime.datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


ANONYMOUS: Final = Actor(role=None, subject="anonymous", scopes=frozenset())


def of_role(
    role: Role,
    subject: str,
    *,
    customer_id: str | None = None,
    source: str | None = None,
    channels: frozenset[str] | None = None,
    extra_scopes: frozenset[str] = frozenset(),
    expires_at: datetime.datetime | None = None,
    token_id: str | None = None,
    issued_at: datetime.datetime | None = None,
) -> Actor:
    """An actor with its role's scopes; `extra_scopes` are granted on top, such as pii:read to support."""
    scopes = ROLE_SCOPES[role] | extra_scopes
    return Actor(role, subject, scopes, customer_id, source, channels, expires_at, token_id, issued_at)
