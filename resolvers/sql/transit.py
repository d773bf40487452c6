"""Which way a parcel takes from a location to a destination, and how long that is."""

from typing import Any

import sqlalchemy as sa

from db.tables import carriers, transit_times
from domain.errors import BadInput
from resolvers.json_sql import build_object
from resolvers.scope import Scope
from resolvers.sources import Row, Sql


def country_code(value: Any) -> str:
    code = str(value).strip().upper()
    if len(code) != 2 or not code.isalpha():
        raise BadInput(f"`{value}` is no ISO 3166 country. Give two letters, such as DE.")
    return code


def way(place: Row, scope: Scope) -> Sql:
    """The way whose postal prefix fits best, then the quickest; null without a destination or a way.

    Unless a service is asked for, STANDARD comes before quicker ones: who pays for express says so.
    """
    destination = scope.argument("destination")
    if not destination.present:
        return sa.null()
    row, carrier = transit_times.alias(), carriers.alias()
    postal = destination["postalCode"]
    prefix: sa.ColumnElement[bool] = row.c.postal_prefix == sa.literal_column("''")
    if postal.present:
        prefix = sa.func.starts_with(scope.bind(postal, sa.Text, squeeze), row.c.postal_prefix)
    names = ("min_days", "max_days", "buffer_days", "service")
    wanted = scope.argument("service")
    asked = [row.c.service == scope.bind(wanted, sa.Text, str)] if wanted.present else []
    standard = row.c.service == sa.literal_column("'STANDARD'")
    made = build_object(
        {name: row.c[name] for name in names}
        | {"carrier": carrier.c.code, "weekdays": sa.func.to_json(carrier.c.open_weekdays)}
    )
    return (
        sa.select(made)
        .select_from(row.join(carrier, carrier.c.code == row.c.carrier))
        .where(
            row.c.location_id == place.c.id,
            row.c.country == scope.bind(destination["country"], sa.Text, country_code),
            prefix,
            *asked,
        )
        .order_by(
            sa.func.length(row.c.postal_prefix).desc(), standard.desc(), row.c.max_days, row.c.min_days, carrier.c.code
        )
        .limit(1)
        .correlate(place)
        .scalar_subquery()
    )


def squeeze(value: Any) -> str:
    """Postal codes are compared without spaces and in capitals."""
    return str(value).replace(" ", "").upper()
