"""Page cursors: the sort key of an edge as text, written by the statement and read back here.

They are not secret and not signed: whoever changes one asks for another place in a list that they may read anyway.
"""

import base64
import binascii
import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import orjson
import sqlalchemy as sa

from domain.errors import BadInput
from resolvers.sources import Order, Sql

MAX_BIGINT = 2**63


def encode_cursor(name: str, keys: Any) -> Sql:
    content = sa.func.json_build_array(sa.literal_column(f"'{name}'::text"), *keys)
    octets = sa.func.convert_to(sa.cast(content, sa.Text), sa.literal_column("'UTF8'"))
    return sa.func.translate(sa.func.encode(octets, sa.literal_column("'base64'")), sa.literal_column("E'\\n'"), "")


def cursor_decoder(name: str, order: Order) -> Callable[[Any], list[Any]]:
    def decode(text: Any) -> list[Any]:
        try:
            found = orjson.loads(base64.b64decode(text, validate=True))
            if isinstance(found, list) and found[0] == name and len(found) == len(order.types) + 1:
                return [read(part) for read, part in zip(order.types, found[1:], strict=True)]
        except (ValueError, TypeError, OverflowError, binascii.Error, LookupError):
            pass
        raise BadInput(f"`after` is no cursor of this list{f' in order {name}' if name else ''}: use its `endCursor`.")

    return decode


def instant_key(part: Any) -> dt.datetime:
    made = dt.datetime.fromisoformat(part)
    if made.tzinfo is None:
        raise ValueError("an instant has an offset")
    return made.astimezone(dt.UTC)


def id_key(part: Any) -> uuid.UUID:
    if not isinstance(part, str):
        raise TypeError("an id is text")
    return uuid.UUID(part)


def number_key(part: Any) -> int:
    if type(part) is not int or not -MAX_BIGINT <= part < MAX_BIGINT:
        raise TypeError("a number of the store has 64 bits")
    return part
