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
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0] == "Z"
        )
    except OSError:
        return not Path("/proc/self").exists()
