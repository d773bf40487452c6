"""Amounts with their currency."""

from typing import Any

import strawberry

from resolvers.fields import embedded
from resolvers.sql import money
from schema.scalars import MinorUnits


@strawberry.type(description="An amount of money.")
class Money:
    amount: MinorUnits = strawberry.field(description="Minor units of the currency.")
    currency: str = strawberry.field(description="ISO 4217 code.")


def order_money(description: str, column: str) -> Any:
    """An amount column of an order."""
    return embedded(description, fields=money.of_order(column))


def line_money(description: str, column: str) -> Any:
    """An amount column of an order line, in its order's currency."""
    return embedded(description, fields=money.of_line(column))
