"""`ordergraph connector new` and `check`: a folder from the template, and whether one keeps the contract."""

import importlib.util
import keyword
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import BadInput, NotFound

if TYPE_CHECKING:
    from connectors.manifest import Manifest

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = Path("tests/connectors/test_contract.py")
TEMPLATE = Path("tests/contract/template")
SIMULATOR = Path("tests/contract/template_simulator.py")
NAME = re.compile(r"^[a-z][a-z0-9_]*$")
SECONDS = 900
Folder = Annotated[str, typer.Argument(help="Name of the folder, such as shopify.")]


def register(group: typer.Typer) -> None:
    group.command()(new)
    group.command()(check)


def new(name: Folder) -> None:
    """Make connectors/NAME and its simulator from the template; it keeps the contract from the start."""
    _in_a_checkout()
    folder, simulator = ROOT / "connectors" / name, ROOT / "tests/simulators" / f"{name}.py"
    if not NAME.match(name) or keyword.iskeyword(name):
        raise BadInput(f"{name} is no name for a folder. Use small letters, digits and _, such as acme_wms.")
    for taken in (folder, folder.with_suffix(".py"), simulator):
        if taken.exists():
            raise BadInput(f"{taken.relative_to(ROOT)} is there already. Choose another name.")
    for source in sorted((ROOT / TEMPLATE).rglob("*")):
        if source.is_file() and "__pycache__" not in source.parts:
            _copy(source, folder / source.relative_to(ROOT / TEMPLATE), name)
    _copy(ROOT / SIMULATOR, simulator, name)
    print(f"connectors/{name} and tests/simulators/{name}.py are there. Next: ordergraph connector check {name}")


def check(name: Folder) -> None:
    """Whether the folder keeps the contract of a connector, and its ledger of quality; 1 when it does not."""
    _in_a_checkout()
    import connectors.registry

    if importlib.util.find_spec("pytest") is None:
        raise NotFound("The contract runs by pytest, which is not installed here. Run make install and use .venv/bin.")
    known = connectors.registry.folders(ROOT / "connectors")
    if name not in known:
        raise NotFound(f"There is no folder connectors/{name}; there are: {', '.join(sorted(known))}.")
    # The brackets are those of pytest's names, so that `pos` is not also easypost.
    words = ("-q", "-p", "no:cacheprovider", str(CONTRACT), "-k", f"[{name}- or [{name}]")
    ran = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=ROOT, check=False, timeout=SECONDS)  # noqa: S603  # our own tests
    for line in ledger(known[name]):
        print(line)
    if ran.returncode:
        raise typer.Exit(1)


def ledger(known: "Manifest") -> list[str]:
    """A line per rule, those that hold first."""
    done = sorted(rule for rule, word in known.quality.items() if word == "done")
    rest = sorted((rule, word) for rule, word in known.quality.items() if word != "done")
    lines = [f"{rule}: done" for rule in done] + [f"{rule}: {word}" for rule, word in rest]
    return [f"{known.name}, proven against: {known.proven_against.value}", *(f"  {line}" for line in lines)]


def _in_a_checkout() -> None:
    if not (ROOT / CONTRACT).is_file():
        raise NotFound("The contract of connectors is among the tests, and there are none here. Run it in a clone.")


def _copy(source: Path, place: Path, name: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(_renamed(source.read_text(encoding="utf-8"), name), encoding="utf-8")


def _renamed(text: str, name: str) -> str:
    """The template's text for `name`, its imports in their order again."""
    named = "".join(part.capitalize() for part in name.split("_"))
    moved = text.replace("tests.contract.template", f"connectors.{name}")
    for word, ours in (("template", name), ("Template", named), ("TEMPLATE", name.upper())):
        moved = moved.replace(word, ours)
    lines = moved.splitlines(keepends=True)
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and lines[end].startswith("from "):
            end += 1
        lines[start:end] = sorted(lines[start:end], key=lambda line: line.split()[1])
        start = end + 1
    return "".join(lines)
