"""The proxy does to bytes what it is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.chaos.proxy import Proxy


@contextlib.asynccontextmanager
async def echo() -> AsyncIterator[Proxy]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1024):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with Proxy(server.sockets[0].getsockname()[1]).running() as proxy:
        yield proxy
    server.close()


async def connected(proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"one")
    async with asyncio.timeout(5):
        assert await reader.readexactly(3) == b"one"
    return reader, writer


async def test_it_forwards_both_ways_and_cuts() -> None:
    async with echo() as proxy:
        reader, writer = await connected(proxy)
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), 5)
        writer.close()


async def test_paused_bytes_arrive_after_it_and_the_connection_stays() -> None:
    async with echo() as proxy:
        reader, writer = await connected(proxy)
        proxy.pause()
        writer.write(b"two")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(3), 0.2)
        proxy.resume()
        assert await asyncio.wait_for(reader.readexactly(3), 5) == b"two"
        writer.close()


async def test_a_throttle_lets_bytes_trickle() -> None:
    async with echo() as proxy:
        reader, writer = await connected(proxy)
        proxy.rate = 20
        writer.write(b"x" * 40)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(40), 0.5)
        proxy.heal()
        writer.close()


async def test_when_it_refuses_a_new_connection_ends_at_once() -> None:
    async with echo() as proxy:
        proxy.refusing = True
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(1), 5) == b""
        writer.close()
