"""Subscriptions as multipart/mixed; subscriptionSpec="1.0", as Apollo's clients and router speak it.

https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol. The delimiter is sent
after each part, so that a client that waits for it can read the part at once.
"""

import functools
from typing import Final

import orjson

from events.sink import Ended
from gateway import endings, errors
from gateway.errors import Headers
from gateway.http import Reply
from gateway.http_stream import HttpStream
from gateway.negotiation import Media

DELIMITER: Final = b"\r\n--graphql"
PART: Final = b"\r\ncontent-type: application/json\r\n\r\n"
HEARTBEAT: Final = PART + b"{}" + DELIMITER
END: Final = b"--\r\n"
# Apollo's words, where they are not ours: to this one a client answers by subscribing again.
CODES: Final = {Ended.SHUTDOWN: "SUBSCRIPTION_SCHEMA_RELOAD"}


@functools.lru_cache(maxsize=8)
def part(payload: bytes) -> bytes:
    """The same for all subscribers of a group, who are served in a row."""
    return PART + b'{"payload":' + payload + b"}" + DELIMITER


def fatal(told: list[dict[str, object]]) -> bytes:
    """An error of the transport, not of the operation; nothing follows it."""
    return PART + orjson.dumps({"payload": None, "errors": told}) + DELIMITER + END


def bare(error: dict[str, object]) -> dict[str, object]:
    """Without `locations` and `path`, which an error of the transport does not have."""
    return {name: value for name, value in error.items() if name in ("message", "extensions")}


class MultipartStream(HttpStream):
    __slots__ = ()
    transport = "multipart"
    content_type = b'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'

    def heartbeat_seconds(self) -> float:
        return self.streaming.connections.options.multipart_heartbeat_seconds

    def open(self, status: int = 200) -> None:
        super().open(status)
        self.write(DELIMITER + HEARTBEAT)

    def opened(self) -> None:
        """Only now, because a refusal has a status of its own."""
        if not self.started_response:
            self.open()

    def beat(self) -> None:
        if self.started_response:
            self.write(HEARTBEAT)

    def push(self, payload: bytes, cursor: str | None) -> bool:
        return True if self.over else self.write(part(payload))

    def refuse(self, body: bytes, code: str) -> None:
        if self.started_response or code not in errors.STATUS:
            self.finish(fatal([bare(error) for error in orjson.loads(body)["errors"]]), code)
            return
        style = self.streaming.http.options.style
        status = errors.status(code, style)
        reply = Reply(status, body, errors.STATUS_HEADERS.get(status, ()))
        head: Headers = (*self.streaming.http.head(reply, {}, Media.JSON), *self.headers)
        self.started_response = True
        self.code = code
        self.pipe.write({"type": "http.response.start", "status": status, "headers": list(head)}, 0)
        self.pipe.last({"type": "http.response.body", "body": body, "more_body": False})

    def conclude(self, reason: Ended, cursor: str | None) -> None:
        if reason is Ended.COMPLETE:
            self.finish(END, reason.value)
            return
        told = endings.error(reason, cursor, CODES.get(reason))
        self.finish(fatal([told]), reason.value, drop=reason is Ended.SLOW)
