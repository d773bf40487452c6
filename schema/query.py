"""The roots of reading."""

import strawberry

from resolvers import availability as availability_answers
from resolvers import promising
from resolvers.fields import argument, computed, declare, list_size, many, one, page
from resolvers.sources import Special, Stream
from resolvers.sql import connectors, lookups, order_filter, parked, stock, unread, updates, webhooks
from schema.changes import FIRST, WAIT, ChangePage
from schema.connector import Connector
from schema.enums import OrderSort
from schema.item import Availability, Item, channel_argument, destination_argument
from schema.location import Location
from schema.node import Node
from schema.order import Order, OrderConnection, OrderFilter
from schema.parked import ParkedEventConnection
from schema.promise import CartPromise, DestinationInput, PromiseLineInput
from schema.shipment import Shipment
from schema.subscription import AFTER, FILTER
from schema.unread import UnreadEntryConnection
from schema.webhook import WebhookEndpoint, WebhookEndpointConnection

SORTS = {
    "PLACED_NEWEST": order_filter.by("placed_at", descending=True),
    "PLACED_OLDEST": order_filter.by("placed_at", descending=False),
    "UPDATED_NEWEST": order_filter.by("updated_at", descending=True),
    "UPDATED_OLDEST": order_filter.by("updated_at", descending=False),
}


@strawberry.type(description="Everything that can be asked.")
class Query:
    order: Order | None = one(
        "One order: by id, or by number within a channel. What you may not see is null, like what is not there.",
        lookups.order,
        inherits=False,
        scopes=["orders:read"],
        arguments=[
            argument("id", strawberry.ID | None, "Its id.", default=None),
            argument("number", str | None, "Its number; needs `channel`.", default=None),
            argument("channel", str | None, "Code of the channel of that number.", default=None),
        ],
    )
    orders: OrderConnection = page(
        "Orders you may see.",
        order_filter.conditions,
        node="Order",
        orders=SORTS,
        scopes=["orders:read"],
        arguments=[
            argument("filter", OrderFilter | None, "Which ones.", default=None),
            argument("order_by", OrderSort, "In which order.", default=OrderSort.PLACED_NEWEST),
        ],
    )
    shipment: Shipment | None = one(
        "One parcel: by id, or by tracking number (the newest one with it).",
        lookups.shipment,
        inherits=False,
        scopes=["shipments:read"],
        order_by=lambda row, _: [row.c.created_at.desc(), row.c.id],
        arguments=[
            argument("id", strawberry.ID | None, "Its id.", default=None),
            argument("tracking_number", str | None, "The number the carrier knows.", default=None),
        ],
    )
    availability: list[Availability] = computed(
        "What may be sold of each SKU, in the order asked.",
        stock.availability_of_skus,
        availability_answers.of_skus,
        scopes=["availability:read"],
        arguments=[
            argument("skus", list[str], "Up to 250 SKUs."),
            channel_argument(),
            destination_argument(),
        ],
        size=20,
    )
    promise: CartPromise = computed(
        "When a cart can be delivered, with the reasons. Nothing is held back in stock.",
        stock.promise_inputs,
        promising.for_cart,
        scopes=["promise:read"],
        arguments=[
            argument("lines", list[PromiseLineInput], "What is wanted, up to 250 lines."),
            channel_argument(),
            argument("destination", DestinationInput | None, "Where it shall go; without it, collected.", default=None),
            argument("service", str | None, "The carriers' product; without it STANDARD comes first.", default=None),
        ],
        size=5,
    )
    item: Item | None = one(
        "One item.",
        lookups.item,
        inherits=False,
        scopes=["items:read"],
        arguments=[argument("sku", str, "Its SKU.")],
    )
    location: Location | None = one(
        "One location: by id or code.",
        lookups.location,
        inherits=False,
        scopes=["locations:read"],
        arguments=[
            argument("id", strawberry.ID | None, "Its id.", default=None),
            argument("code", str | None, "Its short name.", default=None),
        ],
    )
    parked_events: ParkedEventConnection = page(
        "Events that came in and wait or were given up, oldest first: an integrator's own, all of them for an admin.",
        parked.of_source,
        node="ParkedEvent",
        orders={"": parked.OLDEST_FIRST},
        scopes=["events:ingest"],
        arguments=[argument("source", str | None, "Only those of this system.", default=None)],
    )
    unread_entries: UnreadEntryConnection = page(
        "What outside systems told that could not be read, oldest first: it is not here until it can be.",
        unread.of_connector,
        node="UnreadEntry",
        orders={"": unread.OLDEST_FIRST},
        scopes=["connectors:read"],
        arguments=[argument("connector", str | None, "Only those of this one, by its name.", default=None)],
    )
    connectors: list[Connector] = many(
        "The outside systems, by name; the same from every process.",
        connectors.everything,
        order_by=lambda row, _: [row.c.instance],
        inherits=False,
        size=20,
        scopes=["connectors:read"],
    )
    webhook_endpoints: WebhookEndpointConnection = page(
        "Addresses that events are posted to, oldest first: your own, all of them for an admin.",
        webhooks.everything,
        node="WebhookEndpoint",
        orders={"": webhooks.OLDEST_FIRST},
        scopes=["webhooks:write"],
    )
    webhook_endpoint: WebhookEndpoint | None = one(
        "One of them.",
        webhooks.by_id,
        inherits=False,
        scopes=["webhooks:write"],
        arguments=[argument("id", strawberry.ID, "Its id.")],
    )
    changes: ChangePage = declare(
        "What happened to the orders you may see, for clients that can only ask: at once when there is something after "
        "the cursor, else when something happens or `wait` is over. Without a cursor, where the log ends now.",
        Stream("OrderChanged", updates.of_orders, updates.order_topics),
        scopes=["orders:read"],
        arguments=[FILTER, AFTER, FIRST, WAIT],
        size=list_size(slicing_arguments=["first"], sized_fields=["nodes"]),
    )
    node: Node | None = declare(
        "Anything by its id.", Special("node"), arguments=[argument("id", strawberry.ID, "The id.")]
    )
    nodes: list[Node | None] = declare(
        "Several things by their ids, in order; null for what you may not see or is not there.",
        Special("nodes"),
        arguments=[argument("ids", list[strawberry.ID], "Up to 250 ids.")],
    )
