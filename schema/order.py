"""Orders and what hangs from them."""

import datetime as dt

import strawberry

from db import tables
from domain.attention import Attention
from domain.reasons import CancelReason
from domain.status import FinancialStatus, OrderStatus, ReturnRollup
from resolvers.fields import argument, column, embedded, joined, many, one, page, rows
from resolvers.sql import holds, lookups, masks, orders, promises, visibility, words
from resolvers.sql import live as live_sql
from schema.fulfillment import Fulfillment
from schema.hold import Hold
from schema.live import OrderLive, live_value, merged_order
from schema.location import Channel
from schema.money import Money, order_money
from schema.node import Node
from schema.order_line import OrderLine
from schema.paging import PageInfo
from schema.promise import PromiseDates
from schema.request import Request
from schema.returns import Return
from schema.shipment import Shipment
from schema.timeline import TimelineConnection


@strawberry.type(description="Who ordered. Personal data is masked for callers without pii:read.")
class Customer:
    id: str | None = column("The channel's id of the customer.", tables.orders.c.customer_id)
    name: str | None = column("Name.", tables.orders.c.customer_name, masked=masks.text("customer_name"))
    email: str | None = column("E-mail.", tables.orders.c.customer_email, masked=masks.email("customer_email"))
    phone: str | None = column("Phone.", tables.orders.c.customer_phone, masked=masks.text("customer_phone"))


@strawberry.type(description="A postal address. Personal data is masked for callers without pii:read.")
class Address:
    name: str | None = column("Recipient.", tables.orders.c.ship_name, masked=masks.text("ship_name"))
    line1: str | None = column("Street and number.", tables.orders.c.ship_line1, masked=masks.text("ship_line1"))
    line2: str | None = column(
        "What the first line had no room for.", tables.orders.c.ship_line2, masked=masks.text("ship_line2")
    )
    city: str | None = column("City.", tables.orders.c.ship_city)
    region: str | None = column("State or province.", tables.orders.c.ship_region)
    postal_code: str | None = column(
        "Postal code.", tables.orders.c.ship_postal_code, masked=masks.postal_code("ship_postal_code")
    )
    country: str | None = column("ISO 3166 country.", tables.orders.c.ship_country)


@strawberry.type(description="The status as the system of origin says it.")
class SourceStatus:
    system: str = column("The system.", tables.orders.c.source)
    value: str = column("Its own word.", tables.orders.c.source_status)
    observed_at: dt.datetime | None = column("When we saw it.", tables.orders.c.source_observed_at)


@strawberry.type(description="What has been paid.")
class Payment:
    status: FinancialStatus = column("In one word.", tables.orders.c.financial_status)
    authorized: Money = order_money("Promised by the payment provider.", "authorized_amount")
    captured: Money = order_money("Received.", "captured_amount")
    refunded: Money = order_money("Given back.", "refunded_amount")


@strawberry.type(description="What was promised, what is promised now, and what the carrier expects.")
class OrderPromise:
    original: PromiseDates | None = one(
        "As sold. It never changes.",
        promises.of_order("ORIGINAL"),
    )
    current: PromiseDates | None = one(
        "Our latest commitment.",
        promises.of_order("CURRENT"),
    )
    carrier_estimate: dt.datetime | None = column(
        "The latest estimate among parcels still on their way.", orders.carrier_estimate
    )


@rows(tables.source_claims)
@strawberry.type(description="What one system says about a field of the order.")
class SourceClaim:
    field: str = column("The field or group of fields.")
    system: str = column("Who says it.")
    value: str | None = column("What it says, in our words.")
    raw_value: str | None = column("What it says, in its own words.")
    wins: bool = column("Whether this is what we show, by the precedence of systems.")
    conflicts: bool = column("Whether it differs from what we show.", orders.claim_conflicts)
    observed_at: dt.datetime = column("When it said so.")


@rows(
    tables.orders,
    visible=visibility.order,
    keys={
        ("id",): lambda row, given: row.c.id == given["id"],
        ("number", "channel.code"): lookups.order_key,
    },
)
@strawberry.federation.type(
    keys=["id", "number channel { code }"], description="An order: one shared truth over all systems that know of it."
)
class Order(Node):
    id: strawberry.ID = column("Its id.")
    number: str = column("The number the customer knows; unique within the channel.")
    version: int = column("Rises by one with every change of the order or of anything that belongs to it.")
    channel: Channel = one("Where it came from.", joined("id", "channel_id"))
    status: OrderStatus = column("Where it stands.")
    next_statuses: list[OrderStatus] = column("What the status may become.", words.next_statuses(OrderStatus))
    attention: list[Attention] = column("What somebody should look at.", words.attention)
    return_status: ReturnRollup = column("All its returns in one word.")
    source_status: SourceStatus | None = embedded(
        "The status in the words of the system of origin.", present=orders.has_source_status
    )
    payment: Payment = embedded("What has been paid.")
    customer: Customer | None = embedded("Who ordered.", present=orders.has_customer)
    shipping_address: Address | None = embedded("Where it goes.", present=orders.has_address)
    ship_complete: bool = column("Whether everything has to arrive together.")
    subtotal: Money = order_money("Items before shipping and tax.", "subtotal_amount")
    shipping_total: Money = order_money("Shipping.", "shipping_amount")
    tax_total: Money = order_money("Tax.", "tax_amount")
    discount_total: Money = order_money("Discounts.", "discount_amount")
    total: Money = order_money("What the customer pays.", "total_amount")
    placed_at: dt.datetime = column("Ordered.")
    accepted_at: dt.datetime | None = column("Accepted for fulfillment.")
    closed_at: dt.datetime | None = column("Nothing more is expected.")
    cancelled_at: dt.datetime | None = column("Cancelled.")
    cancel_reason: CancelReason | None = column("Why it was cancelled.")
    cancelled_by: str | None = column("Who cancelled it.")
    updated_at: dt.datetime = column("The last change.")
    promise: OrderPromise = embedded("When it was and is to be delivered.")
    lines: list[OrderLine] = many(
        "What was ordered.",
        joined("order_id", "id"),
        order_by=lambda child, _: [child.c.position],
        size=3,
    )
    fulfillments: list[Fulfillment] = many(
        "The work orders, oldest first.",
        joined("order_id", "id"),
        order_by=lambda child, _: [child.c.created_at, child.c.id],
        size=2,
    )
    shipments: list[Shipment] = many(
        "The parcels, oldest first.",
        joined("order_id", "id"),
        order_by=lambda child, _: [child.c.created_at, child.c.id],
        size=2,
    )
    holds: list[Hold] = many(
        "What blocks or blocked it, oldest first.",
        holds.of_order,
        order_by=lambda child, _: [child.c.placed_at, child.c.id],
        size=1,
        arguments=[argument("active_only", bool, "Only those that still block.", default=False)],
    )
    returns: list[Return] = many(
        "Its returns, oldest first.",
        joined("order_id", "id"),
        order_by=lambda child, _: [child.c.requested_at, child.c.id],
        size=1,
    )
    requests: list[Request] = many(
        "What outside systems were asked to do for it, oldest first.",
        joined("order_id", "id"),
        order_by=lambda child, _: [child.c.created_at, child.c.id],
        size=1,
        scopes=["orders:write"],
    )
    sources: list[SourceClaim] = many(
        "What each system says, and where they disagree.",
        joined("order_id", "id"),
        order_by=lambda child, _: [child.c.field, child.c.wins.desc(), child.c.system],
        size=4,
    )
    live: OrderLive = live_value("What its system of origin says now.", "orders", live_sql.order, merged_order)
    timeline: TimelineConnection = page(
        "Everything that happened to it, oldest first.",
        joined("order_id", "id"),
        node="TimelineEntry",
        orders={"": orders.BY_TIME},
        inherits=True,
    )


@strawberry.type(description="An order and its cursor.")
class OrderEdge:
    cursor: str = strawberry.field(description="Its place in the list.")
    node: Order = strawberry.field(description="The order.")


@strawberry.type(description="A page of orders.")
class OrderConnection:
    edges: list[OrderEdge] = strawberry.field(description="Orders with their cursors.")
    nodes: list[Order] = strawberry.field(description="Orders without cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="All orders that match; counted only when asked for.")


@strawberry.input(description="Which orders; all that is set must hold.")
class OrderFilter:
    status: list[OrderStatus] | None = strawberry.field(default=None, description="Any of these.")
    attention: list[Attention] | None = strawberry.field(default=None, description="At least one of these now.")
    channel: list[str] | None = strawberry.field(default=None, description="Codes of channels, any of these.")
    placed_from: dt.datetime | None = strawberry.field(default=None, description="Ordered at or after.")
    placed_until: dt.datetime | None = strawberry.field(default=None, description="Ordered before.")
    updated_from: dt.datetime | None = strawberry.field(default=None, description="Changed at or after.")
    customer_id: str | None = strawberry.field(default=None, description="The channel's id of the customer.")
    customer_email: str | None = strawberry.field(default=None, description="The whole e-mail, in any case.")
    sku: str | None = strawberry.field(default=None, description="With a line of this item.")
    tracking_number: str | None = strawberry.field(default=None, description="With a parcel of this number.")
    location: str | None = strawberry.field(default=None, description="With work at the location of this code.")
    search: str | None = strawberry.field(
        default=None, description="A whole order number, e-mail or tracking number, whichever it is."
    )
