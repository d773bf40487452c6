"""What a killed run left: its server may still be alive, or its pid may belong to somebody else by now."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from db.embedded.errors import EmbeddedPostgresError

POLL_SECONDS = 0.02


def server_status(data: Path) -> tuple[int, str] | None:
    """(pid, status) from postmaster.pid, status as the server writes it: starting, ready, stopping."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        return int(lines[0]), lines[7].strip() if len(lines) > 7 else ""
    except (OSError, ValueError, IndexError):
        return None


def serving(data: Path) -> tuple[str, str] | None:
    """(port, folder of the socket) of the server that answers on `data`."""
    found = server_status(data)
    if found is None or found[1] != "ready" or not (_exists(found[0]) and _serves(found[0], data)):
        return None
    lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[3].strip(), lines[4].strip()


def stop_leftover(data: Path) -> None:
    """End a server that still runs on `data` without an owner. Call with the folder's lock held."""
    found = server_status(data)
    if found is None or not _exists(pid := found[0]):
        return
    if not _serves(pid, data):
        # PostgreSQL takes any live process of its user with this pid for a running server and would refuse.
        (data / "postmaster.pid").unlink(missing_ok=True)
        return
    # Fast shutdown, then immediate. Never SIGKILL: it leaves the server's own children behind.
    for number, seconds in ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if wait_until(lambda: not (_exists(pid) and _serves(pid, data)), seconds):
            return
    raise EmbeddedPostgresError(
        f"A PostgreSQL left by an earlier run (process {pid}) still uses {data} and does not stop: end that process."
    )


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _serves(pid: int, data: Path) -> bool:
    """Whether that process is a server on `data`: it names the folder on its command line (see server.py)."""
    if Path("/proc/self/cmdline").exists():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        return os.fsencode(data) in command.split(b"\0")
    listed = subprocess.run(  # noqa: S603 - a fixed program with a number
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
    )
    return os.fsencode(data) in listed.stdout
