"""A schema of the tests with values of outside systems, over the real tables of the shop."""

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
import strawberry
import strawberry.federation
from graphql import GraphQLSchema

from db import tables
from domain.errors import BadInput
from resolvers.fields import argument, column, computed, live, many, one, rows
from resolvers.sources import Inputs, LiveCall, LiveResult
from schema import build

TIMEOUT = 0.25
Answers = Callable[[Sequence[LiveCall]], Any]


@strawberry.type(description="A number that another system knows better.")
class Count:
    units: int = strawberry.field(description="How many.")
    stale: bool = strawberry.field(description="Whether it is the stored one.")
    reason: str | None = strawberry.field(description="Why.")


def merged(stored: Mapping[str, Any], result: LiveResult) -> Mapping[str, Any]:
    units = stored["units"] if result.reason else int(str(result.value))
    return {"units": units, "stale": result.reason is not None, "reason": result.reason}


def elsewhere(source: str, key: str, **more: Any) -> Any:
    """A count that `source` knows by the column `key`; stored is 7."""
    units = sa.literal_column("7", sa.Integer)
    return live(
        f"Counted by {source}.",
        source,
        lambda row, _: {"key": row.c[key], "units": units},
        merged,
        timeout=TIMEOUT,
        **more,
    )


def refuse(inputs: Inputs) -> object:
    raise BadInput(f"Nobody can mean {inputs.arguments['wish']}.")


@rows(tables.journal)
@strawberry.type(description="Something that happened.")
class Entry:
    id: strawberry.ID = column("Its id.", tables.journal.c.event_id)
    count: Count = elsewhere("counter", "event_id", arguments=[argument("by", str, "How.", default="hand")])
    weight: Count = elsewhere("scales", "event_id")


@rows(tables.items, keys={("sku",): lambda row, given: row.c.sku == given["sku"]})
@strawberry.federation.type(keys=["sku"], description="A thing.")
class Thing:
    sku: str = column("Its SKU.")
    count: Count = elsewhere("counter", "sku")


@strawberry.type(description="What the tests ask.")
class Query:
    entries: list[Entry] = many("The journal.", lambda *_: [], order_by=lambda row, _: [row.c.id], size=70)
    entry: Entry | None = one("Its first entry.", lambda row, *_: [row.c.id == sa.literal_column("1")])
    nothing: Entry | None = one("No entry.", lambda row, *_: [row.c.id == sa.literal_column("-1")])
    things: list[Thing] = many("All things.", lambda *_: [], order_by=lambda row, _: [row.c.sku], size=8)
    refused: Count = computed(
        "Refuses every wish.", lambda *_: {}, refuse, arguments=[argument("wish", str, "Whatever.")]
    )


def schema() -> GraphQLSchema:
    return build.executable(strawberry.federation.Schema(query=Query, federation_version="2.9"))


class Source:
    """A stub of an outside system. Answers 100, 101, ... unless told otherwise, and remembers what it was asked."""

    def __init__(self, answers: Answers | None = None, *, before: Callable[[], Any] | None = None) -> None:
        self.answers = answers
        self.before = before
        self.batches: list[Sequence[LiveCall]] = []

    async def __call__(self, calls: Sequence[LiveCall], seconds: float) -> Sequence[LiveResult]:
        assert seconds == TIMEOUT
        self.batches.append(calls)
        if self.before:
            await self.before()
        if self.answers:
            made: Sequence[LiveResult] = self.answers(calls)
            return made
        return [LiveResult(number, dt.datetime.now(dt.UTC)) for number, _ in enumerate(calls, start=100)]


async def never() -> None:
    await asyncio.Event().wait()
