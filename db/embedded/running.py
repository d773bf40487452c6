"""The server that another process of ours runs on a data folder right now."""

import urllib.parse
from pathlib import Path

from db.embedded.account import account_for
from db.embedded.folder import DataFolder
from db.embedded.leftover import serving


def running_dsn(path: Path) -> str | None:
    """How to reach it; None when none runs. Starts and changes nothing."""
    if not DataFolder.exists(path):
        return None
    folder = DataFolder.claim(path)
    found = serving(folder.server_home(account_for(folder.path / "postgres", folder.path)) / "postgres")
    if found is None:
        return None
    port, sockets = found
    return f"postgresql://postgres@/postgres?host={urllib.parse.quote(sockets, safe='/')}&port={port}"
