import enum

import pytest

import domain.reasons
from domain.reasons import (
    CancelReason,
    HoldOwner,
    HoldReason,
    IncidentOwner,
    IncidentReason,
    NodeRejectionReason,
    ReturnReason,
    StockEffect,
    incident_owner,
    stock_effect,
)

KINDS: list[type[enum.StrEnum]] = [
    kind for kind in vars(domain.reasons).values() if isinstance(kind, type) and issubclass(kind, enum.StrEnum)
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_is_its_name(kind: type[enum.StrEnum]) -> None:
    assert all(member.value == member.name for member in kind)


def test_hold_reasons_are_the_twelve_of_the_vocabulary() -> None:
    assert set(HoldReason) == set(
        "AWAITING_PAYMENT HIGH_RISK_OF_FRAUD INCORRECT_ADDRESS INVENTORY_OUT_OF_STOCK UNKNOWN_DELIVERY_DATE "  # noqa: SIM905
        "AWAITING_RETURN_ITEMS POST_PURCHASE_EDIT CUSTOMER_REQUEST MARGIN_RULE COMPLIANCE SUPPLIER_CONFIRMATION "
        "OTHER".split()
    )
    assert set(HoldOwner) == {"MERCHANT", "NODE", "SUPPLIER", "CARRIER", "CUSTOMER", "PAYMENT"}


def test_cancel_and_rejection_and_return_reasons_are_complete() -> None:
    assert len(CancelReason) == 12
    assert len(NodeRejectionReason) == 17
    assert {"DAMAGED", "WORN_DISPLAY", "CAPACITY"} < set(NodeRejectionReason)
    assert len(ReturnReason) == 11
    assert ReturnReason.ARRIVED_LATE in ReturnReason


@pytest.mark.parametrize(
    ("reason", "effect"),
    [
        (NodeRejectionReason.INVENTORY_OUT_OF_STOCK, StockEffect.EMPTY),
        (NodeRejectionReason.DAMAGED, StockEffect.UNSALEABLE),
        (NodeRejectionReason.WORN_DISPLAY, StockEffect.UNSALEABLE),
        (NodeRejectionReason.CAPACITY, StockEffect.NONE),
    ],
)
def test_stock_effect_of_a_rejection(reason: NodeRejectionReason, effect: StockEffect) -> None:
    assert stock_effect(reason) is effect


@pytest.mark.parametrize("reason", IncidentReason)
def test_every_incident_has_an_owner(reason: IncidentReason) -> None:
    assert reason.startswith(incident_owner(reason))


@pytest.mark.parametrize("owner", IncidentOwner)
def test_every_owner_has_a_reason_for_the_rest(owner: IncidentOwner) -> None:
    assert incident_owner(IncidentReason(f"{owner}_OTHER")) is owner
