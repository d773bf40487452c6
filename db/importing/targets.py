"""What a mapping can fill: the fields of orders, lines, payments, items and locations, with the kind of each."""

import dataclasses
import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.reasons import CancelReason, LocationKind
from domain.status import FinancialStatus, OrderLineStatus


class Kind(enum.Enum):
    """How the text of a cell is read."""

    TEXT = "text"
    # Text that is looked up or indexed, so its length is bounded.
    NAME = "name"
    INSTANT = "instant"
    DAY = "day"
    COUNT = "whole number"
    AMOUNT = "amount"
    FLAG = "yes or no"
    WORD = "word"
    COUNTRY = "country"
    CURRENCY = "currency"
    ZONE = "time zone"


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """`words` lists what a WORD may be; a `required` one must be mapped and filled in every row.

    Where `lenient`, a word nobody foresaw refuses no row: the order lands with status UNKNOWN and the word beside it.
    """

    kind: Kind
    required: bool = False
    words: type[enum.StrEnum] | None = None
    lenient: bool = False


_TEXT: Final = Target(Kind.TEXT)
_NAME: Final = Target(Kind.NAME)
_INSTANT: Final = Target(Kind.INSTANT)
_DAY: Final = Target(Kind.DAY)
_COUNT: Final = Target(Kind.COUNT)
_AMOUNT: Final = Target(Kind.AMOUNT)
_FLAG: Final = Target(Kind.FLAG)
_COUNTRY: Final = Target(Kind.COUNTRY)
_STAGE: Final = Target(Kind.WORD, words=OrderLineStatus, lenient=True)

# Written to the order's columns of the same names, as they are.
PLAIN_ORDER_COLUMNS: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "closed_at": _INSTANT,
        "cancelled_at": _INSTANT,
        "cancel_reason": Target(Kind.WORD, words=CancelReason),
        "cancelled_by": _TEXT,
        "customer_id": _NAME,
        "customer_email": _NAME,
        "customer_name": _TEXT,
        "customer_phone": _TEXT,
        "ship_name": _TEXT,
        "ship_line1": _TEXT,
        "ship_line2": _TEXT,
        "ship_city": _TEXT,
        "ship_region": _TEXT,
        "ship_postal_code": _TEXT,
        "ship_country": _COUNTRY,
        "ship_complete": _FLAG,
    }
)

ORDER: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "number": Target(Kind.NAME, required=True),
        "placed_at": Target(Kind.INSTANT, required=True),
        **PLAIN_ORDER_COLUMNS,
        "accepted_at": _INSTANT,
        "accepted": Target(Kind.FLAG, lenient=True),
        "stage": _STAGE,
        "source_status": _TEXT,
        "financial_status": Target(Kind.WORD, words=FinancialStatus),
        "currency": Target(Kind.CURRENCY),
        "subtotal": _AMOUNT,
        "shipping": _AMOUNT,
        "tax": _AMOUNT,
        "discount": _AMOUNT,
        "total": _AMOUNT,
        "authorized": _AMOUNT,
        "captured": _AMOUNT,
        "refunded": _AMOUNT,
        "promise_earliest": _DAY,
        "promise_latest": _DAY,
        "handed_over_at": _INSTANT,
        "delivered_at": _INSTANT,
        "carrier": _NAME,
        "service": _TEXT,
        "tracking_number": _NAME,
        "tracking_url": _TEXT,
    }
)

LINE: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "sku": Target(Kind.NAME, required=True),
        "quantity": Target(Kind.COUNT, required=True),
        "position": _COUNT,
        "source_line_id": _NAME,
        "title": _TEXT,
        "stage": _STAGE,
        "requires_shipping": _FLAG,
        "unit_price": _AMOUNT,
        "discount": _AMOUNT,
        "tax": _AMOUNT,
        "total": _AMOUNT,
        "shipping": _AMOUNT,
        "location": _NAME,
    }
)

PAYMENT: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "id": _NAME,
        "authorized": _AMOUNT,
        "captured": _AMOUNT,
        "refunded": _AMOUNT,
    }
)

# Both are written to the columns of the same names.
ITEM: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "sku": Target(Kind.NAME, required=True),
        "title": _TEXT,
        "requires_shipping": _FLAG,
        "weight_grams": _COUNT,
        "length_mm": _COUNT,
        "width_mm": _COUNT,
        "height_mm": _COUNT,
        "origin_country": _COUNTRY,
        "hs_code": _TEXT,
    }
)

LOCATION: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "code": Target(Kind.NAME, required=True),
        "name": Target(Kind.TEXT, required=True),
        "kind": Target(Kind.WORD, required=True, words=LocationKind),
        "country": Target(Kind.COUNTRY, required=True),
        "time_zone": Target(Kind.ZONE),
        "region": _TEXT,
        "postal_code": _TEXT,
        "city": _TEXT,
    }
)

SECTIONS: Final[Mapping[str, Mapping[str, Target]]] = MappingProxyType(
    {"order": ORDER, "line": LINE, "payment": PAYMENT, "item": ITEM, "location": LOCATION}
)
