"""How it goes with each outside system, in lines for a terminal."""

import datetime as dt

import db.connector_commands
import db.connector_health
import db.deliveries
import db.followed
import db.pulls
import db.stock_offers
import db.unread
from db.pool import Pool, Record
from gateway.cli import connector_push
from gateway.connector_work import ConnectorWork


async def lines(work: ConnectorWork, pool: Pool) -> list[str]:
    found = [] if work.connectors.all else ["No outside systems: ORDERGRAPH_CONNECTORS_FILE names no instance."]
    stood = await _states(pool)
    for name, one in work.connectors.all.items():
        can = ", ".join(sorted(capability.value for capability in one.manifest.capabilities))
        found.append(f"{name} ({one.manifest.name}): {can}")
        found += [f"  missing: {what}" for what in await work.missing(name)]
        found += [f"  {line}" for instance, line in stood if instance == name]
    return found


async def _states(pool: Pool) -> list[tuple[str, str]]:
    """Lines of all instances, each with whose it is."""
    return [
        *((row["instance"], f"health: {_health(row)}") for row in await db.connector_health.everything(pool)),
        *((row[0], f"{row[1]} {row['mode'].lower()}: {_state(row)}") for row in await db.pulls.everything(pool)),
        *((row["instance"], f"{row['capability']} unread: {_unread(row)}") for row in await db.unread.waiting(pool)),
        *((row["instance"], f"parcels: {_parcels(row)}") for row in await db.followed.waiting(pool)),
        *((row["instance"], f"deliveries: {unfinished(row)}") for row in await db.deliveries.waiting(pool)),
        *((row["instance"], f"commands: {unfinished(row)}") for row in await db.connector_commands.waiting(pool)),
        *((row["instance"], f"stock push: {connector_push.state(row)}") for row in await db.stock_offers.waiting(pool)),
    ]


def unfinished(row: Record) -> str:
    why = f": {row['error']}" if row["error"] else ""
    return f"{row['waiting']} wait, {row['dead']} given up{why}"


def _parcels(row: Record) -> str:
    told = f", of {row['watched']:,} it tells" if row["watched"] else ""
    failing = f", {row['failing']:,} failing: {row['error']}" if row["failing"] else ""
    return f"{row['followed']:,} followed{told}{failing}, {row['given_up']:,} given up"


def _unread(row: Record) -> str:
    return f"{row['number']:,} since {_at(row['found_at'])}, the last {row['reference']}: {row['error']}"


def _health(row: Record) -> str:
    parts = ["no process runs it" if row["breaker"] is None else f"breaker {row['breaker'].lower()}"]
    if row["error_rate"] is not None:
        parts.append(f"{row['error_rate']:.0%} of the last attempts failed")
    if row["last_success_at"] is not None:
        parts.append(f"last answer {_at(row['last_success_at'])}")
    if row["last_failure_at"] is not None:
        parts.append(f"last failure {_at(row['last_failure_at'])}: {row['last_error']}")
    return ", ".join(parts)


def _state(row: Record) -> str:
    parts = []
    if row["began_at"] is not None:
        all_ = "" if row["total"] is None else f" ({row['listed']:,} of {max(row['total'], row['listed']):,})"
        parts.append(f"under way, {row['records']:,} records so far{all_}")
    if row["watermark"] is not None:
        parts.append(f"up to {_at(row['watermark'])}")
    if row["finished_at"] is not None:
        parts.append(f"last done {_at(row['finished_at'])}")
    if row["missed"]:
        parts.append(f"{row['missed']} lost by webhooks")
    if row["error"] is not None:
        parts.append(f"failed {_at(row['failed_at'])}: {row['error']}")
    return ", ".join(parts) or "not begun"


def _at(instant: dt.datetime) -> str:
    return f"{instant.astimezone(dt.UTC):%Y-%m-%d %H:%M:%SZ}"
