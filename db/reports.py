"""Figures over many orders, for people and not for the API: each one statement."""

import dataclasses
import datetime

from db.pool import Connection

# Delivered orders with a delivery date and a promise, against the day that was promised when they were sold, in the
# time zone it was promised in. An order is there when its last parcel is; without parcels nobody knows when.
_DELIVERED = """
WITH promised AS (
    SELECT DISTINCT ON (order_id) order_id, latest, time_zone FROM promises WHERE kind = 'ORIGINAL'
    ORDER BY order_id, line_id NULLS FIRST, latest DESC
), arrived AS (
    SELECT order_id, max(delivered_at) AS at FROM shipments
    WHERE status NOT IN ('CANCELLED', 'LOST') GROUP BY order_id HAVING bool_and(delivered_at IS NOT NULL)
), delivered AS (
    SELECT o.id, p.latest, (a.at AT TIME ZONE p.time_zone)::date AS day,
           (a.at AT TIME ZONE p.time_zone)::date - p.latest AS days_late
    FROM orders o JOIN channels c ON c.id = o.channel_id JOIN promised p ON p.order_id = o.id
    JOIN arrived a ON a.order_id = o.id
    WHERE o.status IN ('DELIVERED', 'COMPLETED') AND ($1::text IS NULL OR c.code = $1)
), counted AS (
    SELECT * FROM delivered WHERE ($2::date IS NULL OR day >= $2) AND ($3::date IS NULL OR day <= $3)
)
"""
_TOTALS = """
SELECT count(*) AS delivered, count(*) FILTER (WHERE days_late > 0) AS late,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY days_late) FILTER (WHERE days_late > 0) AS median_late,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY days_late) FILTER (WHERE days_late > 0) AS p90_late,
       max(days_late) FILTER (WHERE days_late > 0) AS most_late,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY days_late) AS median_gap,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY days_late) AS p90_gap
FROM counted
"""
# An order of two locations counts for both: which of the two was late its dates do not always say.
_BY_LOCATION = """
SELECT l.code, count(*) AS delivered, count(*) FILTER (WHERE days_late > 0) AS late
FROM (SELECT DISTINCT c.days_late, c.id, f.location_id FROM counted c JOIN fulfillments f ON f.order_id = c.id) w
JOIN locations l ON l.id = w.location_id
GROUP BY l.code HAVING count(*) FILTER (WHERE days_late > 0) > 0 ORDER BY late DESC, delivered, l.code LIMIT $4
"""
_BY_CARRIER = """
SELECT w.carrier AS code, count(*) AS delivered, count(*) FILTER (WHERE days_late > 0) AS late
FROM (SELECT DISTINCT c.days_late, c.id, s.carrier FROM counted c JOIN shipments s ON s.order_id = c.id) w
WHERE w.carrier IS NOT NULL GROUP BY w.carrier ORDER BY late DESC, delivered, w.carrier LIMIT $4
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Delivered and late orders of one location or carrier."""

    code: str
    delivered: int
    late: int


@dataclasses.dataclass(frozen=True, slots=True)
class PromisesKept:
    """Days are whole local days after the promised one: `*_late` of the late orders, `*_gap` of all (negative: early);
    None without such orders."""

    delivered: int
    late: int
    median_late: int | None
    p90_late: int | None
    most_late: int | None
    median_gap: int | None
    p90_gap: int | None
    by_location: tuple[Group, ...]
    by_carrier: tuple[Group, ...]

    @property
    def percent(self) -> float:
        return 100 * self.late / self.delivered if self.delivered else 0.0


async def promises_kept(
    connection: Connection,
    *,
    channel: str | None = None,
    first: datetime.date | None = None,
    last: datetime.date | None = None,
    worst: int = 5,
) -> PromisesKept:
    """How many delivered orders came after the promised day; `first` to `last`, both included, are days of delivery.

    `worst` is how many locations and carriers are listed, those with the most late orders first.
    """
    told = (channel, first, last)
    totals = await connection.fetchrow(_DELIVERED + _TOTALS, *told)
    assert totals is not None, "an aggregate has one row"
    locations = await connection.fetch(_DELIVERED + _BY_LOCATION, *told, worst)
    carriers = await connection.fetch(_DELIVERED + _BY_CARRIER, *told, worst)
    return PromisesKept(
        **dict(totals),
        by_location=tuple(Group(*row) for row in locations),
        by_carrier=tuple(Group(*row) for row in carriers),
    )
