"""The floor: what a careful person would write by hand for exactly these two answers, and nothing else.

One prepared statement that returns the finished JSON, a driver and a server. No GraphQL, no rights, no limits.
"""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

# Tried: json_build_object or whole rows, json_agg(... ORDER BY) or ordered sub-selects, text, bytea or json_send, and
# this was the cheapest for both answers.
CARD = """
    SELECT o.id, o.number, o.status,
           to_char(o.placed_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "placedAt",
           json_build_object('name', o.customer_name, 'email', o.customer_email) AS customer,
           json_build_object('amount', o.total_amount, 'currency', o.currency) AS total,
           (SELECT coalesce(json_agg(line), '[]') FROM (
                SELECT l.id, l.sku, l.title, l.quantity,
                       json_build_object('amount', l.unit_price_amount, 'currency', o.currency) AS "unitPrice"
                FROM order_lines l WHERE l.order_id = o.id ORDER BY l.position
           ) line) AS lines,
           (SELECT coalesce(json_agg(parcel), '[]') FROM (
                SELECT s.id, json_build_object('name', c.name) AS carrier, s.tracking_number AS "trackingNumber",
                       s.status, to_char(s.shipped_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "shippedAt",
                       (SELECT coalesce(json_agg(scan), '[]') FROM (
                            SELECT e.status,
                                   to_char(e.occurred_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "occurredAt",
                                   e.city, e.raw_text AS "rawText"
                            FROM tracking_events e WHERE e.shipment_id = s.id ORDER BY e.occurred_at DESC, e.id
                       ) scan) AS events
                FROM shipments s LEFT JOIN carriers c ON c.code = s.carrier
                WHERE s.order_id = o.id ORDER BY s.created_at, s.id
           ) parcel) AS shipments
"""
ONE = f"SELECT json_send(row_to_json(card)) FROM ({CARD} FROM orders o WHERE o.id = $1) card"
MANY = f"""
SELECT json_send(coalesce(json_agg(card), '[]'))
FROM ({CARD} FROM orders o WHERE o.placed_at < $1 ORDER BY o.placed_at DESC, o.id DESC LIMIT 50) card
"""


@contextlib.asynccontextmanager
async def opened(dsn: str, application: str) -> AsyncIterator[ASGIApp]:
    # The best plan for both is the same whatever is asked for, so it is made once.
    plans = {"plan_cache_mode": "force_generic_plan"}
    session = {"application_name": application, "jit": "off", "timezone": "UTC", **plans}
    # Without the reset query between requests, which would be a second round trip.
    pool = await asyncpg.create_pool(dsn, min_size=2, max_size=10, reset=no_reset, server_settings=session)
    try:
        yield app(pool)
    finally:
        pool.terminate()


async def no_reset(_: Any) -> None:
    pass


def app(pool: "asyncpg.Pool[asyncpg.Record]") -> ASGIApp:
    async def one(variables: dict[str, str]) -> bytes:
        found = await pool.fetchval(ONE, variables["id"])
        return b'{"data":{"order":%b}}' % (found or b"null")

    async def many(variables: dict[str, str]) -> bytes:
        found = await pool.fetchval(MANY, dt.datetime.fromisoformat(variables["until"]))
        return b'{"data":{"orders":{"nodes":%b}}}' % found

    answers = {"one": one, "many": many}

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        message = await receive()
        body = message["body"]
        while message["more_body"]:
            message = await receive()
            body += message["body"]
        asked = orjson.loads(body)
        answer = await answers[asked["operationName"]](asked["variables"])
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return serve
