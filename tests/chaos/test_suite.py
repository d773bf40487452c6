"""The short run: every fault once on real processes. `make chaos MINUTES=N` is the long one."""

import os

import pytest

from tests.chaos import faults
from tests.chaos.suite import Suite, plan
from tests.chaos.world import redis_server

SEED = 20261125


def test_a_seed_makes_the_same_plan_and_every_fault_is_in_it() -> None:
    assert plan(7, redis=True) == plan(7, redis=True)
    assert plan(7, redis=True) != plan(8, redis=True)
    assert set(plan(7, redis=True)) == {*faults.EVERYWHERE, faults.bus_killed}
    assert faults.bus_killed not in plan(7, redis=False)


async def test_every_fault_once_with_postgresql_as_bus() -> None:
    verdict = await Suite(int(os.environ.get("CHAOS_SEED", SEED)), print).run()
    print(verdict.line)
    assert verdict.problems == []
    assert verdict.faults == len(faults.EVERYWHERE)
    assert verdict.deliveries > 1000


@pytest.mark.interop
async def test_a_dead_bus_with_redis() -> None:
    if redis_server() is None:
        pytest.skip("there is no redis-server")
    only = (faults.bus_killed, faults.gateway_killed)
    verdict = await Suite(SEED, print, redis=True, only=only).run()
    print(verdict.line)
    assert verdict.problems == []
    assert verdict.faults == 2
    assert verdict.deliveries > 100
