"""What became of the items of a batch."""

from typing import Any

import strawberry

from events.inbox import Outcome
from resolvers.fields import declare
from resolvers.sources import Special
from schema.item import IncomingSupply, StockLevel
from schema.order import Order
from schema.shipment import Shipment

strawberry.enum(Outcome, name="ItemOutcome", description="What became of one item of a batch.")

INDEX = "The item's place in the batch, from 0."
OUTCOME = "What became of it."
ERROR = "Why it was refused or waits."
ITEMS = "One result per item, in the order in which they were sent."
APPLIED = "How many changed something."
REFUSED = "How many were refused."


def entity(description: str, scope: str) -> Any:
    """A row that a command touched, read back after all commands of the request."""
    return declare(description, Special("entity"), scopes=[scope])


@strawberry.type(description="Why an item was refused or waits.")
class ItemError:
    code: str = strawberry.field(description="A stable code; docs/errors.md explains each.")
    message: str = strawberry.field(description="What is wrong and what to do.")
    path: list[str] = strawberry.field(description="The way to the field: items, the index, then names.")


@strawberry.type(description="What became of an item on an order.")
class OrderItemResult:
    index: int = strawberry.field(description=INDEX)
    outcome: Outcome = strawberry.field(description=OUTCOME)
    error: ItemError | None = strawberry.field(description=ERROR)
    order: Order | None = entity("The order afterwards, if you may see it.", "orders:read")


@strawberry.type(description="What became of a carrier's event.")
class TrackingItemResult:
    index: int = strawberry.field(description=INDEX)
    outcome: Outcome = strawberry.field(description=OUTCOME)
    error: ItemError | None = strawberry.field(description=ERROR)
    order: Order | None = entity("The order afterwards, if you may see it.", "orders:read")
    shipment: Shipment | None = entity("The parcel afterwards, if you may see it.", "shipments:read")


@strawberry.type(description="What became of a count or an adjustment.")
class StockItemResult:
    index: int = strawberry.field(description=INDEX)
    outcome: Outcome = strawberry.field(description=OUTCOME)
    error: ItemError | None = strawberry.field(description=ERROR)
    stock_level: StockLevel | None = entity("The level afterwards.", "stock:read")


@strawberry.type(description="What became of an item on supply.")
class SupplyItemResult:
    index: int = strawberry.field(description=INDEX)
    outcome: Outcome = strawberry.field(description=OUTCOME)
    error: ItemError | None = strawberry.field(description=ERROR)
    incoming_supply: IncomingSupply | None = entity("The supply afterwards.", "stock:read")


@strawberry.type(description="What became of a batch on orders.")
class OrderBatch:
    items: list[OrderItemResult] = strawberry.field(description=ITEMS)
    applied: int = strawberry.field(description=APPLIED)
    refused: int = strawberry.field(description=REFUSED)


@strawberry.type(description="What became of a batch of carriers' events.")
class TrackingBatch:
    items: list[TrackingItemResult] = strawberry.field(description=ITEMS)
    applied: int = strawberry.field(description=APPLIED)
    refused: int = strawberry.field(description=REFUSED)


@strawberry.type(description="What became of a batch on stock.")
class StockBatch:
    items: list[StockItemResult] = strawberry.field(description=ITEMS)
    applied: int = strawberry.field(description=APPLIED)
    refused: int = strawberry.field(description=REFUSED)


@strawberry.type(description="What became of a batch on supply.")
class SupplyBatch:
    items: list[SupplyItemResult] = strawberry.field(description=ITEMS)
    applied: int = strawberry.field(description=APPLIED)
    refused: int = strawberry.field(description=REFUSED)
