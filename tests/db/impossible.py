"""Reads `store.sql`, a small store with two orders, and `impossible.sql`, what it must refuse."""

import hashlib
import re
import uuid
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_BLOCK: Final = re.compile(
    r"^-- (?P<what>[^:\n]+): (?P<constraint>\w+)\n(?P<sql>[^-].*?)(?=^-- |\Z)", re.MULTILINE | re.DOTALL
)


def id_of(name: str) -> uuid.UUID:
    """What `<name>` stands for."""
    return uuid.UUID(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest())


def _read(file: str) -> str:
    text = (_FOLDER / file).read_text(encoding="utf-8")
    return re.sub(r"<(\w+)>", lambda found: str(id_of(found[1])), text)


STORE: Final = _read("store.sql")
IMPOSSIBLE: Final = {
    found["what"]: (found["sql"], found["constraint"]) for found in _BLOCK.finditer(_read("impossible.sql"))
}
