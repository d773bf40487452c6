"""The WebSocket endpoint: who may open a socket, and with which subprotocol."""

from typing import Final

from starlette.types import Receive, Scope, Send

from gateway.operation import Streaming
from gateway.websocket_connection import Connection
from gateway.websocket_messages import REASONS, SUBPROTOCOL, Code

RETRY_AFTER: Final = (b"retry-after", b"5")


class WebSocketEndpoint:
    """The ASGI app for sockets on `/graphql`."""

    def __init__(self, streaming: Streaming) -> None:
        self.streaming = streaming

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        headers = dict(scope["headers"])
        if self.foreign(headers):
            await refuse(send, 403)
            return
        connections = self.streaming.connections
        if connections.draining or connections.full:
            await refuse(send, 503, RETRY_AFTER)
            return
        if SUBPROTOCOL not in scope["subprotocols"]:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": Code.SUBPROTOCOL, "reason": REASONS[Code.SUBPROTOCOL]})
            connections.closed["websocket", str(int(Code.SUBPROTOCOL))] += 1
            return
        address = scope["client"][0] if scope.get("client") else ""
        connection = Connection(self.streaming, receive, send, headers.get(b"authorization"), address)
        # What ASGI gave us is kept for as long as the socket lives, and nobody needs it any more.
        del headers
        scope["headers"] = []
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
        await connection.run()

    def foreign(self, headers: dict[bytes, bytes]) -> bool:
        """A page of another site: browsers let any page open a socket and leave the judgement to us."""
        origin = headers.get(b"origin")
        if origin is None:
            return False
        _, _, host = origin.partition(b"://")
        same = bool(host) and host == headers.get(b"host")
        return not same and not self.streaming.http.options.cors.allows(origin)


async def refuse(send: Send, status: int, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "websocket.http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "websocket.http.response.body", "body": b""})
