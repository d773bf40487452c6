"""`ordergraph connector …` as processes, against a simulator of ShipBob."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

import db.pool
from gateway.connectors import configured
from tests.resolvers.commands.house import PLACES
from tests.simulators.shipbob import SECRET, TOKEN, Server

ROOT = Path(__file__).resolve().parents[2]
FILE = """
[threepl]
connector = "shipbob"
private = true
options = {{url = "{url}", channel_id = "100102"}}
locations = {{"156" = "HAM"}}
secrets = {{token = "env:SB_TOKEN", webhook_secret = "env:SB_SECRET"}}
"""


async def command(dsn: str, file: Path, *words: str) -> tuple[int, str, str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGRAPH_")}
    set_ = {"ORDERGRAPH_DATABASE_URL": dsn, "ORDERGRAPH_CONNECTORS_FILE": str(file)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway.cli", *words),
        cwd=ROOT,
        env={**known, **set_, "SB_TOKEN": TOKEN, "SB_SECRET": SECRET},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_backfill_then_sync_then_list(database: str, pool: db.pool.Pool, tmp_path: Path) -> None:
    await pool.execute(PLACES)
    file = tmp_path / "connectors.toml"
    async with Server().running() as server:
        server.stock["MUG"] = {156: 10}
        file.write_text(FILE.format(url=server.url))
        code, before, err = await command(database, file, "connector", "list")
        assert (code, err) == (0, "")
        assert before == "threepl (ShipBob): fulfillment_requests, orders_pull, stock_pull, webhooks\n"
        code, said, err = await command(
            database, file, "connector", "backfill", "threepl", "--capability", "stock_pull"
        )
        assert (code, said, err) == (0, "threepl stock_pull: 1 records (1 applied).\n", "")
        assert await pool.fetchval("SELECT on_hand || ' ' || source FROM stock_levels") == "10 threepl"
        code, said, _ = await command(database, file, "connector", "sync", "threepl", "--capability", "orders_pull")
        assert (code, said) == (0, "threepl orders_pull: 0 records (nothing new).\n")
        _, listed, _ = await command(database, file, "connector", "list")
        lines = listed.splitlines()
        assert lines[1].startswith("  health: no process runs it, last answer 20")
        assert [line.split(":")[0] for line in lines[2:]] == [
            "  orders_pull sync",
            "  stock_pull backfill",
            "  stock_pull sync",
        ]
        assert TOKEN not in listed


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('"shipbob"', "names the connector shipbop, which is none of: "),
        ("env:SB_TOKEN", "[threepl] takes the secret token from env:SB_TOKENX, which is not there."),
        ("channel_id", "sets the option channel_idx, which shipbob does not have"),
    ],
)
async def test_a_wrong_file_is_told_by_place_before_anything_runs(
    database: str, tmp_path: Path, wrong: str, message: str
) -> None:
    right = FILE.format(url="http://127.0.0.1:9")
    file = tmp_path / "connectors.toml"
    file.write_text(
        right.replace(wrong, '"shipbop"' if wrong == '"shipbob"' else f"{wrong}x".replace("TOKENx", "TOKENX"))
    )
    code, out, err = await command(database, file, "serve", "--port", "0")
    assert (code, out) == (2, "")
    assert err.startswith("ordergraph: ")
    assert message in err


async def test_what_is_not_there_is_named(database: str, tmp_path: Path) -> None:
    file = tmp_path / "connectors.toml"
    file.write_text(FILE.format(url="http://127.0.0.1:9"))
    code, _, err = await command(database, file, "connector", "sync", "webshop")
    assert (code, err) == (
        2,
        "ordergraph: There is no instance webshop in ORDERGRAPH_CONNECTORS_FILE; there are: threepl.\n",
    )
    code, _, err = await command(database, file, "connector", "sync", "threepl", "--every", "soon")
    assert (code, err) == (
        2,
        "ordergraph: --every soon is no time. Give seconds, minutes or hours, such as 30s, 5m or 1h.\n",
    )


def test_without_a_file_there_are_none() -> None:
    assert configured(None) == {}
