"""GraphQL over server-sent events, distinct connections: one operation per request.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. Beyond it: `id:` is the cursor of what was sent, so
that a browser's EventSource goes on by itself from where it was (Last-Event-ID).
"""

import functools
import random
from typing import Final

from events.sink import Ended
from gateway import endings
from gateway.http_stream import HttpStream

COMMENT: Final = b": ping\n\n"
# The empty data line makes it an event for EventSource.
COMPLETE: Final = b"event: complete\ndata:\n\n"
# After how many milliseconds to come back when we restart.
RETRY_LEAST: Final = 500
RETRY_MOST: Final = 5_000


@functools.lru_cache(maxsize=8)
def event(payload: bytes, cursor: str | None) -> bytes:
    """The same for all subscribers of a group, who are served in a row."""
    if b"\n" in payload or b"\r" in payload:
        # Between tokens only: inside a string JSON writes \n.
        payload = payload.replace(b"\n", b" ").replace(b"\r", b" ")
    identifier = b"" if cursor is None else b"id: " + cursor.encode() + b"\n"
    return b"event: next\n" + identifier + b"data: " + payload + b"\n\n"


def retry(cursor: str | None) -> bytes:
    """When to come back and from where: a block without data sets both in a browser, and is no event."""
    identifier = b"" if cursor is None else b"id: " + cursor.encode() + b"\n"
    return identifier + b"retry: %d\n\n" % random.randint(RETRY_LEAST, RETRY_MOST)  # noqa: S311


class EventStream(HttpStream):
    __slots__ = ()
    transport = "sse"
    content_type = b"text/event-stream; charset=utf-8"

    def heartbeat_seconds(self) -> float:
        return self.streaming.connections.options.sse_heartbeat_seconds

    def greet(self) -> None:
        self.write(COMMENT)

    def beat(self) -> None:
        self.write(COMMENT)

    def push(self, payload: bytes, cursor: str | None) -> bool:
        return True if self.over else self.write(event(payload, cursor))

    def refuse(self, body: bytes, code: str) -> None:
        self.finish(event(body, None) + COMPLETE, code)

    def conclude(self, reason: Ended, cursor: str | None) -> None:
        if reason is Ended.COMPLETE:
            self.finish(COMPLETE, reason.value)
        elif reason is Ended.SHUTDOWN:
            # No `complete`: the client is to come back.
            self.finish(retry(cursor), reason.value)
        else:
            last = event(endings.response(reason, cursor), None) + COMPLETE
            self.finish(last, reason.value, drop=reason is Ended.SLOW)
