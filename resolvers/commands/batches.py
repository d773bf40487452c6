"""A batch of items: each through the inbox in a transaction of its own, with a result of its own."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson

from domain.actor import Actor, Role
from domain.errors import BadInput, Forbidden, OrdergraphError
from events.batch import side_by_side
from events.inbox import OURS, Applied, Event, Outcome
from resolvers.batches import MAX_BATCH
from resolvers.commands import fields
from resolvers.commands.fields import BadField, Body
from resolvers.idempotency import KeyRequired
from resolvers.sources import CommandContext

OWN_SOURCE: Final = "ordergraph"


def check_size(context: CommandContext, _keyed: bool) -> None:
    if not 1 <= context.items <= MAX_BATCH:
        raise BadInput(f"{context.field} has {context.items} items; send 1 to {MAX_BATCH} at once.")


def check_adjustment(context: CommandContext, keyed: bool) -> None:
    """A difference that is applied twice is wrong for ever, unless it names what it changes from."""
    check_size(context, keyed)
    if not keyed and any(item.get("changeFromQuantity") is None for item in context.arguments["items"]):
        raise KeyRequired(
            "adjustStock without changeFromQuantity needs an idempotency key: send the header Idempotency-Key, "
            "or @idempotent(key:) on the field."
        )


def taking(kind: str) -> Callable[[CommandContext], Awaitable[Mapping[str, Any]]]:
    """A command that takes `items` as events of `kind`."""

    async def run(context: CommandContext) -> Mapping[str, Any]:
        return await take(context, kind)

    return run


async def take(context: CommandContext, kind: str) -> Mapping[str, Any]:
    items = [orjson.loads(orjson.dumps(item)) for item in context.arguments["items"]]
    outcomes = await side_by_side(items, subject_of, lambda item: one(context, kind, item))
    results = [result_of(index, applied) for index, applied in enumerate(outcomes)]
    refused = sum(result["outcome"] == Outcome.REFUSED for result in results)
    applied = sum(result["outcome"] == Outcome.APPLIED for result in results)
    return {"items": results, "applied": applied, "refused": refused}


def subject_of(item: Body) -> bytes:
    """Items of one order, parcel or stock row keep the order in which they came."""
    named = item.get("order") or [item.get(name) for name in ("carrier", "trackingNumber", "sku", "location")]
    return orjson.dumps(named, option=orjson.OPT_SORT_KEYS)


async def one(context: CommandContext, kind: str, item: dict[str, Any]) -> Applied:
    try:
        item["source"] = source_of(context.actor, item)
        check(context, item)
        actor = f"{context.actor.role}:{context.actor.subject}"
        return await context.inbox.take(Event.of(kind, item["source"], actor, item))
    except OURS:
        raise
    except OrdergraphError as error:
        return Applied(Outcome.REFUSED, error=error)


def source_of(actor: Actor, item: Body) -> str:
    """An integrator speaks for its own source; people may speak for any."""
    given = item.get("source")
    if actor.role is Role.INTEGRATOR:
        if given is not None and given != actor.source:
            raise Forbidden(
                "Your token speaks for another source than this item names. Leave source out, or name yours."
            )
        assert actor.source is not None, "an integrator has a source"
        return actor.source
    return OWN_SOURCE if given is None else fields.word(item, "source")


def check(context: CommandContext, item: Body) -> None:
    fields.word(item, "eventId")
    occurred_at = fields.instant(item, "occurredAt")
    assert occurred_at is not None, "the input requires it"
    fields.check_time(occurred_at, context.now)
    allowed = context.actor.channels
    if allowed is None or "sku" in item:
        return
    channel = (item.get("order") or {}).get("channel")
    if channel is None:
        raise BadField("Your token is for some channels only: name the order by channel and number.", "order")
    if channel not in allowed:
        raise Forbidden("Your token is not for this channel.")


def result_of(index: int, applied: Applied) -> dict[str, Any]:
    error: dict[str, Any] | None = None
    if applied.error is not None:
        path = ["items", str(index), *getattr(applied.error, "path", ())]
        error = {"code": applied.error.code, "message": applied.error.message, "path": path}
    elif applied.outcome is Outcome.PARKED:
        error = {"code": "EVENT_PARKED", "message": applied.why or "", "path": ["items", str(index)]}
    return {"index": index, "outcome": applied.outcome.value, "error": error, **applied.entities}
