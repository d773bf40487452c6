"""Subscribers by the thousand in a process of their own: bare sockets, which note when which event came."""

import multiprocessing
import re
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Channel
from types import TracebackType

import orjson

EVENT = re.compile(rb'"cursor": ?"([^"]+)", ?"type": ?"\w+", ?"version": ?(\d+), ?"order": ?\{ ?"number": ?"(\w+)"')
CURSOR = re.compile(rb'"cursor": ?"([^"]+)"')
# An event that is cut between two reads is shorter than this.
LONGEST = 2048
PONG = b'{"type":"pong"}'
Event = tuple[str, int]
Times = dict[Event, list[float]]
ACCEPT = {"sse": "text/event-stream", "multipart": 'multipart/mixed;subscriptionSpec="1.0", application/json'}


@dataclass(frozen=True, slots=True)
class Plan:
    """What each of `clients` sends; those that are to resume keep the last cursor they saw."""

    port: int
    transport: str
    clients: int
    query: str
    token: str
    resume: bool = False


@dataclass(eq=False, slots=True)
class Client:
    """One connection; `rest` is what was read and may be the beginning of something."""

    plan: Plan
    cursor: str | None = None
    rest: bytes = b""
    stage: int = 0
    opened: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))

    def connect(self) -> None:
        self.opened.setblocking(False)
        self.opened.connect_ex(("127.0.0.1", self.plan.port))

    def writable(self) -> None:
        """Connected: ask for what this transport begins with."""
        if self.plan.transport != "ws":
            body = self.request()
            head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
            head += f"\r\nAccept: {ACCEPT[self.plan.transport]}\r\nAuthorization: Bearer {self.plan.token}\r\n\r\n"
            self.opened.send(head.encode() + body)
            self.stage = 3
            return
        self.opened.send(
            b"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        )
        self.stage = 1

    def request(self) -> bytes:
        return orjson.dumps({"query": self.plan.query, "variables": {"after": self.cursor} if self.cursor else {}})

    def read(self, times: Times, now: float) -> bool:
        """False when the connection is over."""
        try:
            got = self.opened.recv(1 << 18)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not got:
            return False
        text = self.rest + got
        if self.stage < 3:
            self.greet(text)
            return True
        end = 0
        for found in EVENT.finditer(text):
            times.setdefault((found[3].decode(), int(found[2])), []).append(now)
            end = found.end()
        if self.plan.transport == "ws" and b'"type":"ping"' in got:
            self.opened.send(frame(PONG))
        if self.plan.resume and (cursors := CURSOR.findall(text)):
            self.cursor = cursors[-1].decode()
        self.rest = text[max(end, len(text) - LONGEST) :]
        return True

    def greet(self, text: bytes) -> None:
        if self.stage == 1 and b"\r\n\r\n" in text:
            assert text.startswith(b"HTTP/1.1 101"), text
            init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {self.plan.token}"}}
            self.opened.send(frame(orjson.dumps(init)))
            self.stage = 2
        elif self.stage == 2 and b"connection_ack" in text:
            request = orjson.loads(self.request())
            message = {"type": "subscribe", "id": "8b0d0ee5-9ac4-4a08", "payload": request}
            self.opened.send(frame(orjson.dumps(message)))
            self.stage = 3


class Crowd:
    """All clients of the process, and when their events came."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.times: Times = {}
        self.clients: dict[int, Client] = {}
        self.poll = select.epoll()
        self.poll.register(channel.fileno(), select.EPOLLIN)

    def run(self) -> None:
        while True:
            for number, flags in self.poll.poll():
                if number == self.channel.fileno():
                    self.obey()
                elif number in self.clients:
                    self.serve(number, flags)

    def serve(self, number: int, flags: int) -> None:
        client = self.clients[number]
        if client.stage == 0 and flags & select.EPOLLOUT and not flags & select.EPOLLERR:
            client.writable()
            self.poll.modify(number, select.EPOLLIN)
        elif flags & (select.EPOLLERR | select.EPOLLHUP) or not client.read(self.times, time.monotonic()):
            self.poll.unregister(number)
            client.opened.close()
            del self.clients[number]

    def obey(self) -> None:
        match self.channel.recv():
            case Plan() as plan:
                for _ in range(plan.clients):
                    self.open(Client(plan))
                self.channel.send(None)
            case ("again", cursors, Plan() as plan):
                for cursor in cursors:
                    self.open(Client(plan, cursor))
                self.channel.send(None)
            case "state":
                subscribed = sum(one.stage == 3 for one in self.clients.values())
                self.channel.send((subscribed, sum(map(len, self.times.values()))))
            case "cursors":
                self.channel.send([one.cursor for one in self.clients.values()])
            case "times":
                self.channel.send(self.times)
                self.times = {}
            case "close":
                for number, client in self.clients.items():
                    self.poll.unregister(number)
                    client.opened.close()
                self.clients.clear()
                self.times = {}
                self.channel.send(None)

    def open(self, client: Client) -> None:
        client.connect()
        self.clients[client.opened.fileno()] = client
        self.poll.register(client.opened.fileno(), select.EPOLLIN | select.EPOLLOUT)


def frame(text: bytes) -> bytes:
    """Masked with zeros, which is as good as any mask here."""
    length = (
        struct.pack("!BB", 0x81, 0x80 | len(text)) if len(text) < 126 else struct.pack("!BBH", 0x81, 0xFE, len(text))
    )
    return length + b"\0\0\0\0" + text


def crowd(channel: Channel) -> None:
    Crowd(channel).run()


class Subscribers:
    """The crowd, seen from the benchmark."""

    def __enter__(self) -> "Subscribers":
        context = multiprocessing.get_context("spawn")
        self.channel, theirs = context.Pipe()
        self.process = context.Process(target=crowd, args=(theirs,), daemon=True)
        self.process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.join()

    def ask(self, what: object) -> object:
        self.channel.send(what)
        if not self.channel.poll(60):
            raise RuntimeError("The subscribers' process does not answer; what it said stands above.")
        return self.channel.recv()

    def state(self) -> tuple[int, int]:
        """How many have subscribed, and how many events they got since they were last asked for their times."""
        found = self.ask("state")
        assert isinstance(found, tuple)
        return found

    def times(self) -> Times:
        found = self.ask("times")
        assert isinstance(found, dict)
        return found

    def cursors(self) -> list[str]:
        found = self.ask("cursors")
        assert isinstance(found, list)
        return found

    def wait_subscribed(self, clients: int, seconds: float = 60) -> None:
        self._wait(lambda: self.state()[0] >= clients, f"{clients} subscriptions", seconds)

    def wait_events(self, events: int, seconds: float = 60) -> None:
        self._wait(lambda: self.state()[1] >= events, f"{events} events", seconds)

    def _wait(self, done: Callable[[], bool], what: str, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until:
                raise RuntimeError(f"After {seconds:.0f} s not {what}: (subscribed, events) is {self.state()}.")
            time.sleep(0.02)
