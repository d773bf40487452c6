"""A shop and a till tell a running gateway: twice and backwards, and what is known is what is true now."""

import datetime as dt
from pathlib import Path

import db.pool
from tests.gateway.test_hooks import serving, until
from tests.resolvers.commands.house import PLACES
from tests.simulators import pos, shopify

FILE = """
[webshop]
connector = "shopify"
private = true
options = {{url = "{url}/admin/api/2026-10", files_url = "{url}"}}
locations = {{1 = "HAM"}}
carriers = {{"DHL Express" = "dhl"}}
secrets = {{access_token = "file:{folder}/token", webhook_secret = "file:{folder}/shopify"}}

[tills]
connector = "pos"
locations = {{12 = "HAM"}}
secrets = {{webhook_secret = "file:{folder}/till"}}
"""


def written(folder: Path, url: str) -> Path:
    for name, secret in (("token", shopify.TOKEN), ("shopify", shopify.SECRET), ("till", pos.SECRET)):
        (folder / name).write_text(secret)
    file = folder / "connectors.toml"
    file.write_text(FILE.format(url=url, folder=folder))
    return file


async def test_deliveries_twice_and_backwards_tell_what_is_true_now(
    database: str, pool: db.pool.Pool, tmp_path: Path
) -> None:
    await pool.execute(PLACES)
    async with shopify.Server().running() as shop, serving(database, written(tmp_path, shop.url)) as url:
        shop.add({"MUG": 2})
        shop.ship(1001, "JD01")
        shop.scan(1001, "DELIVERED")
        assert await shop.deliver(f"{url}/webhooks/webshop", copies=2, reverse=True) == [200] * 6
        await until(pool, "SELECT status FROM orders", "DELIVERED")
        assert await pool.fetchval("SELECT count(*) FROM shipments") == 1
        shop.add({"MUG": 1})
        assert set(await shop.deliver(f"{url}/webhooks/webshop", secret="another")) <= {401, 403}
        assert await pool.fetchval("SELECT count(*) FROM orders") == 1


async def test_a_sale_at_a_till_reaches_the_stock(database: str, pool: db.pool.Pool, tmp_path: Path) -> None:
    await pool.execute(PLACES)
    till, now = pos.Server(), dt.datetime.now(dt.UTC)
    async with serving(database, written(tmp_path, "http://127.0.0.1:9")) as url:
        address = f"{url}/webhooks/tills"
        await till.send(till.message("count", {"MUG": 10}, now - dt.timedelta(minutes=2)), address)
        await until(pool, "SELECT on_hand FROM stock_levels", 10)
        sale = till.message("sale", {"MUG": 3}, now - dt.timedelta(minutes=1))
        assert [await till.send(sale, address) for _ in range(2)] == [200, 200]
        await until(pool, "SELECT on_hand FROM stock_levels", 7)
