"""Each check of the contract finds the defect it is for, in a connector made from the template and made worse."""

import asyncio
import base64
import dataclasses
import datetime as dt
import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from connectors import registry
from connectors.base import Capability, Delivery, Instance, Page, WebhookRequest
from connectors.errors import ConnectorError, RateLimited, Unreachable
from connectors.gate import Gate
from connectors.http import Http
from connectors.payload import Node, parsed
from domain.records import FulfillmentRecord, OrderRef, StockRecord, TrackingRecord
from domain.status import FulfillmentStatus, ShipmentStatus
from tests.contract import abilities, deliveries, faults, folder, papers, samples, secrecy, storms, words
from tests.contract import template_simulator as simulator
from tests.contract.folder import Folder
from tests.contract.template import mapping
from tests.contract.template.client import Template
from tests.simulators.base import Fault

ROOT = Path(folder.__file__).parent / "template"
GOOD = folder.read(ROOT, "tests.contract.template", "tests.contract.template_simulator")
PULL = "pull_stock"
STOCK = Capability.STOCK_PULL


def made_of(kind: Callable[[Instance, Http], Any]) -> Folder:
    return dataclasses.replace(GOOD, create=lambda instance, http: kind(instance, http(instance.option("url"))))


def declaring(*capabilities: Capability) -> Folder:
    known = GOOD.manifest.model_copy(update={"capabilities": frozenset(capabilities)})
    return dataclasses.replace(GOOD, manifest=known)


def mapping_by(stock: Callable[[Node, Instance], Any]) -> Folder:
    return dataclasses.replace(GOOD, mapping=SimpleNamespace(stock=stock))


def sampled(**changes: Any) -> Folder:
    return dataclasses.replace(GOOD, samples={"stock.json": {**GOOD.samples["stock.json"], **changes}})


async def test_the_template_has_no_defect() -> None:
    assert papers.incomplete(ROOT) + papers.unexplained(ROOT, GOOD.manifest) == []
    assert papers.strange_imports(ROOT, "tests.contract.template") == []
    assert abilities.differing(GOOD) + abilities.uncalled(GOOD) == []
    assert samples.malformed(GOOD) + samples.uncovered(GOOD) + samples.inexact(GOOD) == []
    assert samples.impure(GOOD) + samples.intolerant(GOOD) + samples.unmissed(GOOD) == []
    assert [one for fault in faults.ERRORS for one in await faults.faulty(GOOD, PULL, fault)] == []
    assert await faults.left_open(GOOD, PULL) == []
    assert words.unknown(GOOD) + await storms.unbounded(GOOD, PULL) + await storms.hasty(GOOD, PULL) == []
    assert await deliveries.wrong(GOOD) == []
    assert secrecy.leaking(GOOD.create(simulator.instance("http://127.0.0.1:9"), abilities.never)) == []


def test_an_ability_too_few_or_too_many_is_found() -> None:
    few = declaring(STOCK, Capability.WEBHOOKS, Capability.TRACKING)
    assert abilities.differing(few) == ["tracking is declared and Template has no track."]
    assert abilities.uncalled(few) == ["The simulator's CALLS has no call of track."]
    many = declaring(STOCK)
    assert abilities.differing(many) == ["Template has records_of, and webhooks is not declared."]


def test_half_an_ability_and_another_instance_are_found() -> None:
    class Half(Template):
        async def cancel_fulfillment(self) -> None: ...

    found = abilities.differing(made_of(Half))
    assert found == ["Half has cancel_fulfillment, and fulfillment_requests is not declared."]
    other = made_of(lambda instance, http: Template(dataclasses.replace(instance, name="other"), http))
    assert abilities.differing(other) == ["The connector does not keep the instance that it was made of."]


def test_each_shape_is_looked_at() -> None:
    shaped = SimpleNamespace(instance=simulator.instance, shapes=lambda: (simulator.instance("http://127.0.0.1:8"),))

    class Bare:
        def __init__(self, instance: Instance, http: Http) -> None:
            self.instance = instance

    def made(instance: Instance, http: Http) -> Any:
        return Bare(instance, http) if instance.option("url").endswith(":8") else Template(instance, http)

    found = abilities.differing(dataclasses.replace(made_of(made), simulator=shaped))
    assert found == [
        "webhooks is declared and Bare has no records_of.",
        "stock_pull is declared and Bare has no pull_stock.",
    ]


def test_a_sample_that_lacks_something_is_found() -> None:
    assert samples.malformed(sampled(capability="tracking", notes="")) == [
        "stock.json has notes, which nobody reads.",
        "stock.json is of tracking, which the manifest does not declare.",
    ]
    bare = dataclasses.replace(GOOD, samples={"stock.json": {}})
    assert samples.malformed(bare) == ["stock.json has no capability."]
    assert samples.uncovered(sampled(capability="webhooks")) == ["No sample is of stock_pull."]
    assert len(samples.inexact(sampled(expected=[]))) == 1


def test_an_impure_an_intolerant_and_a_careless_mapping_are_found() -> None:
    numbers = itertools.count()

    def counting(told: Node, instance: Instance) -> list[StockRecord]:
        return [dataclasses.replace(one, event_id=str(next(numbers))) for one in mapping.stock(told, instance).whole()]

    def consuming(told: Node, instance: Instance) -> list[StockRecord]:
        records = list(mapping.stock(told, instance).whole())
        told.value["next"] = "changed"
        return records

    def counting_fields(told: Node, instance: Instance) -> list[StockRecord]:
        return list(mapping.stock(told, instance).whole())[: 5 - len(told.value)]

    assert samples.impure(mapping_by(counting)) == ["stock.json is mapped differently the second time."]
    assert samples.impure(mapping_by(consuming)) == ["stock.json is changed by being mapped."]
    found = samples.intolerant(mapping_by(counting_fields))
    assert found == ["stock.json is mapped differently when every object has a field more."]
    found = samples.unmissed(sampled(required=["levels", "levels.0.damaged"]))
    assert [one.partition(":")[0] for one in found] == ["stock.json without levels.0.damaged"]


def test_a_word_that_is_lost_ends_something_or_is_an_error_is_found() -> None:
    known = {"moving": ShipmentStatus.IN_TRANSIT}

    def scan(told: Node, unknown: Any, raw: str | None = None) -> TrackingRecord:
        return TrackingRecord("dhl", "1", simulator.START, known.get(told["state"].text(), unknown), raw_code=raw)

    def work(told: Node) -> FulfillmentRecord:
        status = FulfillmentStatus.OPEN if told["state"].text() == "moving" else FulfillmentStatus.COMPLETED
        return FulfillmentRecord(OrderRef("web", "1"), simulator.START, "1", status, ())

    def found(map_: Callable[[Node], list[Any]], **more: Any) -> list[str]:
        one = {**GOOD.samples["stock.json"], "payload": {"state": "moving"}, **more}
        of = mapping_by(lambda told, instance: map_(told))
        return words.unknown(dataclasses.replace(of, samples={"stock.json": one}))

    at = "stock.json with another word at state: "
    unknown = ShipmentStatus.UNKNOWN
    assert found(lambda told: [scan(told, unknown)]) == [f"{at}status is UNKNOWN and the word is lost"]
    assert found(lambda told: [scan(told, unknown, told["state"].text())]) == []
    assert found(lambda told: [work(told)]) == [f"{at}status is COMPLETED, which ends it"]
    assert found(lambda told: [scan(told, known[told["state"].text()])]) == [f"{at}it is KeyError"]
    assert found(lambda told: [work(told)] if told["state"].text() in known else []) == [f"{at}1 records become 0"]
    assert found(lambda told: [work(told)], fixed=["state"]) == []


async def unlimited(gate: Gate, operation: str = "", cost: float = 1.0) -> float:
    return 0.0


async def test_a_storm_and_a_breaker_that_is_not_told_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Patient(Asking):
        """Its errors are none of the runtime's to see."""

        async def again(self, error: ConnectorError) -> Page:
            return Page(())

    class Greedy(Template):
        async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
            return (await asyncio.gather(*(super(Greedy, self).pull_stock(since, cursor) for _ in range(2))))[0]

    found = await storms.unbounded(made_of(Patient), PULL)
    assert found[:2] == [
        "50 callers of a broken system send 40 requests and not 13 at most",
        "the breaker is CLOSED after that",
    ]
    assert (await storms.unbounded(made_of(Greedy), PULL))[0].startswith("50 callers of a broken system send ")
    # The limiter hears of a 429 from Http, whatever the connector makes of it.
    assert await storms.hasty(made_of(Patient), PULL) == []
    monkeypatch.setattr(Gate, "enter", unlimited)
    found = await storms.hasty(GOOD, PULL)
    assert found[-1] == "70 requests in 0.0 s, 11.0 are granted"


def test_what_is_logged_and_travels_in_another_form_is_found() -> None:
    of = simulator.instance("http://127.0.0.1:9")
    basic = base64.b64encode(f"user:{simulator.TOKEN}".encode()).decode()
    with secrecy.overheard() as heard:
        logging.getLogger("of.a.library").debug("Authorization: Basic %s", basic)
        structlog.get_logger().info("asked", url=f"https://api.example/?secret={quote(simulator.SECRET, safe='')}")
    assert secrecy.shown(of, {"the log": "\n".join(heard)}) == [
        "the log shows the secret token",
        "the log shows the secret webhook_secret",
    ]


def test_an_order_that_the_inbox_would_refuse_is_found() -> None:
    order = {"record": "OrderRecord", "lines": [{"record": "LineRecord", "sku": "MUG", "quantity": 1}]}
    found = samples.unplaced(sampled(expected=[order]))
    assert found == ["stock.json has an order with lines and without placed_at."]
    assert samples.unplaced(sampled(expected=[{**order, "placed_at": "2026-11-25T09:00:00Z"}])) == []


class Asking(Template):
    async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
        try:
            return await super().pull_stock(since, cursor)
        except ConnectorError as error:
            return await self.again(error)

    async def again(self, error: ConnectorError) -> Page:
        raise NotImplementedError


class Retrying(Asking):
    async def again(self, error: ConnectorError) -> Page:
        return await super(Asking, self).pull_stock(None, None)


class Swallowing(Asking):
    async def again(self, error: ConnectorError) -> Page:
        return Page(())


class Forgetful(Asking):
    async def again(self, error: ConnectorError) -> Page:
        raise RateLimited("Later.")


class Talkative(Asking):
    async def again(self, error: ConnectorError) -> Page:
        raise Unreachable(f"{self.instance.secret('token')} did not work.")


@pytest.mark.parametrize(
    ("kind", "fault", "finding"),
    [
        (Retrying, Fault.BROKEN, "2 requests were sent: GET /stock, GET /stock"),
        (Swallowing, Fault.WRONG_TYPE, "wrong content type is NoneType and not BadPayload"),
        (Forgetful, Fault.RATE_LIMITED, "Retry-After of 7 s becomes None"),
        (Forgetful, Fault.UNAUTHORIZED, "401 is RateLimited and not Unauthorized"),
        (Talkative, Fault.CUT, "the error shows the secret token"),
    ],
)
async def test_a_fault_that_is_handled_wrongly_is_found(kind: type[Asking], fault: Fault, finding: str) -> None:
    assert await faults.faulty(made_of(kind), PULL, fault) == [f"at first: {finding}", f"later: {finding}"]


async def test_what_a_cancelled_call_leaves_open_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "CLOSED_WITHIN", 0.2)
    left: list[asyncio.Future[Page]] = []

    class Shielding(Template):
        async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
            left.append(asyncio.ensure_future(super().pull_stock(since, cursor)))
            return await asyncio.shield(left[-1])

    class Stubborn(Template):
        async def pull_stock(self, since: dt.datetime | None, cursor: str | None) -> Page:
            try:
                return await super().pull_stock(since, cursor)
            except asyncio.CancelledError:
                return Page(())

    assert await faults.left_open(made_of(Shielding), PULL) == ["1 requests are still open"]
    await asyncio.gather(*left, return_exceptions=True)
    assert await faults.left_open(made_of(Stubborn), PULL) == ["a cancelled call ends as Page and not as cancelled"]


class Trusting(Template):
    def verify(self, request: WebhookRequest) -> Delivery:
        return Delivery("msg", parsed(request.body, "webhook")["type"].text())


class Single(Template):
    def verify(self, request: WebhookRequest) -> Delivery:
        kept = {key: values[:1] for key, values in self.instance.secrets.items()}
        return Template(dataclasses.replace(self.instance, secrets=kept), self._http).verify(request)


class Timeless(Template):
    def verify(self, request: WebhookRequest) -> Delivery:
        sent_at = dt.datetime.fromtimestamp(int(request.headers.get("webhook-timestamp", "0")), dt.UTC)
        return super().verify(dataclasses.replace(request, received_at=sent_at))


class Nameless(Template):
    numbers = itertools.count()

    def verify(self, request: WebhookRequest) -> Delivery:
        return dataclasses.replace(super().verify(request), id=str(next(self.numbers)))


@pytest.mark.parametrize(
    ("kind", "findings"),
    [
        (
            Trusting,
            [
                "a delivery that is signed by somebody else is taken",
                "a delivery that is unsigned is taken",
                "a delivery that is given where no secret is set is taken",
                "a delivery that is old is taken",
                "a delivery that is of the future is taken",
            ],
        ),
        (Single, ["a delivery that is genuine, by the older of two secrets is Forged"]),
        (Timeless, ["a delivery that is old is taken", "a delivery that is of the future is taken"]),
        (Nameless, ["the same delivery is another the second time"]),
    ],
)
async def test_a_webhook_that_is_checked_badly_is_found(kind: type[Template], findings: list[str]) -> None:
    assert await deliveries.wrong(made_of(kind)) == findings


async def test_a_cut_delivery_that_is_taken_is_found() -> None:
    class Blind(Trusting):
        def verify(self, request: WebhookRequest) -> Delivery:
            return Delivery("msg", "of no concern")

    assert "a delivery that is cut is taken" in await deliveries.wrong(made_of(Blind))


def test_a_secret_that_is_shown_is_found() -> None:
    @dataclasses.dataclass
    class Open:
        instance: Instance
        token: str

    of = simulator.instance("http://127.0.0.1:9")
    assert secrecy.leaking(Open(of, simulator.TOKEN)) == ["the connector shows the secret token"]
    error = Unreachable("It is away.")
    error.__cause__ = ValueError(simulator.TOKEN)
    assert secrecy.shown(of, {"the error": error}) == ["the error shows the secret token"]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("from connectors import registry", "connectors.registry"),
        ("import connectors.runtime", "connectors.runtime"),
        ("from connectors.of_next_year import limits", "connectors.of_next_year.limits"),
        ("from connectors.dhl import mapping", "connectors.dhl.mapping"),
        ("import db.pool", "db.pool"),
        ("from . import mapping", "..mapping"),
    ],
)
def test_an_import_beyond_what_folders_may_is_found(tmp_path: Path, line: str, name: str) -> None:
    (tmp_path / "client.py").write_text(f"from connectors.base import Page\nimport domain.status\n{line}\n")
    assert papers.strange_imports(tmp_path, "connectors.acme") == [f"client.py imports {name}"]


def test_a_folder_without_its_papers_is_found(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("\n" * 16)
    assert papers.incomplete(tmp_path) == [
        "README.md is missing",
        "mapping.py is missing",
        "samples is missing",
        "__init__.py has 16 lines and not 15 at most",
    ]


def test_an_option_that_no_readme_explains_is_found(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Set `url` and webhook_secret.")
    assert papers.unexplained(tmp_path, GOOD.manifest) == ["README.md says nothing of token"]


def test_the_contract_names_no_folder() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in ROOT.parent.glob("*.py")}
    names = [f'"{name}"' for name in registry.folders()]
    assert [(file, name) for file, text in texts.items() for name in names if name in text] == []
