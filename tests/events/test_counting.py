"""Units on hand: the count that wins and every change after it, in whatever order they are told."""

import datetime as dt
from typing import Any

import pytest
from graphql import GraphQLSchema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import db.pool
from domain.precedence import Precedence
from domain.records import Record, StockChangeRecord, StockRecord
from events.inbox import Outcome
from events.intake import Intake
from schema import build
from tests.resolvers.commands.house import PLACES, House, change

# Yesterday: what is older than thirty days is forgotten.
AT = dt.datetime.now(dt.UTC).replace(hour=9, minute=0, second=0, microsecond=0) - dt.timedelta(days=1)
MINUTE = dt.timedelta(minutes=1)
QUESTION = """{ item(sku: "MUG") { stockLevels { onHand source
  sources { system onHand wins conflicts } } } }"""
Told = tuple[str, Record]


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


@pytest.fixture
async def house(core: GraphQLSchema, pool: db.pool.Pool) -> House:
    await pool.execute(PLACES)
    return House(core, pool)


def counted(minute: int, units: int, system: str = "erp") -> Told:
    return system, StockRecord("MUG", "HAM", AT + minute * MINUTE, units)


def sold(minute: int, delta: int, receipt: str, system: str = "till") -> Told:
    return system, StockChangeRecord("MUG", "HAM", AT + minute * MINUTE, delta, event_id=receipt)


async def tell(house: House, *told: Told) -> list[Outcome]:
    intake = Intake(house.inbox, lambda: AT + 1000 * MINUTE)
    return [next(iter((await intake.take(source, [record])).outcomes)) for source, record in told]


async def level(house: House) -> Any:
    (found,) = (await house.ask(QUESTION))["item"]["stockLevels"]
    return found


async def on_hand(house: House) -> Any:
    return (await level(house))["onHand"]


async def test_a_sale_lowers_what_is_there_whether_the_count_before_it_is_told_first_or_last(house: House) -> None:
    assert await tell(house, counted(0, 10), sold(5, -2, "r1")) == [Outcome.APPLIED, Outcome.APPLIED]
    assert await on_hand(house) == 8
    # Made at 4, before the sale, and told after it; then a sale that the count has seen already.
    assert await tell(house, counted(4, 5), sold(3, -1, "r2")) == [Outcome.APPLIED, Outcome.STALE]
    assert await on_hand(house) == 3


async def test_a_sale_before_any_count_is_kept_until_there_is_one(house: House) -> None:
    await tell(house, sold(5, -2, "r1"))
    assert await on_hand(house) == 0
    assert await house.pool.fetchval("SELECT count(*) FROM inbox WHERE state <> 'DONE'") == 0
    await tell(house, counted(1, 7))
    assert await on_hand(house) == 5


async def test_people_are_refused_what_is_not_there(house: House) -> None:
    await tell(house, counted(0, 1))
    before = await house.dump(journal=True)
    (told,) = await house.send("adjustStock", change(-2, occurredAt=(AT + MINUTE).isoformat()), key="k1")
    assert (told["outcome"], told["error"]["code"]) == ("REFUSED", "STOCK_BELOW_ZERO")
    assert await house.dump(journal=True) == before
    assert await house.pool.fetchval("SELECT count(*) FROM stock_changes") == 0


@pytest.mark.parametrize("late", [False, True])
async def test_the_ranked_system_counts_and_the_others_word_is_kept(
    core: GraphQLSchema, pool: db.pool.Pool, late: bool
) -> None:
    await pool.execute(PLACES)
    house = House(core, pool, Precedence(stock=("wms",)))
    told = [counted(0, 10, "wms"), counted(9, 4, "shop")]
    await tell(house, *(told[::-1] if late else told), sold(3, -1, "r1"))
    assert await level(house) == {
        "onHand": 9,
        "source": "wms",
        "sources": [
            {"system": "wms", "onHand": 10, "wins": True, "conflicts": False},
            {"system": "shop", "onHand": 4, "wins": False, "conflicts": True},
        ],
    }


async def test_without_a_ranking_the_newest_count_is_shown(house: House) -> None:
    await tell(house, counted(9, 4, "shop"), counted(0, 10, "wms"))
    assert await level(house) == {
        "onHand": 4,
        "source": "shop",
        "sources": [
            {"system": "shop", "onHand": 4, "wins": True, "conflicts": False},
            {"system": "wms", "onHand": 10, "wins": False, "conflicts": True},
        ],
    }


async def test_what_a_count_has_seen_is_kept_for_one_that_ranks_higher_and_comes_later(
    core: GraphQLSchema, pool: db.pool.Pool
) -> None:
    await pool.execute(PLACES)
    house = House(core, pool, Precedence(stock=("wms",)))
    await tell(house, sold(7, -2, "r1"), counted(8, 4), counted(7, 6, "wms"))
    assert await on_hand(house) == 4


async def test_what_moved_after_the_count_that_wins_is_never_forgotten(core: GraphQLSchema, pool: db.pool.Pool) -> None:
    """The preferred system counted two months ago, another one does so every night."""
    await pool.execute(PLACES)
    house = House(core, pool, Precedence(stock=("wms",)))
    day = 24 * 60
    await tell(house, counted(-60 * day, 10, "wms"), sold(-61 * day, -5, "r0"), sold(-50 * day, -2, "r1"))
    await tell(house, counted(0, 4), counted(1, 5))
    assert await on_hand(house) == 8
    kept = await pool.fetch("SELECT delta FROM stock_changes")
    assert [row["delta"] for row in kept] == [-2]


async def test_a_count_that_says_what_stands_there_writes_nothing_but_when_it_was(house: House) -> None:
    """Systems without a time of counting tell all their stock at every pull."""
    await tell(house, counted(0, 10), sold(2, -3, "r1"), counted(4, 7))
    before = await house.pool.fetch("SELECT * FROM journal"), await house.pool.fetchval("SELECT count(*) FROM inbox")
    assert await tell(house, counted(9, 7)) == [Outcome.UNCHANGED]
    assert (
        await house.pool.fetch("SELECT * FROM journal"),
        await house.pool.fetchval("SELECT count(*) FROM inbox"),
    ) == before
    for table in ("stock_levels", "stock_counts"):
        assert await house.pool.fetchval(f"SELECT counted_at FROM {table}") == AT + 9 * MINUTE
    # What happened before it was looked at again is in it, what happened after is not.
    assert await tell(house, sold(8, -1, "r2"), sold(9, -1, "r3")) == [Outcome.STALE, Outcome.APPLIED]
    assert await on_hand(house) == 6
    # Another number, another part, or another system is news.
    assert await tell(house, counted(20, 7)) == [Outcome.APPLIED]
    part = StockRecord("MUG", "HAM", AT + 21 * MINUTE, 7, damaged=2)
    assert await tell(house, ("erp", part), counted(22, 7, "wms")) == [Outcome.APPLIED, Outcome.APPLIED]
    assert (await level(house))["source"] == "wms"
    assert await tell(house, counted(23, 7)) == [Outcome.APPLIED]


COUNTS = st.builds(counted, st.integers(0, 9), st.integers(0, 9), st.sampled_from(["erp", "wms"]))
SALES = st.builds(sold, st.integers(0, 9), st.integers(-4, 3).filter(bool), st.uuids().map(str))


RUN = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(max_examples=25, deadline=None, phases=RUN, suppress_health_check=list(HealthCheck))
@given(told=st.lists(COUNTS | SALES, min_size=2, max_size=8), ranking=st.sampled_from([(), ("wms",)]), data=st.data())
async def test_any_order_of_counts_and_changes_ends_in_the_same_number(
    core: GraphQLSchema, house: House, told: list[Told], ranking: tuple[str, ...], data: st.DataObject
) -> None:
    ranked = House(core, house.pool, Precedence(stock=ranking))
    ends = []
    for story in (told, data.draw(st.permutations(told)) + told[:2]):
        await house.clear()
        await tell(ranked, *story)
        ends.append(await on_hand(ranked))
    assert ends[0] == ends[1]
