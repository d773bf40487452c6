"""Order lines: how many units are in which stage."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from db import tables
from domain.status import OrderLineStatus
from resolvers.fields import column, joined, many, one, rows
from resolvers.sql import promises, words
from schema.location import Location
from schema.money import Money, line_money
from schema.promise import PromiseDates

if TYPE_CHECKING:
    from schema.item import Item


@strawberry.type(description="Units of a line in one stage.")
class StatusQuantity:
    status: OrderLineStatus = column("The stage.")
    quantity: int = column("How many units are in it.")


@rows(tables.allocations)
@strawberry.type(description="Stock of a location set aside for a line.")
class Allocation:
    quantity: int = column("How many units.")
    location: Location = one("Where.", joined("id", "location_id"))


@rows(tables.order_lines)
@strawberry.type(description="One line of an order. Its units may be in several stages at once.")
class OrderLine:
    id: strawberry.ID = column("Its id.")
    position: int = column("Its place in the order, from 1.")
    sku: str = column("The item, as the channel sold it.")
    title: str = column("The item's name when it was sold.")
    quantity: int = column("Units ordered.")
    status: OrderLineStatus = column("The stage to look at first: the least advanced that holds units.", words.headline)
    status_breakdown: list[StatusQuantity] = many(
        "Every stage that holds units, in the order of a line's life; the quantities add up to `quantity`.",
        lambda stage, _, __: [stage.c.quantity > 0],
        rows=words.breakdown,
        order_by=lambda stage, _: [stage.c.position],
        size=2,
    )
    requires_shipping: bool = column("Whether anything has to be carried.")
    unit_price: Money = line_money("Price of one unit.", "unit_price_amount")
    discount: Money = line_money("Discount on the line.", "discount_amount")
    tax: Money = line_money("Tax on the line.", "tax_amount")
    total: Money = line_money("What the line costs.", "total_amount")
    item: Annotated["Item", strawberry.lazy("schema.item")] | None = one(
        "The item, when the catalogue knows it.", joined("id", "item_id")
    )
    allocations: list[Allocation] = many(
        "Where its stock is set aside.",
        joined("line_id", "id"),
        order_by=lambda child, _: [child.c.allocated_at, child.c.id],
        size=2,
    )
    original_promise: PromiseDates | None = one(
        "What was promised for this line when it was sold, if it differs from the order's.",
        promises.of_line("ORIGINAL"),
    )
    current_promise: PromiseDates | None = one(
        "The latest commitment for this line, if it differs from the order's.",
        promises.of_line("CURRENT"),
    )
