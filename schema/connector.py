"""Outside systems: what is configured and how it goes with each."""

import datetime as dt

import strawberry

from connectors.base import Capability
from connectors.breaker import State
from connectors.manifest import Kind
from db import tables
from events.pulling import Mode
from resolvers.fields import column, embedded, joined, many, rows
from resolvers.sql import connectors

strawberry.enum(Capability, name="ConnectorCapability", description="What a connector can do.")
strawberry.enum(Kind, name="ConnectorKind", description="What an outside system is to a shop.")
strawberry.enum(State, name="BreakerState", description="Whether an outside system is called at all.")
strawberry.enum(Mode, name="PullMode", description="Why records are pulled.")


@rows(tables.connector_watermarks)
@strawberry.type(description="How far a pull from an outside system is.")
class ConnectorPull:
    capability: Capability = column("What is pulled.", connectors.pulled)
    mode: Mode = column("Why.")
    watermark: dt.datetime | None = column("All that changed there before it is here.")
    finished_at: dt.datetime | None = column("When it was last completed.")
    failed_at: dt.datetime | None = column("When its last run failed; null when that went well.")
    error: str | None = column("Why it failed: a code and what to do.")
    records: int = column("Records of the run under way, or of the last one.")
    listed: int = column("Orders, products or lines of the system that these records came from.")
    total: int | None = column("How many of them there are in all; null when the system does not say.")
    missed: int = column("Records in all that webhooks should have told.")


@strawberry.type(description="How it goes with an outside system, put together from all processes that run it.")
class ConnectorHealth:
    last_success_at: dt.datetime | None = column("When it last answered as it should.")
    last_failure_at: dt.datetime | None = column("When a call last failed.")
    last_error: str | None = column("The code of that failure, such as CONNECTOR_UNREACHABLE.")
    lag: float | None = column("Seconds since its oldest sync was completed; null when none ever was.", connectors.lag)
    error_rate: float | None = column(
        "Of the last hundred attempts of each process, 0 to 1; null without attempts.", connectors.error_rate
    )
    breaker: State | None = column("The worst of all processes; null when none runs it.", connectors.breaker)
    processes: int = column("How many processes run it.", connectors.processes)
    missed: int = column("Records in all that webhooks should have told.", connectors.missed)
    unread: int = column("Entries that it told and that could not be read.", connectors.unread)
    deliveries_waiting: int = column("Webhooks in that wait or are tried again.", connectors.deliveries_waiting)
    deliveries_dead: int = column("Webhooks in that were given up.", connectors.deliveries_dead)
    parcels_followed: int = column("Open parcels that it is asked about, or tells of.", connectors.parcels_followed)
    parcels_failing: int = column("Those of them whose last look failed.", connectors.parcels_failing)
    parcels_given_up: int = column(
        "Parcels that have not arrived and are too old to be asked about.", connectors.parcels_given_up
    )
    stock_waiting: int = column("Items at places of which it is to be told what is for sale.", connectors.stock_waiting)
    stock_waiting_since: dt.datetime | None = column(
        "Since when the oldest of them waits; null when none does.", connectors.stock_waiting_since
    )
    stock_given_up: int = column("Those that it refused, or that were tried too often.", connectors.stock_given_up)


@rows(tables.connectors)
@strawberry.type(description="An outside system: one table of the connectors' file.")
class Connector:
    name: str = column("Its name in the connectors' file, the `source` of what it tells.", tables.connectors.c.instance)
    connector: str = column("The folder of its connector, such as `shopify`.")
    kind: Kind = column("What it is to a shop.")
    capabilities: list[Capability] = column("What it can do.")
    seen_at: dt.datetime = column("When a process last said that it runs it.")
    health: ConnectorHealth = embedded("How it goes with it.")
    pulls: list[ConnectorPull] = many(
        "How far each pull is.",
        joined("instance", "instance"),
        order_by=lambda child, _: [child.c.capability, child.c.mode],
        size=4,
    )
