"""What the store has of orders that are to change, and of what lines refer to."""

import uuid
from collections.abc import Iterable, Mapping, Sequence

from db.importing.rows import Found, Stored
from db.pool import Connection

_LOCK = "SELECT id, version FROM orders WHERE id = ANY($1) ORDER BY id FOR UPDATE"
_LINES = "SELECT order_id, position, id FROM order_lines WHERE order_id = ANY($1)"
_FULFILLMENTS = "SELECT order_id, location_id, id FROM fulfillments WHERE order_id = ANY($1) ORDER BY id"
_SHIPMENTS = "SELECT order_id, fulfillment_id, id FROM shipments WHERE order_id = ANY($1) ORDER BY id"
_EVENTS = """
SELECT s.order_id, e.shipment_id, e.source_event_id, e.id
FROM tracking_events e JOIN shipments s ON s.id = e.shipment_id WHERE s.order_id = ANY($1)
"""
_PROMISES = "SELECT order_id, kind, id FROM promises WHERE order_id = ANY($1) AND line_id IS NULL"
_JOURNAL = "SELECT order_id, type, entity, entity_id, occurred_at FROM journal WHERE order_id = ANY($1)"

_NUMBERS = "SELECT number, id FROM orders WHERE channel_id = $1 AND number = ANY($2)"
_ITEMS = "SELECT sku, id FROM items WHERE sku = ANY($1)"
_LOCATIONS = "SELECT code, id FROM locations WHERE code = ANY($1)"


async def lock(connection: Connection, orders: Sequence[uuid.UUID]) -> dict[uuid.UUID, Stored]:
    """Lock these orders and read what they consist of."""
    found = {row["id"]: Stored(row["id"], row["version"]) for row in await connection.fetch(_LOCK, orders)}
    for row in await connection.fetch(_LINES, orders):
        found[row["order_id"]].lines[row["position"]] = row["id"]
    for row in await connection.fetch(_FULFILLMENTS, orders):
        found[row["order_id"]].fulfillments[row["location_id"]] = row["id"]
    for row in await connection.fetch(_SHIPMENTS, orders):
        found[row["order_id"]].shipments[row["fulfillment_id"]] = row["id"]
    for row in await connection.fetch(_EVENTS, orders):
        found[row["order_id"]].events[row["shipment_id"], row["source_event_id"]] = row["id"]
    for row in await connection.fetch(_PROMISES, orders):
        found[row["order_id"]].promises[row["kind"]] = row["id"]
    for row in await connection.fetch(_JOURNAL, orders):
        shipment = row["entity_id"] if row["entity"] == "SHIPMENT" else None
        found[row["order_id"]].journal.add((row["type"], shipment, row["occurred_at"]))
    return found


async def numbers(connection: Connection, channel: uuid.UUID, wanted: Iterable[str]) -> dict[str, uuid.UUID]:
    """Orders of the channel by number."""
    return {row["number"]: row["id"] for row in await connection.fetch(_NUMBERS, channel, list(wanted))}


async def referred(connection: Connection, skus: Iterable[str], locations: Iterable[str]) -> Found:
    items = await connection.fetch(_ITEMS, list(skus))
    places = await connection.fetch(_LOCATIONS, list(locations))
    return Found({row["sku"]: row["id"] for row in items}, {row["code"]: row["id"] for row in places})


async def make_items(connection: Connection, titles: Mapping[str, str]) -> None:
    """Items for SKUs the store does not know, with nothing but a title."""
    await connection.execute(
        "INSERT INTO items (sku, title) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING",
        list(titles),
        list(titles.values()),
    )


async def make_carriers(connection: Connection, codes: Iterable[str]) -> None:
    await connection.execute(
        "INSERT INTO carriers (code, name) SELECT c, c FROM unnest($1::text[]) c ON CONFLICT DO NOTHING",
        sorted(codes),
    )
