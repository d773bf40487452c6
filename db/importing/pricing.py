"""Money of an order and its lines in minor units: what the rows say, and what follows where they say nothing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from db.importing.drafts import LineDraft
from domain.order import Amounts, roll_up_finance
from domain.status import FinancialStatus, OrderLineStatus

LINE = ("unit_price", "discount", "tax", "shipping")
PAID = ("authorized", "captured", "refunded")
TOLD = ("subtotal", "shipping", "tax", "discount", "total", *PAID)
_WHOLLY_CAPTURED = frozenset({FinancialStatus.PAID, FinancialStatus.PARTIALLY_REFUNDED, FinancialStatus.REFUNDED})
_AUTHORIZED_ONLY = frozenset({FinancialStatus.AUTHORIZED, FinancialStatus.EXPIRED, FinancialStatus.VOIDED})


def line(found: Mapping[str, Any], stage: OrderLineStatus) -> LineDraft:
    """A line; its total without being told is price by quantity less its discount."""
    amounts = {name: found.get(name, 0) for name in LINE}
    quantity: int = found["quantity"]
    return LineDraft(
        position=found.get("position", 0),
        sku=found["sku"],
        title=found.get("title", ""),
        quantity=quantity,
        stage=stage,
        source_line_id=found.get("source_line_id"),
        requires_shipping=found.get("requires_shipping", True),
        total=found.get("total", amounts["unit_price"] * quantity - amounts["discount"]),
        location=found.get("location"),
        **amounts,
    )


def order_amounts(
    found: Mapping[str, Any], lines: Sequence[LineDraft], payments: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, int], FinancialStatus]:
    """Amounts by name, and the money of the order in one word. Sums of lines stand where the order says nothing."""
    told: dict[str, int] = {name: found[name] for name in TOLD if name in found}
    paid = tuple(payments)
    for name in PAID:
        if name not in told and any(name in payment for payment in paid):
            told[name] = sum(payment.get(name, 0) for payment in paid)
    amounts = {
        "subtotal": told.get("subtotal", sum(line.total for line in lines)),
        "shipping": told.get("shipping", sum(line.shipping for line in lines)),
        "tax": told.get("tax", sum(line.tax for line in lines)),
        "discount": told.get("discount", sum(line.discount for line in lines)),
    }
    total = amounts["total"] = told.get("total", amounts["subtotal"] + amounts["shipping"] + amounts["tax"])
    status: FinancialStatus | None = found.get("financial_status")
    amounts["captured"] = told.get("captured", total if status in _WHOLLY_CAPTURED else 0)
    amounts["authorized"] = told.get("authorized", total if status in _AUTHORIZED_ONLY else amounts["captured"])
    amounts["refunded"] = told.get("refunded", amounts["captured"] if status is FinancialStatus.REFUNDED else 0)
    return amounts, status or _financial_status(amounts, nothing_known=not lines and not told)


def _financial_status(amounts: Mapping[str, int], *, nothing_known: bool) -> FinancialStatus:
    """Nothing to pay counts as paid, but not for an order that came without lines and amounts."""
    if nothing_known:
        return FinancialStatus.PENDING
    return roll_up_finance(Amounts(max(0, amounts["total"]), **{name: amounts[name] for name in PAID}))
