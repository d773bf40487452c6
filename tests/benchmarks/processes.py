"""The processes of a run: contenders, the load client, and what the kernel says they used."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from db.pool import Connection

PROC = Path("/proc")
STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A server process; `application` is how its database connections are known in pg_stat_activity."""

    name: str
    pid: int
    port: int
    application: str


def require_proc() -> None:
    if not (PROC / "self/schedstat").exists():
        sys.exit("The benchmarks read CPU times from /proc/PID/schedstat, which only Linux has.")


def cpu_seconds(pid: int) -> float:
    """CPU time that all threads of a process have used, to the nanosecond; 0 for one that is gone."""
    total = 0
    for task in (PROC / str(pid) / "task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(task.read_text().split()[0])
    return total / 1e9


def peak_memory(pid: int) -> int:
    """The most memory in RAM that a process ever had, in bytes."""
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


async def backend_seconds(connection: Connection, application: str) -> dict[int, float]:
    """CPU time of each database process that serves a contender's pool."""
    rows = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = $1", application)
    return {row["pid"]: cpu_seconds(row["pid"]) for row in rows}


@contextlib.contextmanager
def contender(name: str, dsn: str, label: str | None = None) -> Iterator[Contender]:
    """A contender's module of this package, serving; `label` when it runs more than once."""
    application = f"bench-{label or name}"
    with process("serve", name, dsn, application) as child:
        assert child.stdout is not None
        port = child.stdout.readline()
        if not port:
            raise RuntimeError(f"{name} did not start; what it said stands above.")
        yield Contender(label or name, child.pid, int(port), application)


class Client:
    """The load client in a process of its own: one job after another, as JSON lines."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        self.jobs = child.stdin
        self.results = child.stdout

    def run(self, **job: object) -> dict[str, Any]:
        self.jobs.write(orjson.dumps(job) + b"\n")
        self.jobs.flush()
        line = self.results.readline()
        if not line:
            raise RuntimeError("The load client ended; what it said stands above.")
        result: dict[str, Any] = orjson.loads(line)
        return result


@contextlib.contextmanager
def client() -> Iterator[Client]:
    with process("load") as child:
        yield Client(child)


@contextlib.contextmanager
def process(module: str, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A module of this package as a child; its standard input is its lifeline."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield child
    finally:
        assert child.stdin is not None
        child.stdin.close()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
