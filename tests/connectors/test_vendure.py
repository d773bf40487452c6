"""Vendure: pages of orders by the time of their change, also where many changed at once; errors inside answers."""

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Secret
from connectors.errors import Unauthorized
from connectors.vendure import create
from connectors.vendure.client import TAKE
from domain.records import OrderRecord
from tests.simulators.base import opener
from tests.simulators.vendure import Server, instance

START = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


@given(st.lists(st.sampled_from([0, 0, 0, 1, 5]), min_size=TAKE - 1, max_size=4 * TAKE))
async def test_every_order_is_pulled_however_many_changed_in_one_millisecond(gaps: list[int]) -> None:
    server, at = Server(), START
    for place, gap in enumerate(gaps):
        at += dt.timedelta(milliseconds=gap)
        server.add_order(f"T_{place}", at)
    seen: set[str] = set()
    async with server.running(), opener() as http:
        cursor, pages = None, 0
        while True:
            page = await create(instance(server.url), http).pull_orders(START, cursor)
            seen.update(one.order.number for one in page.records if isinstance(one, OrderRecord))
            pages += 1
            assert pages <= len(gaps)
            if (cursor := page.cursor) is None:
                break
    assert seen == {f"T_{place}" for place in range(len(gaps))}


async def test_a_backfill_says_how_many_orders_there_are_and_how_many_it_has_read() -> None:
    server = Server()
    for minute in range(TAKE + 5):
        server.add_order(f"T_{minute}", START + dt.timedelta(minutes=minute))
    async with server.running(), opener() as http:
        connector = create(instance(server.url), http)
        first = await connector.pull_orders(None, None)
        second = await connector.pull_orders(None, first.cursor)
        assert [(page.listed, page.total) for page in (first, second)] == [(TAKE, TAKE + 5), (5, None)]


async def test_a_wrong_key_is_told_inside_an_answer_of_200() -> None:
    async with Server().running() as server, opener() as http:
        of = dataclasses.replace(instance(server.url), secrets={"api_key": (Secret("wrong"),)})
        with pytest.raises(Unauthorized) as raised:
            await create(of, http).pull_orders(None, None)
        assert "wrong" not in str(raised.value)
