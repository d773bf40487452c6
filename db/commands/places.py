"""SQL of what must be there before anything can be told: channels to sell on, locations to ship from."""

from collections.abc import Sequence

from db.pool import Connection, Pool

CHANNEL = """
INSERT INTO channels (code, name, kind, time_zone, currency) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (code) DO NOTHING RETURNING true
"""

LOCATION = """
INSERT INTO locations (code, name, kind, time_zone, country, postal_code) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (code) DO NOTHING RETURNING true
"""

SELLS = """
INSERT INTO location_channels (location_id, channel_id)
SELECT l.id, c.id FROM locations l, channels c WHERE l.code = $1 AND c.code = ANY($2)
"""

MISSING = """
SELECT ARRAY(SELECT unnest($1::text[]) EXCEPT SELECT code FROM channels ORDER BY 1) AS channels,
       ARRAY(SELECT unnest($2::text[]) EXCEPT SELECT code FROM locations ORDER BY 1) AS locations
"""


async def missing(
    pool: Pool | Connection, channels: Sequence[str], locations: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Those of the codes that there are none of."""
    row = await pool.fetchrow(MISSING, channels, locations)
    assert row is not None, "without FROM there is one row"
    return row["channels"], row["locations"]


async def add_channel(connection: Connection, code: str, name: str, kind: str, time_zone: str, currency: str) -> bool:
    """False when there is one of this code, which stays as it is."""
    return bool(await connection.fetchval(CHANNEL, code, name, kind, time_zone, currency))


async def add_location(
    connection: Connection,
    code: str,
    name: str,
    kind: str,
    time_zone: str,
    country: str,
    postal_code: str | None,
    channels: Sequence[str],
) -> bool:
    """The same. `country` is ISO 3166, two capital letters; what lies there is sold on `channels`."""
    async with connection.transaction():
        new = await connection.fetchval(LOCATION, code, name, kind, time_zone, country, postal_code)
        if new:
            await connection.execute(SELLS, code, channels)
    return bool(new)
