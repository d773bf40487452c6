"""The servers whose subscriptions are measured, each a process of its own."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.benchmarks.processes import PROC, STOP_SECONDS, contender, cpu_seconds
from tests.gateway.serving import SECRET

START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    pid: int
    port: int
    ours: bool

    def memory(self) -> int:
        """Bytes of the process that are in RAM now."""
        lines = (PROC / str(self.pid) / "status").read_text().splitlines()
        (line,) = [line for line in lines if line.startswith("VmRSS")]
        return int(line.split()[1]) * 1024

    def settle(self) -> None:
        """Wait until it has done what it was asked: it uses less than a tenth of a processor, twice in a row."""
        quiet = 0
        for _ in range(200):
            before = cpu_seconds(self.pid)
            time.sleep(0.2)
            quiet = quiet + 1 if cpu_seconds(self.pid) - before < 0.02 else 0
            if quiet == 2:
                return

    def kill(self) -> None:
        os.kill(self.pid, 9)


@contextlib.contextmanager
def gateway(dsn: str) -> Iterator[Server]:
    """`ordergraph serve` on a database, with room for all connections of one caller."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ORDERGRAPH_")},
        "ORDERGRAPH_DATABASE_URL": dsn,
        "ORDERGRAPH_TOKEN_SECRET": SECRET,
        "ORDERGRAPH_CONNECTIONS_PER_STAFF": "100000",
        "ORDERGRAPH_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "gateway.cli", "serve", "--port", "0"]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        address = child.stdout.readline()
        if not address:
            raise RuntimeError("The gateway did not start; what it said stands above.")
        yield Server(child.pid, int(address.rpartition(":")[2].partition("/")[0]), ours=True)
    finally:
        child.terminate()
        try:
            child.wait(2 * STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextlib.contextmanager
def strawberry(dsn: str) -> Iterator[Server]:
    with contender("strawberry_subscriptions", dsn) as made:
        yield Server(made.pid, made.port, ours=False)
