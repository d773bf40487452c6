"""What is asked: the same documents for every contender, with variables that change from request to request."""

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from db.pool import Connection

PAGE = 50
ORDERS = 20_000
CARD = """
  id number status placedAt
  customer { name email }
  total { amount currency }
  lines { id sku title quantity unitPrice { amount currency } }
  shipments {
    id carrier { name } trackingNumber status shippedAt
    events { status occurredAt city rawText }
  }
"""
ONE = f"query one($id: ID!) {{ order(id: $id) {{ {CARD} }} }}"
PAGE_OF = "first: 50, filter: {placedUntil: $until}"
MANY = f"query many($until: DateTime!) {{ orders({PAGE_OF}) {{ nodes {{ {CARD} }} }} }}"
AVAILABILITY = """query availability($skus: [String!]!) {
  availability(skus: $skus, channel: "web", destination: {country: "DE"}) {
    sku known sellable availableForSale backorderable accuracy asOf
  }
}"""
PROMISE = """query promise($lines: [PromiseLineInput!]!) {
  promise(lines: $lines, channel: "web", destination: {country: "DE", postalCode: "20457"}) {
    earliest latest complete
    groups { lines { sku quantity } locationCode carrier shipBy earliest latest reasons { step text day } }
  }
}"""
# Both would take graphql-core about a second to validate: its field-merging rule compares every pair.
HOSTILE = {
    "order{channel{id}} 300 times": "{" + "order{channel{id}}" * 300 + "}",
    "order{id} 500 times": "{" + "order{id}" * 500 + "}",
}


@dataclass(frozen=True, slots=True)
class Question:
    """An operation and the bodies of its requests, one per value of its variables."""

    name: str
    meaning: str
    bodies: Sequence[str]


def question(name: str, meaning: str, document: str, variables: Sequence[Mapping[str, Any]]) -> Question:
    bodies = [
        orjson.dumps({"query": document, "operationName": name, "variables": values}).decode() for values in variables
    ]
    return Question(name, meaning, bodies)


async def one(connection: Connection) -> Question:
    """Orders at random from the whole book, so many that few are asked for twice."""
    found = await connection.fetch("SELECT id FROM orders ORDER BY md5(id::text) LIMIT $1", ORDERS, timeout=600)
    variables = [{"id": str(row["id"])} for row in found]
    return question("one", "one order: 3 lines, 2 shipments, 6 scans", ONE, variables)


async def many(connection: Connection) -> Question:
    """Pages that end anywhere in the book."""
    chance = random.Random(2)
    oldest = await connection.fetchval("SELECT placed_at FROM orders ORDER BY placed_at, id OFFSET $1 LIMIT 1", PAGE)
    newest = await connection.fetchval("SELECT max(placed_at) FROM orders")
    instants = [oldest + (newest - oldest) * chance.random() + dt.timedelta(seconds=1) for _ in range(1000)]
    variables = [{"until": instant.isoformat()} for instant in instants]
    return question("many", f"{PAGE} such orders", MANY, variables)


async def availability(connection: Connection) -> Question:
    chance = random.Random(3)
    found = await skus(connection)
    variables = [{"skus": chance.sample(found, 20)} for _ in range(300)]
    return question("availability", "availability of 20 SKUs", AVAILABILITY, variables)


async def promise(connection: Connection) -> Question:
    chance = random.Random(4)
    found = await skus(connection)
    carts = [[{"sku": sku, "quantity": 1 + chance.randrange(2)} for sku in chance.sample(found, 5)] for _ in range(300)]
    return question("promise", "promise for a cart of 5 lines", PROMISE, [{"lines": cart} for cart in carts])


async def skus(connection: Connection) -> list[str]:
    found = [row["sku"] for row in await connection.fetch("SELECT sku FROM items ORDER BY sku")]
    assert len(found) >= 20, "the data set has items"
    return found


def hostile(name: str) -> Question:
    return Question(name, f"{name}, refused", [orjson.dumps({"query": HOSTILE[name]}).decode()])
