"""Processes of connectors are killed (SIGKILL) at random moments and begun again: the end is that of a quiet run.

A lease of a killed process ends by itself after a minute or three; the tests end it at once and do not wait.
"""

import asyncio
import contextlib
import datetime
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import db.pool
from resolvers.commands.fulfillment_requests import Desk
from schema import build
from tests.db.clones import clone
from tests.gateway.test_cli_connector import FILE, ROOT
from tests.processes import unhurried
from tests.resolvers.commands.house import ADMIN, PLACES, House, count, upsert, work
from tests.simulators import odoo, shipbob, shopify, ups

ODOO = """
[erp]
connector = "odoo"
private = true
options = {{url = "{url}", database = "shop", channel = "web"}}
locations = {{"1" = "HAM"}}
secrets = {{api_key = "env:ODOO_KEY"}}
"""
CARRIER = """
[ups]
connector = "ups"
private = true
options = {{url = "{url}"}}
secrets = {{client_id = "env:UPS_ID", client_secret = "env:UPS_SECRET", webhook_credential = "env:UPS_CREDENTIAL"}}
"""
SHOP = """
[shop]
connector = "shopify"
private = true
options = {{url = "{url}/admin/api/2026-10"}}
locations = {{"1" = "HAM"}}
push = ["HAM"]
secrets = {{access_token = "env:SHOP_TOKEN", webhook_secret = "env:SHOP_SECRET"}}
"""
THINGS = 60
PARCELS = 120
# More than are asked for in the time that the processes live.
WORKS = 60
SALES = 230
KILLS = 4
# Where a sync of the test begins: before all that the simulator's clock says.
SINCE = """INSERT INTO connector_watermarks (instance, capability, mode, watermark)
    VALUES ('erp', 'orders_pull', 'SYNC', '2026-11-25 00:00Z')"""
STORY = """SELECT c.code, o.number, j.version, j.type, j.source, j.source_event_id, j.changed, j.occurred_at
    FROM journal j JOIN orders o ON o.id = j.order_id JOIN channels c ON c.id = o.channel_id
    ORDER BY o.number, j.version, j.id"""
PULL = "SELECT pages, records, listed, total, missed, error FROM connector_watermarks WHERE finished_at IS NOT NULL"
ASK = """mutation($number: String!) { requestFulfillment(order: {channel: "web", number: $number}, location: "HAM",
    key: $number, lines: [{line: "MUG", quantity: 2}, {line: "LAMP", quantity: 1}]) { state } }"""


@contextlib.asynccontextmanager
async def begun(dsn: str, file: Path, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of ours, killed at the end if it still runs."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("ORDERGRAPH_")}
    shop = {"SHOP_TOKEN": shopify.TOKEN, "SHOP_SECRET": shopify.SECRET}
    carrier = {"UPS_ID": ups.CLIENT[0], "UPS_SECRET": ups.CLIENT[1], "UPS_CREDENTIAL": ups.CREDENTIAL}
    set_ = {**carrier, "ORDERGRAPH_DATABASE_URL": dsn, "ORDERGRAPH_CONNECTORS_FILE": str(file), "ODOO_KEY": odoo.KEY}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli", "connector", *words),
        cwd=ROOT,
        env={**known, **set_, "SB_TOKEN": shipbob.TOKEN, "SB_SECRET": shipbob.SECRET, **shop},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def told(pool: db.pool.Pool) -> Mapping[str, Any]:
    """All that is known, the story of each order and the state of each event, without ids of rows and our clock."""
    found: dict[str, Any] = await House(build.executable(build.build()), pool).dump()
    found["story"] = [tuple(row.values()) for row in await pool.fetch(STORY)]
    inbox = await pool.fetch("SELECT source, event_id, state, attempts FROM inbox ORDER BY 1, 2")
    return {**found, "inbox": [tuple(row.values()) for row in inbox]}


async def prepared(pool: db.pool.Pool) -> None:
    await pool.execute(PLACES)
    # Lines carry it, and two databases shall be compared.
    await pool.execute("UPDATE items SET id = md5(sku)::uuid")
    await pool.execute(SINCE)


@pytest.mark.parametrize("how", ["backfill", "sync"])
async def test_a_pull_killed_again_and_again_ends_as_a_quiet_one(
    database: str, pool: db.pool.Pool, postgres: str, template: str, tmp_path: Path, how: str
) -> None:
    words = (how, "erp", "--capability", "orders_pull")
    file, dice, midway = tmp_path / "connectors.toml", random.Random(os.urandom(8)), 0
    async with odoo.Server().running() as server:
        file.write_text(ODOO.format(url=server.url))
        for number in range(SALES):
            sale = server.add_sale(f"W{number}", {"MUG": 2, "LAMP": 1})
            if number % 3 == 0:
                server.ship(sale, f"JD{number}")
        await prepared(pool)
        for _ in range(KILLS):
            before = len(server.seen)
            async with begun(database, file, *words) as process:
                asked = before + dice.randrange(1, 9)
                async with asyncio.timeout(unhurried(60)):
                    while len(server.seen) < asked and process.returncode is None:  # noqa: ASYNC110  # it may end first
                        await asyncio.sleep(0.005)
                await asyncio.sleep(dice.uniform(0, 0.6))
                midway += process.returncode is None
            await pool.execute("UPDATE connector_watermarks SET lease_until = now() - interval '1 second'")
        async with begun(database, file, *words) as process:
            assert await asyncio.wait_for(process.wait(), unhurried(120)) == 0
        killed, counted = await told(pool), await pool.fetchrow(PULL)
        async with clone(postgres, template) as other:
            quiet = await db.pool.create_pool(other, min_size=1, max_size=2, application="ordergraph-tests")
            await prepared(quiet)
            async with begun(other, file, *words) as process:
                assert await asyncio.wait_for(process.wait(), unhurried(120)) == 0
            undisturbed, first = await told(quiet), await quiet.fetchrow(PULL)
            await quiet.close()
        assert killed == undisturbed
        assert counted is not None
        assert first is not None
        assert tuple(counted.values()) == tuple(first.values())
    assert midway, "no kill came before the end: the test proves nothing"
    assert len(killed["orders"]) == SALES
    assert {state for *_, state, _ in killed["inbox"]} == {"DONE"}


@dataclass(slots=True)
class Slow(shipbob.Server):
    """Takes an order and answers only `hold` seconds later."""

    hold: float = 0.0
    taken: asyncio.Event = field(default_factory=asyncio.Event)

    async def create(self, request: web.Request) -> web.Response:
        answer = await shipbob.Server.create(self, request)
        self.taken.set()
        await asyncio.sleep(self.hold)
        return answer


async def test_a_process_that_asks_for_work_is_killed_again_and_again_and_nothing_is_asked_twice(
    database: str, pool: db.pool.Pool, tmp_path: Path
) -> None:
    await pool.execute(PLACES)
    house = House(build.executable(build.build()), pool)
    assert house.engine.mutations is not None
    house.engine.mutations.desk = Desk({"threepl": frozenset({"HAM"})})
    numbers = [str(number) for number in range(2001, 2001 + WORKS)]
    for number in numbers:
        address = {"name": "Ada Example", "country": "US"}
        assert await house.outcomes("upsertOrders", upsert(number, 1, number, shippingAddress=address)) == ["APPLIED"]
        assert (await house.ask(ASK, {"number": number}, ADMIN))["requestFulfillment"] == {"state": "PENDING"}
    file, dice, unrecorded = tmp_path / "connectors.toml", random.Random(os.urandom(8)), 0
    async with Slow(hold=5.0).running() as server:
        file.write_text(FILE.format(url=server.url))
        for _ in range(KILLS):
            server.taken.clear()
            async with begun(database, file, "run"):
                await asyncio.wait_for(server.taken.wait(), unhurried(60))
                await asyncio.sleep(dice.uniform(0, 0.1))
            known = {order["reference_id"] for order in server.orders.values()}
            asked = await pool.fetch("SELECT id FROM connector_commands WHERE state = 'SENT' AND answered_at IS NULL")
            unrecorded += len(known & {str(row["id"]) for row in asked})
            await pool.execute("UPDATE connector_commands SET next_attempt_at = now() WHERE state <> 'DONE'")
            server.hold = dice.choice([0.0, 0.0, 0.05])
        async with begun(database, file, "run"), asyncio.timeout(unhurried(60)):
            while await pool.fetchval("SELECT count(*) FROM connector_commands WHERE state <> 'DONE'"):  # noqa: ASYNC110  # a process tells us nothing
                await asyncio.sleep(0.05)
        references = sorted(order["reference_id"] for order in server.orders.values())
    assert unrecorded, "no kill came between the call and its record: the test proves nothing"
    commands = await pool.fetch("SELECT id, fulfillment_id, state, refused, error FROM connector_commands")
    assert references == sorted(str(row["id"]) for row in commands)
    assert {(row["state"], row["refused"], row["error"]) for row in commands} == {("DONE", None, None)}
    work = """SELECT o.number, f.source, f.status, string_agg(l.sku || ' ' || x.quantity, ', ' ORDER BY l.sku) AS lines
        FROM fulfillments f JOIN orders o ON o.id = f.order_id
        JOIN fulfillment_lines x ON x.fulfillment_id = f.id JOIN order_lines l ON l.id = x.line_id
        GROUP BY f.id, o.number ORDER BY o.number"""
    assert [tuple(row.values()) for row in await pool.fetch(work)] == [
        (number, "threepl", "IN_PROGRESS", "LAMP 1, MUG 2") for number in numbers
    ]
    assert {row["fulfillment_id"] for row in commands} == {str(number) for number in server.orders}


async def test_a_process_that_follows_parcels_is_killed_and_each_scan_is_here_once(
    database: str, pool: db.pool.Pool, tmp_path: Path
) -> None:
    await pool.execute(PLACES)
    house = House(build.executable(build.build()), pool)
    numbers = [f"1Z023E2X02143{number:05}" for number in range(PARCELS)]
    assert await house.outcomes("upsertOrders", upsert("e", 1, lines=[("MUG", PARCELS)])) == ["APPLIED"]
    shipped = {"carrier": "ups", "lines": [{"line": "MUG", "quantity": 1}]}
    shipments = [{**shipped, "trackingNumber": number} for number in numbers]
    done = work("w", 2, "COMPLETED", [("MUG", PARCELS, {})], shipments=shipments)
    assert await house.outcomes("recordFulfillmentEvents", done) == ["APPLIED"]
    file, dice, midway = tmp_path / "connectors.toml", random.Random(os.urandom(8)), 0
    scans = "SELECT s.tracking_number, t.status FROM tracking_events t JOIN shipments s ON s.id = t.shipment_id"
    open_ = "SELECT count(*) FROM shipments WHERE status <> 'DELIVERED'"
    async with ups.Server().running() as server:
        file.write_text(CARRIER.format(url=server.url))
        for number in numbers:
            server.scan(number, "D", "FS", "011", datetime.datetime(2026, 11, 22, 9, tzinfo=datetime.UTC))
        for _ in range(KILLS):
            asked = len(server.seen) + dice.randrange(3, 25)
            async with begun(database, file, "run"), asyncio.timeout(unhurried(60)):
                while len(server.seen) < asked and await pool.fetchval(open_):  # noqa: ASYNC110  # a process tells us nothing
                    await asyncio.sleep(0.005)
                await asyncio.sleep(dice.uniform(0, 0.1))
            midway += await pool.fetchval(open_) > 0
            await pool.execute("UPDATE connector_parcels SET next_look_at = now()")
        async with begun(database, file, "run"), asyncio.timeout(unhurried(120)):
            while await pool.fetchval(open_):  # noqa: ASYNC110  # the same
                await asyncio.sleep(0.05)
        assert server.alerts == set(numbers)
    assert midway, "no kill came before the end: the test proves nothing"
    assert sorted(tuple(row.values()) for row in await pool.fetch(scans)) == [(one, "DELIVERED") for one in numbers]


async def test_a_process_that_tells_stock_is_killed_and_the_shop_sells_what_is_there(
    database: str, pool: db.pool.Pool, tmp_path: Path
) -> None:
    await pool.execute(PLACES)
    house = House(build.executable(build.build()), pool)
    skus = [f"T{number}" for number in range(THINGS)]
    await pool.executemany("INSERT INTO items (sku, title) VALUES ($1, $1)", [(sku,) for sku in skus])
    file, dice, midway, seconds = tmp_path / "connectors.toml", random.Random(os.urandom(8)), 0, iter(range(100_000))
    wanted: dict[str, int] = {}

    async def changed(some: list[str]) -> None:
        """The warehouse counts them anew."""
        for sku in some:
            wanted[sku] = dice.randrange(50)
            told = count(f"{sku}-{next(seconds)}", 0, wanted[sku], sku)
            at = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC) + datetime.timedelta(seconds=next(seconds))
            assert await house.outcomes("setStockLevels", {**told, "occurredAt": at.isoformat()}) == ["APPLIED"]

    async with shopify.Server(latency=0.01).running() as server:
        file.write_text(SHOP.format(url=server.url))
        for sku in skus:
            server.count(sku, 1, 0)
        await changed(skus)
        for _ in range(KILLS):
            before = len(server.seen)
            async with begun(database, file, "run"), asyncio.timeout(unhurried(60)):
                asked = before + dice.randrange(2, 40)
                while len(server.seen) < asked:  # noqa: ASYNC110  # a test may poll, a server need not tell
                    await asyncio.sleep(0.005)
                await changed(dice.sample(skus, 5))
            midway += await pool.fetchval("SELECT count(*) FROM stock_targets WHERE asked IS NOT NULL") > 0
            await changed(dice.sample(skus, 10))
            await pool.execute("UPDATE connector_pushes SET lease_until = now() - interval '1 s'")
            await pool.execute("UPDATE stock_targets SET next_attempt_at = now() WHERE state = 'WAITING'")
        async with begun(database, file, "run"), asyncio.timeout(unhurried(120)):
            while offered(server, skus) != wanted:  # noqa: ASYNC110  # the same
                await asyncio.sleep(0.05)
        refused = await pool.fetch("SELECT refused FROM stock_targets WHERE refused IS NOT NULL")
    assert midway, "no kill came between a telling and its end: the test proves nothing"
    # A key that came with two numbers would be refused as IDEMPOTENCY_KEY_PARAMETER_MISMATCH.
    assert refused == []


def offered(server: shopify.Server, skus: list[str]) -> dict[str, int]:
    return {sku: server.stock[sku][1]["available"] for sku in skus}
