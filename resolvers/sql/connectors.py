"""Outside systems and how it goes with them, put together from what every process has told."""

from collections.abc import Callable

import sqlalchemy as sa

from connectors.breaker import State
from db.connector_health import LIVING_SECONDS
from db.tables import (
    connector_deliveries,
    connector_health,
    connector_parcels,
    connector_unread,
    connector_watermarks,
    stock_targets,
)
from resolvers.scope import Scope
from resolvers.sources import Row, Sql

# The worst first: where one process leaves a system alone, some callers get stored values.
WORST = (State.OPEN, State.HALF_OPEN, State.CLOSED)


def _living(row: Row) -> tuple[Row, sa.ColumnElement[bool]]:
    told = connector_health.alias()
    since = sa.func.now() - sa.literal_column(f"interval '{LIVING_SECONDS} seconds'")
    return told, sa.and_(told.c.instance == row.c.instance, told.c.told_at > since)


def breaker(row: Row, _scope: Scope) -> Sql:
    """Null where no process runs it."""
    told, living = _living(row)
    place = sa.case(*((told.c.breaker == sa.literal_column(f"'{state}'"), n) for n, state in enumerate(WORST)))
    query = sa.select(told.c.breaker).where(living).order_by(place).limit(sa.literal_column("1"))
    return query.correlate(row).scalar_subquery()


def error_rate(row: Row, _scope: Scope) -> Sql:
    told, living = _living(row)
    failures, attempts = sa.func.sum(told.c.failures), sa.func.sum(told.c.attempts)
    rate = sa.cast(failures, sa.Double) / sa.func.nullif(attempts, sa.literal_column("0"))
    return sa.select(rate).where(living).correlate(row).scalar_subquery()


def processes(row: Row, _scope: Scope) -> Sql:
    told, living = _living(row)
    return (
        sa.select(sa.cast(sa.func.count(), sa.Integer)).select_from(told).where(living).correlate(row).scalar_subquery()
    )


def pulled(pull: Row, _scope: Scope) -> Sql:
    """In the words of the schema; the store has those of the command line."""
    return sa.func.upper(pull.c.capability)


def lag(row: Row, _scope: Scope) -> Sql:
    pull = connector_watermarks.alias()
    seconds = sa.func.extract("epoch", sa.func.now() - sa.func.min(pull.c.finished_at))
    query = sa.select(sa.cast(seconds, sa.Double)).where(
        pull.c.instance == row.c.instance, pull.c.mode == sa.literal_column("'SYNC'")
    )
    return query.correlate(row).scalar_subquery()


def missed(row: Row, _scope: Scope) -> Sql:
    pull = connector_watermarks.alias()
    total = sa.cast(sa.func.coalesce(sa.func.sum(pull.c.missed), sa.literal_column("0")), sa.Integer)
    return sa.select(total).where(pull.c.instance == row.c.instance).correlate(row).scalar_subquery()


def unread(row: Row, _scope: Scope) -> Sql:
    noted = connector_unread.alias()
    query = sa.select(sa.cast(sa.func.count(), sa.Integer)).select_from(noted)
    return query.where(noted.c.instance == row.c.instance).correlate(row).scalar_subquery()


def deliveries_waiting(row: Row, _scope: Scope) -> Sql:
    return _deliveries(row, "NEW")


def deliveries_dead(row: Row, _scope: Scope) -> Sql:
    return _deliveries(row, "DEAD")


def _deliveries(row: Row, state: str) -> Sql:
    sent = connector_deliveries.alias()
    query = sa.select(sa.cast(sa.func.count(), sa.Integer)).select_from(sent)
    query = query.where(sent.c.instance == row.c.instance, sent.c.state == sa.literal_column(f"'{state}'"))
    return query.correlate(row).scalar_subquery()


def parcels_followed(row: Row, _scope: Scope) -> Sql:
    return _parcels(row, lambda parcel: parcel.c.given_up_at.is_(None))


def parcels_failing(row: Row, _scope: Scope) -> Sql:
    return _parcels(row, lambda parcel: sa.and_(parcel.c.given_up_at.is_(None), parcel.c.error.is_not(None)))


def parcels_given_up(row: Row, _scope: Scope) -> Sql:
    return _parcels(row, lambda parcel: parcel.c.given_up_at.is_not(None))


def _parcels(row: Row, which: Callable[[Row], sa.ColumnElement[bool]]) -> Sql:
    parcel = connector_parcels.alias()
    query = sa.select(sa.cast(sa.func.count(), sa.Integer)).select_from(parcel)
    return query.where(parcel.c.instance == row.c.instance, which(parcel)).correlate(row).scalar_subquery()


def stock_waiting(row: Row, _scope: Scope) -> Sql:
    return _targets(row, sa.cast(sa.func.count(), sa.Integer), "WAITING")


def stock_waiting_since(row: Row, _scope: Scope) -> Sql:
    return _targets(row, sa.func.min(sa.literal_column("waiting_since", sa.DateTime(timezone=True))), "WAITING")


def stock_given_up(row: Row, _scope: Scope) -> Sql:
    return _targets(row, sa.cast(sa.func.count(), sa.Integer), "REFUSED", "DEAD")


def _targets(row: Row, value: Sql, *states: str) -> Sql:
    target = stock_targets.alias()
    listed: list[Sql] = [sa.literal_column(f"'{state}'") for state in states]
    query = sa.select(value).select_from(target).where(target.c.instance == row.c.instance, target.c.state.in_(listed))
    return query.correlate(row).scalar_subquery()


def everything(_row: Row, _parent: Row | None, _scope: Scope) -> list[sa.ColumnElement[bool]]:
    return []
