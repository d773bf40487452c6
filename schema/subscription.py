"""The roots of following: every change, from any cursor, on every transport."""

import datetime as dt
import enum
from typing import Annotated

import strawberry

from domain.attention import Attention
from domain.status import OrderStatus
from resolvers.fields import argument, column, declare, joined, one
from resolvers.sources import Stream
from resolvers.sql import updates
from schema.item import Item
from schema.order import Order
from schema.promise import DestinationInput
from schema.scalars import Json
from schema.shipment import Shipment


@strawberry.enum(description="How much of a busy stream a client wants.")
class Delivery(enum.StrEnum):
    EVERY_EVENT = "EVERY_EVENT"
    LATEST_PER_ENTITY = "LATEST_PER_ENTITY"


@strawberry.type(description="How far the client has come. Sent when nothing happened for a while.")
class Checkpoint:
    cursor: str = strawberry.field(description="Resume after this.")


@strawberry.type(description="What was missed cannot be told any more: query again, then go on from the cursor.")
class Reset:
    reason: str = strawberry.field(description="RETENTION_PASSED, EPOCH_CHANGED or SCOPE_CHANGED.")
    cursor: str = strawberry.field(description="Resume after this.")


@strawberry.interface(description="Something that happened.")
class Change:
    id: strawberry.ID = column("The event's id; the same wherever the event is seen.", updates.event_id)
    type: str = column("What happened, in the past tense; SNAPSHOT for what was there at the start.")
    entity: str = column("What kind of thing it happened to.")
    entity_id: strawberry.ID = column("Which one.")
    version: int = column(
        "The version after it, of the order it belongs to or of the stock level it counts: drop what you know already."
    )
    changed: list[str] = column("The fields that changed.")
    data: Json = column("What changed, without personal data.")
    is_first_of_status: bool = column("Whether its status was reached for the first time.", updates.first_of_status)
    actor: str = column("Who did it.")
    source: str = column("The system that told us.")
    occurred_at: dt.datetime = column("When it happened in the world.")
    recorded_at: dt.datetime = column("When we recorded it.")
    cursor: str = column("Resume after this.")
    skipped: int = column("How many older changes of the same thing are folded into this one.")


@strawberry.type(description="A change of an order or of anything that belongs to it.")
class OrderChanged(Change):
    order: Order | None = one("The order as it is now.", joined("id", "order_id"), inherits=False)


@strawberry.type(description="A change of a parcel.")
class ShipmentChanged(Change):
    shipment: Shipment | None = one("The parcel as it is now.", joined("id", "entity_id"), inherits=False)


@strawberry.type(description="A change of what an order was promised.")
class PromiseChanged(Change):
    order: Order | None = one("The order as it is now.", joined("id", "order_id"), inherits=False)


@strawberry.type(description="A change of an item's stock.")
class StockChanged(Change):
    changed: list[str] = column(
        "The counts that changed; empty without `stock:read`.", updates.counts("changed", "'{}'::text[]")
    )
    data: Json = column("What changed and where; empty without `stock:read`.", updates.counts("data", "'{}'::jsonb"))
    actor: str = column("Who did it; only their role without `stock:read`.", updates.teller)
    item: Item | None = one("The item as it is now.", joined("id", "entity_id"), inherits=False)


@strawberry.type(description="A new entry of an order's timeline.")
class TimelineAdded(Change):
    pass


OrderUpdate = Annotated[
    OrderChanged | Checkpoint | Reset, strawberry.union("OrderUpdate", description="What orderUpdates sends.")
]
ShipmentUpdate = Annotated[
    ShipmentChanged | Checkpoint | Reset, strawberry.union("ShipmentUpdate", description="What shipmentUpdates sends.")
]
PromiseUpdate = Annotated[
    PromiseChanged | Checkpoint | Reset, strawberry.union("PromiseUpdate", description="What promiseUpdates sends.")
]
StockUpdate = Annotated[
    StockChanged | Checkpoint | Reset, strawberry.union("StockUpdate", description="What stockUpdates sends.")
]
TimelineUpdate = Annotated[
    TimelineAdded | Checkpoint | Reset, strawberry.union("TimelineUpdate", description="What timeline sends.")
]


@strawberry.input(description="Which orders to follow; all that is set must hold when something happens.")
class OrderUpdatesFilter:
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Orders of these ids.")
    numbers: list[str] | None = strawberry.field(default=None, description="Orders of these numbers.")
    customer_id: str | None = strawberry.field(default=None, description="Orders of this customer.")
    channel: list[str] | None = strawberry.field(default=None, description="Codes of channels.")
    status: list[OrderStatus] | None = strawberry.field(default=None, description="In one of these statuses.")
    attention: list[Attention] | None = strawberry.field(default=None, description="With one of these flags.")


AFTER = argument(
    "after", str | None, "A cursor of a query or an earlier event: nothing after it is missed.", default=None
)
FILTER = argument("filter", OrderUpdatesFilter | None, "Which orders.", default=None)
DELIVERY = argument("delivery", Delivery, "Every event, or the latest of each thing.", default=Delivery.EVERY_EVENT)


@strawberry.type(description="Everything that can be followed.")
class Subscription:
    order_updates: OrderUpdate = declare(
        "Every change of the orders you may see.",
        Stream("OrderChanged", updates.of_orders, updates.order_topics, updates.snapshot_of_orders),
        scopes=["orders:read"],
        arguments=[
            FILTER,
            AFTER,
            DELIVERY,
            argument(
                "snapshot",
                bool,
                "Send first what is there now, without a gap to what follows; with a cursor only after a Reset.",
                default=False,
            ),
        ],
    )
    shipment_updates: ShipmentUpdate = declare(
        "Every change of the parcels you may see.",
        Stream("ShipmentChanged", updates.of_shipments, updates.order_topics, entity="SHIPMENT"),
        scopes=["shipments:read"],
        arguments=[
            FILTER,
            argument("tracking_numbers", list[str] | None, "Parcels of these numbers.", default=None),
            AFTER,
            DELIVERY,
        ],
    )
    promise_updates: PromiseUpdate = declare(
        "Every change of what was promised for the orders you may see.",
        Stream("PromiseChanged", updates.of_promises, updates.order_topics),
        scopes=["orders:read"],
        arguments=[
            FILTER,
            argument("material_only", bool, "Only when the last promised day moves.", default=False),
            AFTER,
        ],
    )
    stock_updates: StockUpdate = declare(
        "Changes of stock, at most ten a second for each item unless every event is asked for.",
        Stream("StockChanged", updates.of_stock, updates.stock_topics, entity="STOCK"),
        scopes=["availability:read"],
        arguments=[
            argument("skus", list[str], "The items, up to 250."),
            argument("channel", str | None, "Only where it is sold to this channel, by its code.", default=None),
            argument("destination", DestinationInput | None, "Only where it is shipped from to there.", default=None),
            AFTER,
            argument(
                "delivery", Delivery, "The latest of each item, or every event.", default=Delivery.LATEST_PER_ENTITY
            ),
        ],
    )
    timeline: TimelineUpdate = declare(
        "New entries of one order's timeline.",
        Stream("TimelineAdded", updates.of_timeline, updates.timeline_topics),
        scopes=["orders:read"],
        arguments=[argument("order_id", strawberry.ID, "The order."), AFTER],
    )
