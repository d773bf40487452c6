"""Counts and adjustments: never below zero, never a lost update."""

import asyncio

import pytest

from tests.resolvers.commands.house import House, at, change, count, upsert


async def on_hand(house: House, sku: str = "MUG") -> int:
    found: int = await house.pool.fetchval(
        "SELECT on_hand FROM stock_levels s JOIN items i ON i.id = s.item_id WHERE i.sku = $1", sku
    )
    return found


async def test_a_count_makes_the_level_and_an_older_one_changes_nothing(house: House) -> None:
    (made,) = await house.send("setStockLevels", count("c1", 5, 10, safetyStock=2))
    assert made["stockLevel"] == {"onHand": 10, "version": 1, "location": {"code": "HAM"}}
    before = await house.dump(journal=True)
    (stale,) = await house.send("setStockLevels", count("c0", 4, 99))
    assert (stale["outcome"], stale["stockLevel"]["onHand"]) == ("STALE", 10)
    after = await house.dump(journal=True)
    assert {name for name in before if before[name] != after[name]} == {"inbox"}
    (newer,) = await house.send("setStockLevels", count("c2", 6, 8))
    assert newer["stockLevel"] == {"onHand": 8, "version": 2, "location": {"code": "HAM"}}
    assert await house.pool.fetchval("SELECT safety_stock FROM stock_levels") == 2
    row = await house.pool.fetchrow("SELECT entity, type, version, data::text FROM journal ORDER BY id DESC LIMIT 1")
    assert row is not None
    assert tuple(row)[:3] == ("STOCK", "STOCK_COUNTED", 2)
    assert row["data"] == '{"sku": "MUG", "onHand": {"to": 8, "from": 10}, "location": "HAM"}'


async def test_compare_and_set(house: House) -> None:
    await house.send("setStockLevels", count("c1", 5, 10))
    before = await house.dump(journal=True)
    (refused,) = await house.send("setStockLevels", count("c2", 6, 12, changeFromQuantity=9))
    assert (refused["outcome"], refused["error"]["code"]) == ("REFUSED", "CHANGE_FROM_QUANTITY_STALE")
    assert await house.dump(journal=True) == before
    assert await house.outcomes("setStockLevels", count("c3", 6, 12, changeFromQuantity=10)) == ["APPLIED"]
    assert await house.outcomes("adjustStock", change(-2, changeFromQuantity=12)) == ["APPLIED"]
    assert await on_hand(house) == 10


@pytest.mark.parametrize(
    ("name", "item", "code", "field"),
    [
        ("adjustStock", change(-11, event="a"), "STOCK_BELOW_ZERO", []),
        ("adjustStock", change(0, event="a"), "BAD_USER_INPUT", ["delta"]),
        ("adjustStock", change(1, "NONE", event="a"), "BAD_USER_INPUT", ["sku"]),
        ("setStockLevels", count("a", 9, -1), "BAD_USER_INPUT", ["onHand"]),
        ("setStockLevels", {**count("a", 9, 1), "location": "NONE"}, "BAD_USER_INPUT", ["location"]),
        ("setStockLevels", count("a", 9, 1, damaged=-1), "BAD_USER_INPUT", ["damaged"]),
        (
            "recordIncomingSupply",
            {"eventId": "a", "occurredAt": at(1), "sku": "MUG", "location": "HAM", "reference": "PO", "quantity": 0,
             "expectedAt": at(9)},
            "BAD_USER_INPUT",
            ["quantity"],
        ),
    ],
)  # fmt: skip
async def test_what_is_refused_changes_nothing_and_harms_nobody(
    house: House, name: str, item: dict[str, object], code: str, field: list[str]
) -> None:
    await house.send("setStockLevels", count("c1", 5, 10))
    before = await house.dump(journal=True)
    (refused,) = await house.send(name, item, key="k")
    assert (refused["outcome"], refused["error"]["code"]) == ("REFUSED", code)
    assert refused["error"]["path"] == ["items", "0", *field]
    assert await house.dump(journal=True) == before
    if name == "adjustStock":
        assert await house.outcomes(name, item, change(5, event="good"), key="k2") == ["REFUSED", "APPLIED"]
        assert await on_hand(house) == 15


async def test_twenty_writers_on_one_level_lose_nothing(house: House) -> None:
    await house.send("setStockLevels", count("c1", 5, 100))

    async def write(writer: int) -> list[str]:
        items = [change(-3, event=f"{writer}/{number}") for number in range(3)]
        return await house.outcomes("adjustStock", *items, key=f"key-{writer}")

    results = await asyncio.gather(*(write(writer) for writer in range(20)))
    outcomes = [outcome for result in results for outcome in result]
    assert outcomes.count("APPLIED") == 33
    assert outcomes.count("REFUSED") == 27
    assert await on_hand(house) == 100 - 3 * 33
    versions = [row["version"] for row in await house.pool.fetch("SELECT version FROM journal ORDER BY id")]
    assert versions == list(range(1, 35))


async def test_twenty_writers_on_one_order_lose_nothing(house: House) -> None:
    await house.send("upsertOrders", upsert("u1", 2))

    async def write(writer: int) -> None:
        scans = {
            "carrier": "dhl",
            "order": {"channel": "web", "number": "1001"},
            "source": "dhl",
            "status": "IN_TRANSIT",
        }
        items = [
            {
                **scans,
                "eventId": f"{writer}/{number}",
                "occurredAt": at(10 + writer, number),
                "trackingNumber": f"P{number}",
            }
            for number in range(3)
        ]
        assert "REFUSED" not in await house.outcomes("recordTrackingEvents", *items)

    await asyncio.gather(*(write(writer) for writer in range(20)))
    assert await house.pool.fetchval("SELECT count(*) FROM tracking_events") == 60
    assert await house.pool.fetchval("SELECT version FROM orders") == 61
    versions = [row["version"] for row in await house.pool.fetch("SELECT version FROM journal ORDER BY id")]
    assert versions == list(range(1, 62))


async def test_supply_is_what_its_source_said_last(house: House) -> None:
    supply = {
        "source": "erp",
        "sku": "MUG",
        "location": "HAM",
        "reference": "PO-1",
        "quantity": 10,
        "expectedAt": at(70),
    }
    newer = {**supply, "eventId": "s2", "occurredAt": at(9), "received": 4}
    older = {**supply, "eventId": "s1", "occurredAt": at(3)}
    (made,) = await house.send("recordIncomingSupply", newer)
    assert made["incomingSupply"] == {"quantity": 10, "received": 4, "reference": "PO-1"}
    assert await house.outcomes("recordIncomingSupply", older) == ["STALE"]
    assert await house.pool.fetchval("SELECT received FROM incoming_supply") == 4
