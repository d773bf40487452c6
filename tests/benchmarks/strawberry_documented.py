"""The same questions answered by Strawberry as its documentation teaches it.

Types with async resolvers, a DataLoader per relation and request so that nothing is asked for twice, parser and
validation caches, orjson, SQLAlchemy's async engine on the tables of the gateway. No rights, no limits, no masks.
https://strawberry.rocks/docs/guides/dataloaders, /docs/extensions/parser-cache, /docs/integrations/asgi
"""

import contextlib
import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
import strawberry
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from db.tables import carriers, order_lines, orders, shipments, tracking_events
from domain.status import OrderStatus, ShipmentStatus

Row = sa.Row[Any]
Info = strawberry.Info["Loaders", None]
strawberry.enum(OrderStatus)
strawberry.enum(ShipmentStatus)


@strawberry.type
class Money:
    amount: int
    currency: str


@strawberry.type
class Customer:
    name: str | None
    email: str | None


@strawberry.type
class Carrier:
    name: str


@strawberry.type
class TrackingEvent:
    status: ShipmentStatus
    occurred_at: dt.datetime
    city: str | None
    raw_text: str | None

    @classmethod
    def of(cls, row: Row) -> "TrackingEvent":
        return cls(status=ShipmentStatus(row.status), occurred_at=row.occurred_at, city=row.city, raw_text=row.raw_text)


@strawberry.type
class Shipment:
    id: strawberry.ID
    tracking_number: str | None
    status: ShipmentStatus
    shipped_at: dt.datetime | None
    row: strawberry.Private[Row]

    @classmethod
    def of(cls, row: Row) -> "Shipment":
        return cls(
            id=strawberry.ID(str(row.id)),
            tracking_number=row.tracking_number,
            status=ShipmentStatus(row.status),
            shipped_at=row.shipped_at,
            row=row,
        )

    @strawberry.field
    async def carrier(self, info: Info) -> Carrier | None:
        row = await info.context.carriers.load(self.row.carrier) if self.row.carrier else None
        return Carrier(name=row.name) if row else None

    @strawberry.field
    async def events(self, info: Info) -> list[TrackingEvent]:
        return [TrackingEvent.of(row) for row in await info.context.events.load(self.row.id)]


@strawberry.type
class OrderLine:
    id: strawberry.ID
    sku: str
    title: str
    quantity: int
    unit_price: Money

    @classmethod
    def of(cls, row: Row, currency: str) -> "OrderLine":
        price = Money(amount=row.unit_price_amount, currency=currency)
        return cls(id=strawberry.ID(str(row.id)), sku=row.sku, title=row.title, quantity=row.quantity, unit_price=price)


@strawberry.type
class Order:
    id: strawberry.ID
    number: str
    status: OrderStatus
    placed_at: dt.datetime
    customer: Customer | None
    total: Money
    row: strawberry.Private[Row]

    @classmethod
    def of(cls, row: Row) -> "Order":
        return cls(
            id=strawberry.ID(str(row.id)),
            number=row.number,
            status=OrderStatus(row.status),
            placed_at=row.placed_at,
            customer=Customer(name=row.customer_name, email=row.customer_email),
            total=Money(amount=row.total_amount, currency=row.currency),
            row=row,
        )

    @strawberry.field
    async def lines(self, info: Info) -> list[OrderLine]:
        return [OrderLine.of(row, self.row.currency) for row in await info.context.lines.load(self.row.id)]

    @strawberry.field
    async def shipments(self, info: Info) -> list[Shipment]:
        return [Shipment.of(row) for row in await info.context.shipments.load(self.row.id)]


@strawberry.type
class OrderConnection:
    nodes: list[Order]


@strawberry.input
class OrderFilter:
    placed_until: dt.datetime


@strawberry.type
class Query:
    @strawberry.field
    async def order(self, info: Info, id: strawberry.ID) -> Order | None:  # noqa: A002  # the argument's name
        found = await info.context.rows(sa.select(orders).where(orders.c.id == uuid.UUID(id)))
        return Order.of(found[0]) if found else None

    @strawberry.field
    async def orders(self, info: Info, filter: OrderFilter, first: int = 20) -> OrderConnection:  # noqa: A002
        newest = sa.select(orders).where(orders.c.placed_at < filter.placed_until)
        newest = newest.order_by(orders.c.placed_at.desc(), orders.c.id.desc()).limit(first)
        return OrderConnection(nodes=[Order.of(row) for row in await info.context.rows(newest)])


class Loaders:
    """The context of one request."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.lines = DataLoader(load_fn=self.load_lines)
        self.shipments = DataLoader(load_fn=self.load_shipments)
        self.events = DataLoader(load_fn=self.load_events)
        self.carriers = DataLoader(load_fn=self.load_carriers)

    async def rows(self, statement: sa.Select[Any]) -> Sequence[Row]:
        async with self.engine.connect() as connection:
            found: Sequence[Row] = (await connection.execute(statement)).all()
            return found

    async def load_lines(self, ids: list[uuid.UUID]) -> list[list[Row]]:
        mine = sa.select(order_lines).where(order_lines.c.order_id.in_(ids)).order_by(order_lines.c.position)
        return grouped(await self.rows(mine), lambda row: row.order_id, ids)

    async def load_shipments(self, ids: list[uuid.UUID]) -> list[list[Row]]:
        mine = sa.select(shipments).where(shipments.c.order_id.in_(ids))
        mine = mine.order_by(shipments.c.created_at, shipments.c.id)
        return grouped(await self.rows(mine), lambda row: row.order_id, ids)

    async def load_events(self, ids: list[uuid.UUID]) -> list[list[Row]]:
        mine = sa.select(tracking_events).where(tracking_events.c.shipment_id.in_(ids))
        mine = mine.order_by(tracking_events.c.occurred_at.desc(), tracking_events.c.id)
        return grouped(await self.rows(mine), lambda row: row.shipment_id, ids)

    async def load_carriers(self, codes: list[str]) -> list[Row | None]:
        found = {row.code: row for row in await self.rows(sa.select(carriers).where(carriers.c.code.in_(codes)))}
        return [found.get(code) for code in codes]


def grouped(rows: Iterable[Row], key: Callable[[Row], uuid.UUID], ids: Iterable[uuid.UUID]) -> list[list[Row]]:
    groups: dict[uuid.UUID, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return [groups[each] for each in ids]


# Only its form differs from Strawberry's own DateTime: milliseconds and Z, so that the answers are equal.
DATE_TIME = strawberry.scalar(
    name="DateTime",
    serialize=lambda value: value.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    parse_value=dt.datetime.fromisoformat,
)


class App(GraphQL["Loaders", None]):
    def __init__(self, schema: strawberry.Schema, engine: AsyncEngine) -> None:
        super().__init__(schema)
        self.engine = engine

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Loaders:
        return Loaders(self.engine)

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)


@contextlib.asynccontextmanager
async def opened(dsn: str, application: str) -> AsyncIterator[ASGIApp]:
    session = {"application_name": application, "jit": "off", "timezone": "UTC"}
    engine = create_async_engine(
        dsn.replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=10,
        max_overflow=0,
        # Reading needs no transaction; without it each query is one round trip instead of three.
        isolation_level="AUTOCOMMIT",
        connect_args={"server_settings": session},
    )
    schema = strawberry.Schema(
        Query,
        extensions=[ParserCache, ValidationCache],
        config=StrawberryConfig(scalar_map={dt.datetime: DATE_TIME}),
    )
    try:
        yield App(schema, engine)
    finally:
        await engine.dispose()
