"""Every record becomes an event that the mutations would have taken; equal ones become the same event."""

import dataclasses
import datetime as dt
from typing import Any

import orjson
import pytest
from graphql import GraphQLSchema, parse
from graphql.language import ast
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import BadPayload
from domain.records import FulfillmentRecord, OrderRef, StockRecord, TrackingRecord
from domain.status import ShipmentStatus
from events import kinds
from events.records import event_of, reference
from resolvers.coercion import Coercion
from schema import build
from tests.events.telling import KINDS, record_of, records
from tests.resolvers.commands.house import INPUTS

MUTATIONS = {
    "ORDER": "upsertOrders",
    "TRACKING": "recordTrackingEvents",
    "FULFILLMENT": "recordFulfillmentEvents",
    "RETURN": "recordReturnEvents",
    "STOCK_LEVEL": "setStockLevels",
    "STOCK_ADJUSTMENT": "adjustStock",
    "SUPPLY": "recordIncomingSupply",
}
AT = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


def as_input(core: GraphQLSchema, kind: str, body: Any) -> Any:
    """The body after it went through the variables of its mutation."""
    document = parse(f"query ($item: {INPUTS[MUTATIONS[kind]]}!) {{ __typename }}")
    (operation,) = document.definitions
    assert isinstance(operation, ast.OperationDefinitionNode)
    return orjson.loads(orjson.dumps(Coercion(core, operation.variable_definitions or ())({"item": body})["item"]))


def check_same(taken: Any, told: Any) -> None:
    """Everything told has arrived; what was not told is at its default."""
    if isinstance(told, dict):
        for name, value in taken.items():
            if name in told:
                check_same(value, told[name])
            else:
                assert value in (None, False, 0, [])
    elif isinstance(told, list):
        assert len(taken) == len(told)
        for one, other in zip(taken, told, strict=True):
            check_same(one, other)
    else:
        assert taken == told


@settings(max_examples=300)
@given(record=records())
def test_the_mutations_would_take_it(core: GraphQLSchema, record: Any) -> None:
    event = event_of("acme", "connector:acme", record)
    assert (event.source, event.occurred_at) == ("acme", record.occurred_at)
    body = dict(event.body)
    if event.kind == kinds.STOCK_LEVEL:
        # Only systems that hold the catalogue make items by counting them; the mutation has no such word.
        body.pop("title", None)
    check_same(as_input(core, event.kind, body), body)


@settings(max_examples=300)
@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_equal_records_have_equal_ids_and_others_do_not(data: st.DataObject, kind: type) -> None:
    first, second = data.draw(record_of(kind)), data.draw(record_of(kind))
    field = data.draw(st.sampled_from([field.name for field in dataclasses.fields(first)]))
    near = dataclasses.replace(first, **{field: getattr(second, field)})
    for other in (second, near, dataclasses.replace(first)):
        pair = [
            event_of("acme", "connector:acme", dataclasses.replace(one, event_id=_own(kind))) for one in (first, other)
        ]
        same = _told(first) == _told(other)
        assert (pair[0].event_id == pair[1].event_id) == same
        assert (pair[0].sha256 == pair[1].sha256) == same


def _told(record: Any) -> Any:
    """The key of our own request leads to its lines and is not told on."""
    ours = {"key": None} if isinstance(record, FulfillmentRecord) else {}
    return dataclasses.replace(record, event_id="", **ours)


def _own(kind: type) -> str | None:
    """Blank where an id is needed: then, too, the content stands for it."""
    return "" if kind.__name__ == "StockChangeRecord" else None


def test_an_id_of_the_system_is_kept_and_one_that_cannot_be_is_not() -> None:
    scan = TrackingRecord("dhl", "P1", AT, ShipmentStatus.DELIVERED, event_id="evt_1")
    assert event_of("easypost", "connector:easypost", scan).event_id == "evt_1"
    for useless in (None, " ", "x" * 513):
        assert event_of("easypost", "connector:easypost", dataclasses.replace(scan, event_id=useless)).event_id == (
            "tracking:dhl/P1:" + event_of("a", "a", dataclasses.replace(scan, event_id=None)).event_id.split(":")[2]
        )


def test_the_same_instant_in_another_zone_is_the_same_event() -> None:
    there = AT.astimezone(dt.timezone(dt.timedelta(hours=9)))
    one, other = (event_of("a", "a", StockRecord("MUG", "HAM", at, 3)) for at in (AT, there))
    assert (one.event_id, one.body["occurredAt"]) == (other.event_id, "2026-11-25T09:00:00+00:00")


def test_what_postgres_cannot_hold_is_replaced_and_an_instant_without_zone_refused() -> None:
    scan = TrackingRecord("dhl", "P1", AT, ShipmentStatus.DELIVERED, raw_text="a\x00b\ud800")
    assert event_of("a", "a", scan).body["rawText"] == "a\ufffdb?"
    with pytest.raises(BadPayload, match="time zone"):
        event_of("a", "a", dataclasses.replace(scan, occurred_at=AT.replace(tzinfo=None)))


def test_records_of_one_thing_keep_their_order() -> None:
    scan = TrackingRecord("dhl", "P1", AT, ShipmentStatus.DELIVERED)
    assert reference(scan) == "dhl/P1"
    assert reference(dataclasses.replace(scan, order=OrderRef("web", "1001"))) == "web/1001"
    assert reference(StockRecord("MUG", "HAM", AT, 3)) == "MUG@HAM"
