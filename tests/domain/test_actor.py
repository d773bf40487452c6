import datetime

import pytest

from domain.actor import ANONYMOUS, ROLE_SCOPES, SCOPES, Actor, Role, RowScope, of_role
from domain.errors import BadInput, Forbidden, Unauthenticated

ROLE_READS = "orders:read shipments:read stock:read locations:read items:read availability:read promise:read"
NOW = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)


def actor(role: Role, *extra: str) -> Actor:
    return of_role(role, "someone", customer_id="C1", source="shop", extra_scopes=frozenset(extra))


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        (Role.STOREFRONT, "availability:read promise:read items:read"),
        (Role.CUSTOMER, "orders:read shipments:read availability:read promise:read items:read pii:read"),
        (Role.ASSISTANT, "orders:read shipments:read availability:read promise:read items:read"),
        (
            Role.SUPPORT,
            ROLE_READS + " connectors:read",
        ),
        (
            Role.OPERATOR,
            ROLE_READS + " connectors:read pii:read orders:write stock:write",
        ),
        (
            Role.INTEGRATOR,
            "events:ingest stock:write webhooks:write orders:read shipments:read stock:read items:read locations:read",
        ),
        (Role.ADMIN, " ".join(SCOPES)),
    ],
)
def test_scopes_of_each_role(role: Role, scopes: str) -> None:
    assert ROLE_SCOPES[role] == set(scopes.split())


def test_only_the_admin_administers() -> None:
    assert [role for role in Role if "admin:write" in ROLE_SCOPES[role]] == [Role.ADMIN]
    assert len(SCOPES) == 14


@pytest.mark.parametrize("role", [Role.STOREFRONT, Role.CUSTOMER, Role.ASSISTANT])
def test_the_public_sees_no_raw_stock_and_writes_nothing(role: Role) -> None:
    assert not ROLE_SCOPES[role] & {"stock:read", "stock:write", "orders:write", "events:ingest", "connectors:read"}


@pytest.mark.parametrize(
    ("role", "rows"),
    [
        (Role.STOREFRONT, RowScope.NONE),
        (Role.CUSTOMER, RowScope.OWN_CUSTOMER),
        (Role.ASSISTANT, RowScope.OWN_CUSTOMER),
        (Role.SUPPORT, RowScope.ALL),
        (Role.OPERATOR, RowScope.ALL),
        (Role.INTEGRATOR, RowScope.OWN_SOURCE),
        (Role.ADMIN, RowScope.ALL),
    ],
)
def test_rows_of_each_role(role: Role, rows: RowScope) -> None:
    assert actor(role).order_rows is rows


def test_without_orders_read_there_are_no_rows() -> None:
    assert Actor(Role.ADMIN, "narrowed", frozenset({"stock:read"})).order_rows is RowScope.NONE


def test_a_storefront_gains_no_rows_by_a_scope() -> None:
    assert actor(Role.STOREFRONT, "orders:read").order_rows is RowScope.NONE


def test_anonymous_may_nothing_and_is_asked_to_authenticate() -> None:
    assert ANONYMOUS.order_rows is RowScope.NONE
    assert not any(ANONYMOUS.may(scope) for scope in SCOPES)
    with pytest.raises(Unauthenticated):
        ANONYMOUS.require("availability:read")


def test_missing_scope_is_forbidden_and_says_which() -> None:
    with pytest.raises(Forbidden, match="needs orders:write, which role support does not have"):
        actor(Role.SUPPORT).require("orders:write")


def test_personal_data_can_be_granted_to_support() -> None:
    assert not actor(Role.SUPPORT).may("pii:read")
    actor(Role.SUPPORT, "pii:read").require("pii:read")


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.ASSISTANT])
@pytest.mark.parametrize("customer_id", [None, ""])
def test_who_acts_for_a_customer_names_one(role: Role, customer_id: str | None) -> None:
    with pytest.raises(BadInput, match="Name it: --customer ID"):
        of_role(role, "someone", customer_id=customer_id)


def test_an_integrator_names_its_source() -> None:
    with pytest.raises(BadInput, match="Name it: --source CODE"):
        of_role(Role.INTEGRATOR, "someone")


def test_an_unknown_scope_is_refused() -> None:
    with pytest.raises(BadInput, match="Unknown scope orders:eat"):
        of_role(Role.SUPPORT, "someone", extra_scopes=frozenset({"orders:eat"}))


def test_an_expiry_without_a_zone_is_refused() -> None:
    with pytest.raises(BadInput, match="no time zone"):
        of_role(Role.SUPPORT, "someone", expires_at=NOW.replace(tzinfo=None))


def test_expires_at_the_instant_itself() -> None:
    support = of_role(Role.SUPPORT, "someone", expires_at=NOW)

    assert not support.expired(NOW - datetime.timedelta(microseconds=1))
    assert support.expired(NOW)
    assert not actor(Role.SUPPORT).expired(NOW)


def test_channels_limit_what_is_seen() -> None:
    assert actor(Role.STOREFRONT).sees_channel("de")
    limited = of_role(Role.STOREFRONT, "key", channels=frozenset({"de"}))
    assert limited.sees_channel("de")
    assert not limited.sees_channel("fr")
