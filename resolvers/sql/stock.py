"""Inputs of availability and promise: stock, supply and ways of the locations that may serve a caller.

A location is eligible when it is active, sells to the channel and ships to the destination; without a channel or
destination that condition is left out.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSON, aggregate_order_by, array

from db.tables import (
    channels,
    incoming_supply,
    items,
    location_channels,
    location_closures,
    location_cutoffs,
    location_destinations,
    locations,
    order_lines,
    reservations,
    stock_counts,
    stock_levels,
)
from resolvers.batches import bounded, in_order, keys_table
from resolvers.json_sql import EMPTY_LIST, build_object
from resolvers.scope import Scope
from resolvers.sources import Row, Sql
from resolvers.sql import transit
from resolvers.sql.lookups import channel_id

EMPTY_OBJECT: sa.ColumnClause[Any] = sa.literal_column("'{}'::json")


def reserved(level: Row) -> Sql:
    """Units of unexpired reservations on a stock level."""
    held = reservations.alias()
    mine = sa.and_(
        held.c.item_id == level.c.item_id,
        held.c.location_id == level.c.location_id,
        held.c.state == sa.literal_column("'HELD'"),
        held.c.expires_at > sa.func.statement_timestamp(),
    )
    total = sa.select(sa.func.coalesce(sa.func.sum(held.c.quantity), sa.literal_column("0")))
    return sa.cast(total.where(mine).correlate(level).scalar_subquery(), sa.Integer)


def available(level: Row, _scope: Scope) -> Sql:
    """domain.stock.NodeStock.available"""
    unavailable = level.c.damaged + level.c.quality_control + level.c.set_aside
    return level.c.on_hand - level.c.allocated - reserved(level) - unavailable - level.c.safety_stock


def counts_of(told: Row, level: Row | None, _scope: Scope) -> list[sa.ColumnElement[bool]]:
    assert level is not None, "counts belong to a stock level"
    return [told.c.item_id == level.c.item_id, told.c.location_id == level.c.location_id]


def count_conflicts(told: Row, _scope: Scope) -> Sql:
    best = stock_counts.alias()
    differs = sa.and_(
        best.c.item_id == told.c.item_id,
        best.c.location_id == told.c.location_id,
        best.c.wins,
        best.c.on_hand != told.c.on_hand,
    )
    return sa.exists().where(differs).correlate(told)


def reserved_units(level: Row, _scope: Scope) -> Sql:
    return reserved(level)


def unavailable_reasons(_scope: Scope, level: Row | None) -> Row:
    """One row per reason for which units of a stock level are not for sale."""
    assert level is not None, "reasons belong to a stock level"
    names: Sql = sa.literal_column("ARRAY['DAMAGED', 'QUALITY_CONTROL', 'SET_ASIDE']")
    units = array([level.c.damaged, level.c.quality_control, level.c.set_aside])
    reasons = sa.func.unnest(names, units).table_valued(
        sa.column("reason", sa.Text), sa.column("quantity", sa.Integer), with_ordinality="position"
    )
    return reasons.render_derived()


def eligible(place: Row, scope: Scope) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [place.c.active]
    channel = scope.argument("channel")
    if channel.present:
        sells = sa.exists().where(
            location_channels.c.location_id == place.c.id,
            location_channels.c.channel_id == channel_id(scope.bind(channel, sa.Text)),
        )
        found.append(sells.correlate(place))
    country = scope.argument("destination")["country"]
    if country.present:
        listed = sa.exists().where(location_destinations.c.location_id == place.c.id)
        reaches = listed.where(location_destinations.c.country == scope.bind(country, sa.Text, transit.country_code))
        found.append(sa.or_(~listed.correlate(place), reaches.correlate(place)))
    return found


def channel_facts(scope: Scope) -> Mapping[str, Sql]:
    """The channel's buffer, null when there is no such channel."""
    channel = scope.argument("channel")
    if not channel.present:
        return {"buffer": sa.literal_column("0")}
    buffer = sa.select(channels.c.buffer).where(channels.c.code == scope.bind(channel, sa.Text))
    return {"buffer": buffer.correlate(None).scalar_subquery()}


def level_object(level: Row, place: Row) -> Sql:
    names = ("on_hand", "allocated", "damaged", "quality_control", "set_aside", "safety_stock", "counted_at")
    parts: dict[str, Sql] = {"location_id": place.c.id, "location_code": place.c.code, "item_id": level.c.item_id}
    return build_object(parts | {name: level.c[name] for name in names} | {"reserved": reserved(level)})


def gathered(each: Sql, *order: Any) -> Sql:
    ordered = aggregate_order_by(each, *order) if order else each
    return sa.func.coalesce(sa.func.json_agg(ordered), EMPTY_LIST, type_=JSON)


def item_inputs(item: Row, scope: Scope) -> Mapping[str, Sql]:
    """What domain.stock.availability needs of one item."""
    level, place, supply, supplied = stock_levels.alias(), locations.alias(), incoming_supply.alias(), locations.alias()
    levels = (
        sa.select(gathered(level_object(level, place), place.c.priority, place.c.code))
        .select_from(level.join(place, place.c.id == level.c.location_id))
        .where(level.c.item_id == item.c.id, *eligible(place, scope))
        .correlate(item)
    )
    coming = (
        sa.select(gathered(supply_object(supply), supply.c.expected_at))
        .select_from(supply.join(supplied, supplied.c.id == supply.c.location_id))
        .where(supply.c.item_id == item.c.id, *still_coming(supply), *eligible(supplied, scope))
        .correlate(item)
    )
    return {
        **item_facts(item),
        "nodes": levels.scalar_subquery(),
        "incoming": coming.scalar_subquery(),
        **channel_facts(scope),
    }


def item_facts(item: Row) -> Mapping[str, Sql]:
    line = order_lines.alias()
    waiting = sa.select(sa.func.coalesce(sa.func.sum(line.c.backordered), sa.literal_column("0")))
    return {
        "id": item.c.id,
        "sku": item.c.sku,
        "policy": item.c.backorder_policy,
        "limit": item.c.backorder_limit,
        "horizon_days": item.c.backorder_horizon_days,
        "preorder_ships_on": item.c.preorder_ships_on,
        "requires_shipping": item.c.requires_shipping,
        "backordered": waiting.where(line.c.item_id == item.c.id, line.c.backordered > sa.literal_column("0"))
        .correlate(item)
        .scalar_subquery(),
    }


def open_supply(supply: Row, item: Row | None, _scope: Scope) -> list[sa.ColumnElement[bool]]:
    assert item is not None, "supply belongs to an item"
    return [supply.c.item_id == item.c.id, supply.c.closed_at.is_(None)]


def still_coming(supply: Row) -> list[sa.ColumnElement[bool]]:
    return [supply.c.closed_at.is_(None), supply.c.quantity > supply.c.received]


def supply_object(supply: Row) -> Sql:
    return build_object(
        {
            "item_id": supply.c.item_id,
            "expected_at": supply.c.expected_at,
            "quantity": supply.c.quantity - supply.c.received,
        }
    )


def availability_of_item(row: Row | None, scope: Scope) -> Mapping[str, Sql]:
    assert row is not None, "an item's availability needs the item"
    return item_inputs(row, scope)


def availability_of_skus(_row: Row | None, scope: Scope) -> Mapping[str, Sql]:
    keys = keys_table({"sku": scope.bind(scope.argument("skus"), ARRAY(sa.Text), skus)})
    item = items.alias()
    found = sa.select(build_object(item_inputs(item, scope))).where(item.c.sku == keys.c.sku).correlate(keys)
    return {"items": in_order(keys, found.scalar_subquery()), **channel_facts(scope)}


def skus(values: Any) -> list[str]:
    return [str(value).strip() for value in bounded(values)]


def line_skus(lines: Any) -> list[str]:
    bounded(lines)
    return [str(line["sku"]).strip() for line in lines]


def promise_inputs(_row: Row | None, scope: Scope) -> Mapping[str, Sql]:
    """What domain.sourcing.source needs: the items wanted and every eligible location that could serve them."""
    wanted = scope.bind(scope.argument("lines"), ARRAY(sa.Text), line_skus)
    keys = keys_table({"sku": wanted})
    item, place = items.alias(), locations.alias()
    facts = sa.select(build_object(item_facts(item))).where(item.c.sku == keys.c.sku).correlate(keys)
    offers = sa.select(gathered(build_object(offer(place, wanted, scope)), place.c.priority, place.c.code))
    return {
        "items": in_order(keys, facts.scalar_subquery()),
        "offers": offers.select_from(place).where(*eligible(place, scope)).correlate(None).scalar_subquery(),
        **channel_facts(scope),
    }


def offer(place: Row, wanted: Sql, scope: Scope) -> Mapping[str, Sql]:
    level, supply, item = stock_levels.alias(), incoming_supply.alias(), items.alias()
    of_wanted = sa.select(item.c.id).where(item.c.sku == sa.any_(wanted)).correlate(None)
    levels = sa.select(gathered(level_object(level, place))).select_from(level)
    coming = sa.select(gathered(supply_object(supply), supply.c.expected_at)).select_from(supply)
    names = ("id", "code", "kind", "time_zone", "holiday_country", "holiday_subdivision", "handling_days", "lead_days")
    more = ("fulfillment_delay_seconds", "priority", "country")
    return {
        **{name: place.c[name] for name in (*names, *more)},
        "cutoffs": cutoffs(place),
        "closures": closures(place),
        "transit": transit.way(place, scope),
        "levels": levels.where(level.c.location_id == place.c.id, level.c.item_id.in_(of_wanted))
        .correlate(place)
        .scalar_subquery(),
        "incoming": coming.where(
            supply.c.location_id == place.c.id, supply.c.item_id.in_(of_wanted), *still_coming(supply)
        )
        .correlate(place)
        .scalar_subquery(),
    }


def cutoffs(place: Row) -> Sql:
    row = location_cutoffs.alias()
    made = sa.func.coalesce(sa.func.json_object_agg(row.c.weekday, row.c.cutoff), EMPTY_OBJECT, type_=JSON)
    return sa.select(made).where(row.c.location_id == place.c.id).correlate(place).scalar_subquery()


def closures(place: Row) -> Sql:
    row = location_closures.alias()
    recent = row.c.day >= sa.func.current_date() - sa.literal_column("7")
    return (
        sa.select(gathered(row.c.day)).where(row.c.location_id == place.c.id, recent).correlate(place).scalar_subquery()
    )
