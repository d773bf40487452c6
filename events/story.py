"""What becomes of commands to outside systems, told in the journal of their order: it is part of its story."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any, Final

import orjson

from db.commands import journal, orders
from db.pool import Connection, Record
from domain.command import CommandKind

WORDS: Final[Mapping[CommandKind, str]] = {
    CommandKind.REQUEST_FULFILLMENT: "FULFILLMENT_REQUEST",
    CommandKind.CANCEL_FULFILLMENT: "FULFILLMENT_CANCELLATION",
}
SOURCE: Final = "ordergraph"


async def tell(
    connection: Connection, command: Record, what: str, actor: str, at: dt.datetime, **more: str | None
) -> None:
    """`what` in the past tense, such as REFUSED. Shown to all who see the order, so the address is not in it."""
    payload = orjson.loads(command["payload"])
    data = {
        "command": str(command["id"]),
        "connector": command["instance"],
        **{name: payload[name] for name in ("location", "fulfillmentId") if name in payload},
        **({"lines": _lines(payload)} if "lines" in payload else {}),
        **{name: value for name, value in more.items() if value is not None},
    }
    order_id: uuid.UUID = command["order_id"]
    version = await orders.step(connection, order_id)
    entry = journal.Entry(f"{WORDS[CommandKind(command['kind'])]}_{what}", "ORDER", order_id, (), data)
    # A command that is replayed may be given up again.
    event_id = f"{command['id']}:{what.lower()}:{version}"
    origin = journal.Origin(actor, SOURCE, event_id, at)
    await journal.write(connection, entry, origin, version=version, order_id=order_id)


def _lines(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [{name: line[name] for name in ("line", "sku", "quantity")} for line in payload["lines"]]
