"""Whom the server runs as. PostgreSQL refuses root, so root hands it to an unprivileged account that exists."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from db.embedded.errors import CHOOSE_DATABASE, EmbeddedPostgresError

# `initdb` looks its user up by number, so a bare uid does not do. "ordergraph" is for those who want an account
# of its own; "postgres" and "nobody" exist on nearly every machine.
UNPRIVILEGED = ("ordergraph", "postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine; `switch` says whether children have to become that user."""

    name: str
    uid: int
    gid: int
    switch: bool

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run to the end as this user; OSError when the program is out of the user's reach."""
        return subprocess.run(  # noqa: S603 - our own programs and paths, no shell
            command,
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=() if self.switch else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",
            env=_environment(),
            start_new_session=True,
            check=False,
        )

    def spawn(self, command: Sequence[str], *, stdin: int, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
        """Start as this user, in a session of its own: a Ctrl-C at the terminal is ours to pass on."""
        return subprocess.Popen(  # noqa: S603 - our own programs and paths, no shell
            command,
            user=self.uid if self.switch else None,
            group=self.gid if self.switch else None,
            extra_groups=() if self.switch else None,
            stdin=stdin,
            stdout=output,
            stderr=output,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )

    def own(self, path: Path) -> None:
        """Hand over a path that we made."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def reaches(self, folder: Path) -> bool:
        return not self.switch or self.run("/bin/sh", "-c", 'cd "$1"', "sh", folder).returncode == 0


def account_for(*folders: Path) -> Account:
    """The account to run as: ourselves, or for root the owner of what exists already, or an unprivileged one."""
    ours = os.geteuid()
    if ours != 0:
        return Account(name=f"uid {ours}", uid=ours, gid=os.getegid(), switch=False)
    found = _owner(folders) or _known()
    account = Account(name=found.pw_name, uid=found.pw_uid, gid=found.pw_gid, switch=True)
    try:
        account.run("/bin/sh", "-c", ":")
    except OSError as error:
        raise EmbeddedPostgresError(
            f"PostgreSQL must not run as root and this container does not let us become {account.name!r}: "
            f"run as a normal user or {CHOOSE_DATABASE}."
        ) from error
    return account


def _owner(folders: Sequence[Path]) -> pwd.struct_passwd | None:
    for folder in folders:
        if folder.is_dir() and (uid := folder.stat().st_uid) != 0:
            try:
                return pwd.getpwuid(uid)
            except KeyError:
                continue
    return None


def _known() -> pwd.struct_passwd:
    for name in UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedPostgresError(
        f"PostgreSQL must not run as root and none of the users {', '.join(UNPRIVILEGED)} exists: "
        f"run as a normal user or {CHOOSE_DATABASE}."
    )


def _environment() -> dict[str, str]:
    """Nothing of ours, above all no PG* variable; messages in English because we read them."""
    kept = {name: value for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if (value := os.environ.get(name))}
    return {"PATH": os.defpath, "LC_ALL": "C", **kept}
