"""How it goes with connectors: each process tells its own, and all show the same, by GraphQL as by the store."""

from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema

import db.connector_health
import db.deliveries
import db.pool
import db.pulls
from connectors.base import Capability
from connectors.errors import Unreachable
from connectors.limiter import Rate
from connectors.runtime import Limits
from gateway.connector_notes import AGAIN_SECONDS, ConnectorNotes
from gateway.connectors import Connectors, configured
from schema import build
from tests.gateway.test_connectors import file
from tests.resolvers.shop import Shop

QUERY = """{connectors {name connector kind capabilities pulls {capability mode records} health {
    lastSuccessAt lastFailureAt lastError lag errorRate breaker processes missed deliveriesWaiting deliveriesDead
    stockWaiting stockWaitingSince stockGivenUp}}}"""


TARGETS = """
INSERT INTO items (sku, title) SELECT 'S' || n, 'S' FROM generate_series(1, 5) n;
INSERT INTO locations (code, name, kind, country) VALUES ('HAM', 'Hamburg', 'WAREHOUSE', 'DE');
INSERT INTO connector_pushes (instance, locations) VALUES ('carriers', '{HAM}'), ('another', '{HAM}');
INSERT INTO stock_targets (instance, item_id, location_id, state, told, refused, waiting_since)
SELECT 'carriers', items.id, locations.id, row.state, row.told, row.refused, row.since
FROM locations, items JOIN (VALUES
    ('S1', 'WAITING', NULL::int, NULL, timestamptz '2026-11-25 09:00Z'),
    ('S2', 'WAITING', NULL, NULL, timestamptz '2026-11-25 10:00Z'),
    ('S3', 'REFUSED', NULL, 'NO_SUCH_ITEM', NULL), ('S4', 'DEAD', NULL, NULL, NULL),
    ('S5', 'TOLD', 3, NULL, NULL)
) AS row (sku, state, told, refused, since) ON row.sku = items.sku;
INSERT INTO stock_targets (instance, item_id, location_id)
SELECT 'another', items.id, locations.id FROM items, locations;
"""


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def good(_: Any) -> None:
    return


async def bad(_: Any) -> None:
    raise Unreachable("carriers is gone.")


async def called(connectors: Connectors, work: Any, times: int = 1) -> None:
    for _ in range(times):
        try:
            await connectors.runtime.call("carriers", Capability.TRACKING, None, work, deadline=5.0, idempotent=False)
        except Unreachable:
            continue


async def test_two_processes_are_one_system(core: GraphQLSchema, pool: db.pool.Pool, tmp_path: Path) -> None:
    all_ = configured(file(tmp_path, "http://127.0.0.1:9"))
    first, second = Connectors(all_), Connectors(all_)
    async with first.opened(), second.opened():
        await called(first, good, 5)
        await called(second, bad, 5)
    for one in (first, second):
        await ConnectorNotes(pool, one).tell()
    await db.pulls.claim(pool, "carriers", "orders_pull", "SYNC")
    await pool.execute("UPDATE connector_watermarks SET finished_at = now() - interval '1 hour', missed = 3")
    for id_ in ("d1", "d2", "d3"):
        await db.deliveries.keep(pool, "carriers", id_, "tracker", None, b"{}")
    await db.deliveries.failed(pool, "carriers", "d1", "why", dead=True)
    await pool.execute(TARGETS)
    [found] = (await Shop(core, pool).ask(QUERY)).data["connectors"]
    health = found.pop("health")
    assert found.pop("capabilities") == sorted(one.name for one in all_["carriers"].manifest.capabilities)
    pulls = [{"capability": "ORDERS_PULL", "mode": "SYNC", "records": 0}]
    assert found == {"name": "carriers", "connector": "easypost", "kind": "CARRIER", "pulls": pulls}
    assert 3600 <= health.pop("lag") < 3700
    said = [health.pop(name)[:19] + "Z" for name in ("lastSuccessAt", "lastFailureAt")]
    seen = [first.runtime.guards["carriers"].health.last_success_at]
    seen.append(second.runtime.guards["carriers"].health.last_failure_at)
    assert said == [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in seen]
    assert health == {
        "lastError": "CONNECTOR_UNREACHABLE",
        "errorRate": 0.5,
        "breaker": "OPEN",
        "processes": 2,
        "missed": 3,
        "deliveriesWaiting": 2,
        "deliveriesDead": 1,
        "stockWaiting": 2,
        "stockWaitingSince": "2026-11-25T09:00:00.000Z",
        "stockGivenUp": 2,
    }
    [row] = await db.connector_health.everything(pool)
    assert (row["breaker"], row["error_rate"], row["last_error"]) == ("OPEN", 0.5, "CONNECTOR_UNREACHABLE")


async def test_a_process_that_ended_counts_no_more_but_what_it_saw_stays(
    core: GraphQLSchema, pool: db.pool.Pool, tmp_path: Path
) -> None:
    connectors = Connectors(configured(file(tmp_path, "http://127.0.0.1:9")))
    async with connectors.opened():
        await called(connectors, bad, 5)
    await ConnectorNotes(pool, connectors).tell()
    await pool.execute("UPDATE connector_health SET told_at = now() - interval '91 seconds'")
    [found] = (await Shop(core, pool).ask(QUERY)).data["connectors"]
    health = {name: found["health"][name] for name in ("breaker", "errorRate", "processes", "lastError", "lag")}
    expected = {"breaker": None, "errorRate": None, "processes": 0, "lag": None}
    assert health == {**expected, "lastError": "CONNECTOR_UNREACHABLE"}
    # A new process has seen nothing yet, and takes nothing of that away.
    await ConnectorNotes(pool, Connectors(connectors.all)).tell()
    [row] = await db.connector_health.everything(pool)
    assert (row["breaker"], row["error_rate"], row["last_error"]) == ("CLOSED", None, "CONNECTOR_UNREACHABLE")


async def test_processes_that_ask_share_the_limit_and_idle_ones_take_no_part(
    pool: db.pool.Pool, tmp_path: Path
) -> None:
    limit = {"carriers": Limits(Rate(100.0, 1.0, 100.0))}
    all_ = configured(file(tmp_path, "http://127.0.0.1:9"))
    several = [Connectors(all_) for _ in range(3)]
    notes = [ConnectorNotes(pool, one) for one in several]
    for one in several:
        one.runtime.prepare("carriers", one.all["carriers"].manifest.capabilities, limit["carriers"])

    async def granted() -> list[float]:
        """Requests at once of each process, as its limiter has it."""
        for note in notes:
            await note.tell()
        for note in notes:
            await note.tell()
        return [round(100 * one.runtime.guards["carriers"].limiter().share) for one in several]

    assert await granted() == [100, 100, 100]
    for one in several[:2]:
        async with one.opened():
            await called(one, good)
    assert await granted() == [50, 50, 33]
    await pool.execute("UPDATE connector_health SET asked_at = asked_at - interval '61 seconds'")
    for note in notes:
        note.told.clear()
        note.connectors.runtime.guards["carriers"].health.last_success_at = None
    assert await granted() == [100, 100, 100]


async def test_a_process_that_leaves_tells_once_more(pool: db.pool.Pool, tmp_path: Path) -> None:
    connectors = Connectors(configured(file(tmp_path, "http://127.0.0.1:9")))
    notes = ConnectorNotes(pool, connectors)
    await notes.tell()
    async with connectors.opened():
        await called(connectors, good)
    await notes.leave()
    [row] = await db.connector_health.everything(pool)
    assert row["breaker"] is None
    assert row["last_success_at"] == connectors.runtime.guards["carriers"].health.last_success_at


async def test_what_has_not_changed_is_not_written_again_before_half_a_minute(
    pool: db.pool.Pool, tmp_path: Path
) -> None:
    connectors, clock = Connectors(configured(file(tmp_path, "http://127.0.0.1:9"))), Clock()
    notes = ConnectorNotes(pool, connectors, clock)

    async def written() -> bool:
        before = await pool.fetchval("SELECT told_at FROM connector_health")
        await notes.tell()
        return bool(before != await pool.fetchval("SELECT told_at FROM connector_health"))

    assert await written()
    assert not await written()
    clock.now = AGAIN_SECONDS - 1
    assert not await written()
    async with connectors.opened():
        await called(connectors, good)
    assert await written()
    clock.now += AGAIN_SECONDS
    assert await written()


async def test_systems_that_nobody_runs_are_forgotten_after_a_week(pool: db.pool.Pool, tmp_path: Path) -> None:
    await ConnectorNotes(pool, Connectors(configured(file(tmp_path, "http://127.0.0.1:9")))).tell()
    await pool.execute("UPDATE connectors SET seen_at = now() - interval '6 days'")
    await db.connector_health.forget(pool)
    assert await pool.fetchval("SELECT count(*) FROM connectors") == 1
    await pool.execute("UPDATE connectors SET seen_at = now() - interval '8 days'")
    await pool.execute("UPDATE connector_health SET told_at = now() - interval '2 hours'")
    await db.connector_health.forget(pool)
    assert await pool.fetchval("SELECT count(*) FROM connectors") == 0
    assert await pool.fetchval("SELECT count(*) FROM connector_health") == 0
