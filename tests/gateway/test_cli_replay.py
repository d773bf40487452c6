"""`ordergraph replay`: what was given up is tried again, once however often it is run."""

import asyncio
import subprocess

import db.pool
from schema import build
from tests.gateway.test_cli import ordergraph
from tests.resolvers.commands.house import PLACES, House, scan, upsert


async def test_what_was_given_up_is_applied_once(pool: db.pool.Pool, database: str) -> None:
    await pool.execute(PLACES)
    house = House(build.executable(build.build()), pool)
    for number, event in (("1001", "t1"), ("1002", "t2")):
        assert await house.outcomes("recordTrackingEvents", scan(event, 10, "PICKED_UP", number)) == ["PARKED"]
    await pool.execute("UPDATE inbox SET state = 'DEAD', attempts = 8")
    await house.send("upsertOrders", upsert("u1", 2), upsert("u2", 2, "1002"))

    async def replay(*options: str) -> str:
        given: subprocess.CompletedProcess[str] = await asyncio.to_thread(
            ordergraph, "replay", *options, ORDERGRAPH_DATABASE_URL=database
        )
        assert (given.returncode, given.stderr) == (0, "")
        return given.stdout.partition(".")[0]

    assert await replay() == "0 applied, 0 orders still wait, 0 events given up"
    assert await replay("--dead", "--order", "1001") == "1 applied, 0 orders still wait, 0 events given up"
    assert await replay("--dead", "--source", "dhl") == "1 applied, 0 orders still wait, 0 events given up"
    versions = await pool.fetch("SELECT version FROM orders ORDER BY number")
    assert await replay("--dead") == "0 applied, 0 orders still wait, 0 events given up"
    assert await pool.fetch("SELECT version FROM orders ORDER BY number") == versions
    assert await pool.fetchval("SELECT count(*) FROM tracking_events") == 2
