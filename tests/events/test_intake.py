"""Records on their way into the inbox: each once, none dropped, a bad one in nobody's way."""

import dataclasses
import datetime as dt
from collections import Counter

import pytest
from graphql import GraphQLSchema

import db.pool
from domain.records import (
    FulfillmentLineRecord,
    FulfillmentRecord,
    LineRecord,
    OrderRecord,
    OrderRef,
    ParcelRecord,
    Record,
    ReturnLineRecord,
    ReturnRecord,
    StockChangeRecord,
    StockRecord,
    SupplyRecord,
    TrackingRecord,
)
from domain.status import FulfillmentStatus, ReturnStatus, ShipmentStatus
from events.inbox import Outcome
from events.intake import Intake
from schema import build
from tests.resolvers.commands.house import PLACES, House

AT = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)
NOW = AT + dt.timedelta(hours=1)
ORDER = OrderRef("web", "1001")
PLACED = OrderRecord(ORDER, AT, lines=(LineRecord("MUG", 2),), placed_at=AT, accepted_at=AT, total=5000)
SENT = FulfillmentRecord(
    ORDER,
    AT,
    "F1",
    FulfillmentStatus.COMPLETED,
    (FulfillmentLineRecord("MUG", 2),),
    location="HAM",
    shipments=(ParcelRecord("dhl", "P1"),),
)
EVERYTHING: tuple[Record, ...] = (
    PLACED,
    SENT,
    TrackingRecord("dhl", "P1", AT, ShipmentStatus.DELIVERED, order=ORDER),
    ReturnRecord(ORDER, AT, "R1", ReturnStatus.REQUESTED, (ReturnLineRecord("MUG", 1),), AT),
    StockRecord("MUG", "HAM", AT, 10),
    StockChangeRecord("MUG", "HAM", AT, -1, "till-1"),
    SupplyRecord("MUG", "HAM", AT, "PO1", 40, AT + dt.timedelta(days=3)),
)


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture
async def house(core: GraphQLSchema, pool: db.pool.Pool) -> House:
    await pool.execute(PLACES)
    return House(core, pool)


@pytest.fixture
def intake(house: House) -> Intake:
    return Intake(house.inbox, lambda: NOW)


async def states(house: House) -> Counter[str]:
    return Counter(row["state"] for row in await house.pool.fetch("SELECT state FROM inbox"))


async def test_records_of_every_kind_are_applied_once(house: House, intake: Intake) -> None:
    assert (await intake.take("acme", EVERYTHING)).outcomes == {Outcome.APPLIED: 7}
    assert await house.line("MUG") == {"delivered": 1, "return_requested": 1}
    assert await house.pool.fetchval("SELECT on_hand FROM stock_levels") == 9
    assert await house.pool.fetchval("SELECT DISTINCT source || ' ' || actor FROM journal") == "acme connector:acme"
    before = await house.dump(journal=True)
    assert (await intake.take("acme", EVERYTHING[::-1])).outcomes == {Outcome.DUPLICATE: 7}
    assert await house.dump(journal=True) == before


async def test_a_page_in_any_order_waits_for_its_order(house: House, intake: Intake) -> None:
    taken = await intake.take("acme", [*EVERYTHING[1:4], PLACED])
    assert taken.outcomes == {Outcome.PARKED: 3, Outcome.APPLIED: 1}
    assert await states(house) == {"DONE": 4}


async def test_what_is_refused_is_kept_with_its_reason_and_harms_nobody(house: House, intake: Intake) -> None:
    strange = dataclasses.replace(PLACED, order=OrderRef("nowhere", "7"))
    taken = await intake.take("acme", [strange, PLACED])
    assert taken.outcomes == {Outcome.REFUSED: 1, Outcome.APPLIED: 1}
    row = await house.pool.fetchrow("SELECT state, error, order_key FROM inbox WHERE state <> 'DONE'")
    assert row is not None
    assert tuple(row) == ("DEAD", "order.channel is the code of no channel.", "order:nowhere/7")
    assert (await intake.take("acme", [strange])).outcomes == {Outcome.DUPLICATE: 1}
    await house.pool.execute(
        "INSERT INTO channels (code, name, kind, time_zone, currency) VALUES ('nowhere', 'N', 'B2B', 'UTC', 'EUR')"
    )
    assert await house.inbox.replay(dead=True) == {"applied": 1, "waiting": 0, "dead": 0}
    assert await house.pool.fetchval("SELECT count(*) FROM orders") == 2


async def test_only_the_newest_count_of_an_unknown_item_is_kept(house: House, intake: Intake) -> None:
    counts = [StockRecord("NEW", "HAM", AT + dt.timedelta(minutes=minute), 10 + minute) for minute in range(3)]
    assert (await intake.take("acme", counts)).outcomes == {Outcome.REFUSED: 3}
    assert await states(house) == {"DEAD": 1}
    sales = [StockChangeRecord("NEW", "HAM", NOW, -1, f"till-{number}") for number in range(3)]
    assert (await intake.take("acme", sales)).outcomes == {Outcome.REFUSED: 3}
    await house.pool.execute("INSERT INTO items (sku, title) VALUES ('NEW', 'New')")
    assert await house.inbox.replay(dead=True) == {"applied": 4, "waiting": 0, "dead": 0}
    assert await house.pool.fetchval("SELECT on_hand FROM stock_levels") == 9


async def test_a_clock_that_runs_ahead_is_not_believed(house: House, intake: Intake) -> None:
    early = dataclasses.replace(PLACED, occurred_at=NOW + dt.timedelta(minutes=11))
    assert (await intake.take("acme", [early])).outcomes == {Outcome.REFUSED: 1}
    assert await house.pool.fetchval("SELECT error FROM inbox") == (
        "It is told to be of the future. Check the clock of acme."
    )
    assert await house.pool.fetchval("SELECT count(*) FROM orders") == 0


async def test_a_record_that_cannot_be_told_is_left_out(house: House, intake: Intake) -> None:
    naive = dataclasses.replace(PLACED, occurred_at=AT.replace(tzinfo=None))
    taken = await intake.take("acme", [naive, PLACED], news_before=NOW)
    assert (taken.outcomes, taken.news) == ({Outcome.REFUSED: 1, Outcome.APPLIED: 1}, 1)


async def test_old_news_are_counted(intake: Intake) -> None:
    young = StockRecord("MUG", "HAM", NOW, 3)
    assert (await intake.take("acme", [PLACED, young], news_before=NOW)).news == 1
    assert (await intake.take("acme", [PLACED, young], news_before=NOW)).news == 0
