"""A subscription as Strawberry and broadcaster document it: one iterator and one execution per subscriber.

The event comes with NOTIFY and holds all that is asked for: nothing is read from the database. No rights, no cursors.
https://strawberry.rocks/docs/general/subscriptions, https://github.com/encode/broadcaster
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import orjson
import strawberry
from broadcaster import Broadcast
from starlette.types import ASGIApp
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL

CHANNEL = "orders"


@strawberry.type
class Order:
    number: str
    status: str


@strawberry.type
class OrderChanged:
    cursor: str
    type: str
    version: int
    order: Order


@strawberry.type
class Query:
    ok: bool = True


def subscription(broadcast: Broadcast) -> type:
    @strawberry.type
    class Subscription:
        @strawberry.subscription
        async def order_updates(self) -> AsyncGenerator[OrderChanged, None]:
            async with broadcast.subscribe(channel=CHANNEL) as events:
                async for event in events:  # type: ignore[union-attr]  # theirs says it may be None; it never is
                    assert event is not None
                    told = orjson.loads(event.message)
                    yield OrderChanged(**{**told, "order": Order(**told["order"])})

    return Subscription


@contextlib.asynccontextmanager
async def opened(dsn: str, application: str) -> AsyncIterator[ASGIApp]:
    # Subscribed once before anybody comes: broadcaster loses subscribers when the first ones come at the same time.
    async with Broadcast(dsn) as broadcast, broadcast.subscribe(channel=CHANNEL):
        schema = strawberry.Schema(
            Query, subscription=subscription(broadcast), extensions=[ParserCache, ValidationCache]
        )
        yield GraphQL(schema, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL])
