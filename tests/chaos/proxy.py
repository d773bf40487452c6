"""A TCP proxy that misbehaves when told to: between gateways and PostgreSQL, and between clients and gateways."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

CHUNK = 16 * 1024


class Proxy:
    """Forwards `port` of 127.0.0.1 to `target`, which may be changed. `delay` seconds per chunk; `rate` bytes a second,
    0 for no limit; cleared `flowing` holds all bytes back while the connections stay open (half-open to both sides)."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.delay = 0.0
        self.rate = 0
        self.refusing = False
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def open(self) -> int:
        """Connections forwarded now."""
        return len(self._tasks)

    def cut(self) -> None:
        """Every connection is reset at once, to both sides."""
        for writer in list(self._writers):
            # With nothing to linger for, closing sends RST and not FIN.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    def pause(self) -> None:
        self.flowing.clear()

    def resume(self) -> None:
        self.flowing.set()

    def heal(self) -> None:
        self.delay, self.rate, self.refusing = 0.0, 0, False
        self.resume()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connection(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        far: asyncio.StreamWriter | None = None
        try:
            if self.refusing:
                return
            back, far = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.add(far)
            ways = [asyncio.create_task(self._copy(reader, far)), asyncio.create_task(self._copy(back, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass
        finally:
            for one in (writer, far):
                if one is not None:
                    one.transport.abort()
                    self._writers.discard(one)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(min(CHUNK, self.rate or CHUNK)):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.rate:
                    await asyncio.sleep(len(data) / self.rate)
                await self.flowing.wait()
                writer.write(data)
                await writer.drain()
