"""Where events are posted to, as whoever registered it sees it."""

import datetime as dt

import strawberry

from db import tables
from domain.webhook import DeadReason, DeadState, DisabledReason, EndpointState
from resolvers.fields import column, declare, page, rows
from resolvers.sources import Special
from resolvers.sql import webhooks
from schema.paging import PageInfo

strawberry.enum(EndpointState, name="WebhookState", description="Whether anything is sent.")
strawberry.enum(DisabledReason, name="WebhookDisabledReason", description="Why nothing is sent any more.")
strawberry.enum(DeadReason, name="WebhookDeadReason", description="Why one event was given up.")
strawberry.enum(DeadState, name="WebhookDeadState", description="What is to become of an event that was given up.")


@rows(tables.webhook_dead_letters, visible=webhooks.letters)
@strawberry.type(description="An event that was given up for one endpoint.")
class WebhookDeadLetter:
    id: strawberry.ID = column("Its id, to send it again by.")
    message_id: str = column("The `webhook-id` it had, and has when it is sent again.")
    state: DeadState = column("Whether it is to be sent again.")
    reason: DeadReason = column("Why it was given up.")
    attempts: int = column("How often it was tried.")
    last_status: int | None = column("What the receiver answered last.")
    last_error: str | None = column("Why there was no answer.")
    died_at: dt.datetime = column("When it was given up.")


@strawberry.type(description="An event that was given up and its cursor.")
class WebhookDeadLetterEdge:
    cursor: str = strawberry.field(description="Its place in the list.")
    node: WebhookDeadLetter = strawberry.field(description="The event.")


@strawberry.type(description="A page of events that were given up.")
class WebhookDeadLetterConnection:
    edges: list[WebhookDeadLetterEdge] = strawberry.field(description="Events with their cursors.")
    nodes: list[WebhookDeadLetter] = strawberry.field(description="Events without cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="All of them; counted only when asked for.")


@rows(tables.webhook_endpoints, visible=webhooks.visible)
@strawberry.type(description="An address that events are posted to, signed as Standard Webhooks says.")
class WebhookEndpoint:
    id: strawberry.ID = column("Its id.")
    url: str = column("Where events are posted to.")
    description: str = column("What it is for, in its owner's words.")
    document: str | None = column("The subscription that is answered; null is a thin one of all orders you may see.")
    owner: str = column("Whose rights decide what is sent: role and subject.", tables.webhook_endpoints.c.owner_name)
    state: EndpointState = column("Whether anything is sent.")
    disabled_reason: DisabledReason | None = column("Why not.")
    behind: int = column("How many entries the log has that it has not come past.", webhooks.behind)
    delivered: int = column("How many were taken so far.", webhooks.delivered)
    delivered_at: dt.datetime | None = column("When the last one was taken.")
    attempts: int = column("How often the one that is next has failed.")
    failing_since: dt.datetime | None = column("Since when.")
    next_attempt_at: dt.datetime | None = column("When it is tried again.")
    last_attempt_at: dt.datetime | None = column("When the last attempt was.")
    last_status: int | None = column("What the receiver answered then.")
    last_error: str | None = column("Why there was no answer.")
    old_secret_until: dt.datetime | None = column(
        "Until when the secret before signs too.", tables.webhook_endpoints.c.secret_before_until
    )
    created_at: dt.datetime = column("When it was made.")
    updated_at: dt.datetime = column("When somebody last changed it.")
    dead_letters: WebhookDeadLetterConnection = page(
        "Events that were given up, oldest first.",
        webhooks.of_endpoint,
        node="WebhookDeadLetter",
        orders={"": webhooks.LETTERS_OLDEST_FIRST},
        inherits=True,
    )


@strawberry.type(description="An endpoint and its cursor.")
class WebhookEndpointEdge:
    cursor: str = strawberry.field(description="Its place in the list.")
    node: WebhookEndpoint = strawberry.field(description="The endpoint.")


@strawberry.type(description="A page of endpoints.")
class WebhookEndpointConnection:
    edges: list[WebhookEndpointEdge] = strawberry.field(description="Endpoints with their cursors.")
    nodes: list[WebhookEndpoint] = strawberry.field(description="Endpoints without cursors.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="All of them; counted only when asked for.")


@strawberry.type(description="An endpoint after a change.")
class WebhookChange:
    endpoint: WebhookEndpoint | None = declare("The endpoint now.", Special("entity"))


@strawberry.type(description="An endpoint with a new secret.")
class WebhookSecret:
    endpoint: WebhookEndpoint | None = declare("The endpoint now.", Special("entity"))
    secret: str = strawberry.field(description="What its messages are signed with. Shown this once and never again.")


@strawberry.type(description="An endpoint that is gone.")
class WebhookDeletion:
    id: strawberry.ID = strawberry.field(description="Its id.")


@strawberry.type(description="Events that were given up and are sent again.")
class WebhookReplay:
    endpoint: WebhookEndpoint | None = declare("The endpoint now.", Special("entity"))
    queued: int = strawberry.field(description="How many.")


@strawberry.type(description="What came of a message of type `webhook.test`.")
class WebhookTest:
    taken: bool = strawberry.field(description="Whether the receiver answered with a status of 200 to 299.")
    status: int | None = strawberry.field(description="Its status.")
    error: str | None = strawberry.field(description="Why there was no answer.")
    message_id: str = strawberry.field(description="The `webhook-id` it was sent with.")
