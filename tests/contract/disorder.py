"""Deliveries sent twice and in any order, from the signature through both inboxes into the store, end the same."""

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLSchema

from connectors.base import WebhookRequest
from db.pool import Pool
from events.deliveries import Deliveries
from tests.contract.folder import Folder
from tests.contract.ids import records_in
from tests.contract.pulls import everything
from tests.contract.served import Served, served
from tests.contract.store import Direct, Store

State = Mapping[str, Sequence[str]]
NEWS: Final = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)
ROUNDS: Final = 20
LEFT: Final = "SELECT state || coalesce(': ' || error, '') AS why FROM connector_deliveries WHERE state <> 'DONE'"


@dataclass(frozen=True, slots=True)
class Sent:
    """Which of the simulator's deliveries; `anew`: under a delivery id of its own, as some vendors repeat."""

    place: int
    anew: bool = False


class Telling:
    """The simulator's `news` of one folder, and the state that they lead to when each is sent once and in order."""

    def __init__(self, of: Served, store: Store) -> None:
        self.store = store
        self.name = of.instance.name
        self.connector: Any = of.connector()
        self.news = _news(of)
        self.deliveries = Deliveries(store.house.pool, store.intake, Direct(self.connector), [self.name])

    async def after(self, sent: Sequence[Sent]) -> State:
        """What the store knows after those, and what of them was not done."""
        await self.store.begin_again()
        for one in sent:
            request = self.news[one.place]
            delivery = self.connector.verify(request)
            named = dataclasses.replace(delivery, id=f"{delivery.id} again") if one.anew else delivery
            await self.deliveries.keep(self.name, named, request.body)
            # One by one, because a round works side by side.
            for _ in range(ROUNDS):
                if not await self.deliveries.round(self.name):
                    break
        pool = self.store.house.pool
        left = await pool.fetch(LEFT)
        unapplied = [state for state in (await self.store.ids(self.name)).values() if state != "DONE"]
        return {**await self.store.state(), "deliveries": [row["why"] for row in left], "inbox": unapplied}


@dataclass(frozen=True)
class Told:
    """`once`: each delivery in order, which leads to `expected`; `anew`: the same under other ids."""

    telling: Telling
    once: Sequence[Sent]
    anew: Sequence[Sent]
    expected: State

    async def otherwise(self, sent: Sequence[Sent]) -> list[str]:
        """What ends differently when those are sent."""
        found = await self.telling.after(sent)
        return [f"{name} ends differently" for name, rows in self.expected.items() if found[name] != rows]


async def told(of: Served, core: GraphQLSchema, pool: Pool) -> Told:
    """Raises AssertionError where the simulator's news prove nothing."""
    telling = Telling(of, await Store.knowing(core, pool, await _all(of.folder)))
    once = [Sent(place) for place in range(len(telling.news))]
    found = Told(telling, once, [Sent(one.place, anew=True) for one in once], await telling.after(once))
    assert len(once) > 1, "news are several deliveries"
    assert (found.expected["deliveries"], found.expected["inbox"]) == ([], []), "news are all applied"
    assert await found.otherwise([]) != [], "news change something"
    return found


async def _all(folder: Folder) -> list[Any]:
    async with served(folder) as of:
        connector: Any = of.connector()
        said = [await connector.records_of(connector.verify(one), one.body) for one in _news(of)]
        return [*records_in(said), *await everything(of)]


def _news(of: Served) -> Sequence[WebhookRequest]:
    (key,) = (one for one in of.folder.manifest.secrets if one.startswith("webhook_"))
    told: Sequence[WebhookRequest] = of.folder.simulator.news(of.server, of.instance.secret(key), NEWS)
    return told
