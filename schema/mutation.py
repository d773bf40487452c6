"""The roots of writing: batches of events, each item with a result of its own."""

from typing import Annotated, Any

import strawberry
from strawberry.directive import DirectiveLocation, DirectiveValue, directive

from events import kinds
from resolvers.commands import fulfillment_requests, revoke_access, webhooks, withdrawals
from resolvers.commands.batches import check_adjustment, check_size, taking
from resolvers.fields import argument, command
from schema.access import Revocation
from schema.connector_command import ConnectorCommand
from schema.inputs.events import FulfillmentEventInput, RequestedLineInput, ReturnEventInput, TrackingEventInput
from schema.inputs.orders import OrderReference, OrderUpsert
from schema.inputs.stock import IncomingSupplyInput, StockAdjustmentInput, StockLevelInput
from schema.outcome import OrderBatch, StockBatch, SupplyBatch, TrackingBatch
from schema.webhook import WebhookChange, WebhookDeletion, WebhookReplay, WebhookSecret, WebhookTest

WEBHOOKS = ("webhooks:write",)
ENDPOINT = argument("id", strawberry.ID, "The endpoint.")
DOCUMENT = argument(
    "document",
    str | None,
    "A subscription without variables, answered for every event with your rights; without it, a thin one of all orders "
    "you may see.",
    default=None,
)
INGEST = ("events:ingest", "orders:write")
OWN_KEY = argument(
    "key", str, "Yours, up to 255 characters. The same request again asks for nothing more and shows how far it is."
)


@directive(
    locations=[DirectiveLocation.FIELD],
    name="idempotent",
    description="The request under this key is answered once; sent again, it gets the same answer for 24 hours.",
)
def idempotent(
    value: DirectiveValue[Any],
    key: Annotated[str, strawberry.argument(description="Up to 255 characters, as in the header Idempotency-Key.")],
) -> Any:
    return value


def items(kind: object) -> Any:
    return argument("items", list[kind], "1 to 250 items; those of one order are applied in this order.")  # type: ignore[valid-type]  # a type that is known at run time


@strawberry.type(description="Everything that can be changed.")
class Mutation:
    upsert_orders: OrderBatch = command(
        "Tell orders as their source knows them now; new ones are created.",
        taking(kinds.ORDER),
        check_size,
        scopes=INGEST,
        arguments=[items(OrderUpsert)],
    )
    record_tracking_events: TrackingBatch = command(
        "Tell what carriers say of parcels, in any order and any number of times.",
        taking(kinds.TRACKING),
        check_size,
        scopes=INGEST,
        arguments=[items(TrackingEventInput)],
    )
    record_fulfillment_events: OrderBatch = command(
        "Tell what locations say of their work and of the parcels it led to.",
        taking(kinds.FULFILLMENT),
        check_size,
        scopes=INGEST,
        arguments=[items(FulfillmentEventInput)],
    )
    record_return_events: OrderBatch = command(
        "Tell what is announced to come back, what has arrived, and how it ended.",
        taking(kinds.RETURN),
        check_size,
        scopes=INGEST,
        arguments=[items(ReturnEventInput)],
    )
    set_stock_levels: StockBatch = command(
        "Tell counts of stock.",
        taking(kinds.STOCK_LEVEL),
        check_size,
        scopes=("stock:write",),
        arguments=[items(StockLevelInput)],
    )
    adjust_stock: StockBatch = command(
        "Change what is on hand by differences. Needs an idempotency key, unless every item has changeFromQuantity.",
        taking(kinds.STOCK_ADJUSTMENT),
        check_adjustment,
        scopes=("stock:write",),
        arguments=[items(StockAdjustmentInput)],
    )
    record_incoming_supply: SupplyBatch = command(
        "Tell what is on its way to locations.",
        taking(kinds.SUPPLY),
        check_size,
        scopes=("stock:write", "events:ingest"),
        arguments=[items(IncomingSupplyInput)],
    )
    request_fulfillment: ConnectorCommand = command(
        "Ask an outside system to send lines of an order. It is asked soon after; its work order comes by itself.",
        fulfillment_requests.request,
        fulfillment_requests.check,
        scopes=("orders:write",),
        arguments=[
            argument("order", OrderReference, "The order, accepted and not on hold."),
            argument("location", str, "Code of the location that shall do it."),
            argument("lines", list[RequestedLineInput], "Which units, of those that nobody works on yet."),
            OWN_KEY,
            argument("connector", str | None, "Who is asked; needed where the location does not say.", default=None),
            argument("service", str | None, "The way of shipping, in the system's words.", default=None),
        ],
    )
    cancel_fulfillment: ConnectorCommand = command(
        "Ask the outside system that does a work order to stop. It may refuse.",
        fulfillment_requests.cancel,
        fulfillment_requests.check,
        scopes=("orders:write",),
        arguments=[argument("id", strawberry.ID, "The work order, of Order.fulfillments."), OWN_KEY],
    )
    withdraw_request: ConnectorCommand = command(
        "Take back a request that was not sent yet or was given up, so that its units can be asked of others.",
        withdrawals.withdraw,
        fulfillment_requests.connected,
        scopes=("orders:write",),
        arguments=[
            argument("id", strawberry.ID, "The request, of Order.requests."),
            argument(
                "not_there", bool, "That you looked, and the system that was asked does not have it.", default=False
            ),
        ],
    )
    revoke_access: Revocation = command(
        "Withdraw a token, or all that an actor has now: streams end within a second, requests are refused.",
        revoke_access.run,
        revoke_access.check,
        scopes=("admin:write",),
        arguments=[
            argument("token_id", str | None, "The token with this id (jti).", default=None),
            argument("actor", str | None, "An actor, such as customer:C-1 or key:<prefix>.", default=None),
            argument("reason", str | None, "Kept with it, for those who look later.", default=None),
        ],
    )
    create_webhook: WebhookSecret = command(
        "Register an address that events are posted to. It must be listed in ORDERGRAPH_WEBHOOK_HOSTS.",
        webhooks.create,
        webhooks.check_secret,
        scopes=WEBHOOKS,
        arguments=[
            argument("url", str, "Where to post, https."),
            argument("description", str, "What it is for, up to 500 characters.", default=""),
            DOCUMENT,
            argument("after", str | None, "A cursor to begin after; without it, with what happens next.", default=None),
        ],
    )
    update_webhook: WebhookChange = command(
        "Change an endpoint; what is left out or null stays.",
        webhooks.update,
        webhooks.check,
        scopes=WEBHOOKS,
        arguments=[
            ENDPOINT,
            argument("url", str | None, "Where to post, https.", default=None),
            argument("description", str | None, "What it is for.", default=None),
            argument("document", str | None, "Another subscription; an empty text for the thin one.", default=None),
        ],
    )
    delete_webhook: WebhookDeletion = command(
        "Forget an endpoint and what was given up for it.",
        webhooks.delete,
        webhooks.check,
        scopes=WEBHOOKS,
        arguments=[ENDPOINT],
    )
    rotate_webhook_secret: WebhookSecret = command(
        "Give an endpoint a new secret. For a while its messages carry the signatures of both.",
        webhooks.rotate_secret,
        webhooks.check_secret,
        scopes=WEBHOOKS,
        arguments=[
            ENDPOINT,
            argument("keep_old_hours", int, "How long, 0 to 168; 0 when the old one is known to others.", default=24),
        ],
    )
    enable_webhook: WebhookChange = command(
        "Go on sending, from where the endpoint stopped.",
        webhooks.enable,
        webhooks.check,
        scopes=WEBHOOKS,
        arguments=[
            ENDPOINT,
            argument("skip_failed", bool, "Leave the event it stopped at among the dead letters.", default=False),
        ],
    )
    disable_webhook: WebhookChange = command(
        "Send nothing until it is enabled again; what happens meanwhile is sent then.",
        webhooks.disable,
        webhooks.check,
        scopes=WEBHOOKS,
        arguments=[ENDPOINT],
    )
    test_webhook: WebhookTest = command(
        "Send one message of type `webhook.test` now, whatever the state of the endpoint.",
        webhooks.test,
        webhooks.check,
        scopes=WEBHOOKS,
        arguments=[ENDPOINT],
    )
    replay_webhook: WebhookChange = command(
        "Send everything after a cursor once more, with the same ids.",
        webhooks.replay,
        webhooks.check,
        scopes=WEBHOOKS,
        arguments=[ENDPOINT, argument("after", str, "The `cursor` of a message, or of any answer.")],
    )
    replay_dead_letters: WebhookReplay = command(
        "Send events again that were given up, before all others.",
        webhooks.replay_dead_letters,
        webhooks.check,
        scopes=WEBHOOKS,
        arguments=[
            ENDPOINT,
            argument("ids", list[strawberry.ID] | None, "Which, up to 250; without it, all.", default=None),
        ],
    )
