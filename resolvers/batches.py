"""Sub-selects over a list of keys: one row per key, in order, whatever their count."""

import uuid
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON, aggregate_order_by

from domain.errors import BadInput
from resolvers.json_sql import EMPTY_LIST
from resolvers.sources import Row, Sql

MAX_BATCH = 250


def as_uuid(value: object) -> uuid.UUID | None:
    """An id that is no uuid names nothing, like an id that nobody has."""
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None


def as_uuids(values: Sequence[object]) -> list[uuid.UUID | None]:
    return [as_uuid(value) for value in bounded(values)]


def bounded(values: Sequence[object]) -> Sequence[object]:
    if len(values) > MAX_BATCH:
        raise BadInput(f"{len(values)} keys at once; ask for at most {MAX_BATCH}.")
    return values


def keys_table(arrays: Mapping[str, Sql]) -> Row:
    """`unnest(a, b) WITH ORDINALITY`: the arrays side by side, numbered from 1 in column `n`."""
    columns = [sa.column(name, sa.Uuid if name == "id" else sa.Text) for name in arrays]
    unnest = sa.func.unnest(*arrays.values()).table_valued(*columns, with_ordinality="n")
    return unnest.render_derived()


def in_order(keys: Row, each: Sql) -> Sql:
    """`each` of every key as one JSON list in the order of the keys."""
    gathered = sa.func.coalesce(sa.func.json_agg(aggregate_order_by(each, keys.c.n)), EMPTY_LIST, type_=JSON)
    return sa.select(gathered).select_from(keys).scalar_subquery()
