"""`ordergraph connector push` as a process, against a simulator of Shopify."""

import pathlib

import pytest

import db.pool
from tests.gateway.test_cli_connector import command
from tests.resolvers.commands.house import PLACES
from tests.simulators.shopify import TOKEN as SHOPIFY_TOKEN
from tests.simulators.shopify import Server

FILE = """
[shop]
connector = "shopify"
private = true
options = {{url = "{url}/admin/api/2026-10", files_url = "{url}"}}
locations = {{"1" = "HAM"}}
push = ["HAM"]
secrets = {{access_token = "file:{token}", webhook_secret = "file:{token}"}}
"""
LEVELS = """INSERT INTO stock_levels (item_id, location_id, on_hand, source)
SELECT i.id, l.id, 7, 'wms' FROM items i, locations l WHERE l.code = 'HAM' AND i.sku IN ('MUG', 'LAMP')"""


@pytest.mark.parametrize("known", [True, False])
async def test_all_is_told_and_what_was_refused_is_said(
    database: str, pool: db.pool.Pool, tmp_path: pathlib.Path, known: bool
) -> None:
    await pool.execute(PLACES)
    await pool.execute(LEVELS)
    token, file = tmp_path / "token", tmp_path / "connectors.toml"
    token.write_text(SHOPIFY_TOKEN)
    async with Server().running() as server:
        for sku in ("MUG", "LAMP") if known else ("MUG",):
            server.count(sku, 1, 0)
        file.write_text(FILE.format(url=server.url, token=token))
        code, said, _ = await command(database, file, "connector", "push", "shop")
        assert server.stock["MUG"][1]["available"] == 7
        lines = [line for line in said.splitlines() if "[warning" not in line]
        assert lines[0] == "shop: 2 to tell"
        told = "2 told, 0 wait, 0 refused" if known else "1 told, 0 wait, 1 refused"
        assert lines[1].startswith(f"shop: {told}, 0 given up, last told 20")
        assert (code, lines[2:]) == ((0, []) if known else (1, ["  LAMP at HAM: UNKNOWN_SKU"]))
        _, listed, _ = await command(database, file, "connector", "list")
        assert f"  stock push: {told}, 0 given up, last told 20" in listed
