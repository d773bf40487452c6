"""`make demo`: from nothing to answers, and again after it was killed."""

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from db.embedded.leftover import wait_until
from domain.actor import Role
from gateway.cli import simulated
from gateway.cli.demo import QUESTIONS
from tests.processes import children, gone, unhurried

ROOT = Path(__file__).resolve().parents[2]
LAST_LINE = "Ctrl-C ends the demo."


class Demo:
    """A running `make demo` and all it said until it was ready."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said = ""
        assert process.stdout is not None
        for line in process.stdout:
            self.said += line
            if line.rstrip().endswith(LAST_LINE):
                break
        self.tokens = dict(re.findall(r"^  ([a-z]+) +(ey\S+)$", self.said, re.MULTILINE))

    @property
    def url(self) -> str:
        found = re.search(r"http://127\.0\.0\.1:\d+", self.said)
        assert found is not None, self.said
        return found[0]

    def ask(self, question: str, role: str) -> Any:
        asked = urllib.request.Request(
            f"{self.url}/graphql",
            data=json.dumps({"query": question}).encode(),
            headers={"content-type": "application/json", "authorization": f"Bearer {self.tokens[role]}"},
        )
        with urllib.request.urlopen(asked, timeout=30) as reply:
            return json.load(reply)


@contextlib.contextmanager
def demo(data: Path, port: int) -> Iterator[Demo]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("ORDERGRAPH_", "MAKE"))}
    with subprocess.Popen(
        ["make", "--no-print-directory", "demo", f"PORT={port}"],
        cwd=ROOT,
        env={**known, "ORDERGRAPH_DATA_DIR": str(data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Demo(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """One folder for all tests of this file: the first start fills it."""
    with tempfile.TemporaryDirectory(prefix="ordergraph-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "data"


def test_it_prints_a_token_per_role_and_questions_that_have_answers(data: Path, free_port: int) -> None:
    with demo(data, free_port) as one:
        assert one.tokens.keys() == set(Role)
        assert len(QUESTIONS) == 3
        for question in QUESTIONS:
            title, _, document = question.partition("\n\n")
            assert question in one.said
            role = title.rpartition("(")[2].rstrip(")")
            answer = one.ask(document, role)
            assert "errors" not in answer
            assert all(answer["data"].values())


def test_outside_systems_tell_by_webhooks_and_are_asked_by_live_fields(data: Path, free_port: int) -> None:
    with demo(data, free_port) as one:
        assert simulated.QUESTION in one.said
        document = simulated.QUESTION.partition("\n\n")[2]

        def told() -> bool:
            return any(order["shipments"] for order in one.ask(document, "support")["data"]["orders"]["nodes"])

        assert wait_until(told, unhurried(30))
        order = next(order for order in one.ask(document, "support")["data"]["orders"]["nodes"] if order["shipments"])
        assert (order["live"]["source"], order["live"]["stale"], order["live"]["reason"]) == ("webshop", False, None)
        (parcel,) = order["shipments"]
        assert parcel["trackingNumber"].startswith("JD")
        assert (parcel["live"]["source"], parcel["live"]["stale"]) == ("carrier-net", False)


def test_the_second_start_is_quick_and_ctrl_c_ends_all_of_it(data: Path, free_port: int) -> None:
    began = time.monotonic()
    with demo(data, free_port) as one:
        assert time.monotonic() - began < unhurried(5)
        assert "Loading sample" not in one.said
        gateway = children(one.process.pid)
        server = children(gateway[0])
        assert gateway
        assert server
        # As the terminal does: to the foreground group, make and the gateway.
        os.killpg(one.process.pid, signal.SIGINT)
        one.process.wait(30)
        assert wait_until(lambda: all(map(gone, (*gateway, *server))), 5)


def test_after_make_alone_was_killed_the_next_demo_starts_at_once(data: Path, free_port: int) -> None:
    with demo(data, free_port) as one:
        one.process.kill()
        with demo(data, free_port) as another:
            assert another.ask("{ orders(first: 1) { nodes { number } } }", "support")["data"]["orders"]["nodes"]


def test_after_everything_was_killed_the_next_demo_starts_at_once(data: Path, free_port: int) -> None:
    with demo(data, free_port) as one:
        os.killpg(one.process.pid, signal.SIGKILL)
        with demo(data, free_port) as another:
            assert another.ask("{ orders(first: 1) { nodes { number } } }", "support")["data"]["orders"]["nodes"]


def test_a_taken_port_is_one_sentence(data: Path, taken_port: int) -> None:
    with demo(data, taken_port) as one:
        assert one.process.wait(30) == 2
    assert f"ordergraph: Port {taken_port} on 127.0.0.1 is taken: " in one.said
    assert "Traceback" not in one.said
