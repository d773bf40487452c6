"""The embedded server's life: started, stopped, left behind by killed owners; with real processes and signals."""

# ruff: noqa: ASYNC240, ASYNC251  (nothing else runs on the loop of these tests, so they may block it)

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

import db.pool
from db.embedded import DataFolder, EmbeddedPostgres, EmbeddedPostgresError
from db.embedded.leftover import wait_until
from domain.errors import Unavailable
from tests.db.servers import answer, embedded, server_pid
from tests.processes import gone, unhurried

HOLDER = """
import sys, time
from pathlib import Path
from db.embedded import FAST_SETTINGS, EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), settings=FAST_SETTINGS)
server.start()
print(server.dsn, flush=True)
time.sleep(60)
"""


@contextmanager
def held(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that owns `folder` with a running server."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("postgresql://")
        yield process
        process.kill()


async def test_data_outlives_a_stop_and_a_second_start_is_quick(place: Path) -> None:
    with embedded(place / "data") as server:
        await answer(server.dsn, "CREATE TABLE kept AS SELECT 42 AS number")
    began = time.monotonic()
    with embedded(place / "data") as server:
        assert await answer(server.dsn, "SELECT number FROM kept") == 42
    assert time.monotonic() - began < unhurried(5)
    assert not server.running


async def test_the_socket_is_private_and_there_is_no_tcp(place: Path) -> None:
    with embedded(place / "data") as server:
        assert await answer(server.dsn, "SHOW listen_addresses") == ""
        sockets = Path(str(await answer(server.dsn, "SHOW unix_socket_directories")))
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert (place / "data" / "postgres").stat().st_mode & 0o777 == 0o700


async def test_with_a_port_loopback_is_offered_with_a_password(place: Path, free_port: int) -> None:
    with embedded(place / "data", port=free_port) as server:
        assert await answer(server.dsn) == 1
        assert await answer(server.tcp_dsn) == 1
        without = server.tcp_dsn.partition(":")[0] + f"://postgres:wrong@127.0.0.1:{free_port}/postgres"
        with pytest.raises(Unavailable, match="password authentication failed"):
            await answer(without)


async def test_our_settings_hold(place: Path) -> None:
    with EmbeddedPostgres(place / "data") as server:
        shown = [await answer(server.dsn, f"SHOW {name}") for name in ("jit", "fsync", "timezone", "server_encoding")]
    assert shown == ["off", "on", "UTC", "UTF8"]


async def test_an_error_leaves_no_personal_data_in_the_log(place: Path) -> None:
    with embedded(place / "data") as server:
        connection = await db.pool.connect(server.dsn)
        await connection.execute("CREATE TABLE people (mail text PRIMARY KEY)")
        await connection.execute("INSERT INTO people VALUES ($1)", "canary@example.com")
        with pytest.raises(asyncpg.UniqueViolationError) as refused:
            await connection.execute("INSERT INTO people VALUES ($1)", "canary@example.com")
        await connection.close()
        assert "canary" in str(refused.value.detail)
        assert "duplicate key" in server.log.read_text()
        assert "canary" not in server.log.read_text()


def test_a_second_owner_is_told_who_the_first_is(place: Path) -> None:
    with embedded(place / "data"), pytest.raises(EmbeddedPostgresError) as refused:
        embedded(place / "data").start()
    assert f"in use by another Ordergraph (process {os.getpid()})" in refused.value.message


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_the_server_ends_with_its_owner_however_that_ends(place: Path, number: signal.Signals) -> None:
    with held(place / "data") as owner:
        pid = server_pid(place / "data")
        owner.send_signal(number)
        owner.wait()
    assert wait_until(lambda: gone(pid), 5)
    with embedded(place / "data") as server:
        assert await answer(server.dsn) == 1


async def test_a_start_right_after_a_kill_waits_for_the_old_server(place: Path) -> None:
    with held(place / "data") as owner:
        owner.kill()
    with embedded(place / "data") as server:
        assert await answer(server.dsn) == 1


async def test_a_server_that_outlived_its_owner_and_the_watchdog_is_stopped(place: Path) -> None:
    with held(place / "data") as owner:
        old = server_pid(place / "data")
        for watchdog in watchdogs(old):
            os.kill(watchdog, signal.SIGKILL)
        owner.kill()
    time.sleep(0.3)
    assert not gone(old)
    with embedded(place / "data") as server:
        assert await answer(server.dsn) == 1
        assert gone(old)


def watchdogs(server: int) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"ordergraph-watchdog" in command and str(server).encode() in command:
            found.append(int(process.parent.name))
    assert found
    return found


async def test_a_killed_server_recovers_what_was_committed(place: Path) -> None:
    server = EmbeddedPostgres(place / "data")
    server.start()
    await answer(server.dsn, "CREATE TABLE kept AS SELECT 42 AS number")
    os.kill(server_pid(place / "data"), signal.SIGKILL)
    assert wait_until(lambda: not server.running, 5)
    server.stop()
    with EmbeddedPostgres(place / "data") as server:
        assert await answer(server.dsn, "SELECT number FROM kept") == 42


async def test_a_pid_in_other_hands_does_not_block_the_start(place: Path) -> None:
    with embedded(place / "data"):
        lines = (place / "data" / "postgres" / "postmaster.pid").read_text().splitlines()
    stale = place / "data" / "postgres" / "postmaster.pid"
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with embedded(place / "data") as server:
        assert await answer(server.dsn) == 1


def test_an_interrupted_first_start_is_made_anew(place: Path) -> None:
    folder = DataFolder.claim(place / "data").path
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    with embedded(place / "data") as server:
        assert server.running
    assert not (folder / "postgres.new").exists()
