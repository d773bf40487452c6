"""Writing past the server's layers: the same bytes, and never when the server would do something else."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.types import Message
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from gateway.pipe import Bounds, Pipe
from gateway.wire import ChunkedWire, SocketWire, wire_of


class Transport:
    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data


def protocol(**other: object) -> Any:
    """What the wire looks at of uvicorn's protocol, of a socket that is open."""
    writable = asyncio.Event()
    writable.set()
    usual: dict[str, object] = {
        "handshake_complete": True, "close_sent": False, "disconnected": False, "writable": writable,
        "conn": SimpleNamespace(state=State.OPEN), "transport": Transport(),
    }  # fmt: skip
    return SimpleNamespace(**(usual | other))


def cycle(**other: object) -> Any:
    usual: dict[str, object] = {
        "response_started": True, "response_complete": False, "disconnected": False, "chunked_encoding": True,
        "flow": SimpleNamespace(write_paused=False), "transport": Transport(),
    }  # fmt: skip
    return SimpleNamespace(**(usual | other))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536])
def test_a_message_is_the_frame_that_websockets_makes_of_it(size: int) -> None:
    made = protocol()
    assert SocketWire(made).write(b"x" * size) is True
    assert made.transport.written == Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)


@pytest.mark.parametrize(
    "other",
    [
        {"handshake_complete": False},
        {"close_sent": True},
        {"disconnected": True},
        {"writable": asyncio.Event()},
        {"conn": SimpleNamespace(state=State.CLOSING)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_socket_that_cannot_take_a_message_gets_nothing(other: dict[str, object]) -> None:
    made = protocol(**other)
    assert SocketWire(made).write(b"x") is False
    assert made.transport.written == b""


def test_a_part_of_a_body_is_one_chunk() -> None:
    made = cycle()
    assert ChunkedWire(made).write(b"x" * 26) is True
    assert made.transport.written == b"1a\r\n" + b"x" * 26 + b"\r\n"


@pytest.mark.parametrize(
    "other",
    [
        {"response_started": False},
        {"response_complete": True},
        {"disconnected": True},
        {"chunked_encoding": False},
        {"flow": SimpleNamespace(write_paused=True)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_response_that_cannot_take_a_part_gets_nothing(other: dict[str, object]) -> None:
    made = cycle(**other)
    assert ChunkedWire(made).write(b"x") is False
    assert made.transport.written == b""


def test_an_empty_part_would_end_the_body() -> None:
    made = cycle()
    assert ChunkedWire(made).write(b"") is False
    assert made.transport.written == b""


async def test_another_server_is_written_to_by_its_send() -> None:
    async def receive() -> Message:
        raise NotImplementedError

    assert wire_of(receive) is None
    assert wire_of(protocol().writable.wait) is None


async def test_nothing_overtakes_what_waits_in_the_pipe() -> None:
    made = protocol()
    waiting = asyncio.Event()

    async def send(message: Message) -> None:
        await waiting.wait()

    pipe = Pipe(cast("Any", send), Bounds(), SocketWire(made))
    assert pipe.pass_on(b"x") is True
    pipe.write({"n": 1}, 1)
    # The transport would take it, but one is before it.
    assert pipe.pass_on(b"y") is False
    waiting.set()
    await asyncio.sleep(0.01)
    assert pipe.pass_on(b"z") is True
    pipe.abandon()
    assert pipe.pass_on(b"late") is False
    assert (made.transport.written, pipe.sent) == (b"\x81\x01x\x81\x01z", 3)
