"""Tills: what they tell changes what may be sold at once, once, and in any order."""

import datetime as dt
import itertools
import random

import pytest
from graphql import GraphQLSchema
from hypothesis import given
from hypothesis import strategies as st

import db.pool
from connectors.base import Forged
from connectors.errors import BadPayload
from connectors.payload import Node
from connectors.pos import create, mapping
from domain.records import StockChangeRecord
from events.intake import Intake
from schema import build
from tests.resolvers.commands.house import PLACES, House
from tests.simulators.base import opener
from tests.simulators.pos import SECRET, Server, delivery, instance, signed

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)


@pytest.fixture
async def house(pool: db.pool.Pool) -> House:
    await pool.execute(PLACES)
    core: GraphQLSchema = build.executable(build.build())
    return House(core, pool)


async def on_hand(house: House, sku: str) -> int | None:
    query = "SELECT on_hand FROM stock_levels JOIN items ON items.id = item_id WHERE sku = $1"
    found: int | None = await house.pool.fetchval(query, sku)
    return found


@pytest.mark.parametrize("places", list(itertools.permutations(range(3))))
async def test_a_sale_at_the_till_after_a_count_lowers_what_is_on_hand_once_in_any_order(
    house: House, places: tuple[int, ...]
) -> None:
    till, intake = Server(), Intake(house.inbox, lambda: NOW)
    messages = [
        till.message("sale", {"MUG": 3}, NOW - dt.timedelta(hours=2)),
        till.message("sale", {"MUG": 2}, NOW - dt.timedelta(hours=1)),
        till.message("return", {"MUG": 1}, NOW - dt.timedelta(minutes=30)),
    ]
    async with opener() as http:
        connector = create(instance(""), http)
        counted = till.message("count", {"MUG": 10}, NOW - dt.timedelta(hours=3))
        for attempt, message in enumerate([counted, *(messages[place] for place in [*places, *places])]):
            request = signed(message, SECRET, NOW, f"msg_{attempt}")
            await intake.take("pos", await connector.records_of(connector.verify(request), request.body))
    assert await on_hand(house, "MUG") == 6


async def test_a_bad_line_refuses_the_whole_message() -> None:
    message = Server().message("sale", {"MUG": 1, "CUP": 0}, NOW)
    with pytest.raises(BadPayload) as error:
        mapping.records(Node(message), instance(""))
    assert error.value.path == "lines.1.quantity"


async def test_a_delivery_is_believed_with_the_secret_and_in_time_only() -> None:
    async with opener() as http:
        connector = create(instance(""), http)
        assert connector.verify(delivery(SECRET, NOW)).topic == "sale"
        with pytest.raises(Forged):
            connector.verify(delivery("whsec_b3RoZXI=", NOW))


@given(st.dictionaries(st.text("ABC", min_size=1, max_size=3), st.integers(1, 99), max_size=6), st.randoms())
def test_the_order_of_lines_names_no_event(counts: dict[str, int], chance: random.Random) -> None:
    message = Server().message("sale", counts, NOW)
    told = mapping.records(Node(message), instance(""))
    chance.shuffle(message["lines"])
    again = mapping.records(Node(message), instance(""))
    assert sorted(map(repr, told)) == sorted(map(repr, again))
    assert {one.event_id: one.delta for one in told if isinstance(one, StockChangeRecord)} == {
        f"{message['id']}/{sku}": -count for sku, count in counts.items()
    }


async def test_a_sku_on_two_lines_is_added_up_and_a_return_may_have_the_number_of_its_receipt(house: House) -> None:
    intake, sold = Intake(house.inbox, lambda: NOW), Server().message("sale", {"MUG": 2}, NOW - dt.timedelta(hours=2))
    sold["lines"].append({"sku": "MUG", "quantity": 1})
    back = {**sold, "type": "return", "occurredAt": (NOW - dt.timedelta(hours=1)).isoformat()}
    back["lines"] = [{"sku": "MUG", "quantity": 1}, {"sku": "MUG", "quantity": 1, "resaleable": False}]
    counted = Server().message("count", {"MUG": 10}, NOW - dt.timedelta(hours=3))
    for message in (counted, sold, back, back, sold):
        await intake.take("pos", mapping.records(Node(message), instance("")))
    assert await on_hand(house, "MUG") == 8
