"""A store that knows all that some records speak of, so that what is told can be applied and not only kept."""

import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from graphql import GraphQLSchema

from connectors.base import Capability
from db.pool import Pool
from domain.records import (
    FulfillmentLineRecord,
    FulfillmentRecord,
    LineRecord,
    OrderRecord,
    OrderRef,
    ParcelRecord,
    Record,
    ReturnRecord,
    StockChangeRecord,
    StockRecord,
    SupplyRecord,
    TrackingRecord,
)
from domain.status import FulfillmentStatus
from events.intake import Intake
from tests.resolvers.commands.house import House

T = TypeVar("T")
EARLY: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LATE: Final = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
# Another system that has told of what this one only adds to.
SHOP: Final = "another-shop"
CHANNEL: Final = (
    "INSERT INTO channels (code, name, kind, time_zone, currency) VALUES ($1, $1, 'STOREFRONT', 'Europe/Berlin', 'EUR')"
)
LOCATION: Final = "INSERT INTO locations (code, name, kind, country) VALUES ($1, $1, 'WAREHOUSE', 'DE')"
ITEM: Final = "INSERT INTO items (sku, title) VALUES ($1, $1)"
FORGET: Final = (
    "TRUNCATE orders, journal, outbox, inbox, facts, stock_levels, stock_counts, stock_changes, incoming_supply,"
    " connector_deliveries CASCADE"
)


@dataclass
class Direct:
    """Calls without a runtime around them, so that nothing is retried."""

    connector: Any

    async def call(self, instance: str, capability: Capability, work: Callable[[Any], Awaitable[T]]) -> T:
        return await work(self.connector)


@dataclass
class Store:
    """`basis` is what has been told by others."""

    house: House
    intake: Intake
    basis: Sequence[Record] = ()

    @classmethod
    async def knowing(cls, core: GraphQLSchema, pool: Pool, records: Sequence[Any]) -> "Store":
        house = House(core, pool)
        store = cls(house, Intake(house.inbox, lambda: LATE), before(records))
        orders = {"web", *(one.order.channel for one in records if getattr(one, "order", None) is not None)}
        places = {one.location for one in records if getattr(one, "location", None)}
        skus = {one.sku for one in records if isinstance(one, StockRecord | StockChangeRecord | SupplyRecord)}
        for statement, names in ((CHANNEL, orders), (LOCATION, places), (ITEM, skus)):
            await pool.executemany(statement, [(name,) for name in sorted(names)])
        await store.tell(SHOP, store.basis)
        return store

    async def tell(self, source: str, records: Iterable[Record]) -> None:
        await self.intake.take(source, list(records))

    async def begin_again(self) -> None:
        """With places, items and what others have told."""
        async with self.house.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(FORGET)
        await self.tell(SHOP, self.basis)

    async def ids(self, source: str) -> dict[str, str]:
        """What is in the inbox, and what became of it."""
        rows = await self.house.pool.fetch("SELECT event_id, state FROM inbox WHERE source = $1", source)
        return {row["event_id"]: row["state"] for row in rows}

    async def state(self) -> dict[str, list[str]]:
        """What is known of the world, without when it was counted: some systems' counts are as of our asking."""
        found = await self.house.dump()
        rows = await self.house.pool.fetch(
            "SELECT (to_jsonb(t) - '{version,updated_at,counted_at}'::text[])::text AS row FROM stock_levels t"
            " ORDER BY 1"
        )
        return {**found, "stock_levels": [row["row"] for row in rows]}


def before(records: Sequence[Record]) -> list[Record]:
    """Orders that others tell of and parcels that only scans are of; counts that changes start from."""
    told = {one.order for one in records if isinstance(one, OrderRecord)}
    lines: dict[Any, dict[str, int]] = {}
    for one in records:
        if isinstance(one, FulfillmentRecord | ReturnRecord) and one.order not in told:
            wanted = lines.setdefault(one.order, {})
            wanted.update({line.line: max(wanted.get(line.line, 0), line.quantity) for line in one.lines})
    orders = [_order(ref, wanted) for ref, wanted in lines.items()]
    scanned = {
        (one.carrier, one.tracking_number) for one in records if isinstance(one, TrackingRecord) and one.order is None
    }
    parcels = [record for place, parcel in enumerate(sorted(scanned)) for record in _parcel(f"P{place}", *parcel)]
    counted = {(one.sku, one.location) for one in records if isinstance(one, StockChangeRecord)}
    return [*orders, *parcels, *(StockRecord(sku, place, EARLY, 100) for sku, place in sorted(counted))]


def _order(ref: Any, lines: dict[str, int]) -> OrderRecord:
    rows = tuple(LineRecord(sku, quantity) for sku, quantity in lines.items())
    return OrderRecord(ref, EARLY, lines=rows, create_items=True, placed_at=EARLY, accepted_at=EARLY)


def _parcel(number: str, carrier: str, tracking: str) -> list[Record]:
    """An order in `SHOP`'s channel that was sent in one parcel."""
    ref = OrderRef("web", number)
    work = FulfillmentRecord(
        ref,
        EARLY,
        f"W{number}",
        FulfillmentStatus.COMPLETED,
        (FulfillmentLineRecord("MUG", 1),),
        shipments=(ParcelRecord(carrier, tracking),),
    )
    return [_order(ref, {"MUG": 1}), work]
