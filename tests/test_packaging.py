"""What is shipped: the lock files, the wheel, the names we take, the files a newcomer meets."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def normal(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def pinned(lock: str) -> dict[str, int]:
    """Each package of a lock with the number of its hashes."""
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text(encoding="utf-8").strip())
    return {normal(entry): entry.count("--hash=sha256:") for entry in entries}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_hashes_and_no_address_or_path(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert all(pinned(lock).values())
    assert not re.search(r"://|index-url|find-links|(^|[\s'\"=])/\w|\\\w", text, re.MULTILINE)
    for line in text.splitlines():
        assert re.fullmatch(r"[a-z0-9-]+(\[[a-z,]+\])?==\S+( ; [^/]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line)


def test_the_locks_pin_every_dependency_and_agree(project: dict[str, Any]) -> None:
    runs, develops = (
        {entry.partition(" ")[0] for entry in (ROOT / lock).read_text(encoding="utf-8").splitlines() if entry[0] != " "}
        for lock in LOCKS
    )
    assert runs <= develops
    wanted = {normal(one) for one in (*project["project"]["dependencies"], *project["build-system"]["requires"])}
    assert wanted <= pinned(LOCKS[0]).keys()
    assert {normal(one) for one in project["project"]["optional-dependencies"]["dev"]} <= pinned(LOCKS[1]).keys()


def test_every_dependency_has_its_reason(project: dict[str, Any]) -> None:
    listed = set(re.findall(r"^\| ([a-z0-9-]+) \|", (ROOT / "docs/dependencies.md").read_text("utf-8"), re.MULTILINE))
    extras = project["project"]["optional-dependencies"]["dev"]
    wanted = [*project["project"]["dependencies"], *extras, *project["build-system"]["requires"]]
    assert listed - {"package"} == {normal(one) for one in wanted}


def test_no_other_distribution_owns_a_name_of_ours(project: dict[str, Any]) -> None:
    ours = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert ours == {"connectors", "db", "domain", "events", "gateway", "resolvers", "schema"}
    owners = importlib.metadata.packages_distributions()
    assert {name: owners.get(name, ["ordergraph"]) for name in ours} == {name: ["ordergraph"] for name in ours}


def test_the_wheel_holds_what_runs_and_nothing_else(tmp_path: Path) -> None:
    build = "import os, sys, hatchling.build; os.chdir(sys.argv[1]); print(hatchling.build.build_wheel(sys.argv[2]))"
    built = subprocess.run(
        [sys.executable, "-c", build, str(ROOT), str(tmp_path)], capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(tmp_path / built.stdout.splitlines()[-1]) as wheel:
        names = wheel.namelist()
    assert {"db/migrations/env.py", "db/migrations/script.py.mako", "schema/schema.graphql"} <= set(names)
    assert any(name.startswith("db/migrations/versions/0001") for name in names)
    assert not [name for name in names if "node_modules" in name or "__pycache__" in name or name.startswith("tests/")]
    tops = {name.partition("/")[0] for name in names}
    assert tops == {
        "connectors",
        "db",
        "domain",
        "events",
        "gateway",
        "resolvers",
        "schema",
        "ordergraph-0.1.0.dist-info",
    }


def test_the_files_a_newcomer_looks_for_are_there() -> None:
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "docker-compose.yml", "Dockerfile"):
        assert (ROOT / name).is_file(), name


def test_make_alone_lists_the_targets() -> None:
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make (\w+)", shown, re.MULTILINE)[:6] == [
        "help",
        "demo",
        "install",
        "test",
        "check",
        "format",
    ]


def test_without_python_make_says_so_in_one_sentence(tmp_path: Path) -> None:
    for program in ("make", "sh", "echo"):
        (tmp_path / program).symlink_to(f"/usr/bin/{program}")
    asked = subprocess.run(
        [tmp_path / "make", "install"], cwd=ROOT, capture_output=True, text=True, env={"PATH": str(tmp_path)}
    )
    assert asked.returncode == 2
    assert asked.stderr.splitlines()[0].startswith("Ordergraph needs Python 3.11 or newer, and none was found")


def test_no_file_holds_the_marks_of_a_merge() -> None:
    looked = [*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md"), *ROOT.glob("*.toml")]
    marks = re.compile(r"^(<<<<<<<|>>>>>>>) ", re.MULTILINE)
    assert [path.name for path in looked if marks.search(path.read_text(encoding="utf-8"))] == []
