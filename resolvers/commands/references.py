"""Which order an item speaks of, and which of its lines."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from db.commands import orders
from db.pool import Connection
from domain.errors import NotFound
from events.inbox import Waits
from resolvers.batches import as_uuid
from resolvers.commands.fields import BadField, Body, word


def order_key(channel: str, number: str) -> str:
    return f"order:{channel}/{number}"


def parcel_key(carrier: str, number: str) -> str:
    return f"parcel:{carrier}/{number}"


async def named(connection: Connection, body: Body) -> tuple[str, str] | None:
    """Channel and number of the order an item names; None when it names none. Raises NotFound for an unknown id."""
    given = body.get("order")
    if given is None:
        return None
    if given.get("id") is not None:
        order_id = as_uuid(given["id"])
        found = await orders.name(connection, order_id) if order_id else None
        if found is None:
            raise NotFound("There is no order with this id. Name it by channel and number if it is still to come.")
        return found
    if given.get("channel") is None or given.get("number") is None:
        raise BadField("Name the order by its id, or by channel and number.", "order")
    return word(given, "channel"), word(given, "number")


async def locate(connection: Connection, body: Body) -> str:
    found = await named(connection, body)
    if found is None:
        raise BadField("Name the order by its id, or by channel and number.", "order")
    return order_key(*found)


async def locked(connection: Connection, body: Body) -> uuid.UUID:
    """The order's id, its row locked. Raises Waits when there is no such order yet."""
    found = await named(connection, body)
    order_id = await orders.lock(connection, *found) if found else None
    if order_id is None:
        raise Waits("The order is not known yet.")
    return order_id


async def entities(connection: Connection, body: Body) -> Mapping[str, Any]:
    found = await named(connection, body)
    order_id = await orders.lock(connection, *found) if found else None
    return {"order": order_id} if order_id else {}


def line_of(lines: Sequence[Mapping[str, Any]], ref: str) -> uuid.UUID | None:
    """A line by the id its source gave it, else by its SKU."""
    for column in ("source_line_id", "sku"):
        for line in lines:
            if line[column] == ref:
                return uuid.UUID(line["id"])
    return None


def needed_line(lines: Sequence[Mapping[str, Any]], ref: str) -> uuid.UUID:
    found = line_of(lines, ref)
    if found is None:
        raise Waits(f"The order has no line {ref} yet.", known=True)
    return found
