"""Makes .venv from a lock file, with nothing but Python's standard library: python3 .ci/venv.py requirements.lock.

Where Python comes without pip and ensurepip (Debian without python3-venv), pip itself is taken from the package
index that PIP_INDEX_URL names, checked against the hash below; without one it says what to install.
"""

# ruff: noqa: S603, T201, UP036  (a script: it runs fixed commands, prints, and is started by any Python)

import errno
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
# Holds all that the other lock holds, in the same versions (tests/test_packaging.py).
DEVELOPMENT = ROOT / "requirements-dev.lock"
PYTHON = VENV / "bin" / "python"
NEEDED_MB = 500
PIP_VERSION = "26.3"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
ANSWER_BYTES = 20 * 2**20


def main(lock: Path) -> None:
    if sys.version_info < (3, 11):
        stop(f"Ordergraph needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    holder = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)  # two makes at once: the second waits and finds the work done
    if done(lock):
        return
    free = shutil.disk_usage(ROOT).free // 2**20
    if free < NEEDED_MB:
        stop(f"The disk that holds {ROOT} is full: {free} MB free, about {NEEDED_MB} MB needed. Free some space.")
    make_environment()
    count = len(re.findall(r"^[A-Za-z0-9]", lock.read_text(encoding="utf-8"), re.MULTILINE))
    say(f"Installing {count} packages from {lock.name} (a minute or two, only this time) ...")
    pip("install", "--require-hashes", "--no-deps", "-r", str(lock))
    pip("install", "--no-index", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    stamp(lock).write_text(fingerprint(lock), encoding="ascii")
    say("Installed.")


def done(lock: Path) -> bool:
    """Also false after the folder was moved: the scripts in .venv/bin hold its path."""
    return works() and any(installed(one) for one in (lock, DEVELOPMENT))


def installed(lock: Path) -> bool:
    return stamp(lock).is_file() and stamp(lock).read_text(encoding="ascii") == fingerprint(lock)


def stamp(lock: Path) -> Path:
    return VENV / f"{lock.stem}.installed"


def fingerprint(lock: Path) -> str:
    known = [lock.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), os.fsencode(ROOT)]
    return hashlib.sha256(b"\0".join(known)).hexdigest()


def works() -> bool:
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", check], check=False).returncode == 0


def make_environment() -> None:
    if not works():
        say(f"Making {VENV.name} with Python {sys.version.split()[0]} ...")
        made = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", "--without-pip", VENV],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            stop(
                f"Python {sys.executable} cannot make a virtual environment "
                f"({last_line(made.stderr or made.stdout)}): install its venv module (apt install python3-venv)."
            )
    if subprocess.run([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        bundled = subprocess.run([PYTHON, "-m", "ensurepip"], capture_output=True, check=False)
        if bundled.returncode != 0:
            fetch_pip()


def fetch_pip() -> None:
    """The pinned pip, from the index that this machine names; we name none."""
    index = os.environ.get("PIP_INDEX_URL", "").rstrip("/")
    if not index:
        stop(
            f"Python {sys.executable} has neither pip nor ensurepip: apt install python3-venv, or name a package index "
            "by PIP_INDEX_URL."
        )
    name = f"pip-{PIP_VERSION}-py3-none-any.whl"
    say(f"This Python has no pip: fetching pip {PIP_VERSION} ...")
    try:
        page = download(f"{index}/pip/")
        links = re.findall(r'href="([^"]+)"', page.decode("utf-8", "replace"))
        link = next(one for one in links if f"/{name}" in f"/{one}")
        wheel = download(urllib.parse.urljoin(f"{index}/pip/", link.partition("#")[0]))
    except (OSError, ValueError, StopIteration) as error:
        reason = getattr(error, "reason", None) or str(error) or "not found"
        stop(f"pip is missing, and {host(index)} does not give it ({reason}): apt install python3-venv, or go online.")
    if hashlib.sha256(wheel).hexdigest() != PIP_SHA256:
        stop(f"{name} from {host(index)} is not the file we know (its hash differs): apt install python3-venv.")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(wheel)
        run([PYTHON, f"{file}/pip", "install", "--quiet", "--no-index", "--no-deps", str(file)])


def host(index: str) -> str:
    """Without user and password, which an index address may hold."""
    return urllib.parse.urlsplit(index).hostname or "the package index"


def download(url: str) -> bytes:
    if not url.startswith("https://") and host(url) not in ("localhost", "127.0.0.1"):
        raise ValueError("its address does not begin with https://")
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - checked above
        body: bytes = answer.read(ANSWER_BYTES)
        return body


def pip(*arguments: str) -> None:
    run([PYTHON, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", *arguments])


def run(command: "list[str | Path]") -> None:
    """pip says what is wrong in its last line; the rest is for those who look closer."""
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, env=quiet_environment(), check=False)
    if ended.returncode == 0:
        return
    if os.strerror(errno.ENOSPC) in ended.stderr:
        stop(f"The disk that holds {ROOT} is full: about {NEEDED_MB} MB needed. Free some space, then try again.")
    print(ended.stderr, file=sys.stderr)
    stop(f"pip could not install the locked packages ({last_line(ended.stderr)}): is the package index reachable?")


def quiet_environment() -> "dict[str, str]":
    """As root pip warns against itself, and a user-wide `--user` would defeat the virtual environment."""
    return {**os.environ, "PIP_ROOT_USER_ACTION": "ignore", "PIP_USER": "0"}


def last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")


def say(text: str) -> None:
    print(text, flush=True)


def stop(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    try:
        main(ROOT / sys.argv[1])
    except KeyboardInterrupt:
        stop("Interrupted; the next run goes on from here.")
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        stop(f"{'The disk is full' if full else 'Cannot write'}: {error.strerror} ({error.filename or ROOT}).")
