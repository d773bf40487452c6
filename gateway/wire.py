"""Writing straight to uvicorn's transport: the bytes of its `send`, without a coroutine and its layers per message.

Only for messages in the middle of a stream, and only while the client keeps up. Whatever else there is (a transport
that pauses, a close, an extension, another server) goes through `send`, which knows what to do then.
"""

import struct
from typing import Final, Protocol

from starlette.types import Receive
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

# RFC 6455 section 5.2: one whole text frame, not masked.
TEXT: Final = 0x81
SHORT_BELOW: Final = 126
MEDIUM_BELOW: Final = 1 << 16


class Wire(Protocol):
    def write(self, data: bytes) -> bool:
        """False: nothing was written, `send` has to do it."""
        ...


def wire_of(receive: Receive) -> Wire | None:
    """That of the connection whose `receive` this is; None when it is not known how to write to it."""
    owner = getattr(receive, "__self__", None)
    if isinstance(owner, WebSocketsSansIOProtocol):
        return None if owner.conn.extensions else SocketWire(owner)
    return ChunkedWire(owner) if isinstance(owner, RequestResponseCycle) else None


class SocketWire:
    """Text messages, given as UTF-8, to a WebSocket."""

    __slots__ = ("protocol",)

    def __init__(self, protocol: WebSocketsSansIOProtocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes) -> bool:
        protocol = self.protocol
        if (
            not protocol.handshake_complete
            or protocol.close_sent
            or protocol.disconnected
            or not protocol.writable.is_set()
            or protocol.conn.state is not State.OPEN
        ):
            return False
        protocol.transport.write(frame_head(len(data)) + data)
        return True


class ChunkedWire:
    """Parts of the body of an HTTP/1.1 response whose length is not known."""

    __slots__ = ("cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self.cycle = cycle

    def write(self, data: bytes) -> bool:
        cycle = self.cycle
        if (
            not cycle.response_started
            or cycle.response_complete
            or cycle.disconnected
            or cycle.flow.write_paused
            or not cycle.chunked_encoding
            or not data
        ):
            return False
        cycle.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        return True


def frame_head(size: int) -> bytes:
    if size < SHORT_BELOW:
        return bytes((TEXT, size))
    if size < MEDIUM_BELOW:
        return struct.pack("!BBH", TEXT, 126, size)
    return struct.pack("!BBQ", TEXT, 127, size)
