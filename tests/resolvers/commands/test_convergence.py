"""Any order and any repetition of the same events ends in the same rows."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.resolvers.commands.house import House, at, back, scan, upsert, work

Sent = tuple[str, dict[str, Any]]
PARCEL = {
    "carrier": "dhl",
    "trackingNumber": "P1",
    "service": "PAKET",
    "shippedAt": at(9),
    "estimatedDeliveryAt": at(90),
}
SECOND = {"carrier": "dhl", "trackingNumber": "P2"}
REST: list[tuple[str, int, dict[str, int]]] = [("BOOK", 1, {}), ("MUG", 1, {})]
PROMISE = {"shipBy": "2026-03-03", "latest": "2026-03-05", "timeZone": "Europe/Berlin"}

UPSERTS: list[Sent] = [
    ("upsertOrders", upsert("u1", 2, promise=PROMISE, status="CONFIRMED", sourceStatus="open")),
    (
        "upsertOrders",
        upsert("u2", 6, lines=(("MUG", 3), ("BOOK", 1)), total=9000, promise={**PROMISE, "latest": "2026-03-07"}),
    ),
    (
        "upsertOrders",
        {
            **upsert(
                "u3", 40, lines=(("MUG", 3), ("BOOK", 1)), total=9000, payment={"captured": 9000}, status="SHIPPED"
            ),
            "customer": {"id": "C-1", "name": "Maria"},
        },
    ),
    ("upsertOrders", upsert("x1", 41, lines=None, source="erp", status="IN_PROGRESS")),
]
WORKS: list[Sent] = [
    ("recordFulfillmentEvents", work("w1", 3, "ACCEPTED", [("MUG", 2, {}), ("LAMP", 1, {})])),
    ("recordFulfillmentEvents", work("w2", 7, "IN_PROGRESS", [("MUG", 2, {"packed": 1})])),
    ("recordFulfillmentEvents", work("w3", 9, "COMPLETED", [("MUG", 2, {})], shipments=[PARCEL])),
    ("recordFulfillmentEvents", work("w4", 8, "REJECTED", [("BOOK", 1, {})], ref="F2", rejectionReason="DAMAGED")),
    ("recordFulfillmentEvents", work("w5", 10, "PACKED", REST, ref="F3", shipments=[SECOND])),
]
SCANS: list[Sent] = [
    ("recordTrackingEvents", scan("t1", 10, "PICKED_UP")),
    ("recordTrackingEvents", scan("t2", 20, "OUT_FOR_DELIVERY", None)),
    ("recordTrackingEvents", scan("t3", 21, "IN_TRANSIT", estimatedDeliveryAt=at(55))),
    ("recordTrackingEvents", scan("t4", 44, "DELIVERED", None)),
    ("recordTrackingEvents", scan("t5", 43, "DELAYED", reason="CARRIER_DELAY")),
    ("recordTrackingEvents", scan("t6", 30, "PICKED_UP", None, "P2")),
    ("recordTrackingEvents", scan("t7", 50, "LOST", "1001", "P2")),
]
RETURNS: list[Sent] = [
    ("recordReturnEvents", back("r1", 60, "REQUESTED", [("MUG", 2, {"reason": "STYLE"})])),
    ("recordReturnEvents", back("r2", 62, "PARTIALLY_RECEIVED", [("MUG", 2, {"received": 1})])),
    ("recordReturnEvents", back("r3", 61, "REQUESTED", [("MUG", 1, {})], ref="R2")),
    ("recordReturnEvents", back("r4", 64, "DECLINED", [("MUG", 1, {})], ref="R2")),
]
# An example takes a quarter of a second, so a failing one is shown as it is and not shrunk.
RUN = (Phase.explicit, Phase.reuse, Phase.generate)
HISTORY = [*UPSERTS, *WORKS, *SCANS, *RETURNS]


async def told(house: House, history: list[Sent]) -> dict[str, list[str]]:
    await house.clear()
    for name, item in history:
        (result,) = await house.send(name, item)
        assert result["outcome"] != "REFUSED", result
    assert await house.pool.fetch("SELECT * FROM inbox WHERE state <> 'DONE'") == []
    return await house.dump()


async def test_the_history_in_its_own_order_is_what_it_should_be(house: House) -> None:
    await told(house, HISTORY)
    versions = [row["version"] for row in await house.pool.fetch("SELECT version FROM journal ORDER BY id")]
    assert versions == list(range(1, len(versions) + 1)), "each entry raises its order by one: see events.versions"
    assert await house.line("MUG") == {"return_requested": 1, "returned": 1, "lost": 1}
    assert await house.line("BOOK") == {"lost": 1}
    assert await house.line("LAMP") == {"cancelled": 1}
    row = await house.pool.fetchrow("SELECT status, return_status, financial_status, attention FROM orders")
    assert row is not None
    assert tuple(row) == (
        "PARTIALLY_DELIVERED",
        "IN_PROGRESS",
        "PAID",
        ["DELIVERY_EXCEPTION", "RETURN_OPEN", "SOURCE_CONFLICT"],
    )


@settings(max_examples=25, deadline=None, phases=RUN, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_any_order_and_any_repetition_ends_in_the_same_rows(house: House, data: st.DataObject) -> None:
    expected = await told(house, HISTORY)
    shuffled = data.draw(st.permutations(HISTORY))
    again = data.draw(st.lists(st.sampled_from(HISTORY), max_size=6))
    places = [data.draw(st.integers(0, len(shuffled))) for _ in again]
    for place, event in zip(places, again, strict=True):
        shuffled.insert(place, event)
    assert await told(house, shuffled) == expected


@settings(max_examples=10, deadline=None, phases=RUN, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
async def test_so_does_any_way_of_cutting_it_into_batches(house: House, seed: int) -> None:
    expected = await told(house, HISTORY)
    chosen = random.Random(seed)
    shuffled = chosen.sample(HISTORY, len(HISTORY))
    await house.clear()
    while shuffled:
        name = shuffled[0][0]
        batch = [item for field, item in shuffled[: chosen.randint(1, 8)] if field == name]
        shuffled = [event for event in shuffled if event[1] not in batch]
        await house.send(name, *batch)
    assert await house.dump() == expected


@pytest.mark.parametrize("seed", range(3))
async def test_conflicting_claims_on_more_than_there_is_converge_too(house: House, seed: int) -> None:
    """Two work orders that together claim more than was ordered: cut off the same way, and raised as a conflict."""
    history = [
        ("upsertOrders", upsert("u1", 2, lines=(("MUG", 2),))),
        ("upsertOrders", upsert("u2", 12, lines=(("MUG", 3),))),
        ("upsertOrders", upsert("u3", 20, lines=(("MUG", 2),))),
        ("recordFulfillmentEvents", work("w1", 3, "COMPLETED", [("MUG", 2, {})], shipments=[PARCEL])),
        ("recordFulfillmentEvents", work("w2", 4, "COMPLETED", [("MUG", 2, {})], ref="F2", shipments=[SECOND])),
        ("recordTrackingEvents", scan("t1", 9, "DELIVERED", parcel="P2")),
    ]
    expected = await told(house, history)
    assert "SOURCE_CONFLICT" in await house.pool.fetchval("SELECT attention FROM orders")
    for _ in range(5):
        assert await told(house, random.Random(seed).sample(history, len(history))) == expected
