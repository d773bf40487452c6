"""A shop's whole history by a bulk operation: Shopify writes a file, which is read piece by piece.

The file is JSON lines, each order followed by what belongs to it. A cursor is the operation and the place in the file
where an order begins, so a backfill goes on after a restart where it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from connectors.errors import BadPayload, NotYet
from connectors.http import Http
from connectors.payload import Node
from connectors.shopify.api import Api
from connectors.shopify.documents import BULK, BULK_STATE, RUN_BULK

# Another one of the same app and shop runs, or too many do; ours can begin later.
BUSY: Final = frozenset({"OPERATION_IN_PROGRESS", "LIMIT_REACHED"})
PIECE: Final = 4 * 1024 * 1024
# Under which name an object stands at its parent.
CHILDREN: Final[Mapping[tuple[str, str], str]] = {
    ("Order", "LineItem"): "lineItems",
    ("Order", "FulfillmentOrder"): "fulfillmentOrders",
    ("FulfillmentOrder", "FulfillmentOrderLineItem"): "lineItems",
    ("FulfillmentOrder", "Fulfillment"): "fulfillments",
}


@dataclass(frozen=True, slots=True)
class File:
    """What a bulk operation has written. `url` is None where there is nothing in it; `orders` is how many are."""

    url: str | None
    orders: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a backfill is: the operation's id and how many bytes of its file are done."""

    operation: str
    offset: int = 0

    def __str__(self) -> str:
        return f"bulk|{self.operation}|{self.offset}"


def place_of(cursor: str) -> Place:
    try:
        _, operation, offset = cursor.split("|")
        return Place(operation, int(offset))
    except ValueError:
        raise BadPayload("This is no cursor of a backfill. Start the backfill again.", "cursor") from None


async def start(api: Api) -> Place:
    told = (await api.ask(RUN_BULK, {"query": BULK}))["bulkOperationRunQuery"]
    for error in told["userErrors"]:
        code = error["code"].maybe_text() or "no code"
        if code in BUSY:
            raise NotYet("Shopify works on another bulk operation of this shop; ours begins after it.")
        raise BadPayload(f"Shopify does not start a bulk operation ({code[:40]}).", "userErrors")
    return Place(told["bulkOperation"]["id"].text())


async def file_of(api: Api, place: Place) -> File | None:
    """None while it is written."""
    told = (await api.ask(BULK_STATE, {"id": place.operation}))["bulkOperation"]
    status = told["status"].text()
    if status in ("CREATED", "RUNNING"):
        return None
    if status != "COMPLETED":
        code = told["errorCode"].maybe_text() or status
        raise BadPayload(f"The bulk operation did not end well ({code[:40]}). Start the backfill again.", "status")
    count = told["rootObjectCount"].maybe_text()
    return File(told["url"].maybe_text(), int(count) if count and count.isdecimal() else None)


async def piece(files: Http, url: str, place: Place, size: int = PIECE) -> tuple[Sequence[Node], Place | None]:
    """The orders that lie whole in the next `size` bytes, or the first whole one; and where to go on."""
    parts = urlsplit(url)
    if not url.startswith(f"{files.base}/"):
        raise BadPayload("The file of the bulk operation lies on another host than the option files_url says.", "url")
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    span = {"Range": f"bytes={place.offset}-{place.offset + size - 1}"}
    answer = await files.request("GET", path, headers=span, accept=frozenset({416}))
    if answer.status == 416:
        return (), None
    body, last = answer.body, len(answer.body) < size
    if answer.status == 200:  # A server that knows no ranges sends all of it.
        body, last = body[place.offset :], True
    lines = body.split(b"\n")
    whole = [line for line in (lines if last else lines[:-1]) if line.strip()]
    end = len(whole) if last else _last_root(whole)
    if end == 0 and not last:
        return await piece(files, url, place, size * 2)
    done = sum(len(line) + 1 for line in whole[:end])
    return gathered(whole[:end]), None if last else Place(place.operation, place.offset + done)


def _last_root(lines: Sequence[bytes]) -> int:
    """Where the last order begins: what belongs to it may go on behind this piece."""
    roots = [place for place, line in enumerate(lines) if b'"__parentId"' not in line]
    return roots[-1] if roots else 0


def gathered(lines: Sequence[bytes]) -> Sequence[Node]:
    """Orders in the shape of a query. An object whose parent has not come before it is a BadPayload."""
    known: dict[str, dict[str, Any]] = {}
    orders: list[dict[str, Any]] = []
    for at, line in enumerate(lines):
        thing = _object(line, at)
        _with_connections(thing)
        known[Node(thing, f"lines.{at}")["id"].text()] = thing
        parent = thing.pop("__parentId", None)
        if parent is None:
            orders.append(thing)
            continue
        above = known.get(parent, {})
        name = CHILDREN.get((str(above.get("__typename")), str(thing.get("__typename"))))
        if name is None:
            raise BadPayload("The file of the bulk operation is not in order.", f"lines.{at}.__parentId")
        above[name]["nodes"].append(thing)
    return [Node(order, f"orders.{place}") for place, order in enumerate(orders)]


def _object(line: bytes, at: int) -> dict[str, Any]:
    try:
        thing = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadPayload("A line of the bulk operation's file is no JSON.", f"lines.{at}") from None
    if not isinstance(thing, dict):
        raise BadPayload("A line of the bulk operation's file is no object.", f"lines.{at}")
    return thing


def _with_connections(thing: dict[str, Any]) -> None:
    for (kind, _), name in CHILDREN.items():
        if thing.get("__typename") == kind:
            thing[name] = {"nodes": []}
