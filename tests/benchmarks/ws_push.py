"""What one message to one subscriber costs on each transport, and what an idle connection holds.

    .venv/bin/python -m tests.benchmarks.ws_push [all|websocket|sse|multipart] [clients]

The server runs in a process of its own with uvicorn as `ordergraph serve` sets it up, but for pings, which the clients
do not answer: bare sockets in another process that read and throw away. A push is what the hub does: one payload to all
subscribers of a group in a row. CPU is the server's own, user and system; on loopback much of it is the kernel's TCP.
"""

import asyncio
import multiprocessing
import os
import resource
import select
import socket
import struct
import sys
import time
from multiprocessing.connection import Connection as Channel
from pathlib import Path
from typing import Any

import orjson
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from gateway.callback import Callbacks
from gateway.cli import serve
from gateway.connections import Connections, StreamOptions
from gateway.endpoint import Endpoint
from gateway.operation import Streaming
from tests.gateway.serving import FakeEngine, endpoint
from tests.gateway.streaming import SUBSCRIBE, FakeStreams

CLIENTS = 1000
ROUNDS = 60
REPEATS = 3
PAYLOAD = orjson.dumps(
    {"data": {"orderEvents": {"__typename": "OrderEvent", "cursor": "x" * 40, "order": {"status": "x" * 40}}}}
)  # fmt: skip


def server(channel: Channel, clients: int) -> None:
    uvloop.run(serving(channel, clients))


async def serving(channel: Channel, clients: int) -> None:
    streams = FakeStreams()
    options = StreamOptions(
        connections_per_caller=10**6, ping_seconds=3600, multipart_heartbeat_seconds=3600, sse_heartbeat_seconds=3600
    )
    streaming = Streaming(streams, endpoint(FakeEngine()), Connections(options))
    made = Endpoint(streaming, Callbacks(streaming))
    app = Starlette(routes=[Route("/graphql", made), WebSocketRoute("/graphql", made)])
    config = uvicorn.Config(app, port=0, backlog=4096, lifespan="off", **serve._uvicorn())
    config.load()
    one = uvicorn.Server(config)
    one.lifespan = config.lifespan_class(config)
    await one.startup()
    before = memory()
    channel.send(one.servers[0].sockets[0].getsockname()[1])
    while len(streams.started) < clients:  # noqa: ASYNC110  (not measured)
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)
    channel.send((memory() - before) / clients)
    for payload in (PAYLOAD, b'{"data":{"x":"' + "é".encode() * 2000 + b'"}}'):
        await measure(channel, streams, streaming.connections, payload)
    channel.send(None)
    # Without closing thousands of connections first.
    os._exit(0)


async def measure(channel: Channel, streams: FakeStreams, connections: Connections, payload: bytes) -> None:
    best: tuple[float, float] = (float("inf"), float("inf"))
    lagged = 0
    for _ in range(REPEATS):
        spent = slept = 0.0
        for number in range(ROUNDS):
            # Each round is another event, so another object.
            text = payload[:-1] + b" " * (number % 7) + payload[-1:]
            began, clock = time.process_time(), time.perf_counter()
            for running in streams.started:
                running.sink.push(text, "cursor")
            spent += time.process_time() - began
            slept += time.perf_counter() - clock
            lagged += sum(one.pipe.lagging for one in connections.streams)
            await asyncio.sleep(0.02)
        messages = ROUNDS * len(streams.started)
        best = min(best, (spent / messages * 1e6, slept / messages * 1e6))
    channel.send((len(payload), *best, lagged))


def memory() -> float:
    """KiB of this process that are really there."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def client(port: int, transport: str, clients: int, done: Any) -> None:
    """Opens them all, then reads and throws away."""
    opened = [opening(port, transport) for _ in range(clients)]
    poll = select.epoll()
    for one in opened:
        one.setblocking(False)
        poll.register(one, select.EPOLLIN)
    by_number = {one.fileno(): one for one in opened}
    while not done.is_set():
        for number, _ in poll.poll(0.2):
            try:
                if not by_number[number].recv(1 << 20):
                    poll.unregister(number)
            except OSError:
                pass


def opening(port: int, transport: str) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port))
    body = orjson.dumps({"query": SUBSCRIBE})
    if transport in ("sse", "multipart"):
        accept = b"text/event-stream" if transport == "sse" else b"multipart/mixed;subscriptionSpec=1.0"
        one.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept: " + accept
            + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )  # fmt: skip
        return one
    one.sendall(
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    one.recv(4096)
    one.sendall(frame(b'{"type":"connection_init"}'))
    one.recv(4096)
    one.sendall(frame(orjson.dumps({"type": "subscribe", "id": "8b0d0ee5-9ac4-4a08", "payload": {"query": SUBSCRIBE}})))
    return one


def frame(text: bytes) -> bytes:
    """Masked with zeros, which is as good as any mask here."""
    length = (
        struct.pack("!BB", 0x81, 0x80 | len(text)) if len(text) < 126 else struct.pack("!BBH", 0x81, 0xFE, len(text))
    )
    return length + b"\0\0\0\0" + text


def pushing(transport: str, clients: int) -> None:
    mine, theirs = multiprocessing.Pipe()
    done = multiprocessing.Event()
    serving_ = multiprocessing.Process(target=server, args=(theirs, clients), daemon=True)
    serving_.start()
    port = mine.recv()
    reading = multiprocessing.Process(target=client, args=(port, transport, clients, done), daemon=True)
    reading.start()
    print(f"{transport}: {clients} subscriptions, one per connection, {mine.recv():.1f} KiB each while idle")
    while (measured := mine.recv()) is not None:
        size, spent, wall, lagged = measured
        print(f"{transport}: {size:5} bytes  {spent:5.1f} µs CPU/message  {wall:5.1f} µs wall  {lagged} lagged")
    done.set()
    reading.join()
    serving_.join()


def main() -> None:
    chosen = sys.argv[1] if len(sys.argv) > 1 else "all"
    clients = int(sys.argv[2]) if len(sys.argv) > 2 else CLIENTS
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    for transport in ("websocket", "sse", "multipart"):
        if chosen in ("all", transport):
            pushing(transport, clients)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
