"""An order as its rows tell it: read and checked, with nothing of the store in it yet."""

import dataclasses
import datetime
from collections.abc import Mapping

import orjson

from domain.status import FinancialStatus, OrderLineStatus


@dataclasses.dataclass(frozen=True, slots=True)
class LineDraft:
    """All units of a line are in one stage: a file says no more. Amounts are minor units of the whole line."""

    position: int
    sku: str
    title: str
    quantity: int
    stage: OrderLineStatus
    source_line_id: str | None = None
    requires_shipping: bool = True
    unit_price: int = 0
    discount: int = 0
    tax: int = 0
    total: int = 0
    shipping: int = 0
    location: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Handover:
    """What the rows say of the way to the customer, for the whole order."""

    handed_over_at: datetime.datetime | None = None
    delivered_at: datetime.datetime | None = None
    carrier: str | None = None
    service: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class OrderDraft:
    """`plain` goes to the order's columns as it is; `foreseen` is False when the source's word for the status is new
    to us; `amounts` are minor units by the name of the column without `_amount`."""

    key: str
    number: str
    placed_at: datetime.datetime
    accepted_at: datetime.datetime | None
    cancelled: bool
    foreseen: bool
    source_status: str | None
    financial_status: FinancialStatus
    currency: str
    amounts: Mapping[str, int]
    promise: tuple[datetime.date | None, datetime.date] | None
    handover: Handover
    plain: Mapping[str, object]
    lines: tuple[LineDraft, ...]

    def canonical(self) -> bytes:
        """The same bytes for the same content, whichever rows, files or order it came from."""
        return orjson.dumps(self, option=orjson.OPT_SORT_KEYS)
