"""`ordergraph connector new` and `check` as processes, in a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("connectors", "db", "domain", "events", "gateway", "resolvers", "schema", "tests")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("checkout")
    for part in PARTS:
        skipped = shutil.ignore_patterns("node_modules", "__pycache__")
        shutil.copytree(ROOT / part, place / part, ignore=skipped, ignore_dangling_symlinks=True)
    shutil.copy(ROOT / "pyproject.toml", place)
    return place


def run(copy: Path, *words: str) -> tuple[int, str, str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("ORDERGRAPH_", "PYTEST_"))}
    ran = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=copy,
        env={**known, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return ran.returncode, ran.stdout, ran.stderr


def connector(copy: Path, *words: str) -> tuple[int, str, str]:
    return run(copy, "gateway.cli", "connector", *words)


def test_a_new_folder_keeps_the_contract_until_it_is_broken(copy: Path) -> None:
    code, out, err = connector(copy, "new", "zeta_wms")
    assert (code, err) == (0, "")
    assert out.endswith("Next: ordergraph connector check zeta_wms\n")
    made = ("connectors/zeta_wms", "tests/simulators/zeta_wms.py")
    assert run(copy, "ruff", "check", "--no-cache", *made)[0] == 0
    assert run(copy, "ruff", "format", "--no-cache", "--check", *made)[0] == 0
    texts = [path.read_text() for path in (copy / made[0]).rglob("*.*") if path.suffix != ".pyc"]
    assert not [text for text in [*texts, (copy / made[1]).read_text()] if "template" in text.lower()]

    code, out, err = connector(copy, "check", "zeta_wms")
    assert (code, err) == (0, ""), out
    ran = re.search(r"^(\d+) passed, \d+ deselected", out, re.MULTILINE)
    assert ran is not None, out
    assert int(ran[1]) > 20
    assert "ZetaWms, proven against: simulator\n  ids_stable: done\n" in out
    assert out.endswith("  unknown_values: exempt: a count has no words\n")

    file = copy / made[0] / "mapping.py"
    file.write_text(file.read_text().replace('level["onHand"]', 'level["damaged"]'))
    code, out, _ = connector(copy, "check", "zeta_wms")
    assert code == 1
    assert "stock.json" in out


def test_a_name_that_is_taken_or_none_is_refused(copy: Path) -> None:
    before = sorted(path for path in copy.rglob("*.py"))
    for name, reason in (
        ("dhl", "connectors/dhl is there already"),
        ("http", "connectors/http.py is there already"),
        ("acme", "tests/simulators/acme.py is there already"),
        ("Acme", "Acme is no name for a folder"),
        ("../acme", "../acme is no name for a folder"),
        ("class", "class is no name for a folder"),
    ):
        code, out, err = connector(copy, "new", name)
        assert (code, out) == (2, "")
        assert reason in err
    assert sorted(path for path in copy.rglob("*.py")) == before


def test_a_folder_that_is_not_there_is_told_with_those_that_are(copy: Path) -> None:
    code, out, err = connector(copy, "check", "nobody")
    assert (code, out) == (2, "")
    assert err.startswith("ordergraph: There is no folder connectors/nobody; there are: amazon, dhl, ")


def test_without_the_tests_it_says_where_to_run_it(tmp_path: Path) -> None:
    for part in PARTS[:-1]:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for words in (("check", "dhl"), ("new", "zeta_wms")):
        code, out, err = connector(tmp_path, *words)
        assert (code, out) == (2, "")
        assert err == (
            "ordergraph: The contract of connectors is among the tests, and there are none here. Run it in a clone.\n"
        )
