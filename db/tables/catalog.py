"""Where is sold, where is shipped from, what is sold, and who carries it."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from db.tables.base import count, key, metadata, not_negative, reference, stamped, text, words
from domain.reasons import BackorderPolicy, ChannelKind, LocationKind

channels = sa.Table(
    "channels",
    metadata,
    key(),
    text("code"),
    text("name"),
    text("kind"),
    text("time_zone", default="UTC"),
    text("currency"),
    # Units held back from every availability answer of this channel.
    count("buffer"),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.text("true")),
    sa.UniqueConstraint("code"),
    words("kind", ChannelKind),
    not_negative("buffer"),
)

locations = sa.Table(
    "locations",
    metadata,
    key(),
    text("code"),
    text("name"),
    text("kind"),
    text("time_zone", default="UTC"),
    text("country"),
    text("region", nullable=True),
    text("postal_code", nullable=True),
    text("city", nullable=True),
    # Whose public holidays close the node: ISO 3166 country and subdivision, as the `holidays` package names them.
    text("holiday_country", nullable=True),
    text("holiday_subdivision", nullable=True),
    count("handling_days"),
    count("fulfillment_delay_seconds"),
    # Open days a supplier needs between our request and its acknowledged start of work.
    count("lead_days"),
    count("priority", default=100),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.text("true")),
    sa.UniqueConstraint("code"),
    words("kind", LocationKind),
    sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_iso"),
    not_negative("handling_days", "fulfillment_delay_seconds", "lead_days"),
)

# A row means the node works on that weekday; orders after `cutoff` (node time) start on its next open day.
location_cutoffs = sa.Table(
    "location_cutoffs",
    metadata,
    sa.Column("location_id", sa.Uuid, sa.ForeignKey("locations.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("weekday", sa.SmallInteger, primary_key=True),
    sa.Column("cutoff", sa.Time, nullable=False),
    sa.CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday_iso"),
)

location_closures = sa.Table(
    "location_closures",
    metadata,
    sa.Column("location_id", sa.Uuid, sa.ForeignKey("locations.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    text("reason", default=""),
)

location_channels = sa.Table(
    "location_channels",
    metadata,
    sa.Column("location_id", sa.Uuid, sa.ForeignKey("locations.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("channel_id", sa.Uuid, sa.ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True),
)

# No row for a location means it ships everywhere; otherwise only to the countries listed.
location_destinations = sa.Table(
    "location_destinations",
    metadata,
    sa.Column("location_id", sa.Uuid, sa.ForeignKey("locations.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("country", sa.Text, primary_key=True),
)

items = sa.Table(
    "items",
    metadata,
    key(),
    text("sku"),
    text("title", default=""),
    text("backorder_policy", default=BackorderPolicy.DENY.value),
    sa.Column("backorder_limit", sa.Integer),
    count("backorder_horizon_days", default=60),
    # Set while the item is on preorder: the day it may first ship.
    sa.Column("preorder_ships_on", sa.Date),
    sa.Column("requires_shipping", sa.Boolean, nullable=False, server_default=sa.text("true")),
    sa.Column("weight_grams", sa.Integer),
    sa.Column("length_mm", sa.Integer),
    sa.Column("width_mm", sa.Integer),
    sa.Column("height_mm", sa.Integer),
    text("origin_country", nullable=True),
    text("hs_code", nullable=True),
    sa.Column("hazardous", sa.Boolean, nullable=False, server_default=sa.text("false")),
    stamped("updated_at"),
    sa.UniqueConstraint("sku"),
    words("backorder_policy", BackorderPolicy),
    sa.CheckConstraint("backorder_limit >= 0 AND backorder_horizon_days >= 0", name="not_negative"),
    sa.CheckConstraint(
        "weight_grams >= 0 AND length_mm >= 0 AND width_mm >= 0 AND height_mm >= 0",
        name="measures_not_negative",
    ),
)

carriers = sa.Table(
    "carriers",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    text("name"),
    # ISO weekdays (1 = Monday) on which the carrier moves and delivers.
    sa.Column(
        "open_weekdays",
        postgresql.ARRAY(sa.SmallInteger),
        nullable=False,
        server_default=sa.text("'{1,2,3,4,5}'"),
    ),
    count("stale_after_days", default=5),
    text("tracking_url", nullable=True),
)

transit_times = sa.Table(
    "transit_times",
    metadata,
    key(),
    reference("location_id", "locations.id", ondelete="CASCADE"),
    sa.Column("carrier", sa.Text, sa.ForeignKey("carriers.code"), nullable=False),
    text("service", default="STANDARD"),
    text("country"),
    # Longest match wins; an empty prefix is the whole country.
    text("postal_prefix", default=""),
    sa.Column("min_days", sa.SmallInteger, nullable=False),
    sa.Column("max_days", sa.SmallInteger, nullable=False),
    # Days added to the latest day: a percentile of the gap measured between promise and delivery.
    count("buffer_days"),
    sa.UniqueConstraint("location_id", "country", "postal_prefix", "carrier", "service"),
    sa.CheckConstraint("min_days >= 0 AND min_days <= max_days", name="days_ordered"),
    not_negative("buffer_days"),
)
