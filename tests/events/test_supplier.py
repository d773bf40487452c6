"""A dropship supplier as the store sees it: asked by file, slow to answer, and what it will not send is known."""

import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from graphql import GraphQLSchema

import db.pool
from connectors.base import Capability
from connectors.dropship import create
from events.commanding import Commanding
from events.intake import Intake
from events.pulling import Pulling, Target, Windows
from resolvers.commands.fulfillment_requests import Desk
from schema import build
from tests.resolvers.commands.house import PLACES, House, upsert
from tests.simulators import dropship
from tests.simulators.base import opener

T = TypeVar("T")
ASK = """mutation { requestFulfillment(order: {channel: "web", number: "1001"}, location: "HAM", key: "k1",
    lines: [{line: "MUG", quantity: 2}, {line: "LAMP", quantity: 1}]) { state fulfillmentId } }"""
SHOWN = """{ order(number: "1001", channel: "web") {
    lines { sku quantities: statusBreakdown { status quantity } }
    fulfillments { status location { code } shipments { trackingNumber status lines { quantity line { sku } } } } } }"""
ADDRESS = {"name": "Ada Example", "line1": "1 Long Lane", "city": "Troy", "country": "US"}


@dataclasses.dataclass
class Direct:
    connector: Any

    async def call(self, instance: str, capability: Capability, work: Callable[[Any], Awaitable[T]]) -> T:
        assert instance == "acme"
        return await work(self.connector)


@pytest.fixture(scope="module")
def core() -> GraphQLSchema:
    return build.executable(build.build())


async def test_a_supplier_by_files_answers_slowly_and_sends_a_part(
    core: GraphQLSchema, pool: db.pool.Pool, tmp_path: Path
) -> None:
    await pool.execute(PLACES)
    house = House(core, pool)
    assert house.engine.mutations is not None
    house.engine.mutations.desk = Desk({"acme": frozenset({"HAM"})})
    told = dropship.instance(tmp_path.as_uri())
    told = dataclasses.replace(told, options={**told.options, "location": "HAM"})
    order = upsert("e1", 1, lines=(("MUG", 2), ("LAMP", 1)), shippingAddress=ADDRESS)
    assert await house.outcomes("upsertOrders", order) == ["APPLIED"]
    async with opener() as http:
        supplier = dropship.FileSupplier(tmp_path)
        calls, intake = Direct(create(told, http)), Intake(house.inbox, lambda: dropship.NOW + dt.timedelta(days=1))
        pulling = Pulling(pool, intake, calls, Windows(overlap=dt.timedelta(days=365)))
        commanding = Commanding(pool, intake, calls, ["acme"])

        async def heard() -> Any:
            await pulling.run(Target("acme", Capability.ORDERS_PULL))
            return (await house.ask(SHOWN))["order"]

        await house.ask(ASK)
        assert await commanding.round("acme") == 1
        ((purchase, lines),) = supplier.orders().items()
        assert lines == {"MUG": 2, "LAMP": 1}
        assert (await house.ask(ASK))["requestFulfillment"] == {"state": "DONE", "fulfillmentId": purchase}
        # Days go by: nobody has begun, and nobody thinks so.
        assert (await heard())["fulfillments"] == []
        supplier.acknowledge(purchase, {"MUG": "IA"}, quantity=2)
        supplier.acknowledge(purchase, {"LAMP": "IR"}, quantity=1)
        accepted = (await heard())["fulfillments"]
        assert [(one["status"], one["location"]) for one in accepted] == [("ACCEPTED", {"code": "HAM"})]
        supplier.ship(purchase, "1Z01", {"MUG": 1})
        part = await heard()
        assert [one["status"] for one in part["fulfillments"]] == ["IN_PROGRESS"]
        assert quantities(part)["MUG"] == {"SHIPPED": 1, "RELEASED": 1}
        supplier.ship(purchase, "1Z02", {"MUG": 1})
        whole = await heard()
    (work,) = whole["fulfillments"]
    assert work["status"] == "COMPLETED"
    assert [(one["trackingNumber"], one["lines"]) for one in work["shipments"]] == [
        (number, [{"quantity": 1, "line": {"sku": "MUG"}}]) for number in ("1Z01", "1Z02")
    ]
    # What it refused was never sent, and may be asked of others.
    assert quantities(whole)["MUG"] == {"SHIPPED": 2}
    assert "SHIPPED" not in quantities(whole)["LAMP"]


def quantities(order: Any) -> dict[str, dict[str, int]]:
    return {
        line["sku"]: {one["status"]: one["quantity"] for one in line["quantities"] if one["quantity"]}
        for line in order["lines"]
    }
