"""A batch of items through the inbox: those of different things travel together, each has a result of its own."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson

from domain.actor import Actor, Role
from domain.errors import BadInput, Forbidden, OrdergraphError
from events import convoy
from events.batch import side_by_side, waves
from events.inbox import Applied, Event, Outcome
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
    checked = [event_of(context, kind, item) for item in items]
    events = {index: event for index, event in enumerate(checked) if isinstance(event, Event)}
    outcomes: dict[int, Applied | OrdergraphError] = {
        index: error for index, error in enumerate(checked) if isinstance(error, OrdergraphError)
    }
    for wave in waves(list(events), lambda index: subject_of(items[index]), convoy.LENGTH, convoy.FEWEST):
        taken = await side_by_side(wave, id, lambda some: convoy.take(context.inbox, [events[one] for one in some]))
        for some, found in zip(wave, taken, strict=True):
            outcomes.update(zip(some, found, strict=True))
    results = [result_of(index, outcomes[index]) for index in range(len(items))]
    refused = sum(result["outcome"] == Outcome.REFUSED for result in results)
    applied = sum(result["outcome"] == Outcome.APPLIED for result in results)
    return {"items": results, "applied": applied, "refused": refused}


def subject_of(item: Body) -> bytes:
    """Items of one order, parcel or stock row keep the order in which they came."""
    named = item.get("order") or [item.get(name) for name in ("carrier", "trackingNumber", "sku", "location")]
    return orjson.dumps(named, option=orjson.OPT_SORT_KEYS)


def event_of(context: CommandContext, kind: str, item: dict[str, Any]) -> Event | OrdergraphError:
    """The item as an event, or why it is refused before anything is asked of the database."""
    try:
        item["source"] = source_of(context.actor, item)
        check(context, item)
        return Event.of(kind, item["source"], f"{context.actor.role}:{context.actor.subject}", item)
    except OrdergraphError as error:
        return error


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


def result_of(index: int, outcome: Applied | OrdergraphError) -> dict[str, Any]:
    applied = outcome if isinstance(outcome, Applied) else Applied(Outcome.REFUSED, error=outcome)
    error: dict[str, Any] | None = None
    if applied.error is not None:
        path = ["items", str(index), *getattr(applied.error, "path", ())]
        error = {"code": applied.error.code, "message": applied.error.message, "path": path}
    elif applied.outcome is Outcome.PARKED:
        error = {"code": "EVENT_PARKED", "message": applied.why or "", "path": ["items", str(index)]}
    return {"index": index, "outcome": applied.outcome.value, "error": error, **applied.entities}
