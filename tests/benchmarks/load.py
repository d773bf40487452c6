"""The load client, as a process of its own: keep-alive connections, each with one request under way at a time.

Reads one job per line from standard input and answers each with one line. It speaks just enough HTTP/1.1 for answers
with a content-length, so that it costs little beside the servers it shares the machine with.
"""

import asyncio
import functools
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import uvloop

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
REQUEST = (
    "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\ncontent-type: application/json\r\n"
    "authorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n{body}"
)


@dataclass
class Job:
    """What all connections of a job share."""

    requests: Iterator[bytes]
    status: bytes
    seconds: list[float] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    keep: bool = False
    wrong: bytes | None = None


class Connection(asyncio.Protocol):
    def __init__(self, job: Job, done: "asyncio.Future[None]") -> None:
        self.job = job
        self.done = done
        self.received = bytearray()
        self.whole = 0
        self.sent_at = 0.0

    def connection_made(self, transport: Any) -> None:
        # uvloop's transport, which is no asyncio.Transport.
        self.transport = transport
        self.send()

    def send(self) -> None:
        request = next(self.job.requests, None)
        if request is None or self.job.wrong is not None:
            self.transport.close()
            return
        self.sent_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.whole:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return
            length = LENGTH.search(self.received, 0, end)
            assert length is not None, "every answer says its length"
            self.whole = end + 4 + int(length[1])
        if len(self.received) >= self.whole:
            self.answered()

    def answered(self) -> None:
        self.job.seconds.append(time.perf_counter() - self.sent_at)
        if self.received[9:12] != self.job.status:
            self.job.wrong = bytes(self.received)
        if self.job.keep:
            self.job.answers.append(bytes(self.received).partition(b"\r\n\r\n")[2])
        self.received.clear()
        self.whole = 0
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def requests(given: dict[str, Any]) -> Iterator[bytes]:
    """`count` requests, beginning with body number `start`, round and round."""
    bodies = read(given["bodies"])
    for number in range(given["start"], given["start"] + given["count"]):
        body = bodies[number % len(bodies)]
        yield REQUEST.format(token=given["token"], length=len(body.encode()), body=body).encode()


@functools.cache
def read(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


async def run(given: dict[str, Any]) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    made = list(requests(given))
    job = Job(iter(made), str(given["status"]).encode(), keep=given["keep"])
    started = time.perf_counter()
    ends = [loop.create_future() for _ in range(given["connections"])]
    for end in ends:
        await loop.create_connection(lambda end=end: Connection(job, end), "127.0.0.1", given["port"])  # type: ignore[misc]  # bound now
    async with asyncio.timeout(given["most_seconds"]):
        await asyncio.gather(*ends)
    took = time.perf_counter() - started
    wrong = job.wrong.decode("utf-8", "replace")[:2000] if job.wrong is not None else None
    answers = [answer.decode() for answer in job.answers]
    return {"took": took, "seconds": job.seconds, "answers": answers, "wrong": wrong}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin.buffer:
            sys.stdout.buffer.write(orjson.dumps(runner.run(run(orjson.loads(line)))) + b"\n")
            sys.stdout.buffer.flush()
