"""Orders as their sources tell them."""

import datetime as dt

import strawberry

from domain.reasons import CancelReason
from domain.status import OrderStatus
from schema.scalars import MinorUnits

SOURCE = "The system that says so; integrators may leave it out and can name only their own."
EVENT_ID = "The source's id of this event; sent again, it changes nothing."
OCCURRED_AT = "When it was so, by the source's clock."
SOURCE_VERSION = "The source's own version of the thing, if it counts; decides before the time does."


@strawberry.input(description="Which order: by id, or by channel and number.")
class OrderReference:
    id: strawberry.ID | None = strawberry.field(default=None, description="Its id here.")
    channel: str | None = strawberry.field(default=None, description="Code of the channel; needs `number`.")
    number: str | None = strawberry.field(default=None, description="Its number within the channel.")


@strawberry.input(description="The channel and number of an order, which may be new.")
class OrderNumber:
    channel: str = strawberry.field(description="Code of the channel.")
    number: str = strawberry.field(description="Its number within the channel.")


@strawberry.input(description="A line as it is now.")
class OrderLineInput:
    line_id: str | None = strawberry.field(
        default=None, description="The source's id of the line; without one, the SKU stands for it."
    )
    sku: str = strawberry.field(description="The item; the catalogue need not know it.")
    title: str | None = strawberry.field(default=None, description="The item's name when it was sold.")
    quantity: int = strawberry.field(description="Units ordered.")
    cancelled: int = strawberry.field(default=0, description="Units of these that were cancelled.")
    requires_shipping: bool = strawberry.field(default=True, description="Whether anything has to be carried.")
    unit_price: MinorUnits | None = strawberry.field(default=None, description="Price of one unit.")
    discount: MinorUnits | None = strawberry.field(default=None, description="Discount on the line.")
    tax: MinorUnits | None = strawberry.field(default=None, description="Tax on the line.")
    total: MinorUnits | None = strawberry.field(
        default=None, description="What the line costs; without it, quantity × price − discount."
    )


@strawberry.input(description="Who ordered.")
class CustomerInput:
    id: str | None = strawberry.field(default=None, description="The channel's id of the customer.")
    name: str | None = strawberry.field(default=None, description="Name.")
    email: str | None = strawberry.field(default=None, description="E-mail.")
    phone: str | None = strawberry.field(default=None, description="Phone.")


@strawberry.input(description="Where it goes.")
class AddressInput:
    name: str | None = strawberry.field(default=None, description="Recipient.")
    line1: str | None = strawberry.field(default=None, description="Street and number.")
    line2: str | None = strawberry.field(default=None, description="What the first line had no room for.")
    city: str | None = strawberry.field(default=None, description="City.")
    region: str | None = strawberry.field(default=None, description="State or province.")
    postal_code: str | None = strawberry.field(default=None, description="Postal code.")
    country: str | None = strawberry.field(default=None, description="ISO 3166 country.")


@strawberry.input(description="Money summed over all payments, in minor units of the order's currency.")
class PaymentInput:
    authorized: MinorUnits | None = strawberry.field(default=None, description="Everything ever authorised.")
    captured: MinorUnits | None = strawberry.field(default=None, description="Received.")
    refunded: MinorUnits | None = strawberry.field(default=None, description="Given back.")
    voided: MinorUnits | None = strawberry.field(default=None, description="Authorised and given up.")
    authorization_expired: bool = strawberry.field(default=False, description="Whether the authorisation has lapsed.")


@strawberry.input(description="What was promised to the customer.")
class StatedPromiseInput:
    ship_by: dt.date | None = strawberry.field(default=None, description="The day of hand-over.")
    earliest: dt.date | None = strawberry.field(default=None, description="The earliest day of delivery.")
    latest: dt.date = strawberry.field(description="The last day of delivery that keeps the promise.")
    time_zone: str = strawberry.field(description="IANA zone in which these days are meant.")


@strawberry.input(
    description="An order as its source knows it now. What is left out, the source does not know; without `lines` "
    "only its status is told."
)
class OrderUpsert:
    source: str | None = strawberry.field(default=None, description=SOURCE)
    event_id: str = strawberry.field(description=EVENT_ID)
    occurred_at: dt.datetime = strawberry.field(description=OCCURRED_AT)
    source_version: int | None = strawberry.field(default=None, description=SOURCE_VERSION)
    order: OrderNumber = strawberry.field(description="Which order; it is created when it is not known.")
    lines: list[OrderLineInput] | None = strawberry.field(
        default=None, description="All its lines; one that is no longer named counts as cancelled."
    )
    create_items: bool = strawberry.field(
        default=False, description="Whether SKUs unknown to the catalogue become items."
    )
    status: OrderStatus | None = strawberry.field(
        default=None, description="The source's status in our words; ours follows from the lines."
    )
    source_status: str | None = strawberry.field(default=None, description="The source's status in its own words.")
    customer: CustomerInput | None = strawberry.field(default=None, description="Who ordered.")
    shipping_address: AddressInput | None = strawberry.field(default=None, description="Where it goes.")
    ship_complete: bool = strawberry.field(default=False, description="Whether everything has to arrive together.")
    currency: str | None = strawberry.field(default=None, description="ISO 4217 code; without it, the channel's.")
    subtotal: MinorUnits | None = strawberry.field(default=None, description="Items before shipping and tax.")
    shipping_total: MinorUnits | None = strawberry.field(default=None, description="Shipping.")
    tax_total: MinorUnits | None = strawberry.field(default=None, description="Tax.")
    discount_total: MinorUnits | None = strawberry.field(default=None, description="Discounts.")
    total: MinorUnits | None = strawberry.field(default=None, description="What the customer pays.")
    payment: PaymentInput | None = strawberry.field(default=None, description="What has been paid.")
    promise: StatedPromiseInput | None = strawberry.field(default=None, description="When it was promised.")
    placed_at: dt.datetime | None = strawberry.field(default=None, description="Ordered; needed with `lines`.")
    accepted_at: dt.datetime | None = strawberry.field(default=None, description="Accepted for fulfillment.")
    closed_at: dt.datetime | None = strawberry.field(default=None, description="Nothing more is expected.")
    cancelled_at: dt.datetime | None = strawberry.field(
        default=None, description="Cancelled as a whole: every unit that was not shipped."
    )
    cancel_reason: CancelReason | None = strawberry.field(default=None, description="Why it was cancelled.")
    cancelled_by: str | None = strawberry.field(default=None, description="Who cancelled it; no person's name.")
