"""Writes requirements.lock (what runs) and requirements-dev.lock (what develops): all platforms, all hashes, no index
addresses. hatchling is in both, with the `editables` it wants: .venv holds the project as an editable install."""

# ruff: noqa: S603, T201  (a script: it runs a fixed command and prints)

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPILE = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", *sys.argv[1:]]
FORM = ["--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--no-header", "--python-version", "3.11"]


def main() -> None:
    if importlib.util.find_spec("uv") is None:
        sys.exit("uv resolves the lock: .venv/bin/python -m pip install uv")
    compile_lock("requirements.lock")
    compile_lock("requirements-dev.lock", "--extra", "dev", "--constraint", "requirements.lock")


def compile_lock(name: str, *options: str) -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    command = [*COMPILE, *FORM, *options, "pyproject.toml", "-", "--output-file", name]
    subprocess.run(command, input="\n".join([*build, "editables"]), text=True, cwd=ROOT, check=True)
    print(f"{name} written")


if __name__ == "__main__":
    main()
