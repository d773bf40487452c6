"""`ordergraph serve` as a process: it comes up, answers, and goes without leaving anything behind."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.embedded.leftover import server_status, wait_until
from tests.processes import gone, unhurried

ROOT = Path(__file__).resolve().parents[2]


class Serving:
    """A running `ordergraph serve` and what it said first."""

    def __init__(self, process: subprocess.Popen[str], data: Path) -> None:
        self.process = process
        self.data = data
        self.url = ""

    def server(self) -> int:
        """The pid of its database."""
        home = next(self.data.glob("postgres"), None) or next(Path("/var/lib/ordergraph").glob("*/postgres"))
        status = server_status(home)
        assert status is not None
        return status[0]

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as reply:
                code: int = reply.status
                return code
        except urllib.error.HTTPError as refused:
            return refused.code

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Exit code, and seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(30), time.monotonic() - began


@contextlib.contextmanager
def serving(data: Path, *options: str, **environment: str) -> Iterator[Serving]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGRAPH_")}
    command = [sys.executable, "-m", "gateway.cli", "serve", "--port", "0", "--data-dir", str(data), *options]
    with subprocess.Popen(
        command, env={**known, **environment}, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        one = Serving(process, data)
        try:
            one.url = process.stdout.readline().removeprefix("Ordergraph serves ").removesuffix("/graphql\n")
            yield one
        finally:
            process.kill()


def open_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that the user root's database runs as can enter; pytest's own folders are closed to it."""
    folder = tempfile.TemporaryDirectory(prefix="ordergraph-test-", ignore_cleanup_errors=True)
    Path(folder.name).chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """The data folder of all tests of this file: a database is made only once."""
    with open_folder() as folder:
        yield Path(folder) / "data"


@pytest.fixture
def new_data() -> Iterator[Path]:
    """A data folder that is not there yet."""
    with open_folder() as folder:
        yield Path(folder) / "data"


def test_it_answers_and_ends_within_five_seconds_leaving_nothing(data: Path) -> None:
    with serving(data) as one:
        database = one.server()
        assert one.status("/readyz") == 200
        code, seconds = one.end()
        assert code == 0
        assert seconds < unhurried(5)
        assert gone(database)
        assert one.process.stderr is not None
        assert one.process.stderr.read() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_other_ways_to_ask_it_to_end(data: Path, number: signal.Signals) -> None:
    # Under nohup, SIGHUP is ignored by whoever is started; here it is meant to end it.
    inherited = signal.signal(number, signal.SIG_DFL)
    try:
        with serving(data) as one:
            signal.signal(number, inherited)
            database = one.server()
            code, seconds = one.end(number)
            assert (code, gone(database)) == (0, True)
            assert seconds < unhurried(5)
    finally:
        signal.signal(number, inherited)


def test_a_client_that_hangs_does_not_hold_it_up(data: Path) -> None:
    with serving(data) as one:
        host, port = one.url.removeprefix("http://").split(":")
        database = one.server()
        with socket.create_connection((host, int(port))) as client:
            client.sendall(
                b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
            )
            time.sleep(0.3)
            _, seconds = one.end()
        assert seconds < unhurried(5)
        assert gone(database)


def test_a_signal_during_the_first_start_ends_it_and_the_next_start_is_whole(new_data: Path) -> None:
    command = [sys.executable, "-m", "gateway.cli", "serve", "--port", "0", "--data-dir", str(new_data)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert wait_until(lambda: (new_data / "postgres.new").exists() or (new_data / "postgres").exists(), 10)
        process.terminate()
        said = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, ("", ""))
    with serving(new_data) as one:
        assert one.status("/readyz") == 200


def test_a_killed_run_leaves_nothing_that_blocks_the_next_one(data: Path) -> None:
    with serving(data) as one:
        database = one.server()
        one.end(signal.SIGKILL)
    with serving(data) as one:
        assert one.status("/readyz") == 200
        assert gone(database)


def test_when_its_database_dies_it_says_so_and_ends(data: Path) -> None:
    with serving(data) as one:
        os.kill(one.server(), signal.SIGKILL)
        assert one.process.wait(30) == 2
        assert one.process.stderr is not None
        assert "The embedded PostgreSQL ended by itself" in one.process.stderr.read().splitlines()[-1]


def test_a_database_of_ones_own_is_used_and_nothing_embedded_starts(new_data: Path, database: str) -> None:
    with serving(new_data, ORDERGRAPH_DATABASE_URL=database) as one:
        assert one.status("/readyz") == 200
        assert one.end()[0] == 0
    assert not new_data.exists()


def test_it_answers_a_question_with_a_token_of_its_own_secret(data: Path) -> None:
    with serving(data) as one:
        token = subprocess.run(
            [sys.executable, "-m", "gateway.cli", "token", "--role", "support", "--data-dir", str(data)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[-1]
        asked = urllib.request.Request(
            f"{one.url}/graphql",
            data=json.dumps({"query": "{ orders { totalCount nodes { number } } }"}).encode(),
            headers={"content-type": "application/json", "authorization": f"Bearer {token}"},
        )
        with urllib.request.urlopen(asked, timeout=5) as reply:
            assert json.load(reply)["data"] == {"orders": {"totalCount": 0, "nodes": []}}


def test_revoke_and_doctor_reach_the_database_of_a_gateway_that_runs(data: Path) -> None:
    def ordergraph(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gateway.cli", *arguments, "--data-dir", str(data)]
        known = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGRAPH_")}
        return subprocess.run(command, env=known, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    with serving(data) as one:
        assert one.status("/healthz") == 200
        revoked = ordergraph("revoke", "--actor", "ann", "--reason", "gone")
        assert revoked.returncode == 0, revoked.stderr
        assert revoked.stdout.startswith("What ann had until now is revoked since ")
        told = [line for line in ordergraph("doctor", "--port", "0").stdout.splitlines() if "event log" in line]
        assert len(told) == 1
        assert told[0].startswith("ok     event log: ")
        assert "entries kept after position 0" in told[0]
        assert one.status("/healthz") == 200
        code, _ = one.end()
        assert code == 0
    told = [line for line in ordergraph("doctor", "--port", "0").stdout.splitlines() if "event log" in line]
    assert told == ["ok     event log: looked at only while the gateway runs"]
