"""The server as our child: made, started, watched, stopped; gone when we are gone."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from db.embedded.account import Account, account_for
from db.embedded.errors import CHOOSE_FOLDER, EmbeddedPostgresError, disk_full, explained
from db.embedded.folder import DataFolder, socket_folder
from db.embedded.leftover import server_status, stop_leftover, wait_until
from db.embedded.programs import Programs, find

START_SECONDS = 60.0
NEEDED_BYTES = 100 * 2**20
SOCKET_PORT = 5432

# The log must never hold personal data: no statements, no DETAIL lines (they quote the values of a row).
SETTINGS: Mapping[str, str] = {
    "jit": "off",
    "max_connections": "100",
    "max_wal_size": "256MB",
    "huge_pages": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
# For data nobody will miss: tests.
FAST_SETTINGS: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

DISK_FULL = ("No space left on device", "Disk quota exceeded", "Check free disk space")

# Ends the server when our end of the pipe closes, which also happens when we are killed. It looks the pid up
# again because the server may be long gone and its number in other hands.
WATCHDOG = """trap '' HUP INT TERM
read -r _
[ "$(head -n 1 "$2" 2>/dev/null)" = "$1" ] && kill -INT "$1"
"""


class EmbeddedPostgres:
    """One PostgreSQL server on one data folder, for as long as this object is started.

    Reached through a socket in a private folder; with `port` also on 127.0.0.1 with a password. `settings` are
    added to the server's configuration; `bin_dir` holds postgres and initdb when the wheel's are not wanted;
    `patience` are seconds to wait for an owner before us who is about to end.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        bin_dir: Path | None = None,
        patience: float = 0.0,
    ) -> None:
        self.data_dir = data_dir
        self.notes: list[str] = []
        self._port = port
        self._settings = {**SETTINGS, **(settings or {})}
        self._bin_dir = bin_dir
        self._patience = patience
        self._folder: DataFolder | None = None
        self._home = data_dir
        self._sockets = self._home
        self._server: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._lifeline: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def dsn(self) -> str:
        """Over the socket, for asyncpg: postgresql://postgres@/postgres?host=<folder>&port=<number>."""
        host = urllib.parse.quote(str(self._sockets), safe="/")
        return f"postgresql://postgres@/postgres?host={host}&port={self._port or SOCKET_PORT}"

    @property
    def tcp_dsn(self) -> str:
        """Over loopback, with the password in it: for psql and the like, not for logs."""
        if self._port is None:
            raise ValueError("started without a TCP port")
        password = (self._home / "password").read_text(encoding="ascii").strip()
        return f"postgresql://postgres:{password}@127.0.0.1:{self._port}/postgres"

    @property
    def log(self) -> Path:
        """What the server says; written anew at each start."""
        return self._home / "postgres.log"

    @property
    def running(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def start(self) -> str:
        """Start, waiting until queries are answered, and return `dsn`; EmbeddedPostgresError says why not."""
        folder = DataFolder.claim(self.data_dir)
        folder.lock(self._patience)
        self._folder = folder
        try:
            self._start(folder)
        except BaseException:
            self.stop()
            raise
        return self.dsn

    def stop(self, timeout: float = 3.0) -> None:
        """Stop the server: fast within `timeout` seconds, else at once (it then recovers at its next start)."""
        if self._server is not None:
            for number in (signal.SIGINT, signal.SIGQUIT):
                if self._server.poll() is None:
                    self._server.send_signal(number)
                try:
                    self._server.wait(timeout)
                    break
                except subprocess.TimeoutExpired:
                    continue
            self._server = None
        self._release()

    def _release(self) -> None:
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        if self._watchdog is not None:
            self._watchdog.wait()
            self._watchdog = None
        if self._sockets.parent != self._home and self._sockets != self._home:
            shutil.rmtree(self._sockets, ignore_errors=True)
            self._sockets = self._home
        if self._folder is not None:
            self._folder.unlock()
            self._folder = None

    def _start(self, folder: DataFolder) -> None:
        account = account_for(folder.path / "postgres", folder.path)
        self._home = home = folder.server_home(account)
        if home != folder.path:
            self.notes.append(f"{account.name!r} cannot enter {folder.path}; the database is in {home}.")
        programs = find(self._bin_dir, account, home)
        data = home / "postgres"
        stop_leftover(data)
        if not data.is_dir():
            self._make(home, programs, account)
        _require_same_major(data, programs)
        self._sockets = socket_folder(home, account)
        self._spawn(home, programs, account)
        self._await_ready(home)

    def _make(self, home: Path, programs: Programs, account: Account) -> None:
        """initdb into a draft that becomes the data folder by rename: an interrupted one is never mistaken."""
        with explained(home):
            if shutil.disk_usage(home).free < NEEDED_BYTES:
                raise disk_full(home)
            draft, password = home / "postgres.new", home / "password"
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(mode=0o700)
            password.unlink(missing_ok=True)
            password.touch(mode=0o600)
            password.write_text(f"{secrets.token_urlsafe(24)}\n", encoding="ascii")
            account.own(draft)
            account.own(password)
            made = account.run(*self._initdb(programs, draft, password))
            if made.returncode != 0:
                shutil.rmtree(draft, ignore_errors=True)
                raise _failure(made.stdout, home, self._port)
            draft.rename(home / "postgres")

    def _initdb(self, programs: Programs, data: Path, password: Path) -> list[str | Path]:
        locale = ["--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]
        if programs.major >= 17:
            # The same order and case rules on every machine, whatever its C library.
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        sync = ["--no-sync"] if self._settings.get("fsync") == "off" else []
        access = ["--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256"]
        form = ["--encoding=UTF8", "--no-instructions", *locale, *sync]
        return [programs.initdb, "-D", data, *access, f"--pwfile={password}", *form]

    def _spawn(self, home: Path, programs: Programs, account: Account) -> None:
        options = {
            **self._settings,
            "unix_socket_directories": str(self._sockets),
            "unix_socket_permissions": "0700",
            "port": str(self._port or SOCKET_PORT),
            "listen_addresses": "127.0.0.1" if self._port else "",
        }
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with explained(home), self.log.open("wb") as log:
            command = [str(programs.postgres), "-D", str(home / "postgres"), *given]
            self._server = account.spawn(command, stdin=subprocess.DEVNULL, output=log)
            reading, self._lifeline = os.pipe()
            watch = ["/bin/sh", "-c", WATCHDOG, "ordergraph-watchdog"]
            watched = [str(self._server.pid), str(home / "postgres" / "postmaster.pid")]
            self._watchdog = account.spawn([*watch, *watched], stdin=reading, output=subprocess.DEVNULL)
            os.close(reading)

    def _await_ready(self, home: Path) -> None:
        server = self._server
        assert server is not None
        ready = (server.pid, "ready")
        wait_until(lambda: server.poll() is not None or server_status(home / "postgres") == ready, START_SECONDS)
        if server_status(home / "postgres") != ready:
            log = self.log.read_text(encoding="utf-8", errors="replace")
            raise _failure(log, home, self._port)


def _require_same_major(data: Path, programs: Programs) -> None:
    made_by = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if made_by != str(programs.major):
        raise EmbeddedPostgresError(
            f"The database in {data} was made by PostgreSQL {made_by}, but the programs are PostgreSQL "
            f"{programs.version}: set ORDERGRAPH_PG_BIN to a PostgreSQL {made_by}, or {CHOOSE_FOLDER}."
        )


def _failure(output: str, home: Path, port: int | None) -> EmbeddedPostgresError:
    if any(words in output for words in DISK_FULL):
        return disk_full(home)
    if "Address already in use" in output:
        return EmbeddedPostgresError(
            f"Port {port} on 127.0.0.1 is taken, so PostgreSQL cannot listen there: choose another port."
        )
    said = [line for line in output.splitlines() if "FATAL" in line or "PANIC" in line or "error:" in line]
    reason = (said or output.splitlines() or ["no message"])[0].partition("FATAL:")
    return EmbeddedPostgresError(
        f"PostgreSQL did not start on {home}: {(reason[2] or reason[0]).strip()} (more in {home / 'postgres.log'})."
    )
