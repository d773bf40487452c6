"""Fixtures of the launcher's tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder everybody can enter: pytest's own is closed to the user that root's server runs as."""
    folder = Path(tempfile.mkdtemp(prefix="ordergraph-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
