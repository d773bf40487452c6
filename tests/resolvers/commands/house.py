"""A small house to write into: places and items, an engine with commands, and a dump that two histories can share."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import GraphQLSchema

from db.pool import Pool
from db.reader import PoolReader
from domain.actor import Actor, Role, of_role
from domain.precedence import Precedence
from events.cursor import Signer
from events.inbox import Inbox
from resolvers.answer import Answer, GraphQLRequest
from resolvers.commands.kinds import kinds
from resolvers.execute import Engine
from resolvers.mutations import Mutations
from resolvers.plan import Checks

ADMIN = of_role(Role.ADMIN, "admin")
SHOPIFY = of_role(Role.INTEGRATOR, "shopify-key", source="shopify")
DHL = of_role(Role.INTEGRATOR, "dhl-key", source="dhl")

PLACES = """
INSERT INTO channels (code, name, kind, time_zone, currency) VALUES
    ('web', 'Web', 'STOREFRONT', 'Europe/Berlin', 'EUR'), ('b2b', 'B2B', 'B2B', 'UTC', 'USD');
INSERT INTO locations (code, name, kind, country) VALUES
    ('HAM', 'Hamburg', 'WAREHOUSE', 'DE'), ('PAR', 'Paris', 'STORE', 'FR');
INSERT INTO items (sku, title) VALUES ('MUG', 'Mug'), ('LAMP', 'Lamp'), ('BOOK', 'Book');
INSERT INTO carriers (code, name, open_weekdays, stale_after_days) VALUES ('dhl', 'DHL', '{1,2,3,4,5,6}', 4);
"""

# Everything but ids, versions and the times at which we recorded something.
TABLES = {
    "orders": "channel_id, id, version, created_at, updated_at",
    "order_lines": "id, order_id",
    "fulfillments": "id, order_id, location_id, created_at, updated_at",
    "fulfillment_lines": "fulfillment_id, line_id, order_id",
    "shipments": "id, order_id, fulfillment_id, version, created_at, updated_at",
    "shipment_lines": "shipment_id, line_id, order_id",
    "tracking_events": "id, shipment_id, recorded_at",
    "returns": "id, order_id",
    "return_lines": "return_id, line_id, order_id",
    "source_claims": "id, order_id",
    "promises": "id, order_id, line_id, computed_at",
    "facts": "subject_id",
    "stock_levels": "version, updated_at, item_id, location_id",
    "incoming_supply": "id, item_id, location_id, updated_at",
    "items": "id, updated_at",
}
LINKS = {
    "fulfillment_lines": "SELECT f.source_fulfillment_id || '/' || l.sku || '/' || x.quantity AS row"
    " FROM fulfillment_lines x"
    " JOIN fulfillments f ON f.id = x.fulfillment_id JOIN order_lines l ON l.id = x.line_id",
    "shipment_lines": "SELECT s.tracking_number || '/' || l.sku || '/' || x.quantity AS row FROM shipment_lines x"
    " JOIN shipments s ON s.id = x.shipment_id JOIN order_lines l ON l.id = x.line_id",
    "shipments of work": "SELECT s.tracking_number || '/' || coalesce(f.source_fulfillment_id, '-') AS row"
    " FROM shipments s"
    " LEFT JOIN fulfillments f ON f.id = s.fulfillment_id",
    "return_lines": "SELECT r.number || '/' || l.sku || '/' || x.received AS row FROM return_lines x"
    " JOIN returns r ON r.id = x.return_id JOIN order_lines l ON l.id = x.line_id",
}


@dataclass
class House:
    core: GraphQLSchema
    pool: Pool
    precedence: Precedence = field(default=Precedence())
    engine: Engine = field(init=False)
    inbox: Inbox = field(init=False)

    def __post_init__(self) -> None:
        mutations = Mutations(self.core, self.pool, kinds(self.precedence), max_cost=50_000)
        self.inbox = mutations.inbox
        checks = Checks(lambda _: None, lambda _: None)
        reader = PoolReader(self.pool)
        self.engine = Engine(self.core, reader, checks, Signer(b"tests"), epoch=lambda: "test", mutations=mutations)

    async def raw(
        self, query: str, variables: Mapping[str, Any] | None = None, actor: Actor = ADMIN, key: str | None = None
    ) -> Answer:
        extensions = {"idempotencyKey": key} if key is not None else None
        return await self.engine.answer(GraphQLRequest(query, None, variables, extensions), actor)

    async def ask(
        self, query: str, variables: Mapping[str, Any] | None = None, actor: Actor = ADMIN, key: str | None = None
    ) -> Any:
        body = orjson.loads((await self.raw(query, variables, actor, key)).body)
        assert "errors" not in body, body["errors"]
        return body["data"]

    async def refused(
        self, query: str, variables: Mapping[str, Any] | None = None, actor: Actor = ADMIN, key: str | None = None
    ) -> str:
        body = orjson.loads((await self.raw(query, variables, actor, key)).body)
        assert "data" not in body
        code: str = body["errors"][0]["extensions"]["code"]
        return code

    async def send(
        self, field_: str, *items: Mapping[str, Any], actor: Actor = ADMIN, key: str | None = None
    ) -> list[Any]:
        """Items by the mutation's name; their results."""
        type_ = INPUTS[field_]
        query = f"mutation($items: [{type_}!]!) {{ {field_}(items: $items) {{ items {{ {SELECTED[field_]} }} }} }}"
        found: list[Any] = (await self.ask(query, {"items": list(items)}, actor, key))[field_]["items"]
        return found

    async def outcomes(
        self, field_: str, *items: Mapping[str, Any], actor: Actor = ADMIN, key: str | None = None
    ) -> list[str]:
        return [item["outcome"] for item in await self.send(field_, *items, actor=actor, key=key)]

    async def dump(self, *, journal: bool = False) -> dict[str, list[str]]:
        """What the tables say, in an order and without what two histories may differ in."""
        found = {}
        for table, hidden in TABLES.items():
            names = "{" + hidden.replace(" ", "") + "}"
            rows = await self.pool.fetch(
                f"SELECT (to_jsonb(t) - '{names}'::text[])::text AS row FROM {table} t ORDER BY 1"
            )
            found[table] = [row["row"] for row in rows]
        for name, query in LINKS.items():
            found[name + " by name"] = [row["row"] for row in await self.pool.fetch(f"{query} ORDER BY 1")]
        if journal:
            found["journal"] = [str(dict(row)) for row in await self.pool.fetch("SELECT * FROM journal ORDER BY id")]
            found["versions"] = [
                str(row["version"]) for row in await self.pool.fetch("SELECT version FROM orders ORDER BY id")
            ]
            found["inbox"] = [
                str(dict(row))
                for row in await self.pool.fetch("SELECT source, event_id, state, attempts FROM inbox ORDER BY 1, 2")
            ]
        return found

    async def clear(self) -> None:
        """Everything but places and items, whatever refuses to be deleted."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(
                "TRUNCATE orders, journal, outbox, inbox, facts, stock_levels, stock_counts, stock_changes CASCADE"
            )

    async def line(self, sku: str) -> dict[str, int]:
        """The stages of a line that hold units."""
        row = await self.pool.fetchrow("SELECT * FROM order_lines WHERE sku = $1", sku)
        assert row is not None
        from db.tables.orders import STAGES

        return {stage: row[stage] for stage in STAGES if row[stage]}


ORDER = "index outcome error { code message path } order { id number status version lines { sku quantity status } }"
INPUTS = {
    "upsertOrders": "OrderUpsert",
    "recordTrackingEvents": "TrackingEventInput",
    "recordFulfillmentEvents": "FulfillmentEventInput",
    "recordReturnEvents": "ReturnEventInput",
    "setStockLevels": "StockLevelInput",
    "adjustStock": "StockAdjustmentInput",
    "recordIncomingSupply": "IncomingSupplyInput",
}
SELECTED = {
    "upsertOrders": ORDER,
    "recordTrackingEvents": ORDER + " shipment { id status trackingNumber }",
    "recordFulfillmentEvents": ORDER,
    "recordReturnEvents": ORDER,
    "setStockLevels": "index outcome error { code message path } stockLevel { onHand version location { code } }",
    "adjustStock": "index outcome error { code message path } stockLevel { onHand version location { code } }",
    "recordIncomingSupply": "index outcome error { code message path } incomingSupply { quantity received reference }",
}


def at(hour: int, minute: int = 0) -> str:
    return f"2026-03-0{2 + hour // 24}T{hour % 24:02}:{minute:02}:00+00:00"


def upsert(
    event: str, hour: int, number: str = "1001", lines: Any = (("MUG", 2), ("LAMP", 1)), **more: Any
) -> dict[str, Any]:
    return {
        "source": "shopify",
        "eventId": event,
        "occurredAt": at(hour),
        "order": {"channel": "web", "number": number},
        "placedAt": at(0),
        "acceptedAt": at(1),
        "total": 5000,
        "lines": lines and [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
        **more,
    }


def scan(
    event: str, hour: int, status: str, number: str | None = "1001", parcel: str = "P1", **more: Any
) -> dict[str, Any]:
    made = {
        "source": "dhl",
        "eventId": event,
        "occurredAt": at(hour),
        "carrier": "dhl",
        "trackingNumber": parcel,
        "status": status,
        **more,
    }
    return made if number is None else {**made, "order": {"channel": "web", "number": number}}


def work(
    event: str, hour: int, status: str, lines: Any, number: str = "1001", ref: str = "F1", **more: Any
) -> dict[str, Any]:
    return {
        "source": "wms",
        "eventId": event,
        "occurredAt": at(hour),
        "order": {"channel": "web", "number": number},
        "fulfillmentId": ref,
        "location": "HAM",
        "status": status,
        "lines": [{"line": line, "quantity": quantity, **counts} for line, quantity, counts in lines],
        **more,
    }


def back(
    event: str, hour: int, status: str, lines: Any, number: str = "1001", ref: str = "R1", **more: Any
) -> dict[str, Any]:
    return {
        "source": "desk",
        "eventId": event,
        "occurredAt": at(hour),
        "order": {"channel": "web", "number": number},
        "returnNumber": ref,
        "status": status,
        "requestedAt": at(60),
        "lines": [{"line": line, "quantity": quantity, **counts} for line, quantity, counts in lines],
        **more,
    }


def count(event: str, hour: int, on_hand: int, sku: str = "MUG", **more: Any) -> dict[str, Any]:
    return {
        "source": "wms",
        "eventId": event,
        "occurredAt": at(hour),
        "sku": sku,
        "location": "HAM",
        "onHand": on_hand,
        **more,
    }


def change(delta: int, sku: str = "MUG", **more: Any) -> dict[str, Any]:
    event = more.pop("event", uuid.uuid4().hex)
    return {
        "source": "wms",
        "eventId": event,
        "occurredAt": at(50),
        "sku": sku,
        "location": "HAM",
        "delta": delta,
        **more,
    }
