"""The proofs of the contract that go through time and the store find the defects they are for."""

import dataclasses
import datetime as dt
import itertools
import uuid
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLSchema

import db.pool
from connectors import manifest
from connectors.base import Delivery, FulfillmentRequest, Instance, Page, RequestedLine
from connectors.errors import ConnectorError
from connectors.http import Http
from domain.records import OrderRef, Record, StockChangeRecord, StockRecord
from schema import build
from tests.connectors import test_contract
from tests.connectors.test_contract_checks import GOOD, PULL, ROOT, made_of
from tests.contract import commands, disorder, ids, ledger, pulls
from tests.contract import template_simulator as simulator
from tests.contract.disorder import Sent
from tests.contract.folder import Folder
from tests.contract.served import served
from tests.contract.template.client import Template
from tests.simulators import acme
from tests.simulators.acme import Acme

REQUEST = FulfillmentRequest("key", OrderRef("web", "1"), "HAM", (RequestedLine("1", "MUG", 1),))


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


def of_acme(kind: Callable[[Instance, Http], Any]) -> Folder:
    known = GOOD.manifest.model_copy(update={"id": "acme", "secrets": {"webhook": manifest.Setting(about="of Acme")}})
    own = SimpleNamespace(
        Server=acme.Server,
        instance=acme.instance,
        furnish=lambda server: None,
        effects=lambda server: list(server.work.values()),
        CALLS={"request_fulfillment": lambda connector: connector.request_fulfillment(REQUEST)},
    )
    made = made_of(kind)
    return dataclasses.replace(made, manifest=known, simulator=own)


async def test_a_command_that_is_done_again_or_not_at_all_is_found() -> None:
    class Keyless(Acme):
        async def request_fulfillment(self, request: FulfillmentRequest) -> Any:
            return await super().request_fulfillment(dataclasses.replace(request, key=uuid.uuid4().hex))

    class Idle(Acme):
        async def request_fulfillment(self, request: FulfillmentRequest) -> Any:
            return None

    class Deaf(Acme):
        async def request_fulfillment(self, request: FulfillmentRequest) -> Any:
            try:
                return await super().request_fulfillment(request)
            except ConnectorError:
                return None

    method = "request_fulfillment"
    assert await commands.repeated(of_acme(Acme), method) == []
    found = await commands.repeated(of_acme(Keyless), method)
    assert found[0] == "done twice, it does something more"
    assert found[-1] == "done and asked for again, because the answer was lost, it does something more"
    assert await commands.repeated(of_acme(Idle), method) == ["it does nothing in the simulator, so nothing is proven"]
    assert await commands.repeated(of_acme(Deaf), method) == ["a lost answer goes unnoticed"]


def renaming(name: Callable[[StockRecord], str]) -> Folder:
    class Renaming(Template):
        async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
            page = await super().pull_stock(since, cursor)
            records = [
                dataclasses.replace(one, event_id=name(one)) for one in page.records if isinstance(one, StockRecord)
            ]
            return dataclasses.replace(page, records=records)

    return made_of(Renaming)


async def test_ids_that_change_or_stay_when_they_should_not_are_found() -> None:
    numbers = itertools.count()
    assert await ids.unstable(GOOD) == []
    found = await ids.unstable(renaming(lambda one: f"n:{next(numbers)}"))
    assert found == ["n is told under another id the second time"]

    def furnish(server: Any) -> None:
        """All on one page, so that what changes is seen."""
        simulator.furnish(server)
        server.size = 9

    wide = SimpleNamespace(**{**vars(simulator), "furnish": furnish})
    of = dataclasses.replace(renaming(lambda one: one.sku), simulator=wide)
    found = await ids.unstable(of)
    assert found == ["StockRecord has changed and has its id still"]


class Paging(Template):
    async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
        return await self.page(await super().pull_stock(since, cursor), cursor)

    async def page(self, page: Page, cursor: str | None) -> Page:
        raise NotImplementedError


class Standing(Paging):
    async def page(self, page: Page, cursor: str | None) -> Page:
        return dataclasses.replace(page, cursor=cursor or page.cursor)


class Hasty(Paging):
    async def page(self, page: Page, cursor: str | None) -> Page:
        return dataclasses.replace(page, cursor=None)


class Remembering(Paging):
    """Goes on only in the connector that began."""

    begun = False

    async def page(self, page: Page, cursor: str | None) -> Page:
        self.begun = self.begun or cursor is None
        return page if self.begun else Page((), page.cursor)


async def test_a_pull_that_does_not_end_or_skips_is_found() -> None:
    assert await pulls.torn(GOOD, PULL) == []
    stuck = "it does not end, or its cursor stands still"
    assert await pulls.torn(made_of(Standing), PULL) == [f"since long ago: {stuck}", f"of everything: {stuck}"]
    found = await pulls.torn(made_of(Hasty), PULL)
    assert found == ["since long ago: 1 pages and not 3, so nothing is proven"]
    assert await pulls.torn(made_of(Remembering), PULL) == [
        "since long ago: 3 records are on no page",
        "of everything: 3 records are on no page",
    ]


async def test_what_an_interrupted_pull_loses_is_found(core: GraphQLSchema, pool: db.pool.Pool) -> None:
    class Careless(Template):
        async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
            try:
                return await super().pull_stock(since, cursor)
            except ConnectorError:
                return Page(())

    assert await pulls.lost(made_of(Careless), PULL, core, pool) == ["a pull that breaks off is not told of"]


async def test_an_interrupted_pull_of_the_template_loses_nothing(core: GraphQLSchema, pool: db.pool.Pool) -> None:
    assert await pulls.lost(GOOD, PULL, core, pool) == []


async def test_deliveries_that_count_twice_are_found(core: GraphQLSchema, pool: db.pool.Pool) -> None:
    class Adding(Template):
        """Each count is a difference, named by its delivery."""

        async def records_of(self, delivery: Delivery, body: bytes) -> Sequence[Record]:
            counts = await super().records_of(delivery, body)
            return [
                StockChangeRecord(one.sku, one.location, one.occurred_at, one.on_hand, delivery.id)
                for one in counts
                if isinstance(one, StockRecord)
            ]

    async with served(made_of(Adding)) as system:
        told = await disorder.told(system, core, pool)
        assert await told.otherwise([*told.once, told.once[0]]) == []
        assert "stock_levels ends differently" in await told.otherwise([*told.once, told.anew[0]])


async def test_deliveries_of_the_template_may_come_in_any_order(core: GraphQLSchema, pool: db.pool.Pool) -> None:
    async with served(GOOD) as system:
        told = await disorder.told(system, core, pool)
        assert await told.otherwise([*reversed(told.once), *told.anew]) == []
        assert await told.otherwise([Sent(0)]) == ["stock_levels ends differently"]


def test_every_rule_of_the_ledger_has_its_proofs_and_is_explained() -> None:
    assert set(ledger.PROOFS) == set(manifest.QUALITY)
    tests = {name for name in vars(test_contract) if name.startswith("test_")}
    assert {name for names in ledger.PROOFS.values() for name in names} <= tests
    assert all(ledger.PROOFS.values())
    docs = (ROOT.parents[2] / "docs/connectors.md").read_text(encoding="utf-8")
    assert [rule for rule in manifest.QUALITY if f"| `{rule}` |" not in docs] == []


def test_a_ledger_that_leaves_out_what_can_be_proven_is_found() -> None:
    def saying(**words: str) -> Folder:
        known = GOOD.manifest.model_copy(update={"quality": {**GOOD.manifest.quality, **words}})
        return dataclasses.replace(GOOD, manifest=known)

    assert ledger.excused(GOOD) == []
    assert ledger.excused(saying(paging="exempt: later")) == ["paging is exempt, and stock_pull is declared."]
    assert ledger.excused(saying(idempotent_commands="done")) == [
        "idempotent_commands is done, and nothing that is declared needs it."
    ]
    limitless = dataclasses.replace(GOOD, manifest=GOOD.manifest.model_copy(update={"rate_limit": None}))
    quality = {**GOOD.manifest.quality, "rate_limit": "done"}
    bad = dataclasses.replace(limitless, manifest=limitless.manifest.model_copy(update={"quality": quality}))
    assert ledger.excused(bad) == ["rate_limit is done, and the manifest has no limit."]
