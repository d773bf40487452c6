"""Money on an order: authorised, captured, given back; each step in the journal and in the order's one word."""

from db.sample.orders import By, Order
from domain.order import Amounts, roll_up_finance

PAYMENTS = By("connector:payments", "payments")


def authorize(order: Order) -> None:
    order.row["authorized_amount"] = order.row["total_amount"]
    _tell(order, "PAYMENT_AUTHORIZED")


def capture(order: Order) -> None:
    """Everything, once; what a marketplace or a till has already taken was never authorised with us."""
    if order.row["captured_amount"]:
        return
    order.row["captured_amount"] = order.row["total_amount"]
    _tell(order, "PAYMENT_CAPTURED")


def refund(order: Order, amount: int) -> None:
    left = order.row["captured_amount"] - order.row["refunded_amount"]
    order.row["refunded_amount"] += min(amount, left)
    _tell(order, "PAYMENT_REFUNDED")


def void(order: Order) -> None:
    """Of a cancelled order: what was only authorised is let go, what was captured is given back."""
    if order.row["captured_amount"]:
        refund(order, order.row["captured_amount"])
    elif order.row["authorized_amount"]:
        _tell(order, "PAYMENT_VOIDED", voided=order.row["authorized_amount"])


def _tell(order: Order, type_: str, voided: int = 0) -> None:
    names = ("total", "authorized", "captured", "refunded")
    amounts = Amounts(**{name: order.row[f"{name}_amount"] for name in names}, voided=voided)
    before, after = order.row["financial_status"], roll_up_finance(amounts)
    order.row["financial_status"] = after
    by = PAYMENTS if order.basket.channel.source == "ordergraph" else order.channel_actor
    words = {"financialStatus": {"from": before, "to": after}} if before != after else {}
    order.record(type_, "payment", by=by, data=words)
