"""Events of a batch that travel through the inbox in one transaction, as long as none of them is in trouble.

Whoever is in trouble (refused, racing, or with others waiting behind it) undoes the transaction, goes alone as
`Inbox.take` would have it, and the rest go once more without it. So a bad item costs time and spoils no other.
"""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

import db.commands.inbox
from db.commands import transactions
from db.commands.shared import Shared
from db.pool import Connection
from domain.errors import OrdergraphError
from events.inbox import OURS, Applied, Event, Inbox

# Long enough that round trips no longer count, short enough that locks are held for some tens of milliseconds.
LENGTH: Final = 32
# Fewer are done sooner by themselves, side by side.
FEWEST: Final = 8


class Spoiled(Exception):  # noqa: N818  # undoes the transaction
    """Some events, by their place in the convoy, have to go alone."""

    def __init__(self, places: frozenset[int]) -> None:
        super().__init__(places)
        self.places = places


async def take(inbox: Inbox, events: Sequence[Event]) -> list[Applied | OrdergraphError]:
    """What became of each; an error is a refusal. Raises only what is not the events' fault (`events.inbox.OURS`)."""
    found: dict[int, Applied | OrdergraphError] = {}
    together = list(range(len(events)))
    for _ in range(2):
        if len(together) < 2:
            break
        try:
            applied = await _travel(inbox, [events[index] for index in together])
        except Spoiled as spoiled:
            together = [index for place, index in enumerate(together) if place not in spoiled.places]
        else:
            found.update(zip(together, applied, strict=True))
            break
    for index, event in enumerate(events):
        if index not in found:
            found[index] = await _alone(inbox, event)
    return [found[index] for index in range(len(events))]


async def _alone(inbox: Inbox, event: Event) -> Applied | OrdergraphError:
    try:
        return await inbox.take(event)
    except OURS:
        raise
    except OrdergraphError as error:
        return error


async def _travel(inbox: Inbox, events: Sequence[Event]) -> list[Applied]:
    try:
        return await transactions.run(inbox.pool, lambda connection: _enter(inbox, Shared(connection), events))
    except (Spoiled, *OURS):
        raise
    except Exception:  # the database refused something, and does not say whose it was
        raise Spoiled(frozenset(range(len(events)))) from None


async def _enter(inbox: Inbox, shared: Shared, events: Sequence[Event]) -> list[Applied]:
    def locate(event: Event) -> Callable[[Connection], Coroutine[Any, Any, str]]:
        return lambda connection: inbox.kinds[event.kind].locate(connection, event)

    found = await shared.run([locate(event) for event in events])
    keys = [key for key in found if isinstance(key, str)]
    # In one order everywhere, so that convoys that meet wait for each other and not in a ring.
    await db.commands.inbox.lock_all(shared.connection, sorted(set(keys)))
    again = await shared.run([locate(event) for event in events])
    _no_trouble({place for place, key in enumerate(found) if again[place] != key or _late(found, place)})
    held = frozenset(keys)
    works = [partial(inbox.enter, event=event, key=key, others=held) for event, key in zip(events, keys, strict=True)]
    results = await shared.run(works)
    _no_trouble({place for place, result in enumerate(results) if isinstance(result, Exception)})
    return [result for result in results if isinstance(result, Applied)]


def _late(keys: Sequence[str | Exception], place: int) -> bool:
    """Not the first under its key: it must see what the first one did."""
    return keys[place] in keys[:place]


def _no_trouble(places: set[int]) -> None:
    if places:
        raise Spoiled(frozenset(places))
