"""The engine answers, from end to end."""

from tests.resolvers.shop import Shop


async def test_one_statement_answers_a_whole_operation(shop: Shop) -> None:
    before = len(shop.reader.statements)
    reply = await shop.ask(
        '{order(number: "W-1", channel: "web") {number lines {sku item {sku}} shipments {events {status}}}}'
    )
    assert reply.data["order"]["number"] == "W-1"
    assert [line["sku"] for line in reply.data["order"]["lines"]] == ["SHIRT-M", "MUG"]
    assert len(shop.reader.statements) == before + 1
