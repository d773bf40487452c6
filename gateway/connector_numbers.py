"""How far each outside system is, as metrics: read from the store now and then, the same on every process."""

import asyncio
import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import db.connector_commands
import db.deliveries
import db.followed
import db.pulls
import db.stock_offers
import db.unread
from db.pool import Pool, Record

log = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 15.0
PULL: Final = ("instance", "capability", "mode")


class ConnectorNumbers(Collector):
    """`run` keeps the numbers young; `collect` only shows them."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.pulls: Sequence[Record] = ()
        self.deliveries: Sequence[Record] = ()
        self.commands: Sequence[Record] = ()
        self.stock: Sequence[Record] = ()
        self.unread: Sequence[Record] = ()
        self.parcels: Sequence[Record] = ()

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:
                log.warning("numbers of connectors not read", error=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)

    async def look(self) -> None:
        self.pulls = await db.pulls.everything(self.pool)
        self.deliveries = await db.deliveries.waiting(self.pool)
        self.commands = await db.connector_commands.waiting(self.pool)
        self.parcels = await db.followed.waiting(self.pool)
        self.unread = await db.unread.waiting(self.pool)
        self.stock = await db.stock_offers.waiting(self.pool)

    def collect(self) -> Iterator[Metric]:
        age = _gauge("pull_age_seconds", "Time since a pull was last completed.", PULL)
        failing = _gauge("pull_failing", "Whether its last run failed.", PULL)
        missed = _gauge("missed_records", "Records that webhooks should have told, in all.", PULL)
        now = dt.datetime.now(dt.UTC)
        for row in self.pulls:
            labels = [row[name] for name in PULL]
            if row["finished_at"] is not None:
                age.add_metric(labels, (now - row["finished_at"]).total_seconds())
            failing.add_metric(labels, row["error"] is not None)
            missed.add_metric(labels, row["missed"])
        waiting = _gauge("deliveries_waiting", "Deliveries that wait or are tried again.", ["instance"])
        dead = _gauge("deliveries_dead", "Deliveries that were given up.", ["instance"])
        for row in self.deliveries:
            waiting.add_metric([row["instance"]], row["waiting"])
            dead.add_metric([row["instance"]], row["dead"])
        asking = _gauge("commands_waiting", "Commands that wait or are tried again.", ["instance"])
        given_up = _gauge("commands_dead", "Commands that were given up.", ["instance"])
        for row in self.commands:
            asking.add_metric([row["instance"]], row["waiting"])
            given_up.add_metric([row["instance"]], row["dead"])
        unread = _gauge("unread_entries", "Entries it told that could not be read.", ["instance", "capability"])
        for row in self.unread:
            unread.add_metric([row["instance"], row["capability"]], row["number"])
        parcels = _gauge("parcels", "Open parcels that it is asked about or tells of.", ["instance", "state"])
        for row in self.parcels:
            for state in ("followed", "watched", "failing", "given_up"):
                parcels.add_metric([row["instance"], state], row[state])
        yield from (age, failing, missed, waiting, dead, asking, given_up, unread, parcels)
        yield from self._stock(now)

    def _stock(self, now: dt.datetime) -> Iterator[Metric]:
        counts = _gauge("stock_targets", "Items at locations of whose stock it is told.", ["instance", "state"])
        oldest = _gauge("stock_waiting_seconds", "How long the oldest change waits to be told.", ["instance"])
        for row in self.stock:
            for state in ("waiting", "refused", "dead"):
                counts.add_metric([row["instance"], state], row[state])
            since = row["waiting_since"]
            oldest.add_metric([row["instance"]], 0 if since is None else max(0.0, (now - since).total_seconds()))
        yield from (counts, oldest)


def _gauge(name: str, meaning: str, labels: Sequence[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"ordergraph_connector_{name}", meaning, labels=labels)
