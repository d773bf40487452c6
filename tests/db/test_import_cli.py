"""`ordergraph import` and `ordergraph report` as processes, also killed in the middle."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import db.pool
from tests.db.clones import clone
from tests.db.import_files import ORDER, checksums, content, refused, rows, write


def environment(database: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGRAPH_")}
    return kept | {"ORDERGRAPH_DATABASE_URL": database}


def ordergraph(database: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", *map(str, arguments)],
        env=environment(database),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def test_it_shows_how_far_it_is_and_sums_up(database: str, tmp_path: Path) -> None:
    bad = {**ORDER, "number": "3", "quantity": "x"}
    late = {**ORDER, "number": "2", "delivered_at": "2025-03-06 01:00"}
    path = write(tmp_path / "orders.csv", [ORDER, late, bad])
    done = ordergraph(database, "import", "generic", path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0].startswith("reading: ")
    first, *rest = done.stdout.splitlines()
    assert re.fullmatch(r"Imported generic into channel generic in \d+\.\d s, [\d,]+ rows/s\.", first)
    assert [line.split() for line in rest[:2]] == [
        ["rows", "of", "read", "landed", "updated", "unchanged", "rejected"],
        ["orders", "3", "2", "0", "0", "1"],
    ]
    assert "Orders: 2 landed, 1 rejected." in rest
    assert "They are DELIVERED 2." in rest
    assert rest[-1] == f"1 rows refused; which and why: {tmp_path / 'generic.rejects.csv'}"
    [row] = refused(tmp_path / "generic.rejects.csv")
    assert row == {"file": "orders.csv", "line": "4", "column": "quantity", "value": "x", "reason": "is no number"}
    report = ordergraph(database, "report", "promises")
    assert report.stdout.splitlines()[:3] == [
        "1 late of 2 delivered with a date (50.00 %)",
        "days late, of the late: median 1, 90 % within 1, most 1",
        "against the promised day, of all: median 1 days early, 90 % 1 days late or better",
    ]
    assert ordergraph(database, "report", "promises", "--from", "2025-03-06").stdout.startswith("1 late of 1 ")
    nothing = ordergraph(database, "report", "promises", "--channel", "elsewhere")
    assert nothing.stdout == "0 late of 0 delivered with a date (0.00 %)\n"


async def test_a_dry_run_says_so(database: str, tmp_path: Path) -> None:
    before = await checksums(database)
    done = ordergraph(database, "import", "generic", write(tmp_path / "orders.csv", [ORDER]), "--dry-run")
    assert done.stdout.startswith("Dry run of generic into channel generic")
    assert done.stdout.endswith("Nothing was changed: this was a dry run.\n")
    assert await checksums(database) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("magento", "x.csv"), "There is no mapping magento"),
        (("generic", "nowhere.csv"), "There is no file nowhere.csv"),
        (("generic", __file__), "is no table of generic.toml by its name"),
    ],
)
async def test_what_cannot_be_imported_is_said_in_a_sentence(
    database: str, arguments: tuple[str, str], message: str
) -> None:
    done = ordergraph(database, "import", *arguments)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert (await rows(database, "SELECT count(*) AS n FROM orders"))[0]["n"] == 0


async def test_a_day_that_is_none_is_refused(database: str) -> None:
    done = ordergraph(database, "report", "promises", "--to", "soon")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ordergraph: --to soon is no day: write it as 2018-01-31.\n"


async def test_killed_in_the_middle_it_goes_on_and_ends_as_if_it_had_not_been(
    database: str, postgres: str, template: str, tmp_path: Path
) -> None:
    bad = [{**ORDER, "number": f"{n}-bad", "placed_at": "soon"} for n in range(5)]
    orders = [{**ORDER, "number": f"{n:05}", "sku": f"S-{n % 7}"} for n in range(3000)]
    path = write(tmp_path / "orders.csv", [*orders, *bad])
    arguments = ("import", "generic", path, "--rejects", tmp_path / "bad.csv")
    await _killed_after_a_batch(database, *map(str, arguments))
    done = ordergraph(database, *arguments)
    assert done.returncode == 0, done.stderr
    assert "continued where an earlier run was ended" in done.stdout.splitlines()[0]
    assert "Orders: 3,000 landed, 5 rejected." in done.stdout.splitlines()
    assert [row["line"] for row in refused(tmp_path / "bad.csv")] == [str(n) for n in range(3002, 3007)]
    async with clone(postgres, template) as other:
        assert ordergraph(other, *arguments).returncode == 0
        assert await content(database) == await content(other)
    await checksums(database)


async def _killed_after_a_batch(database: str, *arguments: str) -> None:
    watching = await db.pool.connect(database)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli", *arguments),
        env=environment(database),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    async with asyncio.timeout(60):
        while not await watching.fetchval("SELECT count(*) FROM orders"):
            assert process.returncode is None
            await asyncio.sleep(0.005)
        process.kill()
        assert await process.wait() == -signal.SIGKILL
    landed = await watching.fetchval("SELECT count(*) FROM orders")
    await watching.close()
    assert 0 < landed < 3000, "it was killed too late to prove anything"
