"""What a process does for its connectors: it pulls from them in turn, and brings what they tell into the inbox."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Mapping

import structlog

import db.commands.places
from connectors.base import Capability
from db.pool import Pool
from events.commanding import Commanding
from events.deliveries import Deliveries
from events.following import Following
from events.inbox import Inbox
from events.intake import Intake
from events.pulling import Mode, Pulling, Windows
from events.pushing import Pushing
from events.syncing import Due, Syncing
from gateway.connector_notes import ConnectorNotes
from gateway.connector_numbers import ConnectorNumbers
from gateway.connectors import Configured, Connectors, codes, configured, followers, targets, told
from gateway.realtime import all_kept_running
from gateway.settings import Settings
from resolvers.commands.fulfillment_requests import Desk
from resolvers.commands.kinds import kinds

log = structlog.get_logger(__name__)


class ConnectorWork:
    """Made by the composition root; raises BadManifest when the connectors' file is wrong."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self.pool = pool
        self.connectors = Connectors(configured(settings.connectors_file))
        inbox = Inbox(pool, kinds(settings.precedence))
        self.intake = Intake(inbox, told=told(self.connectors.all))
        back = dt.timedelta(hours=settings.connector_reconcile_hours)
        overlap = dt.timedelta(seconds=settings.connector_overlap_seconds)
        self.pulling = Pulling(pool, self.intake, self.connectors, Windows(overlap, reconcile=back))
        every = settings.connector_sync_seconds
        looked_for = [one for one in targets(self.connectors.all, Mode.RECONCILE) if one.webhooks]
        self.syncing = Syncing(
            self.pulling,
            [Due(target, every) for target in targets(self.connectors.all)]
            + [Due(target, back.total_seconds()) for target in looked_for],
        )

        self.numbers = ConnectorNumbers(pool)
        self.notes = ConnectorNotes(pool, self.connectors)
        tell = [name for name, one in self.connectors.all.items() if one.tells]
        self.deliveries = Deliveries(pool, self.intake, self.connectors, tell, settings.connector_raw_days)
        self.desk = desk(self.connectors.all)
        self.commanding = Commanding(pool, self.intake, self.connectors, list(self.desk.locations) if self.desk else [])
        guards = self.connectors.runtime.guards
        self.following = Following(
            pool,
            self.intake,
            self.connectors,
            followers(self.connectors.all, self.connectors.answering),
            lambda name: guards[name].spare(),
        )
        others = [name for name, one in self.connectors.all.items() if not one.entry.push]
        self.pushing = Pushing(pool, self.connectors, told(self.connectors.all), others)

    async def missing(self, name: str) -> list[str]:
        """What the table of an instance names and the store does not have, with the command that adds it."""
        channels, locations = await db.commands.places.missing(self.pool, *codes(self.connectors.all[name]))
        return [
            *(f"channel {code}; ordergraph add channel {code} --currency …" for code in channels),
            *(f"location {code}; ordergraph add location {code} --country … --channel …" for code in locations),
        ]

    async def _warn(self) -> None:
        for name in self.connectors.all:
            for what in await self.missing(name):
                log.warning("what it tells cannot be applied", instance=name, missing=what)

    @contextlib.asynccontextmanager
    async def running(self, *, pulls: bool) -> AsyncIterator[None]:
        """`pulls`: whether this process also takes its turns at pulling."""
        await self._warn()
        async with self.connectors.opened():
            some = pulls and self.connectors.all
            parts = {"pulls": self.syncing.run, "deliveries": self.deliveries.run} if some else {}
            if some:
                # Also with nobody to tell: an instance that is told no more is forgotten.
                parts["stock"] = self.pushing.run
            if some and self.following.followers:
                parts["parcels"] = self.following.run
            if some and self.desk is not None:
                parts["commands"] = self.commanding.run
            if self.connectors.all:
                parts |= {"numbers": self.numbers.run, "notes": self.notes.run}
            try:
                async with all_kept_running(parts):
                    yield
            finally:
                if self.connectors.all:
                    await self.notes.leave()


def desk(all_: Mapping[str, Configured]) -> Desk | None:
    """Who takes requests; None where nobody does."""
    able = {name: one for name, one in all_.items() if Capability.FULFILLMENT_REQUESTS in one.manifest.capabilities}
    return Desk({name: frozenset(one.instance.locations.values()) for name, one in able.items()}) if able else None
