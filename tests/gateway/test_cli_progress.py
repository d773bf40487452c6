"""How far a pull is, for those who wait for it: exact words, the rate of this run only."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import os
import sys
from pathlib import Path

import pytest

import db.pool
from gateway.cli.progress import Pace, PullLines
from tests.resolvers.commands.house import PLACES
from tests.simulators import vendure

ROOT = Path(__file__).resolve().parents[2]
START = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


@dataclasses.dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclasses.dataclass
class Now:
    listed: int
    records: int
    total: int | None


def test_with_a_total_it_says_rate_and_time_left_of_this_run_only() -> None:
    clock = Clock()
    pace = Pace(clock)
    # A run that was killed had read 4,000 before.
    assert pace.told(Now(4000, 9000, 12000)) == "4,000 of 12,000 (9,000 records), 0/s"
    clock.now += 20
    assert pace.told(Now(5000, 11000, 12000)) == "5,000 of 12,000 (11,000 records), 50/s, 0:02:20 left"


def test_without_a_total_it_counts() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pace.told(Now(0, 0, None)) == "0 records, 0/s"
    clock.now += 4
    assert pace.told(Now(40, 100, None)) == "100 records, 25/s"


def test_what_grew_meanwhile_is_never_more_than_all() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.told(Now(0, 0, 5))
    clock.now += 1
    assert pace.told(Now(6, 6, 5)) == "6 of 6 (6 records), 6/s, 0:00:00 left"


def test_away_from_a_terminal_it_is_a_line_every_five_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    lines = PullLines("shop orders_pull", clock)
    lines(Now(0, 0, 300))
    for second in range(1, 12):
        clock.now += 1
        lines(Now(second * 10, second * 20, 300))
    assert capsys.readouterr().err.splitlines() == [
        "shop orders_pull: 50 of 300 (100 records), 10/s, 0:00:25 left",
        "shop orders_pull: 100 of 300 (200 records), 10/s, 0:00:20 left",
    ]


VENDURE = """
[shop]
connector = "vendure"
private = true
options = {{url = "{url}/admin-api", channel = "web"}}
secrets = {{api_key = "env:V_KEY", webhook_secret = "env:V_SECRET"}}
"""


async def test_on_a_terminal_a_backfill_draws_how_much_of_all_it_has_read(
    database: str, pool: db.pool.Pool, tmp_path: Path
) -> None:
    await pool.execute(PLACES)
    async with vendure.Server().running() as server:
        for minute in range(250):
            server.add_order(f"T_{minute}", START + dt.timedelta(minutes=minute))
        file = tmp_path / "connectors.toml"
        file.write_text(VENDURE.format(url=server.url))
        set_ = {"ORDERGRAPH_DATABASE_URL": database, "ORDERGRAPH_CONNECTORS_FILE": str(file)}
        secrets = {"V_KEY": vendure.KEY, "V_SECRET": vendure.SECRET, "TERM": "xterm", "COLUMNS": "160"}
        ours, theirs = os.openpty()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.cli", "connector", "backfill", "shop", "--capability", "orders_pull"),
            cwd=ROOT,
            env={**os.environ, **set_, **secrets},
            stdout=asyncio.subprocess.PIPE,
            stderr=theirs,
        )
        os.close(theirs)
        drawn = asyncio.create_task(asyncio.to_thread(read_all, ours))
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, await drawn
        assert out.decode().startswith("shop orders_pull: ")
        assert "250 of 250 (" in await drawn
        row = await pool.fetchrow("SELECT listed, total FROM connector_watermarks WHERE mode = 'BACKFILL'")
        assert row is not None
        assert tuple(row.values()) == (250, 250)


def read_all(terminal: int) -> str:
    """Linux says EIO where the other side has gone."""
    parts = []
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 4096):
            parts.append(part)
    os.close(terminal)
    return b"".join(parts).decode()
