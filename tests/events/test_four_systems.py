"""One order that lives in a shop, an ERP, a warehouse and with a carrier: one question, its sources, its conflict."""

import dataclasses
import datetime as dt
from typing import Any

import pytest
from graphql import GraphQLSchema

import db.pool
from domain.precedence import Precedence
from domain.records import (
    FulfillmentLineRecord,
    FulfillmentRecord,
    LineRecord,
    OrderRecord,
    OrderRef,
    ParcelRecord,
    Record,
    TrackingRecord,
)
from domain.status import FulfillmentStatus, OrderStatus, ShipmentStatus
from events.intake import Intake
from schema import build
from tests.resolvers.commands.house import PLACES, House

AT = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)
ORDER = OrderRef("web", "1001")
SHOP = OrderRecord(
    ORDER,
    AT,
    lines=(LineRecord("MUG", 2),),
    placed_at=AT,
    accepted_at=AT,
    status=OrderStatus.CONFIRMED,
    source_status="paid",
)
ERP = OrderRecord(ORDER, AT, status=OrderStatus.SHIPPED, source_status="done")
WORK = FulfillmentRecord(
    ORDER,
    AT,
    "W1",
    FulfillmentStatus.COMPLETED,
    (FulfillmentLineRecord("MUG", 2),),
    location="HAM",
    shipments=(ParcelRecord("dhl", "P1"),),
)
DONE = OrderRecord(ORDER, AT, status=OrderStatus.SHIPPED, source_status="dispatched")
SCAN = TrackingRecord("dhl", "P1", AT, ShipmentStatus.IN_TRANSIT, raw_code="transit")
TOLD: tuple[tuple[str, Record], ...] = (("shop", SHOP), ("erp", ERP), ("wms", WORK), ("wms", DONE), ("dhl", SCAN))
QUESTION = """{ order(number: "1001", channel: "web") { status attention
  sources { field system value rawValue wins conflicts }
  fulfillments { status source } shipments { status trackingNumber source } } }"""


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


async def asked(house: House, told: tuple[tuple[str, Record], ...]) -> Any:
    intake = Intake(house.inbox, lambda: AT)
    for source, record in told:
        await intake.take(source, [record])
    return (await house.ask(QUESTION))["order"]


@pytest.mark.parametrize("told", [TOLD, TOLD[::-1], TOLD[2:] + TOLD[:2]])
async def test_it_is_read_in_one_question_with_its_sources_and_its_conflict(
    core: GraphQLSchema, pool: db.pool.Pool, told: tuple[tuple[str, Record], ...]
) -> None:
    await pool.execute(PLACES)
    order = await asked(House(core, pool, Precedence(("shop",), ("wms", "erp", "shop"))), told)
    assert (order["status"], "SOURCE_CONFLICT" in order["attention"]) == ("SHIPPED", True)
    assert [tuple(claim.values()) for claim in order["sources"]] == [
        ("status", "wms", "SHIPPED", "dispatched", True, False),
        ("status", "erp", "SHIPPED", "done", False, False),
        ("status", "shop", "CONFIRMED", "paid", False, True),
    ]
    assert order["fulfillments"] == [{"status": "COMPLETED", "source": "wms"}]
    assert order["shipments"] == [{"status": "IN_TRANSIT", "trackingNumber": "P1", "source": "wms"}]


async def test_without_a_precedence_of_its_own_the_status_follows_the_one_for_everything(
    core: GraphQLSchema, pool: db.pool.Pool
) -> None:
    await pool.execute(PLACES)
    order = await asked(House(core, pool, Precedence(("shop",))), TOLD)
    assert [(claim["system"], claim["wins"], claim["conflicts"]) for claim in order["sources"]] == [
        ("shop", True, False),
        ("erp", False, True),
        ("wms", False, True),
    ]


async def test_the_conflict_goes_when_they_agree(core: GraphQLSchema, pool: db.pool.Pool) -> None:
    await pool.execute(PLACES)
    house = House(core, pool, Precedence(("shop",), ("wms",)))
    await asked(house, TOLD)
    later = dataclasses.replace(SHOP, occurred_at=AT + dt.timedelta(minutes=5), status=OrderStatus.SHIPPED)
    order = await asked(house, (("shop", later),))
    assert "SOURCE_CONFLICT" not in order["attention"]
    assert [claim["conflicts"] for claim in order["sources"]] == [False, False, False]
