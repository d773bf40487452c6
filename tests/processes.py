"""What tests ask about processes of this machine."""

import os
from pathlib import Path


def gone(pid: int) -> bool:
    """Not running; one that is dead and not yet waited for by its parent counts as gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _status(Path(f"/proc/{pid}"))[0] == "Z"


def children(parent: int) -> list[int]:
    return [int(process.name) for process in Path("/proc").glob("[0-9]*") if _status(process)[1] == str(parent)]


def _status(process: Path) -> list[str]:
    """State and parent; the name before them is in brackets and may hold anything."""
    try:
        return (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:2]
    except OSError:
        return ["Z", ""]


def unhurried(seconds: float) -> float:
    """A limit of wall-clock time, meant for a machine with nothing else to do, stretched when others use it too."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
