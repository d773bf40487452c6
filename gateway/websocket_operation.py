"""One operation on a socket: its id, spliced around payloads that were encoded once for everybody."""

from typing import TYPE_CHECKING

from events.sink import Ended
from gateway import endings
from gateway import websocket_messages as words
from gateway.operation import Operation
from gateway.websocket_messages import Code

if TYPE_CHECKING:
    from gateway.websocket_connection import Connection


class SocketOperation(Operation):
    __slots__ = ("connection", "identifier", "prefix")
    transport = "websocket"

    def __init__(self, connection: "Connection", identifier: str) -> None:
        super().__init__()
        self.connection = connection
        self.identifier = identifier
        self.prefix = f'{{"id":{words.quoted(identifier)},"type":"next","payload":'.encode()

    def push(self, payload: bytes, cursor: str | None) -> bool:
        if self.over:
            return True
        pipe = self.connection.pipe
        data = b"%b%b}" % (self.prefix, payload)
        if pipe.pass_on(data):
            return True
        text = data.decode()
        return pipe.write({"type": "websocket.send", "text": text}, len(text), self)

    async def drained(self) -> None:
        await self.connection.pipe.drained()

    def end(self, reason: Ended, cursor: str | None) -> None:
        """What concerns the whole socket closes it, so that the client connects again and goes on by itself."""
        if self.over:
            return
        self.over = True
        self.running = None
        # A reason has room for one cursor, and several would be mistaken for each other.
        shown = cursor if len(self.connection.operations) == 1 else None
        if reason is Ended.TOKEN_EXPIRED:
            self.connection.end_soon(Code.FORBIDDEN, words.EXPIRED, shown)
        elif reason is Ended.SLOW:
            self.connection.close(Code.SLOW)
        elif reason is Ended.SHUTDOWN:
            self.connection.leave_soon(shown)
        elif reason is Ended.COMPLETE:
            self.tell(words.complete(words.quoted(self.identifier)))
        else:
            self.tell(words.error(words.quoted(self.identifier), endings.errors(reason, cursor)))

    def refuse(self, body: bytes, code: str) -> None:
        self.tell(words.error(words.quoted(self.identifier), words.errors_of(body)))

    def tell(self, text: str) -> None:
        """Its last message; the id is free again."""
        if self.connection.operations.get(self.identifier) is self:
            del self.connection.operations[self.identifier]
        self.connection.say(text)
