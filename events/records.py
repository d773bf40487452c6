"""From what a connector tells to events of the inbox: the same fields, in the words of the mutations' inputs."""

import dataclasses
import datetime as dt
import enum
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import orjson

from connectors.errors import BadPayload
from domain import records
from domain.records import Record
from events import kinds
from events.inbox import Event

KINDS: Final[Mapping[type, str]] = {
    records.OrderRecord: kinds.ORDER,
    records.FulfillmentRecord: kinds.FULFILLMENT,
    records.TrackingRecord: kinds.TRACKING,
    records.ReturnRecord: kinds.RETURN,
    records.StockRecord: kinds.STOCK_LEVEL,
    records.StockChangeRecord: kinds.STOCK_ADJUSTMENT,
    records.SupplyRecord: kinds.SUPPLY,
}
LONGEST_REFERENCE: Final = 200
LONGEST_ID: Final = 512


def event_of(source: str, actor: str, record: Record) -> Event:
    """The event that tells `record`; `source` is the instance that told it, `actor` who brought it, role:subject.

    Without an id of the outside system the content is the id, so the same state told twice is one event.
    """
    kind, body = KINDS[type(record)], _json(record)
    given = body.pop("eventId", "")
    body.pop("key", None)
    body["eventId"] = given if given.strip() and len(given) <= LONGEST_ID else _id(kind, record, body)
    return Event.of(kind, source, actor, {"source": source, **body})


def reference(record: Record) -> str:
    """What the record speaks of, in the words of its system; records of one thing keep their order."""
    if isinstance(record, records.StockRecord | records.StockChangeRecord | records.SupplyRecord):
        return f"{record.sku}@{record.location}"
    if isinstance(record, records.TrackingRecord) and record.order is None:
        return f"{record.carrier}/{record.tracking_number}"
    assert record.order is not None, "only scans go without"
    return f"{record.order.channel}/{record.order.number}"


def _id(kind: str, record: Record, body: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return f"{kind.lower()}:{reference(record)[:LONGEST_REFERENCE]}:{digest}"


def _json(value: Any) -> Any:
    """Plain JSON. What is None is left out; instants are told in UTC, so that equal ones are equal texts."""
    if dataclasses.is_dataclass(value):
        told = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {_camel(name): _json(part) for name, part in told if part is not None}
    if isinstance(value, tuple | list):
        return [_json(part) for part in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, str):
        # What PostgreSQL cannot hold: a record must not stand in the way of others for ever because of it.
        return value.encode(errors="replace").decode().replace("\x00", "\ufffd")
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise BadPayload("The connector tells an instant without a time zone. Correct its mapping.")
        return value.astimezone(dt.UTC).isoformat()
    return value.isoformat() if isinstance(value, dt.date) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
