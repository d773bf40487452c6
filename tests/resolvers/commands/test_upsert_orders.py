"""Orders as their sources tell them."""

from tests.resolvers.commands.house import DHL, SHOPIFY, House, at, back, scan, upsert, work


async def test_an_order_is_made_and_read_back_in_the_same_answer(house: House) -> None:
    (result,) = await house.send("upsertOrders", upsert("e1", 2))
    assert (result["outcome"], result["error"]) == ("APPLIED", None)
    assert result["order"]["number"] == "1001"
    assert result["order"]["status"] == "CONFIRMED"
    assert result["order"]["version"] == 1
    assert [(line["sku"], line["quantity"], line["status"]) for line in result["order"]["lines"]] == [
        ("MUG", 2, "CREATED"),
        ("LAMP", 1, "CREATED"),
    ]


async def test_a_whole_life_of_an_order(house: House) -> None:
    await house.send("upsertOrders", upsert("e1", 2))
    lines: list[tuple[str, int, dict[str, int]]] = [("MUG", 2, {}), ("LAMP", 1, {})]
    await house.send("recordFulfillmentEvents", work("w1", 3, "ACCEPTED", lines))
    assert await house.line("MUG") == {"released": 2}
    packed = [("MUG", 2, {"packed": 1}), ("LAMP", 1, {"packed": 0})]
    await house.send("recordFulfillmentEvents", work("w2", 4, "IN_PROGRESS", packed))
    assert await house.line("MUG") == {"released": 1, "packed": 1}
    parcel = {"carrier": "dhl", "trackingNumber": "P1", "shippedAt": at(5)}
    (sent,) = await house.send("recordFulfillmentEvents", work("w3", 5, "COMPLETED", lines, shipments=[parcel]))
    assert sent["order"]["status"] == "SHIPPED"
    assert await house.line("LAMP") == {"shipped": 1}
    (arrived,) = await house.send("recordTrackingEvents", scan("t1", 30, "DELIVERED", None))
    assert (arrived["shipment"]["status"], arrived["order"]["status"]) == ("DELIVERED", "DELIVERED")
    assert await house.line("MUG") == {"delivered": 2}
    await house.send("recordReturnEvents", back("r1", 60, "APPROVED", [("MUG", 1, {})]))
    assert await house.line("MUG") == {"delivered": 1, "return_requested": 1}
    (returned,) = await house.send("recordReturnEvents", back("r2", 62, "RECEIVED", [("MUG", 1, {})]))
    assert await house.line("MUG") == {"delivered": 1, "returned": 1}
    assert returned["order"]["version"] == 7
    story = await house.pool.fetch("SELECT type, version, actor, source, source_event_id FROM journal ORDER BY id")
    assert [tuple(row) for row in story] == [
        ("ORDER_PLACED", 1, "admin:admin", "shopify", "e1"),
        ("FULFILLMENT_UPDATED", 2, "admin:admin", "wms", "w1"),
        ("FULFILLMENT_UPDATED", 3, "admin:admin", "wms", "w2"),
        ("FULFILLMENT_UPDATED", 4, "admin:admin", "wms", "w3"),
        ("SHIPMENT_SCANNED", 5, "admin:admin", "dhl", "t1"),
        ("RETURN_UPDATED", 6, "admin:admin", "desk", "r1"),
        ("RETURN_UPDATED", 7, "admin:admin", "desk", "r2"),
    ]


async def test_the_same_again_is_a_duplicate_and_the_same_news_is_unchanged(house: House) -> None:
    await house.send("upsertOrders", upsert("e1", 2))
    before = await house.dump(journal=True)
    (again,) = await house.send("upsertOrders", upsert("e1", 2))
    assert (again["outcome"], again["order"]["version"]) == ("DUPLICATE", 1)
    assert await house.dump(journal=True) == before
    (news,) = await house.send("upsertOrders", upsert("e2", 3))
    assert (news["outcome"], news["order"]["version"]) == ("UNCHANGED", 1)


async def test_older_news_is_recorded_and_changes_nothing(house: House) -> None:
    await house.send("upsertOrders", upsert("e2", 5, total=7000))
    before = await house.dump()
    (stale,) = await house.send("upsertOrders", upsert("e1", 2, total=5000))
    assert stale["outcome"] == "STALE"
    assert await house.dump() == before
    kinds = await house.pool.fetch("SELECT type, version FROM journal ORDER BY id")
    assert [tuple(row) for row in kinds] == [("ORDER_PLACED", 1), ("STALE_EVENT_RECORDED", 2)]


async def test_a_line_no_longer_named_is_cancelled_and_an_edit_adds_one(house: House) -> None:
    await house.send("upsertOrders", upsert("e1", 2))
    await house.send("upsertOrders", upsert("e2", 3, lines=(("BOOK", 4), ("MUG", 1))))
    assert await house.line("LAMP") == {"cancelled": 1}
    assert await house.line("BOOK") == {"created": 4}
    assert await house.line("MUG") == {"created": 1}
    rows = await house.pool.fetch("SELECT sku FROM order_lines ORDER BY position")
    assert [row["sku"] for row in rows] == ["BOOK", "MUG", "LAMP"]


async def test_a_cancelled_order_keeps_what_was_shipped(house: House) -> None:
    await house.send("upsertOrders", upsert("e1", 2))
    parcel = {"carrier": "dhl", "trackingNumber": "P1", "shippedAt": at(3), "lines": [{"line": "MUG", "quantity": 1}]}
    await house.send("recordFulfillmentEvents", work("w1", 3, "IN_PROGRESS", [("MUG", 2, {})], shipments=[parcel]))
    (result,) = await house.send("upsertOrders", upsert("e2", 4, cancelledAt=at(4), cancelReason="CUSTOMER"))
    assert await house.line("MUG") == {"shipped": 1, "cancelled": 1}
    assert await house.line("LAMP") == {"cancelled": 1}
    assert result["order"]["status"] == "SHIPPED"


async def test_an_integrator_speaks_for_its_own_source_only(house: House) -> None:
    before = await house.dump(journal=True)
    (refused,) = await house.send("upsertOrders", upsert("e1", 2), actor=DHL)
    assert refused["error"]["code"] == "FORBIDDEN"
    assert await house.dump(journal=True) == before
    (own,) = await house.send("upsertOrders", upsert("e1", 2), actor=SHOPIFY)
    assert own["order"]["status"] == "CONFIRMED"
    assert await house.pool.fetchval("SELECT actor FROM journal") == "integrator:shopify-key"


async def test_a_line_is_not_lowered_below_what_is_in_parcels_nobody_tells_of(house: House) -> None:
    await house.send("upsertOrders", upsert("e1", 2), upsert("e1b", 2, "1002"))
    await house.send("recordTrackingEvents", scan("t1", 10, "IN_TRANSIT"))
    # As an import leaves it: a parcel without a fact behind it.
    await house.pool.execute(
        "INSERT INTO shipment_lines (shipment_id, line_id, order_id, quantity) "
        "SELECT s.id, l.id, s.order_id, 2 FROM shipments s JOIN order_lines l USING (order_id) WHERE l.sku = 'MUG'"
    )
    before = await house.dump(journal=True)
    (refused,) = await house.send("upsertOrders", upsert("e2", 11, lines=(("MUG", 1), ("LAMP", 1))))
    assert (refused["outcome"], refused["error"]["code"]) == ("REFUSED", "SOURCE_CONFLICT")
    assert refused["error"]["path"] == ["items", "0", "lines"]
    assert await house.dump(journal=True) == before
    lost = scan("t2", 12, "LOST")
    assert await house.outcomes("recordTrackingEvents", lost) == ["APPLIED"]
    again = upsert("e3", 13, lines=(("MUG", 1), ("LAMP", 1)))
    assert await house.outcomes("upsertOrders", again) == ["APPLIED"]
