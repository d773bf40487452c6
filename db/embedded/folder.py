"""The data folder: proof that it is ours, one owner at a time, and where server and socket live."""

import fcntl
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from db.embedded.account import Account
from db.embedded.errors import CHOOSE_FOLDER, EmbeddedPostgresError, explained
from db.embedded.leftover import wait_until

MARKER = "ORDERGRAPH"
# Where root keeps the server's files when the data folder is below a home the server's user cannot enter.
SHARED_HOME = Path("/var/lib/ordergraph")
# sun_path is 108 bytes on Linux and 104 elsewhere, with the final zero; PostgreSQL adds "/.s.PGSQL.<port>".
SOCKET_FOLDER_BYTES = (107 if sys.platform == "linux" else 103) - len("/.s.PGSQL.65535")


class DataFolder:
    """A folder that is ours by its marker file. The marker's id ties it to files kept elsewhere."""

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self.identity = identity
        self._lock: int | None = None

    @classmethod
    def claim(cls, path: Path) -> "DataFolder":
        """Open our folder, or make it from nothing or an empty one; any other folder is refused untouched."""
        path = path.expanduser().absolute()
        with explained(path):
            if (identity := _read_marker(path)) is None:
                _require_unused(path)
                identity = _write_marker(path)
        return cls(path, identity)

    @classmethod
    def exists(cls, path: Path) -> bool:
        """Whether `path` is ours already; EmbeddedPostgresError when it is somebody else's. Changes nothing."""
        path = path.expanduser().absolute()
        with explained(path):
            if _read_marker(path) is not None:
                return True
            _require_unused(path)
            return False

    def lock(self, patience: float = 0.0) -> None:
        """Become the only owner, waiting `patience` seconds for the one before to end.

        The kernel gives the lock back when we die, however we die.
        """
        with explained(self.path):
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self.path / "lock", flags, 0o600)
            if not wait_until(lambda: _try_lock(descriptor), patience):
                owner = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
                os.close(descriptor)
                raise EmbeddedPostgresError(
                    f"The data folder {self.path} is in use by another Ordergraph (process {owner}): "
                    f"stop that one or {CHOOSE_FOLDER}."
                )
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            self._lock = descriptor

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def server_home(self, account: Account) -> Path:
        """Where the server's own files live: here, or where `account` can go when it cannot come here."""
        if account.switch and self.path.stat().st_uid == os.geteuid():
            self.path.chmod(0o711)
        if account.reaches(self.path):
            return self.path
        home = SHARED_HOME / self.identity
        if not home.is_dir():
            with explained(home):
                self._replace_forgotten_homes()
                home.mkdir(mode=0o711, parents=True)
                (home / "belongs-to").write_text(f"{self.path}\n", encoding="utf-8")
        if not account.reaches(home):
            raise EmbeddedPostgresError(
                f"PostgreSQL must not run as root, and its user {account.name!r} can enter neither {self.path} "
                f"nor {home}: {CHOOSE_FOLDER}."
            )
        return home

    def _replace_forgotten_homes(self) -> None:
        """The data folder was deleted and made anew: its old home would stay for ever."""
        for note in SHARED_HOME.glob("*/belongs-to"):
            if note.read_text(encoding="utf-8").strip() == str(self.path):
                shutil.rmtree(note.parent)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def socket_folder(home: Path, account: Account) -> Path:
    """A 0700 folder with a path short enough for a socket: in `home`, else a random one under the temp folder."""
    inside = home / "run"
    if len(os.fsencode(inside)) <= SOCKET_FOLDER_BYTES:
        with explained(home):
            inside.mkdir(mode=0o700, exist_ok=True)
            account.own(inside)
        return inside
    record = home / "socket-folder"
    with explained(home):
        if record.is_file() and _usable((known := Path(record.read_text(encoding="utf-8"))), account):
            return known
        folder = Path(tempfile.mkdtemp(prefix="ordergraph-", dir=_short_temp(account)))
        account.own(folder)
        record.write_text(str(folder), encoding="utf-8")
    return folder


def _short_temp(account: Account) -> Path:
    for candidate in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - a random 0700 folder is made inside
        if len(os.fsencode(candidate)) + 24 <= SOCKET_FOLDER_BYTES and account.reaches(candidate):
            return candidate
    raise EmbeddedPostgresError(f"No folder with a path short enough for a socket: {CHOOSE_FOLDER}.")


def _usable(folder: Path, account: Account) -> bool:
    """Still the folder we made: in a world-writable place somebody else may have taken its name."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return found.st_uid == account.uid and found.st_mode & 0o170777 == 0o040700


def _read_marker(path: Path) -> str | None:
    try:
        lines = (path / MARKER).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    for line in lines:
        word, _, value = line.partition(" ")
        if word == "id" and value.isalnum():
            return value
    raise EmbeddedPostgresError(f"{path / MARKER} is damaged; nothing was changed: {CHOOSE_FOLDER}.")


def _require_unused(path: Path) -> None:
    # Names that begin with the marker's are a marker being written by a process that starts at the same time.
    if path.exists() and (not path.is_dir() or any(not child.name.startswith(MARKER) for child in path.iterdir())):
        raise EmbeddedPostgresError(
            f"{path} exists and is not an Ordergraph data folder; nothing was changed: {CHOOSE_FOLDER}."
        )


def _write_marker(path: Path) -> str:
    """Write the marker whole or not at all; of two processes one wins and both read the same id."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    draft = path / f"{MARKER}.{secrets.token_hex(8)}"
    draft.write_text(
        f"This folder belongs to Ordergraph: database, secrets, lock. Delete it whole to start anew.\n"
        f"format 1\nid {secrets.token_hex(8)}\n",
        encoding="utf-8",
    )
    try:
        os.link(draft, path / MARKER)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    identity = _read_marker(path)
    assert identity is not None
    return identity
