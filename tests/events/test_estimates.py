"""When a parcel will arrive: carriers before those who sent it, each system's word kept, a day apart is a conflict."""

import dataclasses
import datetime as dt
import itertools
from typing import Any

import pytest
from graphql import GraphQLSchema

import db.pool
from domain.precedence import Precedence
from domain.records import ParcelRecord, Record
from domain.status import ShipmentStatus
from events.intake import Intake
from schema import build
from tests.events.test_four_systems import AT, SCAN, SHOP, WORK
from tests.resolvers.commands.house import PLACES, House

DAY = dt.timedelta(days=1)
BY_WAREHOUSE, BY_CARRIER = AT + 2 * DAY, AT + 4 * DAY
SENT = dataclasses.replace(WORK, shipments=(ParcelRecord("dhl", "P1", estimated_delivery_at=BY_WAREHOUSE),))
# Older than what the warehouse says, and first hand.
SCANNED = dataclasses.replace(SCAN, occurred_at=AT - dt.timedelta(hours=1), estimated_delivery_at=BY_CARRIER)
TOLD: tuple[tuple[str, Record], ...] = (("shop", SHOP), ("wms", SENT), ("dhl", SCANNED))
QUESTION = """{ order(number: "1001", channel: "web") { attention
  sources { field system value wins conflicts } shipments { estimatedDeliveryAt status } } }"""


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


async def asked(house: House, told: tuple[tuple[str, Record], ...]) -> Any:
    intake = Intake(house.inbox, lambda: AT)
    for source, record in told:
        await intake.take(source, [record])
    order = (await house.ask(QUESTION))["order"]
    order["sources"] = [claim for claim in order["sources"] if claim["field"] != "status"]
    return order


def text(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S+00:00}"


@pytest.mark.parametrize("told", list(itertools.permutations(TOLD)))
async def test_the_carriers_word_wins_and_the_warehouses_is_kept(
    core: GraphQLSchema, pool: db.pool.Pool, told: tuple[tuple[str, Record], ...]
) -> None:
    await pool.execute(PLACES)
    order = await asked(House(core, pool), told)
    (shipment,) = order["shipments"]
    assert dt.datetime.fromisoformat(shipment["estimatedDeliveryAt"]) == BY_CARRIER
    assert [tuple(claim.values()) for claim in order["sources"]] == [
        ("estimatedDelivery dhl/P1", "dhl", text(BY_CARRIER), True, False),
        ("estimatedDelivery dhl/P1", "wms", text(BY_WAREHOUSE), False, True),
    ]
    assert "SOURCE_CONFLICT" in order["attention"]


async def test_the_setting_ranks_them(core: GraphQLSchema, pool: db.pool.Pool) -> None:
    await pool.execute(PLACES)
    order = await asked(House(core, pool, Precedence(estimated_delivery=("wms", "dhl"))), TOLD)
    assert dt.datetime.fromisoformat(order["shipments"][0]["estimatedDeliveryAt"]) == BY_WAREHOUSE
    assert [(claim["system"], claim["wins"]) for claim in order["sources"]] == [("wms", True), ("dhl", False)]


async def test_the_conflict_ends_when_they_agree_to_a_day_or_the_parcel_is_there(
    core: GraphQLSchema, pool: db.pool.Pool
) -> None:
    await pool.execute(PLACES)
    house = House(core, pool)
    await asked(house, TOLD)
    near = dataclasses.replace(SCANNED, occurred_at=AT, estimated_delivery_at=BY_WAREHOUSE + dt.timedelta(hours=23))
    order = await asked(house, (("dhl", near),))
    assert "SOURCE_CONFLICT" not in order["attention"]
    assert [claim["conflicts"] for claim in order["sources"]] == [False, True]
    far = dataclasses.replace(near, occurred_at=AT + dt.timedelta(minutes=1), estimated_delivery_at=BY_CARRIER)
    assert "SOURCE_CONFLICT" in (await asked(house, (("dhl", far),)))["attention"]
    there = dataclasses.replace(SCAN, occurred_at=AT + dt.timedelta(minutes=2), status=ShipmentStatus.DELIVERED)
    order = await asked(house, (("dhl", there),))
    assert (order["shipments"][0]["status"], "SOURCE_CONFLICT" in order["attention"]) == ("DELIVERED", False)


async def test_one_that_no_longer_says_so_leaves_no_claim(core: GraphQLSchema, pool: db.pool.Pool) -> None:
    await pool.execute(PLACES)
    house = House(core, pool)
    await asked(house, TOLD)
    silent = dataclasses.replace(WORK, occurred_at=AT + dt.timedelta(minutes=1))
    order = await asked(house, (("wms", silent),))
    assert order["sources"] == []
    assert dt.datetime.fromisoformat(order["shipments"][0]["estimatedDeliveryAt"]) == BY_CARRIER
