"""Tryton: pages by rising id that go on after a restart, one session for all calls, refusals as what they mean."""

import dataclasses

import pytest

from connectors.base import Secret
from connectors.errors import Unauthorized
from connectors.tryton import create
from domain.records import OrderRecord
from tests.simulators.base import opener
from tests.simulators.tryton import Server, instance


async def test_every_sale_is_pulled_once_with_one_session_per_start() -> None:
    async with Server().running() as server, opener() as http:
        for number in range(250):
            server.add_sale(f"S{number}")
        told: list[str] = []
        counted: list[tuple[int, int | None]] = []
        cursor = None
        while True:
            page = await create(instance(server.url), http).pull_orders(None, cursor)
            counted.append((page.listed, page.total))
            told.extend(one.order.number for one in page.records if isinstance(one, OrderRecord))
            if (cursor := page.cursor) is None:
                break
        assert told == [f"S{number}" for number in range(250)]
        assert counted == [(100, 250), (100, None), (50, None)]
        methods = [seen.json()["method"] for seen in server.seen]
        assert methods.count("model.sale.sale.search_read") == methods.count("common.db.login") == 3


async def test_a_wrong_password_is_unauthorized_and_not_shown() -> None:
    async with Server().running() as server, opener() as http:
        of = dataclasses.replace(instance(server.url), secrets={"password": (Secret("wrong"),)})
        with pytest.raises(Unauthorized) as refused:
            await create(of, http).pull_orders(None, None)
        assert "wrong" not in str(refused.value)
        assert len(server.seen) == 1
