"""Notifications as they lie in the queue: bare, in an SQS message, in the answer to ReceiveMessage, or a file of lines.

Some of Amazon's notifications write their names with capitals and some do not; both are read.
"""

from collections.abc import Iterator, Sequence

import orjson

from connectors.errors import BadPayload
from connectors.payload import Node, parsed


def read(body: bytes) -> Sequence[tuple[str, Node]]:
    """Kind and payload of each notification; raises BadPayload for what is none."""
    return [_notification(one) for document in _documents(body) for one in _unwrapped(document)]


def _documents(body: bytes) -> Iterator[Node]:
    """One JSON document, or one per line."""
    try:
        yield Node(orjson.loads(body))
        return
    except orjson.JSONDecodeError:
        lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) < 2:
        parsed(body, "notification")
    for line in lines:
        yield parsed(line, "notification")


def _unwrapped(document: Node) -> Iterator[Node]:
    """`Messages` of an answer, `Body` of a message (with EventBridge's `detail` in it), or the notification itself."""
    if document["Messages"]:
        for message in document["Messages"].items():
            yield from _unwrapped(message)
    elif document["Body"]:
        yield from _unwrapped(parsed(document["Body"].text().encode(), "message's body"))
    elif document["detail"]:
        yield document["detail"]
    else:
        yield document


def _notification(told: Node) -> tuple[str, Node]:
    kind = told["NotificationType"] if told["NotificationType"] else told["notificationType"]
    payload = told["Payload"] if told["Payload"] else told["payload"]
    if not payload:
        raise BadPayload("A notification has no payload. Is this a message of the Notifications API?", "Payload")
    return kind.text(), payload
