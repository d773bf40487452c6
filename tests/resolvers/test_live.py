"""Values of outside systems: one batched call each, all at once, and never the reason why an operation fails."""

import asyncio
import time
from typing import Any

import pytest
from graphql import GraphQLSchema

from resolvers.sources import LiveResult
from tests.resolvers import live_shop
from tests.resolvers.live_shop import Source, never
from tests.resolvers.shop import Reply, Shop

STORED = {"units": 7, "stale": True}


@pytest.fixture(scope="module")
def live_core() -> GraphQLSchema:
    return live_shop.schema()


def counting(shop: Shop, core: GraphQLSchema, **fetchers: Any) -> Shop:
    return Shop(core, shop.pool, fetchers=fetchers)


def sources(reply: Reply) -> list[dict[str, Any]]:
    """What the answer says of its sources, without the only thing that differs from run to run."""
    found = reply.body["extensions"]["sources"]
    for entry in found:
        assert 0 <= entry.pop("latencyMs") < 5_000
    return list(found)


def told(path: list[str], source: str, calls: int, reason: str | None = None) -> dict[str, Any]:
    return {"path": path, "source": source, "calls": calls, "stale": reason is not None, "reason": reason}


async def test_all_rows_are_asked_for_in_one_call(shop: Shop, live_core: GraphQLSchema) -> None:
    counter = Source()
    reply = await counting(shop, live_core, counter=counter).ask("{entries {id count {units stale reason}}}")
    (batch,) = counter.batches
    assert len(batch) == 70
    entries = reply.data["entries"]
    assert [call.keys["key"] for call in batch] == [entry["id"] for entry in entries]
    assert [entry["count"] for entry in entries] == [
        {"units": 100 + place, "stale": False, "reason": None} for place in range(70)
    ]
    assert sources(reply) == [told(["entries", "count"], "counter", 70)]


async def test_a_value_is_projected_to_what_was_asked(shop: Shop, live_core: GraphQLSchema) -> None:
    query = "{e: entry {c: count {__typename n: units ...More}}} fragment More on Count {again: units reason}"
    reply = await counting(shop, live_core, counter=Source()).ask(query)
    assert list(reply.data["e"]["c"].items()) == [("__typename", "Count"), ("n", 100), ("again", 100), ("reason", None)]
    assert sources(reply) == [told(["e", "c"], "counter", 1)]


async def test_independent_sources_are_asked_at_the_same_time(shop: Shop, live_core: GraphQLSchema) -> None:
    """Each answers only when the other has been asked."""
    met = asyncio.Barrier(2)
    counter, scales = Source(before=met.wait), Source(before=met.wait)
    house = counting(shop, live_core, counter=counter, scales=scales)
    reply = await house.ask("{entries {count {stale} weight {stale}}}")
    assert reply.data["entries"] == [{"count": {"stale": False}, "weight": {"stale": False}}] * 70
    assert sources(reply) == [
        told(["entries", "count"], "counter", 70),
        told(["entries", "weight"], "scales", 70),
    ]


async def test_the_report_has_the_order_of_the_selection(shop: Shop, live_core: GraphQLSchema) -> None:
    """Whoever answers first."""
    slow, quick = Source(before=lambda: asyncio.sleep(0.1)), Source()
    reply = await counting(shop, live_core, counter=slow, scales=quick).ask("{entry {count {units} weight {units}}}")
    assert [entry["source"] for entry in sources(reply)] == ["counter", "scales"]


async def test_every_use_of_a_field_is_a_call_with_its_arguments(shop: Shop, live_core: GraphQLSchema) -> None:
    counter = Source()
    query = 'query($by: String!) {entry {count {units} a: count(by: $by) {units} b: count(by: "scan") {units}}}'
    reply = await counting(shop, live_core, counter=counter).ask(query, {"by": "eye"})
    assert [batch[0].arguments for batch in counter.batches] == [{"by": "hand"}, {"by": "eye"}, {"by": "scan"}]
    assert [entry["path"][-1] for entry in sources(reply)] == ["count", "a", "b"]


async def test_without_rows_nobody_is_asked(shop: Shop, live_core: GraphQLSchema) -> None:
    counter = Source()
    reply = await counting(shop, live_core, counter=counter).ask("{nothing {count {units}}}")
    assert reply.data == {"nothing": None}
    assert "sources" not in reply.body["extensions"]
    assert counter.batches == []


def raises(_: object) -> None:
    raise RuntimeError("the connector is broken")


def partly(calls: Any) -> list[LiveResult]:
    return [LiveResult(reason="UNKNOWN_KEY") if place % 2 else LiveResult(5) for place, _ in enumerate(calls)]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (None, "NOT_CONFIGURED"),
        (Source(before=never), "TIMEOUT"),
        (Source(raises), "FAILED"),
        (Source(lambda calls: [LiveResult(1)] * (len(calls) - 1)), "BAD_ANSWER"),
        (Source(lambda calls: [LiveResult(1)] * (len(calls) + 1)), "BAD_ANSWER"),
        (Source(lambda _: []), "BAD_ANSWER"),
        (Source(lambda _: None), "BAD_ANSWER"),
        (Source(lambda calls: [1] * len(calls)), "BAD_ANSWER"),
        (Source(lambda calls: [LiveResult("no number")] * len(calls)), "BAD_ANSWER"),
        (Source(lambda calls: [LiveResult(reason="CLOSED")] * len(calls)), "CLOSED"),
    ],
    ids=["not configured", "late", "raises", "few", "many", "none", "null", "no results", "not understood", "says why"],
)
async def test_a_source_that_fails_leaves_the_stored_value(
    shop: Shop, live_core: GraphQLSchema, source: Source | None, reason: str
) -> None:
    house = counting(shop, live_core, **({"counter": source} if source else {}))
    started = time.monotonic()
    reply = await house.ask("{entries {count {units stale reason}}}")
    assert time.monotonic() - started < 3
    assert reply.answer.failure is None
    assert reply.data["entries"] == [{"count": {**STORED, "reason": reason}}] * 70
    assert sources(reply) == [told(["entries", "count"], "counter", 70, reason)]


async def test_one_source_that_fails_does_not_touch_another(shop: Shop, live_core: GraphQLSchema) -> None:
    house = counting(shop, live_core, counter=Source(raises), scales=Source())
    reply = await house.ask("{entry {count {units reason} weight {units reason}}}")
    assert reply.data["entry"] == {"count": {"units": 7, "reason": "FAILED"}, "weight": {"units": 100, "reason": None}}
    assert sources(reply) == [
        told(["entry", "count"], "counter", 1, "FAILED"),
        told(["entry", "weight"], "scales", 1),
    ]


async def test_a_source_may_know_some_rows_and_not_others(shop: Shop, live_core: GraphQLSchema) -> None:
    reply = await counting(shop, live_core, counter=Source(partly)).ask("{entries {count {units stale}}}")
    assert [entry["count"]["units"] for entry in reply.data["entries"]] == [5, 7] * 35
    assert sources(reply) == [told(["entries", "count"], "counter", 70, "UNKNOWN_KEY")]


async def test_entities_have_live_values_and_paths_of_the_response(shop: Shop, live_core: GraphQLSchema) -> None:
    counter = Source()
    query = "query($r: [_Any!]!) {them: _entities(representations: $r) {... on Thing {sku count {units}}}}"
    sent = [{"__typename": "Thing", "sku": sku} for sku in ("MUG", "NO", "LAMP")]
    reply = await counting(shop, live_core, counter=counter).ask(query, {"r": sent})
    assert reply.data["them"] == [
        {"sku": "MUG", "count": {"units": 100}},
        None,
        {"sku": "LAMP", "count": {"units": 101}},
    ]
    assert sources(reply) == [told(["them", "count"], "counter", 2)]
    assert len(counter.batches) == 1


async def test_live_values_are_printed_beside_introspection(shop: Shop, live_core: GraphQLSchema) -> None:
    reply = await counting(shop, live_core, counter=Source()).ask("{entry {count {units}} __schema {__typename}}")
    assert reply.data == {"entry": {"count": {"units": 100}}, "__schema": {"__typename": "__Schema"}}
    assert sources(reply) == [told(["entry", "count"], "counter", 1)]


async def test_a_refused_request_asks_nobody(shop: Shop, live_core: GraphQLSchema) -> None:
    counter = Source()
    reply = await counting(shop, live_core, counter=counter).ask(
        '{entry {count {units}} refused(wish: "more") {units}}'
    )
    assert reply.codes == ["BAD_USER_INPUT"]
    assert reply.errors[0]["message"] == "Nobody can mean more."
    assert counter.batches == []


async def test_who_goes_away_does_not_wait_for_sources(shop: Shop, live_core: GraphQLSchema) -> None:
    """Cancellation is no failure of the source: it ends the operation."""
    begun = asyncio.Event()

    async def begin_and_wait() -> None:
        begun.set()
        await never()

    house = counting(shop, live_core, counter=Source(before=begin_and_wait))
    task = asyncio.create_task(house.ask("{entry {count {units}}}"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "query",
    [
        '{availability(skus: ["MUG"], channel: "moon") {sku}}',
        '{item(sku: "MUG") {availability(channel: "moon") {sku}}}',
        '{promise(lines: [{sku: "MUG"}], channel: "moon") {complete}}',
        '{node(id: "f") {id} items: availability(skus: [], channel: "moon") {sku}}',
    ],
)
async def test_a_computed_value_may_refuse_the_request(shop: Shop, query: str) -> None:
    reply = await shop.ask(query)
    assert reply.codes == ["BAD_USER_INPUT"]
    assert reply.errors[0]["message"] == "There is no channel with the code moon."
    assert "data" not in reply.body


@pytest.mark.parametrize("quantity", [0, -1, 100_001, 2**31 - 1])
async def test_a_promise_is_for_1_to_100000_units(shop: Shop, quantity: int) -> None:
    query = 'query($q: Int!) {promise(lines: [{sku: "MUG", quantity: $q}]) {complete}}'
    reply = await shop.ask(query, {"q": quantity})
    assert reply.codes == ["BAD_USER_INPUT"]
    assert f"{quantity} units of MUG" in reply.errors[0]["message"]
