"""What is read without running anything: README, size of the entry, and what the modules import.

`python -m tests.contract.papers` looks at every folder's imports, as a part of make check.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from connectors.manifest import Manifest

OPEN_TO_FOLDERS: Final = frozenset({"base", "errors", "http", "payload", "signatures"})
LAYERS: Final = frozenset({"db", "events", "resolvers", "schema", "gateway", "tests"})
LONGEST_ENTRY: Final = 15


def incomplete(root: Path) -> list[str]:
    found = [f"{name} is missing" for name in ("README.md", "mapping.py", "samples") if not (root / name).exists()]
    if (lines := len((root / "__init__.py").read_text(encoding="utf-8").splitlines())) > LONGEST_ENTRY:
        found.append(f"__init__.py has {lines} lines and not {LONGEST_ENTRY} at most")
    return found


def unexplained(root: Path, manifest: Manifest) -> list[str]:
    """Secrets, and options without a default, that the README does not name."""
    text = (root / "README.md").read_text(encoding="utf-8")
    needed = (name for name, option in manifest.options.items() if option.default is None)
    named = sorted({*needed, *manifest.secrets})
    return [f"README.md says nothing of {name}" for name in named if name not in text]


def strange_imports(root: Path, package: str) -> list[str]:
    """Imports beyond what folders may use of this project, so a new module of it is closed to them by itself."""
    return [
        f"{path.name} imports {name}"
        for path in sorted(root.rglob("*.py"))
        for name in _imported(ast.parse(path.read_text(encoding="utf-8")))
        if not _allowed(name, package)
    ]


def _imported(tree: ast.Module) -> Iterator[str]:
    """Whole names: `from connectors import base` is `connectors.base`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = "." * node.level + (node.module or "")
            yield from (f"{above}.{alias.name}" for alias in node.names)


def _allowed(name: str, package: str) -> bool:
    if f"{name}.".startswith(f"{package}."):
        return True
    top, _, rest = name.partition(".")
    if top == "connectors":
        return rest.partition(".")[0] in OPEN_TO_FOLDERS
    return top not in LAYERS and not name.startswith(".")


def main() -> int:
    """Prints the imports of all folders that are not theirs to make; 1 if there are any."""
    folders = sorted(path.parent for path in Path("connectors").glob("*/manifest.toml"))
    found = [f"{root}/{one}" for root in folders for one in strange_imports(root, f"connectors.{root.name}")]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found or not folders else 0


if __name__ == "__main__":
    sys.exit(main())
