"""The file of refused rows: where each stands, what is wrong with it, and the value that is."""

import csv
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from db.importing.errors import BadFiles
from db.importing.inputs import REJECTS_SUFFIX
from db.importing.staging import Reject

HEADER = ("file", "line", "column", "value", "reason")


def place(source: str, first: Path) -> Path:
    """Beside the input, or in the current folder where the input's may not be written to."""
    folder = first if first.is_dir() else first.parent
    return (folder if os.access(folder, os.W_OK) else Path()) / f"{source}{REJECTS_SUFFIX}"


def check(path: Path) -> None:
    """Refuse a place where nothing can be written, before hours of work rather than after."""
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise BadFiles(f"Cannot write rejected rows to {path}: choose another file by --rejects.")


async def write(path: Path, names: Sequence[str], rejects: AsyncIterator[Reject]) -> Path | None:
    """Write all rejects; without any there is no file, nor one left from before."""
    first = await anext(rejects, None)
    if first is None:
        _forget(path)
        return None
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(HEADER)
        rows.writerow(_row(names, first))
        async for reject in rejects:
            rows.writerow(_row(names, reject))
    return path


def _row(names: Sequence[str], reject: Reject) -> tuple[object, ...]:
    return names[reject.file], reject.line, reject.column or "", reject.value or "", reject.reason


def _forget(path: Path) -> None:
    """Of an earlier import of the same; a file of somebody else's is left alone."""
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace") as file:
            ours = file.readline().strip() == ",".join(HEADER)
        if ours:
            path.unlink()
