"""`ordergraph connector deliver`: a file of what an outside system sent, or would have sent, as deliveries."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson

from connectors.base import Delivery
from domain.errors import BadInput
from events.deliveries import Deliveries
from gateway.cli.progress import Shown

LONGEST_FILE: Final = 64 * 1024 * 1024


def read(path: Path, longest: int) -> list[bytes]:
    """One body, or one per line; nothing of a file in which a line is not JSON, or longer than a webhook may be."""
    try:
        size = path.stat().st_size
        text = path.read_bytes() if size <= LONGEST_FILE else b""
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
    if size > LONGEST_FILE:
        raise BadInput(f"{path} has {size} bytes; cut it into files of {LONGEST_FILE} at most.")
    bodies = [(1, text)] if _is_json(text) else list(_lines(text))
    if not bodies:
        raise BadInput(f"{path} is empty.")
    for number, body in bodies:
        if not _is_json(body):
            raise BadInput(f"Line {number} of {path} is not JSON. Nothing of the file was taken.")
        if len(body) > longest:
            raise BadInput(f"Line {number} of {path} has {len(body)} bytes, {longest} at most. Nothing was taken.")
    return [body for _, body in bodies]


def _lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    yield from ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


async def keep(deliveries: Deliveries, name: str, bodies: list[bytes], topic: str, shown: Shown) -> int:
    """How many are new: the content is the id, so a file may be given again."""
    new = 0
    shown.phase("deliveries", len(bodies))
    for number, body in enumerate(bodies, 1):
        ident = f"file:{hashlib.sha256(topic.encode() + b' ' + body).hexdigest()}"
        new += await deliveries.keep(name, Delivery(ident, topic, None), body)
        shown.done(number)
    return new
